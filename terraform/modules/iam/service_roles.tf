# One role for each controller, each for exactly one service account: the node's own role gives pods nothing, and with a
# hop limit of 1 they could not reach it anyway.
locals {
  default_service_accounts = {
    external-secrets   = { namespace = "openclaw-${var.environment}", name = "external-secrets" }
    cloud-controller   = { namespace = "kube-system", name = "cloud-controller-manager" }
    ebs-csi            = { namespace = "kube-system", name = "ebs-csi-controller-sa" }
    cluster-autoscaler = { namespace = "kube-system", name = "cluster-autoscaler" }
    notifications      = { namespace = "argocd", name = "notifications-secrets" }
    alerts             = { namespace = "monitoring", name = "alerts-secrets" }
  }
  service_accounts = merge(local.default_service_accounts, var.service_accounts)

  service_trust = { for role, account in local.service_accounts : role => {
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRoleWithWebIdentity"
      Principal = { Federated = aws_iam_openid_connect_provider.cluster.arn }
      Condition = {
        StringEquals = {
          "${local.issuer_host}:sub" = "system:serviceaccount:${account.namespace}:${account.name}"
          "${local.issuer_host}:aud" = "sts.amazonaws.com"
        }
      }
    }]
  } }
}

resource "aws_iam_role" "service" {
  for_each = local.service_accounts

  name                 = "${var.name}-${each.key}"
  description          = "Assumed by ${each.value.namespace}/${each.value.name} only"
  assume_role_policy   = jsonencode(local.service_trust[each.key])
  max_session_duration = 3600
}

resource "aws_iam_role_policy" "service" {
  #checkov:skip=CKV_AWS_290:EC2 cannot name in advance the volumes and rules that a controller will create; conditions on the cluster's tag bind what it may change
  #checkov:skip=CKV_AWS_355:Describe calls know no resources
  for_each = local.service_accounts

  name   = each.key
  role   = aws_iam_role.service[each.key].id
  policy = jsonencode(local.service_policies[each.key])
}
