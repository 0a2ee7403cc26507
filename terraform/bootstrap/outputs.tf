output "state_bucket" {
  description = "Bucket for each environment's backend."
  value       = aws_s3_bucket.state.bucket
}

output "github_role_arns" {
  description = "Roles for the workflows: plan (reads) and apply-<env> (on main, behind the GitHub Environment of that name)."
  value       = { for name, role in aws_iam_role.github : name => role.arn }
}
