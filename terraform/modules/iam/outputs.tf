output "master_instance_profile" {
  description = "Instance profile of the masters."
  value       = aws_iam_instance_profile.master.name
}

output "worker_instance_profiles" {
  description = "Instance profile of each group's workers, by pool/zone."
  value       = { for key, profile in aws_iam_instance_profile.worker : key => profile.name }
}

output "join_parameter" {
  description = "Name of the SSM parameter that workers join by."
  value       = local.join_parameter_name
}

output "node_log_group" {
  description = "Name of the log group that nodes write to."
  value       = local.node_log_group
}

output "issuer_url" {
  description = "Issuer of service account tokens, as the API server must name it."
  value       = "https://${local.issuer_host}"
}

output "issuer_bucket" {
  description = "Bucket that the master publishes the issuer's two documents to."
  value       = aws_s3_bucket.issuer.bucket

  depends_on = [aws_s3_bucket_policy.issuer]
}

output "service_role_arns" {
  description = "Role of each controller, by name."
  value       = { for role, it in aws_iam_role.service : role => it.arn }
}

output "policies" {
  description = "Every policy as Terraform knows it, for tests and for people who review rights."
  value = {
    master        = local.master_policy
    workers       = local.worker_policies
    service       = local.service_policies
    service_trust = local.service_trust
    issuer_bucket = local.issuer_bucket_policy
  }
}
