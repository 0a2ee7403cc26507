# Three zones, of which one may be lost; a gateway in each; agents on spot above one on-demand worker a zone.
# ami_id is written here by `scripts/pin`.
kubernetes_version = "1.37.2"

zones    = ["eu-central-1a", "eu-central-1b", "eu-central-1c"]
vpc_cidr = "10.30.0.0/16"
nat_mode = "gateway_per_zone"

pools = {
  # Redis, the brain, Argo CD and the platform's other parts.
  system = {
    instance_types = ["t3.large", "t3a.large"]
    min_per_zone   = 1
    max_per_zone   = 2
  }

  # Agents' Jobs and nothing else.
  agents = {
    instance_types          = ["t3.large", "t3a.large", "m5.large"]
    min_per_zone            = 1
    max_per_zone            = 5
    on_demand_base_per_zone = 1
    on_demand_percent       = 0
    taints                  = [{ key = "openclaw.io/pool", value = "agents", effect = "NoSchedule" }]
  }
}

snapshot_interval_hours = 1
snapshot_retention_days = 30
alarm_email             = "ops@example.com"
protected               = true
