locals {
  ec2_trust = {
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "ec2.amazonaws.com" }
    }]
  }

  join_parameter_name = "/openclaw/${var.name}/join"
  join_parameter_arn  = "arn:aws:ssm:${var.region}:${var.account}:parameter${local.join_parameter_name}"
  node_log_group      = "/openclaw/${var.name}/nodes"

  # Session Manager without AmazonSSMManagedInstanceCore, which also reads every parameter of the account.
  session_manager_statement = {
    Sid    = "SessionManager"
    Effect = "Allow"
    Action = [
      "ssm:UpdateInstanceInformation", "ssmmessages:CreateControlChannel", "ssmmessages:CreateDataChannel",
      "ssmmessages:OpenControlChannel", "ssmmessages:OpenDataChannel",
    ]
    Resource = ["*"]
  }

  node_log_statement = {
    Sid      = "NodeLogs"
    Effect   = "Allow"
    Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    Resource = ["arn:aws:logs:${var.region}:${var.account}:log-group:${local.node_log_group}:*"]
  }

  master_policy = {
    Version = "2012-10-17"
    Statement = [
      local.session_manager_statement,
      local.node_log_statement,
      {
        Sid      = "Backups"
        Effect   = "Allow"
        Action   = ["s3:GetObject", "s3:PutObject"]
        Resource = ["${var.cluster_bucket_arn}/etcd/*", "${var.cluster_bucket_arn}/pki/*", "${var.cluster_bucket_arn}/redis/*"]
      },
      {
        Sid      = "ManifestsOfFirstBoot"
        Effect   = "Allow"
        Action   = ["s3:GetObject"]
        Resource = ["${var.cluster_bucket_arn}/gitops/*"]
      },
      {
        # Makes a missing object a 404 and not a 403, on which the boot script stops. No condition on the prefix: reading
        # an object carries none, so with one S3 would answer 403 again.
        Sid      = "SeeWhatIsMissing"
        Effect   = "Allow"
        Action   = ["s3:ListBucket"]
        Resource = [var.cluster_bucket_arn]
      },
      {
        Sid    = "PublishIssuer"
        Effect = "Allow"
        Action = ["s3:PutObject"]
        Resource = [
          "${aws_s3_bucket.issuer.arn}/.well-known/openid-configuration", "${aws_s3_bucket.issuer.arn}/openid/v1/jwks",
        ]
      },
      {
        Sid      = "WriteJoinParameter"
        Effect   = "Allow"
        Action   = ["ssm:PutParameter"]
        Resource = [local.join_parameter_arn]
      },
      {
        Sid      = "EnvironmentKey"
        Effect   = "Allow"
        Action   = ["kms:Encrypt", "kms:Decrypt", "kms:GenerateDataKey"]
        Resource = [var.kms_key_arn]
        Condition = { StringEquals = { "kms:ViaService" = [
          "s3.${var.region}.amazonaws.com", "ssm.${var.region}.amazonaws.com",
        ] } }
      },
      {
        Sid       = "CountSnapshots"
        Effect    = "Allow"
        Action    = ["cloudwatch:PutMetricData"]
        Resource  = ["*"]
        Condition = { StringEquals = { "cloudwatch:namespace" = var.metric_namespace } }
      },
    ]
  }

  # By group: what a worker of one may say of its machines says nothing of another's.
  worker_policies = { for key, group in var.worker_groups : key => {
    Version = "2012-10-17"
    Statement = [
      local.session_manager_statement,
      local.node_log_statement,
      {
        Sid      = "ReadJoinParameter"
        Effect   = "Allow"
        Action   = ["ssm:GetParameter"]
        Resource = [local.join_parameter_arn]
      },
      {
        Sid      = "DecryptIt"
        Effect   = "Allow"
        Action   = ["kms:Decrypt"]
        Resource = [var.kms_key_arn]
        Condition = { StringEquals = {
          "kms:ViaService"                      = "ssm.${var.region}.amazonaws.com"
          "kms:EncryptionContext:PARAMETER_ARN" = local.join_parameter_arn
        } }
      },
      {
        # Says "joined", "could not join" and "drained" to its own group: in another it could abandon every launch.
        Sid      = "LifecycleHooks"
        Effect   = "Allow"
        Action   = ["autoscaling:CompleteLifecycleAction"]
        Resource = ["arn:aws:autoscaling:${var.region}:${var.account}:autoScalingGroup:*:autoScalingGroupName/${group}"]
      },
    ]
  } }
}

resource "aws_iam_role" "master" {
  name               = "${var.name}-master"
  description        = "Control plane instances"
  assume_role_policy = jsonencode(local.ec2_trust)
}

resource "aws_iam_role_policy" "master" {
  #checkov:skip=CKV_AWS_290:Session Manager's channels and PutMetricData know no resources; the metric is bound to one namespace
  #checkov:skip=CKV_AWS_355:See CKV_AWS_290
  name   = "master"
  role   = aws_iam_role.master.id
  policy = jsonencode(local.master_policy)
}

resource "aws_iam_instance_profile" "master" {
  name = "${var.name}-master"
  role = aws_iam_role.master.name

  depends_on = [aws_iam_role_policy.master]
}

resource "aws_iam_role" "worker" {
  for_each = var.worker_groups

  name               = "${var.name}-worker-${replace(each.key, "/", "-")}"
  description        = "Worker instances of the group ${each.value}"
  assume_role_policy = jsonencode(local.ec2_trust)
}

resource "aws_iam_role_policy" "worker" {
  #checkov:skip=CKV_AWS_290:Session Manager's channels know no resources
  #checkov:skip=CKV_AWS_355:See CKV_AWS_290
  for_each = var.worker_groups

  name   = "worker"
  role   = aws_iam_role.worker[each.key].id
  policy = jsonencode(local.worker_policies[each.key])
}

resource "aws_iam_instance_profile" "worker" {
  for_each = var.worker_groups

  name = aws_iam_role.worker[each.key].name
  role = aws_iam_role.worker[each.key].name

  depends_on = [aws_iam_role_policy.worker]
}
