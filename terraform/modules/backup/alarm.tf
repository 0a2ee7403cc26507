# The master counts one in this metric after each upload that S3 has confirmed. Silence is the alarm: a master that is
# gone, a timer that is off and an upload that is refused all look the same, and all matter.
locals {
  metric_namespace = "OpenClaw/${var.name}"
  metric_name      = "EtcdSnapshotStored"
}

resource "aws_sns_topic" "alarms" {
  name              = "${var.name}-alarms"
  kms_master_key_id = var.kms_key_arn
}

resource "aws_sns_topic_subscription" "email" {
  topic_arn = aws_sns_topic.alarms.arn
  protocol  = "email"
  endpoint  = var.alarm_email
}

resource "aws_cloudwatch_metric_alarm" "snapshot_old" {
  alarm_name        = "${var.name}-etcd-snapshot-old"
  alarm_description = "No etcd snapshot reached S3 for two intervals. See 'Restore etcd' in docs/infrastructure.md."

  namespace           = local.metric_namespace
  metric_name         = local.metric_name
  statistic           = "Sum"
  period              = 3600
  evaluation_periods  = var.snapshot_interval_hours * 2
  datapoints_to_alarm = var.snapshot_interval_hours * 2
  comparison_operator = "LessThanThreshold"
  threshold           = 1
  treat_missing_data  = "breaching"

  alarm_actions = [aws_sns_topic.alarms.arn]
  ok_actions    = [aws_sns_topic.alarms.arn]
}

resource "aws_cloudwatch_metric_alarm" "store_copy_old" {
  alarm_name        = "${var.name}-store-copy-old"
  alarm_description = "No copy of the bot's store reached S3 for an hour; one is due each 15 minutes. See docs/disaster.md."

  namespace           = local.metric_namespace
  metric_name         = "RedisSnapshotStored" # as user-data/files/control-plane/snapshot-redis counts it
  statistic           = "Sum"
  period              = 3600
  evaluation_periods  = 1
  comparison_operator = "LessThanThreshold"
  threshold           = 1
  treat_missing_data  = "breaching"

  alarm_actions = [aws_sns_topic.alarms.arn]
  ok_actions    = [aws_sns_topic.alarms.arn]
}
