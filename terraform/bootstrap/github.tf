# GitHub's workflows get AWS credentials for an hour, by a signed statement of which repository and environment they run
# in. No key of AWS is ever stored at GitHub.
resource "aws_iam_openid_connect_provider" "github" {
  url            = "https://token.actions.githubusercontent.com"
  client_id_list = ["sts.amazonaws.com"]
}

locals {
  github_subjects = {
    # Pull requests of this repository (not of forks: GitHub gives those no token) and the drift check on main.
    plan = ["repo:${local.github_repository}:pull_request", "repo:${local.github_repository}:ref:refs/heads/main"]
    # Behind a GitHub Environment, whose reviewers must have agreed before the token exists.
    apply = [for environment in sort(var.environments) : "repo:${local.github_repository}:environment:${environment}"]
  }

  github_trust = { for role, subjects in local.github_subjects : role => {
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRoleWithWebIdentity"
      Principal = { Federated = aws_iam_openid_connect_provider.github.arn }
      Condition = {
        StringEquals = {
          "token.actions.githubusercontent.com:aud" = "sts.amazonaws.com"
          "token.actions.githubusercontent.com:sub" = subjects
        }
      }
    }]
  } }

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
        # The manifests in the clusters' buckets are encrypted with the environments' keys, and a plan compares them.
        Sid       = "DecryptManifests"
        Effect    = "Allow"
        Action    = ["kms:Decrypt"]
        Resource  = ["arn:aws:kms:${local.region}:${local.account}:key/*"]
        Condition = { StringEquals = { "kms:ViaService" = "s3.${local.region}.amazonaws.com" } }
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
    "autoscaling:*", "budgets:*", "cloudfront:*", "cloudwatch:*", "ec2:*", "elasticloadbalancing:*", "kms:*", "logs:*",
    "route53:*", "s3:*", "sns:*", "secretsmanager:CreateSecret", "secretsmanager:DeleteSecret", "secretsmanager:DescribeSecret",
    "secretsmanager:GetResourcePolicy", "secretsmanager:ListSecrets", "secretsmanager:TagResource", "secretsmanager:UntagResource",
    "secretsmanager:UpdateSecret",
  ]

  # What Terraform manages here: of IAM only names that begin with openclaw-, never the two GitHub roles or their provider.
  # That keeps mistakes away, not a will: by a role or a machine that it makes it can reach all of this account, so what
  # stands before it are the reviewers of the GitHub Environment.
  apply_policy = {
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "ServicesOfThisProject"
        Effect    = "Allow"
        Action    = local.apply_services
        Resource  = ["*"]
        Condition = { StringEqualsIfExists = { "aws:RequestedRegion" = [local.region, "us-east-1"] } } # us-east-1: CloudFront, Route 53, budgets
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
          "arn:aws:iam::${local.account}:role/openclaw-*", "arn:aws:iam::${local.account}:instance-profile/openclaw-*",
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
    ]
  }
}

resource "aws_iam_role" "github" {
  for_each = local.github_trust

  name                 = "openclaw-github-${each.key}"
  description          = "GitHub workflows of ${local.github_repository}: terraform ${each.key}"
  assume_role_policy   = jsonencode(each.value)
  max_session_duration = each.key == "apply" ? 7200 : 3600 # a first apply waits for workers to join
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
  name   = "apply"
  role   = aws_iam_role.github["apply"].id
  policy = jsonencode(local.apply_policy)
}
