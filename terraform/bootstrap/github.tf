# GitHub's workflows get AWS credentials for an hour, by a signed statement of which repository and environment they run
# in. No key of AWS is ever stored at GitHub.
resource "aws_iam_openid_connect_provider" "github" {
  url            = "https://token.actions.githubusercontent.com"
  client_id_list = ["sts.amazonaws.com"]
}

locals {
  # GitHub names a repository in two ways: by its names, and, where it was created or renamed since 2026-07-15 or its owner asked for it,
  # with the numbers that never pass to anybody else. Which one a token carries is GitHub's choice, so both are trusted, and the
  # number is asked for in any case: a name that was given up and taken again by a stranger opens nothing.
  github_owner   = split("/", local.github_repository)[0]
  github_name    = split("/", local.github_repository)[1]
  github_sources = ["repo:${local.github_repository}", "repo:${local.github_owner}@${var.github_ids.owner}/${local.github_name}@${var.github_ids.repository}"]

  github_claims = {
    "token.actions.githubusercontent.com:aud"           = "sts.amazonaws.com"
    "token.actions.githubusercontent.com:repository_id" = tostring(var.github_ids.repository)
  }

  github_conditions = merge(
    {
      # Pull requests of this repository (not of forks: GitHub gives those no token) and the drift check on main.
      plan = merge(local.github_claims, {
        "token.actions.githubusercontent.com:sub" = flatten([for source in local.github_sources : ["${source}:pull_request", "${source}:ref:refs/heads/main"]])
      })
    },
    {
      # Behind a GitHub Environment, whose reviewers must have agreed before the token exists. The environment takes the branch's place in
      # the subject, so the branch is asked for by itself: what was not merged applies nothing.
      for environment in var.environments : "apply-${environment}" => merge(local.github_claims, {
        "token.actions.githubusercontent.com:sub" = [for source in local.github_sources : "${source}:environment:${environment}"]
        "token.actions.githubusercontent.com:ref" = "refs/heads/main"
      })
    },
  )

  github_trust = { for role, claims in local.github_conditions : role => {
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRoleWithWebIdentity"
      Principal = { Federated = aws_iam_openid_connect_provider.github.arn }
      Condition = { StringEquals = claims }
    }]
  } }

  # The key of each environment (modules/encryption), by the only name that can be known before it is made.
  environment_key_aliases = [for environment in sort(var.environments) : "alias/openclaw-${environment}"]

  # A plan reads the state and looks at what is there. It takes no lock (-lock=false), so it writes nothing at all; and
  # what ReadOnlyAccess would let it read, but no plan needs, is denied: the bot's secrets, the cluster's keys.
  plan_policy = {
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "ReadState"
        Effect   = "Allow"
        Action   = ["s3:GetObject", "s3:ListBucket"]
        Resource = [aws_s3_bucket.state.arn, "${aws_s3_bucket.state.arn}/*"]
      },
      {
        Sid      = "DecryptState"
        Effect   = "Allow"
        Action   = ["kms:Decrypt"]
        Resource = [aws_kms_key.state.arn]
      },
      {
        Sid    = "NeverReadSecrets"
        Effect = "Deny"
        Action = ["secretsmanager:GetSecretValue", "ssm:GetParameter", "ssm:GetParameters", "ssm:GetParametersByPath", "ssm:GetParameterHistory"]
        Resource = [
          "arn:aws:secretsmanager:*:${local.account}:secret:openclaw/*", "arn:aws:ssm:*:${local.account}:parameter/openclaw/*",
        ]
      },
      {
        # The manifests in the clusters' buckets are encrypted with the environments' keys, and a plan compares them. Any alias must be one
        # of theirs, and every one: a key of somebody else's that is given such an alias besides its own is none of them.
        Sid      = "DecryptManifests"
        Effect   = "Allow"
        Action   = ["kms:Decrypt"]
        Resource = ["arn:aws:kms:${local.region}:${local.account}:key/*"]
        Condition = {
          StringEquals                = { "kms:ViaService" = "s3.${local.region}.amazonaws.com" }
          "ForAnyValue:StringEquals"  = { "kms:ResourceAliases" = local.environment_key_aliases }
          "ForAllValues:StringEquals" = { "kms:ResourceAliases" = local.environment_key_aliases }
        }
      },
      {
        Sid      = "NeverReadClusterKeys"
        Effect   = "Deny"
        Action   = ["s3:GetObject", "s3:GetObjectVersion"]
        Resource = ["arn:aws:s3:::openclaw-*-cluster-${local.account}/pki/*", "arn:aws:s3:::openclaw-*-cluster-${local.account}/etcd/*"]
      },
    ]
  }

  apply_services = [
    "autoscaling:*", "cloudfront:*", "cloudwatch:*", "ec2:*", "elasticloadbalancing:*", "kms:*", "logs:*", "route53:*", "sns:*",
    "secretsmanager:ListSecrets",
  ]

  # What Terraform manages in one environment: buckets, secrets and roles by their names, all else unless it carries another environment's
  # tag; never GitHub's own roles or their provider. That keeps mistakes away, not a will: by a role or a machine that it makes it
  # can reach all of this account, so what stands before it are the reviewers of the GitHub Environment.
  apply_policies = { for environment in var.environments : environment => {
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "ServicesOfThisProject"
        Effect    = "Allow"
        Action    = local.apply_services
        Resource  = ["*"]
        Condition = { StringEqualsIfExists = { "aws:RequestedRegion" = [local.region, "us-east-1"] } } # us-east-1: CloudFront, Route 53
      },
      {
        Sid      = "State"
        Effect   = "Allow"
        Action   = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"] # delete: the lock
        Resource = ["${aws_s3_bucket.state.arn}/${environment}/*"]
      },
      {
        Sid      = "FindState"
        Effect   = "Allow"
        Action   = ["s3:ListBucket"]
        Resource = [aws_s3_bucket.state.arn]
      },
      {
        Sid      = "Buckets"
        Effect   = "Allow"
        Action   = ["s3:*"]
        Resource = ["arn:aws:s3:::openclaw-${environment}-*"]
      },
      {
        Sid    = "SecretsWithoutTheirValues"
        Effect = "Allow"
        Action = [
          "secretsmanager:CreateSecret", "secretsmanager:DeleteSecret", "secretsmanager:DescribeSecret", "secretsmanager:GetResourcePolicy",
          "secretsmanager:TagResource", "secretsmanager:UntagResource", "secretsmanager:UpdateSecret",
        ]
        Resource = ["arn:aws:secretsmanager:${local.region}:${local.account}:secret:openclaw/${environment}/*"]
      },
      {
        Sid    = "RolesOfThisProject"
        Effect = "Allow"
        Action = [
          "iam:CreateRole", "iam:DeleteRole", "iam:GetRole", "iam:TagRole", "iam:UntagRole", "iam:UpdateRole", "iam:UpdateAssumeRolePolicy",
          "iam:UpdateRoleDescription", "iam:ListRolePolicies", "iam:ListAttachedRolePolicies", "iam:ListInstanceProfilesForRole",
          "iam:PutRolePolicy", "iam:GetRolePolicy", "iam:DeleteRolePolicy", "iam:PassRole",
          "iam:CreateInstanceProfile", "iam:DeleteInstanceProfile", "iam:GetInstanceProfile", "iam:TagInstanceProfile", "iam:UntagInstanceProfile",
          "iam:AddRoleToInstanceProfile", "iam:RemoveRoleFromInstanceProfile",
          "iam:CreateOpenIDConnectProvider", "iam:DeleteOpenIDConnectProvider", "iam:GetOpenIDConnectProvider",
          "iam:TagOpenIDConnectProvider", "iam:UntagOpenIDConnectProvider", "iam:UpdateOpenIDConnectProviderThumbprint",
        ]
        Resource = [
          "arn:aws:iam::${local.account}:role/openclaw-${environment}-*", "arn:aws:iam::${local.account}:instance-profile/openclaw-${environment}-*",
          "arn:aws:iam::${local.account}:oidc-provider/*.cloudfront.net",
        ]
      },
      {
        Sid       = "FirstAutoScalingGroupOfAnAccount"
        Effect    = "Allow"
        Action    = ["iam:CreateServiceLinkedRole"]
        Resource  = ["arn:aws:iam::${local.account}:role/aws-service-role/*"]
        Condition = { StringEquals = { "iam:AWSServiceName" = ["autoscaling.amazonaws.com", "elasticloadbalancing.amazonaws.com", "spot.amazonaws.com"] } }
      },
      {
        # What has no name that says whose it is says so by its tag: machines, groups, volumes, networks, keys, log groups.
        Sid       = "NeverAnotherEnvironment"
        Effect    = "Deny"
        Action    = ["*"]
        Resource  = ["*"]
        Condition = { StringEquals = { "aws:ResourceTag/Environment" = sort(setsubtract(var.environments, [environment])) } }
      },
      {
        Sid    = "NeverItself"
        Effect = "Deny"
        Action = ["iam:*"]
        Resource = [
          "arn:aws:iam::${local.account}:role/openclaw-github-*", "arn:aws:iam::${local.account}:oidc-provider/token.actions.githubusercontent.com",
        ]
      },
      {
        # A master holds the cluster's keys; a workflow may build one, and what it stored is not for the workflow's own eyes.
        Sid      = "NeverReadClusterKeys"
        Effect   = "Deny"
        Action   = ["s3:GetObject", "s3:GetObjectVersion"]
        Resource = ["arn:aws:s3:::openclaw-*-cluster-${local.account}/pki/*", "arn:aws:s3:::openclaw-*-cluster-${local.account}/etcd/*"]
      },
      {
        Sid      = "NeverDeleteState"
        Effect   = "Deny"
        Action   = ["s3:DeleteBucket", "s3:DeleteObjectVersion", "s3:PutBucketVersioning", "s3:PutLifecycleConfiguration"]
        Resource = [aws_s3_bucket.state.arn, "${aws_s3_bucket.state.arn}/*"]
      },
      {
        Sid      = "NeverLoseItsKey"
        Effect   = "Deny"
        Action   = ["kms:DisableKey", "kms:PutKeyPolicy", "kms:ScheduleKeyDeletion", "kms:TagResource", "kms:UntagResource"]
        Resource = [aws_kms_key.state.arn]
      },
    ]
  } }
}

