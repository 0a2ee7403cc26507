output "name" {
  description = "The cluster's name, in tags and resources."
  value       = module.environment.name
}

output "region" {
  description = "AWS region."
  value       = module.environment.region
}

output "master_instance_ids" {
  description = "For `aws ssm start-session --target`."
  value       = module.environment.master_instance_ids
}

output "endpoint" {
  description = "Name of the API server inside the VPC."
  value       = module.environment.endpoint
}

output "cluster_bucket" {
  description = "Bucket with snapshots, pki and first manifests."
  value       = module.environment.cluster_bucket
}

output "join_parameter" {
  description = "SSM parameter that workers join by; the master writes it, so `scripts/infra down` deletes it."
  value       = module.environment.join_parameter
}

output "service_role_arns" {
  description = "AWS_ROLE_ARN for each controller's manifest."
  value       = module.environment.service_role_arns
}

output "issuer_url" {
  description = "Issuer of service account tokens."
  value       = module.environment.issuer_url
}

output "worst_case_workers" {
  description = "How many workers are paid for if every pool grows to its end."
  value       = module.environment.worst_case_workers
}
