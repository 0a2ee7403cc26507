mock_provider "aws" {
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::111122223333:role/mock" }
  }
  mock_resource "aws_iam_openid_connect_provider" {
    defaults = { arn = "arn:aws:iam::111122223333:oidc-provider/mock" }
  }
  mock_resource "aws_s3_bucket" {
    defaults = {
      arn                         = "arn:aws:s3:::openclaw-staging-issuer-111122223333"
      bucket_regional_domain_name = "openclaw-staging-issuer-111122223333.s3.eu-central-1.amazonaws.com"
    }
  }
  mock_resource "aws_cloudfront_distribution" {
    defaults = {
      arn         = "arn:aws:cloudfront::111122223333:distribution/MOCK"
      domain_name = "d111111abcdef8.cloudfront.net"
    }
  }
}

mock_provider "tls" {
  mock_data "tls_certificate" {
    defaults = { certificates = [{
      cert_pem         = "", is_ca = true, issuer = "", not_after = "", not_before = "", public_key_algorithm = "", serial_number = "", signature_algorithm = "", subject = "", version = 3
      sha1_fingerprint = "0123456789abcdef0123456789abcdef01234567"
    }] }
  }
}

variables {
  name               = "openclaw-staging"
  environment        = "staging"
  region             = "eu-central-1"
  account            = "111122223333"
  cluster_bucket_arn = "arn:aws:s3:::openclaw-staging-cluster-111122223333"
  kms_key_arn        = "arn:aws:kms:eu-central-1:111122223333:key/mock"
  metric_namespace   = "OpenClaw/openclaw-staging"
  worker_groups      = { "system/eu-central-1a" = "openclaw-staging-system-eu-central-1a", "agents/eu-central-1a" = "openclaw-staging-agents-eu-central-1a" }
}

run "each_role_is_for_exactly_one_service_account" {
  assert {
    condition     = toset([for role in aws_iam_role.service : role.name]) == toset(["openclaw-staging-external-secrets", "openclaw-staging-cloud-controller", "openclaw-staging-ebs-csi", "openclaw-staging-cluster-autoscaler", "openclaw-staging-notifications", "openclaw-staging-alerts"])
    error_message = "the manifests know these roles by name"
  }
  assert {
    condition = { for role, it in aws_iam_role.service : role => jsondecode(it.assume_role_policy).Statement[0].Condition.StringEquals["d111111abcdef8.cloudfront.net:sub"] } == {
      external-secrets   = "system:serviceaccount:openclaw-staging:external-secrets"
      cloud-controller   = "system:serviceaccount:kube-system:cloud-controller-manager"
      ebs-csi            = "system:serviceaccount:kube-system:ebs-csi-controller-sa"
      cluster-autoscaler = "system:serviceaccount:kube-system:cluster-autoscaler"
      notifications      = "system:serviceaccount:argocd:notifications-secrets"
      alerts             = "system:serviceaccount:monitoring:alerts-secrets"
    }
    error_message = "a role's subject must be one service account, compared exactly"
  }
  assert {
    condition     = alltrue([for role in aws_iam_role.service : jsondecode(role.assume_role_policy).Statement[0].Condition.StringEquals["d111111abcdef8.cloudfront.net:aud"] == "sts.amazonaws.com"])
    error_message = "only tokens made for AWS may be traded in"
  }
}

run "a_worker_reads_the_join_parameter_and_no_other" {
  assert {
    condition = alltrue(flatten([for it in aws_iam_role_policy.worker : [for statement in jsondecode(it.policy).Statement :
      !anytrue([for action in statement.Action : startswith(action, "ssm:GetParameter")]) || statement.Resource == ["arn:aws:ssm:eu-central-1:111122223333:parameter/openclaw/openclaw-staging/join"]
    ]]))
    error_message = "a worker may read the join parameter only"
  }
  assert {
    condition     = alltrue(flatten([for it in aws_iam_role_policy.worker : [for right in ["s3:", "secretsmanager:", "PutParameter", "ec2:"] : !strcontains(it.policy, right)]]))
    error_message = "a worker has no business with buckets, secrets, EC2, or writing the parameter"
  }
}

run "a_worker_answers_the_hooks_of_its_own_group_alone" {
  assert {
    condition = { for key, it in aws_iam_role_policy.worker : key => [for statement in jsondecode(it.policy).Statement : statement.Resource if contains(statement.Action, "autoscaling:CompleteLifecycleAction")] } == {
      "system/eu-central-1a" = [["arn:aws:autoscaling:eu-central-1:111122223333:autoScalingGroup:*:autoScalingGroupName/openclaw-staging-system-eu-central-1a"]]
      "agents/eu-central-1a" = [["arn:aws:autoscaling:eu-central-1:111122223333:autoScalingGroup:*:autoScalingGroupName/openclaw-staging-agents-eu-central-1a"]]
    }
    error_message = "a worker that was taken over could abandon every launch of another group"
  }
  assert {
    condition     = { for key, profile in aws_iam_instance_profile.worker : key => profile.role } == { for key, role in aws_iam_role.worker : key => role.name } && length(distinct([for role in aws_iam_role.worker : role.name])) == 2 && alltrue([for role in aws_iam_role.worker : length(role.name) <= 64])
    error_message = "each group needs a role and a profile of its own, with a name that IAM takes (64 characters)"
  }
}

