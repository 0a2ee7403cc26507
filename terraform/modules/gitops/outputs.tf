output "index_key" {
  description = "Object that lists what the master applies, one line each: sha256, namespace or -, location (s3:// or https://)."
  value       = aws_s3_object.index.key
}

output "index" {
  description = "The list itself."
  value       = local.index
}

output "manifests" {
  description = "The rendered manifests by file name, for tests and for whoever wants to read them before an apply."
  value       = local.rendered
}

output "argocd_version" {
  description = "Argo CD's version; platform/argocd must manage the same."
  value       = local.pins.argocd.version
}

output "bucket" {
  description = "The cluster's bucket once its gitops/ is complete: a master that is told this name finds everything."
  value       = var.bucket

  depends_on = [aws_s3_object.index]
}
