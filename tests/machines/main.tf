# What `make machines-test` boots: modules/user-data with the values of machines that stand in for AWS.
module "user_data" {
  source = "../../terraform/modules/user-data"

  name             = "openclaw-test"
  region           = "eu-central-1"
  endpoint         = "api.openclaw-test.internal"
  cluster_bucket   = "openclaw-test-cluster"
  kms_key_arn      = "arn:aws:kms:eu-central-1:123456789012:key/11111111-2222-3333-4444-555555555555"
  join_parameter   = "/openclaw/openclaw-test/join"
  node_log_group   = "/openclaw/openclaw-test/nodes"
  issuer_url       = "https://d111111abcdef8.cloudfront.net"
  issuer_bucket    = "openclaw-test-issuer"
  metric_namespace = "OpenClaw/openclaw-test"
  etcd_volume_ids  = [var.etcd_volume_id]
  join_timeout_s   = var.join_timeout_s
  drain_timeout_s  = 60

  containerd_version         = var.containerd_version
  kubernetes_version         = var.kubernetes_version
  kubernetes_key_fingerprint = var.kubernetes_key_fingerprint

  session_agent_key = var.session_agent_key
  pools = {
    system = {}
    agents = { taints = [{ key = "openclaw.io/pool", value = "agents", effect = "NoSchedule" }] }
  }
}

variable "etcd_volume_id" {
  description = "Volume that the master waits for: another one makes a master with a new disk."
  type        = string
  default     = "vol-0123456789abcdef0"
}

variable "join_timeout_s" {
  description = "Seconds that workers try to join."
  type        = number
  default     = 600
}

variable "containerd_version" {
  description = "What the machines bring: there is nothing to fetch another from."
  type        = string
}

variable "kubernetes_version" {
  description = "Null takes the module's own."
  type        = string
  default     = null
}

variable "kubernetes_key_fingerprint" {
  description = "Of the key that stands in for Kubernetes'. Null takes the module's own."
  type        = string
  default     = null
}

variable "session_agent_key" {
  description = "Key that signs the package that stands in for Amazon's agent."
  type        = string
}

output "control_plane" {
  description = "The first master's user data, base64."
  value       = module.user_data.control_plane_user_data_base64[0]
}

output "workers" {
  description = "User data by pool, base64."
  value       = module.user_data.worker_user_data_base64
}
