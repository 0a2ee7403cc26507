locals {
  cluster_tag_key = "kubernetes.io/cluster/${var.name}"
  arn_ec2         = "arn:aws:ec2:${var.region}:${var.account}"
  arn_asg         = "arn:aws:autoscaling:${var.region}:${var.account}:autoScalingGroup:*:autoScalingGroupName/${var.name}-*"

  service_policies = {
    external-secrets = {
      Version = "2012-10-17"
      Statement = [
        {
          Sid      = "SecretsOfThisEnvironment"
          Effect   = "Allow"
          Action   = ["secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"]
          Resource = ["arn:aws:secretsmanager:${var.region}:${var.account}:secret:openclaw/${var.environment}/*"]
        },
        {
          Sid       = "DecryptThem"
          Effect    = "Allow"
          Action    = ["kms:Decrypt"]
          Resource  = [var.kms_key_arn]
          Condition = { StringEquals = { "kms:ViaService" = "secretsmanager.${var.region}.amazonaws.com" } }
        },
      ]
    }

    # What Argo CD needs to tell of deployments: its own bot's token and its GitHub App, none of the bot's secrets.
    notifications = {
      Version = "2012-10-17"
      Statement = [
        {
          Sid      = "SecretsOfOperators"
          Effect   = "Allow"
          Action   = ["secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"]
          Resource = ["arn:aws:secretsmanager:${var.region}:${var.account}:secret:openclaw/${var.environment}/ops-*"]
        },
        {
          Sid       = "DecryptThem"
          Effect    = "Allow"
          Action    = ["kms:Decrypt"]
          Resource  = [var.kms_key_arn]
          Condition = { StringEquals = { "kms:ViaService" = "secretsmanager.${var.region}.amazonaws.com" } }
        },
      ]
    }

    # What Alertmanager needs to tell of alerts: the token of the operators' bot.
    alerts = {
      Version = "2012-10-17"
      Statement = [
        {
          Sid      = "TokenOfTheOperatorsBot"
          Effect   = "Allow"
          Action   = ["secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"]
          Resource = ["arn:aws:secretsmanager:${var.region}:${var.account}:secret:openclaw/${var.environment}/ops-telegram-*"]
        },
        {
          Sid       = "DecryptThem"
          Effect    = "Allow"
          Action    = ["kms:Decrypt"]
          Resource  = [var.kms_key_arn]
          Condition = { StringEquals = { "kms:ViaService" = "secretsmanager.${var.region}.amazonaws.com" } }
        },
      ]
    }

    # Nodes' addresses, zones and ends only: this cluster has no Services of type LoadBalancer (the bot polls), so the
    # controller's service loop is off and needs none of its rights.
    cloud-controller = {
      Version = "2012-10-17"
      Statement = [{
        Sid    = "Look"
        Effect = "Allow"
        Action = [
          "ec2:DescribeAvailabilityZones", "ec2:DescribeInstances", "ec2:DescribeInstanceTopology", "ec2:DescribeRegions",
          "ec2:DescribeSubnets", "ec2:DescribeVpcs", "ec2:DescribeVolumes", "autoscaling:DescribeAutoScalingGroups", "autoscaling:DescribeTags",
        ]
        Resource = ["*"]
      }]
    }

    ebs-csi = {
      Version = "2012-10-17"
      Statement = [
        {
          Sid    = "Look"
          Effect = "Allow"
          Action = [
            "ec2:DescribeAvailabilityZones", "ec2:DescribeInstances", "ec2:DescribeSnapshots", "ec2:DescribeTags",
            "ec2:DescribeVolumes", "ec2:DescribeVolumesModifications", "ec2:DescribeVolumeStatus",
          ]
          Resource = ["*"]
        },
        {
          Sid       = "CreateEncryptedForThisCluster"
          Effect    = "Allow"
          Action    = ["ec2:CreateVolume"]
          Resource  = ["${local.arn_ec2}:volume/*"]
          Condition = { StringEquals = { "aws:RequestTag/${local.cluster_tag_key}" = "owned" }, Bool = { "ec2:Encrypted" = "true" } }
        },
        {
          Sid       = "TagWhileCreating"
          Effect    = "Allow"
          Action    = ["ec2:CreateTags"]
          Resource  = ["${local.arn_ec2}:volume/*"]
          Condition = { StringEquals = { "ec2:CreateAction" = "CreateVolume" } }
        },
        {
          Sid       = "ChangeOwnVolumes"
          Effect    = "Allow"
          Action    = ["ec2:AttachVolume", "ec2:DetachVolume", "ec2:ModifyVolume", "ec2:DeleteVolume"]
          Resource  = ["${local.arn_ec2}:volume/*"]
          Condition = { StringEquals = { "aws:ResourceTag/${local.cluster_tag_key}" = "owned" } }
        },
        {
          Sid       = "AttachToOwnInstances"
          Effect    = "Allow"
          Action    = ["ec2:AttachVolume", "ec2:DetachVolume"]
          Resource  = ["${local.arn_ec2}:instance/*"]
          Condition = { StringEquals = { "aws:ResourceTag/${local.cluster_tag_key}" = "owned" } }
        },
        {
          Sid       = "EncryptThem"
          Effect    = "Allow"
          Action    = ["kms:CreateGrant", "kms:DescribeKey", "kms:GenerateDataKeyWithoutPlaintext", "kms:ReEncryptFrom", "kms:ReEncryptTo"]
          Resource  = [var.kms_key_arn]
          Condition = { StringEquals = { "kms:ViaService" = "ec2.${var.region}.amazonaws.com" } }
        },
      ]
    }

    cluster-autoscaler = {
      Version = "2012-10-17"
      Statement = [
        {
          Sid    = "Look"
          Effect = "Allow"
          Action = [
            "autoscaling:DescribeAutoScalingGroups", "autoscaling:DescribeAutoScalingInstances", "autoscaling:DescribeLaunchConfigurations",
            "autoscaling:DescribeScalingActivities", "autoscaling:DescribeTags", "ec2:DescribeImages", "ec2:DescribeInstanceTypes",
            "ec2:DescribeLaunchTemplateVersions", "ec2:GetInstanceTypesFromInstanceRequirements",
          ]
          Resource = ["*"]
        },
        {
          Sid       = "ScaleOwnGroups"
          Effect    = "Allow"
          Action    = ["autoscaling:SetDesiredCapacity", "autoscaling:TerminateInstanceInAutoScalingGroup"]
          Resource  = [local.arn_asg]
          Condition = { StringEquals = { "aws:ResourceTag/k8s.io/cluster-autoscaler/${var.name}" = "owned" } }
        },
      ]
    }
  }
}
