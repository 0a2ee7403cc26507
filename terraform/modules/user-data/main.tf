locals {
  # 16 KiB before base64, which writes three bytes as four characters.
  user_data_max_base64 = 21848

  settings = {
    CLUSTER                    = var.name
    AWS_REGION                 = var.region
    KUBERNETES_VERSION         = var.kubernetes_version
    KUBERNETES_PACKAGE         = "${var.kubernetes_version}-${var.kubernetes_package_revision}"
    KUBERNETES_KEY_FINGERPRINT = var.kubernetes_key_fingerprint
    CONTAINERD_VERSION         = var.containerd_version
    CONTAINERD_PACKAGE         = "${var.containerd_version}-${var.containerd_package_revision}"
    CONTAINERD_KEY_FINGERPRINT = var.containerd_key_fingerprint
    ENDPOINT                   = var.endpoint
    JOIN_PARAMETER             = var.join_parameter
    LOG_GROUP                  = var.node_log_group
    SESSION_AGENT_VERSION      = var.session_agent_version
  }

  control_plane_settings = [for volume_id in var.etcd_volume_ids : merge(local.settings, {
    ROLE                    = "control-plane"
    POD_CIDR                = var.pod_cidr
    SERVICE_CIDR            = var.service_cidr
    CLUSTER_BUCKET          = var.cluster_bucket
    KMS_KEY                 = var.kms_key_arn
    JOIN_TOKEN_MINUTES      = var.join_token_minutes
    ISSUER_URL              = var.issuer_url
    ISSUER_BUCKET           = var.issuer_bucket
    METRIC_NAMESPACE        = var.metric_namespace
    METRIC_NAME             = var.metric_name
    SNAPSHOT_INTERVAL_HOURS = var.snapshot_interval_hours
    ETCD_VOLUME             = volume_id
  })]

  worker_settings = { for pool_name, pool in var.pools : pool_name => merge(local.settings, {
    ROLE            = "worker"
    POOL            = pool_name
    NODE_LABELS     = join(",", [for key, value in merge({ "openclaw.io/pool" = pool_name }, pool.labels) : "${key}=${value}"])
    NODE_TAINTS     = jsonencode([for taint in pool.taints : { key = taint.key, value = taint.value, effect = taint.effect }])
    JOIN_TIMEOUT_S  = var.join_timeout_s
    DRAIN_TIMEOUT_S = var.drain_timeout_s
  }) }

  # Where each of files/ lands on a node. Scripts are executable, units are not.
  common_files = merge(
    { for file in fileset(path.module, "files/common/*") : file => file("${path.module}/${file}") },
    var.session_agent_key == null ? {} : { "files/common/session-agent.asc" = var.session_agent_key },
  )
  role_files = {
    for role in ["control-plane", "worker"] : role => merge(local.common_files, {
      for file in fileset(path.module, "files/${role}/*") : file => file("${path.module}/${file}")
    })
  }

  # Lines that are comments stay here: with them a master's user data would not fit into EC2's 16 KiB.
  comment = "/(?m)^[ \t]*#([^!\n].*)?\n/"

  write_files = { for role, files in local.role_files : role => [for file, content in files : {
    path = (
      can(regex("[.](service|timer)$", file)) ? "/etc/systemd/system/${basename(file)}" :
      can(regex("[+]strategic[.]yaml$", file)) ? "/etc/openclaw/patches/${basename(file)}" :
      can(regex("[.](yaml|asc)$", file)) ? "/etc/openclaw/${basename(file)}" : "/usr/local/lib/openclaw/${basename(file)}"
    )
    permissions = can(regex("[.](service|timer|yaml|asc)$", file)) ? "0644" : "0755"
    content     = replace(content, local.comment, "")
  }] }

  control_plane_user_data = [for settings in local.control_plane_settings : templatefile("${path.module}/templates/user-data.tftpl", {
    settings = settings, files = local.write_files["control-plane"]
  })]
  worker_user_data = { for pool, settings in local.worker_settings : pool => templatefile("${path.module}/templates/user-data.tftpl", {
    settings = settings, files = local.write_files["worker"]
  }) }
}
