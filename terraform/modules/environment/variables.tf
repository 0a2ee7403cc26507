variable "environment" {
  description = "staging or prod: the folder of clusters/ that says who and where, and part of every name."
  type        = string
}

variable "tags" {
  description = "Tags for instances and disks: the provider's default tags do not reach what Auto Scaling creates."
  type        = map(string)
}

variable "ami_id" {
  description = "Debian 13's official image (amd64) for the region. `scripts/pin` looks it up and writes it to terraform.tfvars; there is no most_recent, so an image changes only by a reviewed commit."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^ami-[0-9a-f]{8,17}$", var.ami_id))
    error_message = "terraform.tfvars, ami_id: ${var.ami_id == "" ? "it is not set" : "${var.ami_id} is no image's id"}. Run `scripts/pin` with a network, which looks up Debian 13's official image for this region and writes it there."
  }
}

variable "kubernetes_version" {
  description = "Exact version of kubelet, kubeadm and the control plane, for example 1.37.2. One minor version up at a time."
  type        = string

  validation {
    condition     = can(regex("^1[.][0-9]{2}[.][0-9]{1,2}$", var.kubernetes_version))
    error_message = "terraform.tfvars, kubernetes_version: it must be exact, for example 1.37.2."
  }

  validation {
    # The cloud controller has Kubernetes' minor version. It may be one behind, as in the middle of an upgrade.
    condition     = try(abs(tonumber(split(".", var.kubernetes_version)[1]) - local.pinned_minor) <= 1, true)
    error_message = "terraform.tfvars, kubernetes_version: ${var.kubernetes_version} is more than one minor version away from what modules/gitops/pins.yaml pins (1.${local.pinned_minor}). Upgrade one minor version at a time, and move the pins along."
  }
}

variable "kubernetes_package_revision" {
  description = "Revision of the Debian packages of that version at pkgs.k8s.io; `apt-cache madison kubeadm` shows it."
  type        = string
  default     = "1.1"
  nullable    = false
}

variable "zones" {
  description = "Availability zones, 2 or 3. Append only: the order decides addresses and the master's place, so a plan refuses another one."
  type        = list(string)
}

variable "vpc_cidr" {
  description = "The VPC's addresses, a /16 that holds api_server_cidr of clusters/<env>/environment.yaml."
  type        = string
}

variable "pod_cidr" {
  description = "Addresses of pods."
  type        = string
  default     = "10.244.0.0/16"
  nullable    = false
}

variable "service_cidr" {
  description = "Virtual addresses of Services."
  type        = string
  default     = "10.96.0.0/16"
  nullable    = false
}

variable "nat_mode" {
  description = "gateway_per_zone, gateway or instance: see the cost table in docs/cost.md."
  type        = string
}

variable "interface_endpoints" {
  description = "AWS services reached inside the VPC instead of through NAT; none is needed."
  type        = set(string)
  default     = []
  nullable    = false
}

variable "api_allow_cidrs" {
  description = "Further private ranges that may reach the API server. Never 0.0.0.0/0."
  type        = set(string)
  default     = []
  nullable    = false
}

variable "masters" {
  description = "Number of masters. One is done and tested; for three the module lays out instances, disks and the load balancer, but no script joins the second and third yet."
  type        = number
  default     = 1
  nullable    = false

  validation {
    condition     = var.masters % 2 == 1
    error_message = "masters must be odd: with an even number etcd survives no more losses than with one fewer."
  }

  validation {
    condition     = var.masters % 2 == 0 || var.masters == 1
    error_message = "masters must be 1: joining further masters is not automated yet (docs/infrastructure.md, non-goals)."
  }
}

variable "master_instance_type" {
  description = "Instance type of a master, amd64, at least 2 vCPU and 4 GiB."
  type        = string
  default     = "t3.medium"
  nullable    = false
}

variable "pools" {
  description = "Worker pools by name; modules/workers/variables.tf describes the fields. To add workers, raise min_per_zone, or add a pool."
  # Not the object type of modules/workers, which takes these over: Terraform would drop a misspelt optional field without a word.
  type = any

  validation {
    condition = alltrue([for name, pool in var.pools : length(setsubtract(keys(pool), local.pool_fields)) == 0])
    error_message = join(" ", ["terraform.tfvars, pools:", join("; ", [for name, pool in var.pools :
      "${name} has ${join(", ", setsubtract(keys(pool), local.pool_fields))}, which is no field of a pool" if length(setsubtract(keys(pool), local.pool_fields)) > 0
    ]), "- the fields are ${join(", ", local.pool_fields)}."])
  }

  validation {
    condition     = alltrue(flatten([for pool in var.pools : [for taint in try(pool.taints, []) : try(toset(keys(taint)) == toset(["key", "value", "effect"]), false)]]))
    error_message = "terraform.tfvars, pools: each of a pool's taints has key, value and effect, and nothing else."
  }

  validation {
    condition     = alltrue([for pool in var.pools : can(regex("^ami-[0-9a-f]{8,17}$", try(coalesce(pool.ami_id), "ami-00000000")))])
    error_message = "terraform.tfvars, pools: a pool's ami_id must be an image's id such as ami-0123456789abcdef0, or be left out: then the pool boots ami_id."
  }

  validation {
    condition     = try(length(var.pools["agents"].taints) > 0, false)
    error_message = "terraform.tfvars, pools: one must be named agents and have a taint, or Jobs would push Redis and the brain from their nodes."
  }
}

variable "snapshot_interval_hours" {
  description = "Hours between two etcd snapshots, 1 to 12."
  type        = number
  default     = 1
  nullable    = false
}

variable "snapshot_retention_days" {
  description = "Days that a snapshot is kept; prod keeps at least 14."
  type        = number
  default     = 14
  nullable    = false

  validation {
    condition     = var.environment != "prod" || var.snapshot_retention_days >= 14
    error_message = "prod is not run without backups: snapshot_retention_days must be at least 14."
  }
}

variable "alarm_email" {
  description = "Address that hears alarms."
  type        = string

  validation {
    condition     = !endswith(var.alarm_email, "@example.com")
    error_message = "alarm_email is still the example's: write your own into terraform.tfvars, or nobody hears that the snapshots have stopped."
  }
}

variable "protected" {
  description = "True keeps `terraform destroy` from terminating masters and from deleting backups; always true in prod but for the one apply before it is torn down."
  type        = bool
}