run "only_the_master_reads_the_pki" {
  assert {
    condition     = strcontains(aws_iam_role_policy.master.policy, "/pki/*") && alltrue([for policy in concat([for it in aws_iam_role_policy.worker : it.policy], [for it in aws_iam_role_policy.service : it.policy]) : !strcontains(policy, "cluster-111122223333")])
    error_message = "pki/ is the cluster's keys: no role but the master's may name the bucket"
  }
  assert {
    condition     = !strcontains(aws_iam_role_policy.master.policy, "s3:DeleteObject") && !strcontains(aws_iam_role_policy.master.policy, "secretsmanager:")
    error_message = "a master may not delete backups nor read the bot's secrets"
  }
  assert {
    condition = alltrue([for statement in jsondecode(aws_iam_role_policy.master.policy).Statement :
      !contains(statement.Action, "s3:PutObject") || alltrue([for resource in statement.Resource : !strcontains(resource, "/gitops/")])
    ])
    error_message = "a master applies gitops/ and must not be able to write it"
  }
}

run "a_missing_object_is_told_from_a_missing_right" {
  assert {
    condition     = anytrue([for statement in jsondecode(aws_iam_role_policy.master.policy).Statement : contains(statement.Action, "s3:ListBucket") && statement.Resource == [var.cluster_bucket_arn] && !can(statement.Condition)])
    error_message = "without an unconditional s3:ListBucket, S3 says 403 for what is not there, and a first boot stops"
  }
}

run "no_policy_allows_everything" {
  assert {
    condition = alltrue(flatten([for policy in concat(
      [aws_iam_role_policy.master.policy], [for it in aws_iam_role_policy.worker : it.policy], [for it in aws_iam_role_policy.service : it.policy]
    ) : [for statement in jsondecode(policy).Statement : [for action in statement.Action : !endswith(action, "*")]]]))
    error_message = "actions are named one by one"
  }
  assert {
    condition = alltrue(flatten([for policy in concat(
      [aws_iam_role_policy.master.policy], [for it in aws_iam_role_policy.worker : it.policy], [for it in aws_iam_role_policy.service : it.policy]
      ) : [for statement in jsondecode(policy).Statement : statement.Resource != ["*"] ? true : alltrue([for action in statement.Action :
        can(regex("^(ec2|autoscaling):(Describe|GetInstanceTypes)", action)) || startswith(action, "ssmmessages:") || action == "ssm:UpdateInstanceInformation" ||
        (action == "cloudwatch:PutMetricData" && try(statement.Condition.StringEquals["cloudwatch:namespace"], "") == "OpenClaw/openclaw-staging")
    ])]]))
    error_message = "'*' as a resource is for actions that know no other"
  }
}

run "secrets_are_those_of_this_environment" {
  assert {
    condition     = jsondecode(aws_iam_role_policy.service["external-secrets"].policy).Statement[0].Resource == ["arn:aws:secretsmanager:eu-central-1:111122223333:secret:openclaw/staging/*"]
    error_message = "staging must not read prod's secrets"
  }
}

run "volumes_are_encrypted_and_of_this_cluster" {
  assert {
    condition     = one([for statement in jsondecode(aws_iam_role_policy.service["ebs-csi"].policy).Statement : statement if contains(statement.Action, "ec2:CreateVolume")]).Condition.Bool["ec2:Encrypted"] == "true"
    error_message = "the driver may create encrypted volumes only"
  }
  assert {
    condition     = one([for statement in jsondecode(aws_iam_role_policy.service["ebs-csi"].policy).Statement : statement if contains(statement.Action, "ec2:DeleteVolume")]).Condition.StringEquals["aws:ResourceTag/kubernetes.io/cluster/openclaw-staging"] == "owned"
    error_message = "the driver may delete this cluster's volumes only"
  }
}

run "the_issuer_is_public_through_cloudfront_only" {
  assert {
    condition     = aws_s3_bucket_public_access_block.issuer.restrict_public_buckets && aws_s3_bucket_public_access_block.issuer.block_public_policy
    error_message = "the bucket itself stays private"
  }
  assert {
    condition     = jsondecode(aws_s3_bucket_policy.issuer.policy).Statement[0].Principal.Service == "cloudfront.amazonaws.com" && jsondecode(aws_s3_bucket_policy.issuer.policy).Statement[0].Condition.StringEquals["AWS:SourceArn"] == aws_cloudfront_distribution.issuer.arn
    error_message = "only this distribution may read the documents"
  }
  assert {
    condition     = aws_cloudfront_distribution.issuer.default_cache_behavior[0].viewer_protocol_policy == "https-only"
    error_message = "keys must not travel by http"
  }
  assert {
    condition     = output.issuer_url == "https://d111111abcdef8.cloudfront.net" && aws_iam_openid_connect_provider.cluster.url == output.issuer_url
    error_message = "the API server and AWS must name the same issuer"
  }
}

run "another_namespace_may_be_given_but_no_unknown_role" {
  command = plan
  variables {
    service_accounts = { everything = { namespace = "default", name = "default" } }
  }
  expect_failures = [var.service_accounts]
}

run "an_unknown_environment_is_refused" {
  command = plan
  variables {
    environment = "production"
  }
  expect_failures = [var.environment]
}
