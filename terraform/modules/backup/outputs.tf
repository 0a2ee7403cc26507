output "bucket" {
  description = "Name of the cluster's bucket (etcd/, pki/, gitops/)."
  value       = aws_s3_bucket.this.bucket

  # Nothing may be written before it is encrypted, private and versioned.
  depends_on = [
    aws_s3_bucket_versioning.this, aws_s3_bucket_server_side_encryption_configuration.this,
    aws_s3_bucket_public_access_block.this, aws_s3_bucket_policy.this,
  ]
}

output "bucket_arn" {
  description = "ARN of the cluster's bucket."
  value       = aws_s3_bucket.this.arn
}

output "metric_namespace" {
  description = "CloudWatch namespace in which the master counts snapshots."
  value       = local.metric_namespace
}

output "metric_name" {
  description = "Metric that the master raises by one for each snapshot stored."
  value       = local.metric_name
}

output "alarm_topic_arn" {
  description = "Topic that alarms go to."
  value       = aws_sns_topic.alarms.arn
}

output "snapshot_interval_hours" {
  description = "Hours between two snapshots, handed on to the master's timer."
  value       = var.snapshot_interval_hours
}
