mock_provider "aws" {
  # State's bucket refuses to be destroyed, also by a test that would have applied it: the documents are compared in plans with the ids
  # that the cloud would give.
  override_during = plan

  mock_resource "aws_s3_bucket" {
    defaults = { arn = "arn:aws:s3:::openclaw-terraform-111122223333" }
  }
  mock_resource "aws_kms_key" {
    defaults = { arn = "arn:aws:kms:eu-central-1:111122223333:key/mock" }
  }
  mock_resource "aws_iam_openid_connect_provider" {
    defaults = { arn = "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com" }
  }
}

variables {
  alarm_email       = "ops@example.com"
  github_repository = "example/openclaw"
}

run "the_state_is_private_encrypted_and_versioned" {
  command = plan

  assert {
    condition     = aws_s3_bucket_versioning.state.versioning_configuration[0].status == "Enabled"
    error_message = "a broken state must be revocable"
  }
  assert {
    condition     = tolist(aws_s3_bucket_server_side_encryption_configuration.state.rule)[0].apply_server_side_encryption_by_default[0].sse_algorithm == "aws:kms"
    error_message = "the state must be encrypted with our key"
  }
  assert {
    condition     = aws_s3_bucket_public_access_block.state.restrict_public_buckets && aws_s3_bucket_public_access_block.state.block_public_policy && aws_s3_bucket_public_access_block.state.block_public_acls && aws_s3_bucket_public_access_block.state.ignore_public_acls
    error_message = "no way may make the state public"
  }
}

run "workflows_are_bound_to_repository_and_environment" {
  command = plan

  assert {
    condition     = jsondecode(aws_iam_role.github["apply"].assume_role_policy).Statement[0].Condition.StringEquals["token.actions.githubusercontent.com:sub"] == ["repo:example/openclaw:environment:prod", "repo:example/openclaw:environment:staging"]
    error_message = "apply is for this repository's environments only"
  }
  assert {
    condition     = jsondecode(aws_iam_role.github["plan"].assume_role_policy).Statement[0].Condition.StringEquals["token.actions.githubusercontent.com:sub"] == ["repo:example/openclaw:pull_request", "repo:example/openclaw:ref:refs/heads/main"]
    error_message = "plan is for this repository's pull requests and main only"
  }
  assert {
    condition     = alltrue([for role in aws_iam_role.github : jsondecode(role.assume_role_policy).Statement[0].Condition.StringEquals["token.actions.githubusercontent.com:aud"] == "sts.amazonaws.com" && !strcontains(role.assume_role_policy, "StringLike") && !strcontains(role.assume_role_policy, "*")])
    error_message = "subjects are compared exactly, without wildcards"
  }
}

run "nobody_reads_the_clusters_keys_or_raises_their_own_rights" {
  command = plan

  assert {
    condition     = alltrue([for policy in [aws_iam_role_policy.plan.policy, aws_iam_role_policy.apply.policy] : anytrue([for statement in jsondecode(policy).Statement : statement.Effect == "Deny" && contains(statement.Action, "s3:GetObject") && strcontains(join(" ", statement.Resource), "/pki/*")])])
    error_message = "the cluster's keys are for masters only"
  }
  assert {
    condition     = anytrue([for statement in jsondecode(aws_iam_role_policy.apply.policy).Statement : statement.Effect == "Deny" && statement.Action == ["iam:*"] && strcontains(join(" ", statement.Resource), "role/openclaw-github-*")])
    error_message = "a workflow must not change its own role"
  }
  assert {
    condition     = jsondecode(aws_s3_bucket_policy.state.policy).Statement[0].Condition.Bool["aws:SecureTransport"] == "false"
    error_message = "plain http must be refused"
  }
  assert {
    condition     = !strcontains(aws_iam_role_policy.apply.policy, "secretsmanager:*") && !strcontains(aws_iam_role_policy.apply.policy, "GetSecretValue")
    error_message = "a workflow creates secrets' containers and never reads their values"
  }
}

run "a_plan_writes_nothing_and_no_workflow_commands_a_machine" {
  command = plan

  assert {
    condition     = toset(flatten([for statement in jsondecode(aws_iam_role_policy.plan.policy).Statement : statement.Action if statement.Effect == "Allow"])) == toset(["s3:GetObject", "s3:ListBucket", "kms:Decrypt"])
    error_message = "pull requests run with the plan role: it may read, and nothing else"
  }
  assert {
    condition     = aws_iam_role_policy_attachment.plan_looks.policy_arn == "arn:aws:iam::aws:policy/ReadOnlyAccess"
    error_message = "the plan role looks by AWS's own policy for reading"
  }
  assert {
    # A command on a master would be root there, with the cluster's keys beside it.
    condition     = !strcontains(aws_iam_role_policy.apply.policy, "\"ssm:")
    error_message = "terraform makes nothing of Systems Manager's, so its role has no right there"
  }
}

run "somebody_hears_of_costs" {
  command = plan

  assert {
    condition     = alltrue([for notification in aws_budgets_budget.month.notification : notification.subscriber_email_addresses == toset(["ops@example.com"])]) && length(aws_budgets_budget.month.notification) == 2
    error_message = "both the forecast and the spent sum must be told"
  }
}

run "a_wildcard_repository_is_refused" {
  command = plan
  variables {
    github_repository = "example/*"
  }
  expect_failures = [var.github_repository]
}

run "a_budget_that_tells_nobody_is_refused" {
  command = plan
  variables {
    alarm_email = "nobody"
  }
  expect_failures = [var.alarm_email]
}
