locals {
  pins = yamldecode(file("${path.module}/pins.yaml"))

  # In the order in which the master applies them.
  rendered = {
    "10-cni.yaml" = templatefile("${path.module}/manifests/cni.yaml.tftpl", {
      image = local.pins.kube_router.image, endpoint = var.endpoint, service_cidr = var.service_cidr
    })
    "15-dns-budget.yaml" = file("${path.module}/manifests/dns-budget.yaml")
    "20-cloud-controller.yaml" = templatefile("${path.module}/manifests/cloud-controller.yaml.tftpl", {
      image    = local.pins.cloud_controller.image, endpoint = var.endpoint, name = var.name, region = var.region,
      role_arn = var.cloud_controller_role_arn
    })
    "30-storage-class.yaml" = templatefile("${path.module}/manifests/storage-class.yaml.tftpl", {
      kms_key_arn = var.kms_key_arn
    })
    "40-argocd-namespace.yaml" = file("${path.module}/manifests/argocd-namespace.yaml")
    "60-root.yaml" = templatefile("${path.module}/manifests/root.yaml.tftpl", {
      environment = var.environment, repository = var.repository, revision = var.revision
    })
  }

  # One line for each manifest: checksum, namespace ("-" for what names its own), where to fetch it.
  index_lines = concat(
    [for file in ["10-cni.yaml", "15-dns-budget.yaml", "20-cloud-controller.yaml", "30-storage-class.yaml", "40-argocd-namespace.yaml"] :
      "${sha256(local.rendered[file])} - s3://${var.bucket}/gitops/${file}"
    ],
    ["${local.pins.argocd.sha256} argocd ${local.pins.argocd.url}"],
    ["${sha256(local.rendered["60-root.yaml"])} argocd s3://${var.bucket}/gitops/60-root.yaml"],
  )
  index = "${join("\n", local.index_lines)}\n"
}

resource "aws_s3_object" "manifest" {
  for_each = local.rendered

  bucket                 = var.bucket
  key                    = "gitops/${each.key}"
  content                = each.value
  content_type           = "application/yaml"
  server_side_encryption = "aws:kms"
  kms_key_id             = var.kms_key_arn
}

# Written last, so that an index never names what is not there yet.
resource "aws_s3_object" "index" {
  bucket                 = var.bucket
  key                    = "gitops/index"
  content                = local.index
  content_type           = "text/plain"
  server_side_encryption = "aws:kms"
  kms_key_id             = var.kms_key_arn

  depends_on = [aws_s3_object.manifest]
}
