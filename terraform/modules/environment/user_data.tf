# What a machine learns at its first boot. modules/user-data renders text and nothing else; this file is the only place
# that speaks to it.
module "user_data" {
  source = "../user-data"

  name                        = local.name
  region                      = local.shared.region
  kubernetes_version          = var.kubernetes_version
  kubernetes_package_revision = var.kubernetes_package_revision
  endpoint                    = module.control_plane.endpoint
  pod_cidr                    = var.pod_cidr
  service_cidr                = var.service_cidr
  cluster_bucket              = module.gitops.bucket # known once the manifests are there, so no master boots before
  kms_key_arn                 = module.encryption.key_arn
  join_parameter              = module.iam.join_parameter
  node_log_group              = module.iam.node_log_group
  issuer_url                  = module.iam.issuer_url
  issuer_bucket               = module.iam.issuer_bucket
  metric_namespace            = module.backup.metric_namespace
  metric_name                 = module.backup.metric_name
  snapshot_interval_hours     = module.backup.snapshot_interval_hours
  etcd_volume_ids             = module.control_plane.etcd_volume_ids
  join_timeout_s              = local.join_timeout_s
  drain_timeout_s             = local.drain_timeout_s

  pools = { for name, pool in module.workers.pools : name => {
    labels = module.workers.node_labels[name]
    taints = pool.taints
  } }
}
