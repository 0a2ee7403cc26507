output "name" {
  description = "The cluster's name, in tags and resources."
  value       = local.name
}

output "region" {
  description = "AWS region."
  value       = local.shared.region
}

output "master_instance_ids" {
  description = "For `aws ssm start-session --target`."
  value       = module.control_plane.master_instance_ids
}

output "endpoint" {
  description = "Name of the API server inside the VPC."
  value       = module.control_plane.endpoint
}

output "cluster_bucket" {
  description = "Bucket with snapshots, pki and first manifests."
  value       = module.backup.bucket
}

output "join_parameter" {
  description = "SSM parameter that workers join by; the master writes it, so `scripts/infra down` deletes it."
  value       = module.iam.join_parameter
}

output "service_role_arns" {
  description = "AWS_ROLE_ARN for each controller's manifest."
  value       = module.iam.service_role_arns
}

output "issuer_url" {
  description = "Issuer of service account tokens."
  value       = module.iam.issuer_url
}

output "worst_case_workers" {
  description = "How many workers are paid for if every pool grows to its end."
  value       = module.workers.worst_case_workers
}
