output "state_bucket" {
  description = "Bucket for each environment's backend."
  value       = aws_s3_bucket.state.bucket
}

output "github_role_arns" {
  description = "Roles for the workflows: plan (reads) and apply (behind a GitHub Environment)."
  value       = { for name, role in aws_iam_role.github : name => role.arn }
}
