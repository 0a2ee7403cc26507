variable "name" {
  description = "Prefix of every name, <project>-<environment>, for example openclaw-staging. Also the cluster's name in tags."
  type        = string
}

variable "tags" {
  description = "Tags for instances and disks: the provider's default tags do not reach what Auto Scaling creates."
  type        = map(string)
  default     = {}
}

variable "pools" {
  description = <<-EOT
    Worker pools by name. For each zone of a pool there is one Auto Scaling group, since a volume stays in its zone.
      instance_types           types in order of preference; several make spot capacity easier to get
      zones                    zones that the pool runs in; empty means all
      min_per_zone             instances that are always there, in each zone: to add workers, raise it
      max_per_zone             how far cluster-autoscaler may go, in each zone
      on_demand_base_per_zone  instances of each zone that are on-demand before spot begins
      on_demand_percent        share of on-demand above the base, 0 to 100
      disk_gib                 size of the root disk, GiB
      labels                   further node labels; "openclaw.io/pool" = "agents" makes it take the agents' Jobs too, with their taint
      taints                   {key, value, effect}; Pods without the toleration stay away
      resources                what the autoscaler cannot know of an empty group, for example {"example.com/device" = "1"}
      ami_id                   another image for this pool; null means var.ami_id
  EOT
  type = map(object({
    instance_types          = list(string)
    zones                   = optional(list(string), [])
    min_per_zone            = number
    max_per_zone            = number
    on_demand_base_per_zone = optional(number, 0)
    on_demand_percent       = optional(number, 100)
    disk_gib                = optional(number, 40)
    labels                  = optional(map(string), {})
    taints                  = optional(list(object({ key = string, value = string, effect = string })), [])
    resources               = optional(map(string), {})
    ami_id                  = optional(string)
  }))

  validation {
    condition     = contains(keys(var.pools), "system")
    error_message = "pools must have one named system: Redis, the brain and the platform's parts run there."
  }

  validation {
    condition     = alltrue([for pool in values(var.pools) : pool.min_per_zone >= 0 && pool.max_per_zone >= max(1, pool.min_per_zone)])
    error_message = "in each pool max_per_zone must be at least 1 and at least min_per_zone."
  }

  validation {
    condition     = try(var.pools.system.min_per_zone >= 1 && length(var.pools.system.taints) == 0, true)
    error_message = "the system pool needs min_per_zone of at least 1 (a volume's Pod finds a node in its zone) and no taints."
  }

  validation {
    condition     = try(var.pools.system.on_demand_percent == 100, true)
    error_message = "the system pool is on-demand only (on_demand_percent = 100): spot would take Redis away with two minutes' notice."
  }

  validation {
    condition     = alltrue([for pool in values(var.pools) : length(pool.instance_types) >= 1 && pool.on_demand_percent >= 0 && pool.on_demand_percent <= 100 && pool.disk_gib >= 20])
    error_message = "each pool needs at least one instance type, on_demand_percent from 0 to 100, and disk_gib of at least 20."
  }

  validation {
    condition     = alltrue([for pool in values(var.pools) : pool.ami_id == null || can(regex("^ami-[0-9a-f]{8,17}$", pool.ami_id))])
    error_message = "a pool's ami_id must be an image's id such as ami-0123456789abcdef0, or be left out: then the pool boots var.ami_id."
  }

  validation {
    condition     = alltrue([for pool in values(var.pools) : alltrue([for taint in pool.taints : contains(["NoSchedule", "NoExecute", "PreferNoSchedule"], taint.effect)])])
    error_message = "a taint's effect must be NoSchedule, NoExecute or PreferNoSchedule."
  }

  validation {
    condition     = alltrue([for pool in values(var.pools) : alltrue([for zone in pool.zones : contains(keys(var.subnet_ids), zone)])])
    error_message = "a pool names a zone in which the network has no subnet: add it to `zones` first."
  }

  validation {
    condition     = alltrue([for name in keys(var.pools) : can(regex("^[a-z][a-z0-9-]{1,20}$", name))])
    error_message = "a pool's name must be 2 to 21 lower-case letters, digits and hyphens: it becomes a node label and a group's name."
  }
}

variable "subnet_ids" {
  description = "Workers' subnets, by zone."
  type        = map(string)
}

variable "security_group_id" {
  description = "Security group of the workers."
  type        = string
}

variable "instance_profiles" {
  description = "Instance profile of each group's workers, by pool/zone, as modules/iam makes them."
  type        = map(string)

  validation {
    condition     = toset(keys(var.instance_profiles)) == toset(keys(local.groups))
    error_message = "instance_profiles must hold exactly one entry for each pool and zone."
  }
}

variable "ami_id" {
  description = "Debian 13's official image for the region; `scripts/pin` looks it up. A change rolls the workers."
  type        = string

  validation {
    condition     = can(regex("^ami-[0-9a-f]{8,17}$", var.ami_id))
    error_message = "ami_id is not set: run `scripts/pin` with a network, which looks up Debian 13's official image for this region and writes it to terraform.tfvars."
  }
}

variable "user_data_base64" {
  description = "First-boot script of each pool's workers in base64, as modules/user-data renders it."
  type        = map(string)

  validation {
    condition     = toset(keys(var.user_data_base64)) == toset(keys(var.pools))
    error_message = "user_data_base64 must hold exactly one entry for each pool."
  }

  validation {
    condition     = alltrue([for text in values(var.user_data_base64) : length(text) <= 21848])
    error_message = "a pool's user data exceeds EC2's 16 KiB: gzip it, or move a script to the cluster's bucket."
  }
}

variable "kms_key_arn" {
  description = "Key that encrypts disks."
  type        = string
}

variable "join_timeout_s" {
  description = "Seconds from launch until a worker must have joined; then it is replaced. On the first apply it includes the master's own bring-up."
  type        = number
  default     = 1500

  validation {
    condition     = var.join_timeout_s >= 600 && var.join_timeout_s <= 7200
    error_message = "join_timeout_s must be 600 to 7200: a worker needs about 4 minutes, and on the first apply waits for the master."
  }
}

variable "drain_timeout_s" {
  description = "Seconds that a worker may take to drain before it is terminated anyway: a task's deadline (180 s) plus the agent's grace and eviction."
  type        = number
  default     = 300

  validation {
    condition     = var.drain_timeout_s >= 240 && var.drain_timeout_s <= 7200
    error_message = "drain_timeout_s must be 240 to 7200: running tasks have 180 s and then need time to hand back."
  }
}
