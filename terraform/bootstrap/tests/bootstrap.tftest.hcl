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
  github_ids        = { owner = 123456, repository = 456789 }
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

run "workflows_are_bound_to_repository_branch_and_environment" {
  command = plan

  assert {
    condition = { for role, it in aws_iam_role.github : role => jsondecode(it.assume_role_policy).Statement[0].Condition.StringEquals } == {
      plan = {
        "token.actions.githubusercontent.com:aud"           = "sts.amazonaws.com"
        "token.actions.githubusercontent.com:repository_id" = "456789"
        "token.actions.githubusercontent.com:sub" = [
          "repo:example/openclaw:pull_request", "repo:example/openclaw:ref:refs/heads/main",
          "repo:example@123456/openclaw@456789:pull_request", "repo:example@123456/openclaw@456789:ref:refs/heads/main",
        ]
      }
      apply-prod = {
        "token.actions.githubusercontent.com:aud"           = "sts.amazonaws.com"
        "token.actions.githubusercontent.com:repository_id" = "456789"
        "token.actions.githubusercontent.com:ref"           = "refs/heads/main"
        "token.actions.githubusercontent.com:sub"           = ["repo:example/openclaw:environment:prod", "repo:example@123456/openclaw@456789:environment:prod"]
      }
      apply-staging = {
        "token.actions.githubusercontent.com:aud"           = "sts.amazonaws.com"
        "token.actions.githubusercontent.com:repository_id" = "456789"
        "token.actions.githubusercontent.com:ref"           = "refs/heads/main"
        "token.actions.githubusercontent.com:sub"           = ["repo:example/openclaw:environment:staging", "repo:example@123456/openclaw@456789:environment:staging"]
      }
    }
    error_message = "a workflow is this repository's, by name and by id; one that applies runs in one environment, on main"
  }
  assert {
    condition     = alltrue([for role in aws_iam_role.github : keys(jsondecode(role.assume_role_policy).Statement[0].Condition) == ["StringEquals"] && length(jsondecode(role.assume_role_policy).Statement) == 1 && !strcontains(role.assume_role_policy, "*")])
    error_message = "claims are compared exactly, without wildcards"
  }
}

run "an_environments_role_touches_no_other_environment" {
  command = plan

  # Where names carry the environment, only its own are allowed.
  assert {
    condition = alltrue(flatten([for environment, other in { staging = "prod", prod = "staging" } : [
      for statement in jsondecode(aws_iam_role_policy.apply[environment].policy).Statement : [
        for resource in statement.Resource : !strcontains(resource, "openclaw-${other}") && !strcontains(resource, "openclaw/${other}") && !endswith(resource, "/${other}/*") && !strcontains(resource, ":role/openclaw-*") && !strcontains(resource, "s3:::openclaw-*")
      ] if statement.Effect == "Allow"
    ]]))
    error_message = "the role of one environment is allowed names of another"
  }
  # Where they do not (a machine, a group, a key), the tag decides.
  assert {
    condition = alltrue([for environment, other in { staging = "prod", prod = "staging" } : anytrue([
      for statement in jsondecode(aws_iam_role_policy.apply[environment].policy).Statement :
      statement.Effect == "Deny" && statement.Action == ["*"] && statement.Resource == ["*"] && try(statement.Condition.StringEquals["aws:ResourceTag/Environment"], []) == [other]
    ])])
    error_message = "what carries another environment's tag is not this role's to touch"
  }
  assert {
    condition = alltrue([for environment in ["staging", "prod"] : [
      for statement in jsondecode(aws_iam_role_policy.apply[environment].policy).Statement : statement.Resource if statement.Sid == "State"
    ] == [["arn:aws:s3:::openclaw-terraform-111122223333/${environment}/*"]]])
    error_message = "a role writes the state of its own environment"
  }
  assert {
    condition = alltrue([for environment in ["staging", "prod"] : alltrue([
      for statement in jsondecode(aws_iam_role_policy.apply[environment].policy).Statement : statement.Resource != ["*"] || alltrue([for action in statement.Action : !startswith(action, "s3:") && !startswith(action, "iam:") && !startswith(action, "secretsmanager:Create") && action != "*"]) if statement.Effect == "Allow"
    ])])
    error_message = "buckets, roles and secrets are named, never '*'"
  }
}

run "nobody_reads_the_clusters_keys_or_raises_their_own_rights" {
  command = plan

  assert {
    condition     = alltrue([for policy in concat([aws_iam_role_policy.plan.policy], [for it in aws_iam_role_policy.apply : it.policy]) : anytrue([for statement in jsondecode(policy).Statement : statement.Effect == "Deny" && contains(statement.Action, "s3:GetObject") && strcontains(join(" ", statement.Resource), "/pki/*")])])
    error_message = "the cluster's keys are for masters only"
  }
  assert {
    condition     = alltrue([for it in aws_iam_role_policy.apply : anytrue([for statement in jsondecode(it.policy).Statement : statement.Effect == "Deny" && statement.Action == ["iam:*"] && strcontains(join(" ", statement.Resource), "role/openclaw-github-*")])])
    error_message = "a workflow must not change its own role"
  }
  assert {
    condition     = jsondecode(aws_s3_bucket_policy.state.policy).Statement[0].Condition.Bool["aws:SecureTransport"] == "false"
    error_message = "plain http must be refused"
  }
  assert {
    condition     = alltrue([for it in aws_iam_role_policy.apply : !strcontains(it.policy, "secretsmanager:*") && !strcontains(it.policy, "GetSecretValue")])
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
    condition     = alltrue([for it in aws_iam_role_policy.apply : !strcontains(it.policy, "\"ssm:")])
    error_message = "terraform makes nothing of Systems Manager's, so its role has no right there"
  }
}

run "a_plan_decrypts_the_state_and_the_two_environments_manifests" {
  command = plan

  # Keys have no names in their ARNs: an alias of the key names the two.
  assert {
    condition = {
      for statement in jsondecode(aws_iam_role_policy.plan.policy).Statement : statement.Sid => try(statement.Condition, {}) if contains(statement.Action, "kms:Decrypt")
      } == {
      DecryptState = {}
      DecryptManifests = {
        StringEquals                = { "kms:ViaService" = "s3.eu-central-1.amazonaws.com" }
        "ForAnyValue:StringEquals"  = { "kms:ResourceAliases" = ["alias/openclaw-prod", "alias/openclaw-staging"] }
        "ForAllValues:StringEquals" = { "kms:ResourceAliases" = ["alias/openclaw-prod", "alias/openclaw-staging"] }
      }
    }
    error_message = "a plan decrypts with the keys of the state and of the two environments, and with no other of the account"
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

run "ids_that_are_no_ids_are_refused" {
  command = plan
  variables {
    github_ids = { owner = 0, repository = 456789 }
  }
  expect_failures = [var.github_ids]
}