resource "aws_iam_role" "github" {
  for_each = local.github_trust

  name                 = "openclaw-github-${each.key}"
  description          = "GitHub workflows of ${local.github_repository}: terraform ${each.key}"
  assume_role_policy   = jsonencode(each.value)
  max_session_duration = startswith(each.key, "apply-") ? 7200 : 3600 # a first apply waits for workers to join
}

resource "aws_iam_role_policy_attachment" "plan_looks" {
  role       = aws_iam_role.github["plan"].name
  policy_arn = "arn:aws:iam::aws:policy/ReadOnlyAccess"
}

resource "aws_iam_role_policy" "plan" {
  name   = "state"
  role   = aws_iam_role.github["plan"].id
  policy = jsonencode(local.plan_policy)
}

resource "aws_iam_role_policy" "apply" {
  #checkov:skip=CKV_AWS_286:It creates roles by design; names are bound to openclaw-* and its own roles are denied to it
  #checkov:skip=CKV_AWS_287:Needed to read what it manages; the cluster's keys and secrets' values are denied or not granted
  #checkov:skip=CKV_AWS_288:See CKV_AWS_287
  #checkov:skip=CKV_AWS_289:See CKV_AWS_286
  #checkov:skip=CKV_AWS_290:Terraform creates what has no name yet; it is bound to services, region and the reviewed GitHub Environment
  #checkov:skip=CKV_AWS_355:See CKV_AWS_290
  for_each = var.environments

  name   = "apply"
  role   = aws_iam_role.github["apply-${each.key}"].id
  policy = jsonencode(local.apply_policies[each.key])
}
