# Where changes run first: two zones, one gateway, small machines.
# ami_id is written here by `scripts/pin`.
kubernetes_version = "1.37.2"

zones    = ["eu-central-1a", "eu-central-1b"]
vpc_cidr = "10.20.0.0/16"
nat_mode = "gateway"

pools = {
  # Redis, the brain, Argo CD and the platform's other parts.
  system = {
    instance_types = ["t3.large", "t3a.large"]
    min_per_zone   = 1
    max_per_zone   = 2
  }

  # Agents' Jobs and nothing else.
  agents = {
    instance_types    = ["t3.medium", "t3a.medium", "t3.large"]
    min_per_zone      = 0
    max_per_zone      = 3
    on_demand_percent = 0
    taints            = [{ key = "openclaw.io/pool", value = "agents", effect = "NoSchedule" }]
  }
}

snapshot_interval_hours = 6
snapshot_retention_days = 7
alarm_email             = "ops@example.com"
protected               = false
