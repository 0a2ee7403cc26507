mock_provider "aws" {
  mock_resource "aws_s3_bucket" {
    defaults = { arn = "arn:aws:s3:::mock" }
  }
  mock_resource "aws_sns_topic" {
    defaults = { arn = "arn:aws:sns:eu-central-1:111122223333:mock" }
  }
}

variables {
  name        = "openclaw-test"
  account     = "111122223333"
  kms_key_arn = "arn:aws:kms:eu-central-1:111122223333:key/mock"
  alarm_email = "ops@example.com"
}

run "snapshots_are_private_encrypted_and_versioned" {
  assert {
    condition     = tolist(aws_s3_bucket_server_side_encryption_configuration.this.rule)[0].apply_server_side_encryption_by_default[0].sse_algorithm == "aws:kms"
    error_message = "what a cluster is restored from must be encrypted with our key"
  }
  assert {
    condition     = aws_s3_bucket_versioning.this.versioning_configuration[0].status == "Enabled"
    error_message = "a bad snapshot must not replace a good one"
  }
  assert {
    condition = alltrue([
      aws_s3_bucket_public_access_block.this.block_public_acls, aws_s3_bucket_public_access_block.this.block_public_policy,
      aws_s3_bucket_public_access_block.this.ignore_public_acls, aws_s3_bucket_public_access_block.this.restrict_public_buckets,
    ])
    error_message = "no way may make the bucket public"
  }
  assert {
    condition     = jsondecode(aws_s3_bucket_policy.this.policy).Statement[0].Effect == "Deny" && jsondecode(aws_s3_bucket_policy.this.policy).Statement[0].Condition.Bool["aws:SecureTransport"] == "false"
    error_message = "plain http must be refused"
  }
  assert {
    condition     = aws_s3_bucket.this.force_destroy == false
    error_message = "snapshots survive a destroy unless asked otherwise"
  }
}

run "the_clusters_keys_are_the_masters" {
  assert {
    condition = [for statement in jsondecode(aws_s3_bucket_policy.this.policy).Statement : [statement.Effect, statement.Principal, statement.Action, statement.Condition] if strcontains(join(" ", statement.Resource), "/pki/*")] == [
      ["Deny", "*", ["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"], { StringNotEquals = { "aws:PrincipalArn" = "arn:aws:iam::111122223333:role/openclaw-test-master" } }],
    ]
    error_message = "nobody but the master's role may read or replace the keys, whatever rights it has"
  }
}

run "only_snapshots_expire" {
  assert {
    condition = alltrue(flatten([for rule in aws_s3_bucket_lifecycle_configuration.this.rule : [for key in ["pki/roots.tar", "etcd/latest", "gitops/index"] :
      length(rule.expiration) == 0 || !startswith(key, rule.filter[0].prefix)
    ]]))
    error_message = "pki/ must never expire, or no snapshot can be restored; nor etcd/latest, or a blank disk starts an empty cluster"
  }
  assert {
    condition     = startswith("etcd/2026-11-27T02-00-00Z.db", aws_s3_bucket_lifecycle_configuration.this.rule[0].filter[0].prefix)
    error_message = "snapshots must expire"
  }
  assert {
    condition     = aws_s3_bucket_lifecycle_configuration.this.rule[0].expiration[0].days == 14
    error_message = "snapshots are kept for snapshot_retention_days"
  }
}

run "silence_raises_the_alarm" {
  variables {
    snapshot_interval_hours = 3
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.snapshot_old.treat_missing_data == "breaching"
    error_message = "a master that is gone sends no number; that must alarm"
  }
  assert {
    condition     = aws_cloudwatch_metric_alarm.snapshot_old.evaluation_periods * aws_cloudwatch_metric_alarm.snapshot_old.period == 2 * 3 * 3600
    error_message = "two intervals without a snapshot must alarm"
  }
  assert {
    condition     = aws_cloudwatch_metric_alarm.snapshot_old.alarm_actions == toset([aws_sns_topic.alarms.arn]) && aws_sns_topic_subscription.email.endpoint == "ops@example.com"
    error_message = "somebody must hear the alarm"
  }
}

run "copies_of_the_store_are_missed_and_do_not_stay" {
  assert {
    condition     = aws_cloudwatch_metric_alarm.store_copy_old.treat_missing_data == "breaching" && aws_cloudwatch_metric_alarm.store_copy_old.alarm_actions == toset([aws_sns_topic.alarms.arn])
    error_message = "a master that is gone sends no number; that must alarm, and somebody must hear it"
  }
  assert {
    condition     = [for rule in aws_s3_bucket_lifecycle_configuration.this.rule : [rule.expiration[0].days, rule.noncurrent_version_expiration[0].noncurrent_days] if rule.filter[0].prefix == "redis/"] == [[6, 1]]
    error_message = "what users wrote is gone from every copy after 7 days"
  }
}

run "a_snapshot_a_week_is_refused" {
  command = plan
  variables {
    snapshot_interval_hours = 168
  }
  expect_failures = [var.snapshot_interval_hours]
}

run "keeping_nothing_is_refused" {
  command = plan
  variables {
    snapshot_retention_days = 0
  }
  expect_failures = [var.snapshot_retention_days]
}

run "an_alarm_for_nobody_is_refused" {
  command = plan
  variables {
    alarm_email = ""
  }
  expect_failures = [var.alarm_email]
}
