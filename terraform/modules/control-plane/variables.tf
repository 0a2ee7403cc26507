variable "name" {
  description = "Prefix of every name, <project>-<environment>, for example openclaw-staging. Also the cluster's name in tags."
  type        = string
}

variable "tags" {
  description = "Tags for disks: the provider's default tags do not reach volumes that an instance brings with it."
  type        = map(string)
  default     = {}
}

variable "masters" {
  description = "Number of masters, 1 or 3, each in its own zone (three need three zones)."
  type        = number
  default     = 1

  validation {
    condition     = var.masters % 2 == 1
    error_message = "masters must be odd: with an even number etcd survives no more losses than with one fewer, and stalls more often."
  }

  validation {
    condition     = contains([1, 3], var.masters)
    error_message = "masters must be 1 or 3."
  }

  validation {
    condition     = var.masters <= length(var.subnet_ids)
    error_message = "three masters need three zones: add one to `zones`, or set masters = 1."
  }
}

variable "vpc_id" {
  description = "VPC in which the endpoint's name resolves."
  type        = string
}

variable "zones" {
  description = "Availability zones in order; the first holds the only master, or the first of three."
  type        = list(string)
}

variable "subnet_ids" {
  description = "Masters' subnets, by zone."
  type        = map(string)
}

variable "security_group_id" {
  description = "Security group of the masters."
  type        = string
}

variable "instance_profile" {
  description = "Instance profile of the masters."
  type        = string
}

variable "ami_id" {
  description = "Debian 13's official image for the region; `scripts/pin` looks it up. A change does not touch running masters."
  type        = string

  validation {
    condition     = can(regex("^ami-[0-9a-f]{8,17}$", var.ami_id))
    error_message = "ami_id is not set: run `scripts/pin` with a network, which looks up Debian 13's official image for this region and writes it to terraform.tfvars."
  }
}

variable "instance_type" {
  description = "Instance type of a master; kubeadm wants 2 vCPU and 2 GiB, Argo CD's CRDs and 300 Jobs want 4 GiB."
  type        = string
  default     = "t3.medium"
}

variable "user_data_base64" {
  description = "First-boot script of each master in base64, as modules/user-data renders it: one for each master."
  type        = list(string)

  validation {
    condition     = length(var.user_data_base64) == var.masters
    error_message = "user_data_base64 must hold one entry for each master."
  }

  # 16 KiB before base64; four characters stand for three bytes.
  validation {
    condition     = alltrue([for text in var.user_data_base64 : length(text) <= 21848])
    error_message = "a master's user data exceeds EC2's 16 KiB: gzip it, or move a script to the cluster's bucket."
  }
}

variable "etcd_volume_gib" {
  description = "Size of the volume that holds etcd, in GiB. It can grow later, not shrink."
  type        = number
  default     = 20

  validation {
    condition     = var.etcd_volume_gib >= 20
    error_message = "etcd_volume_gib must be at least 20: etcd's quota is 8 GiB, and a defragmentation or a snapshot needs as much again beside it."
  }
}

variable "root_volume_gib" {
  description = "Size of the root volume in GiB: images, logs, the audit log."
  type        = number
  default     = 30
}

variable "kms_key_arn" {
  description = "Key that encrypts disks and logs."
  type        = string
}

variable "node_log_group" {
  description = "Log group that nodes write to."
  type        = string
}

variable "log_retention_days" {
  description = "how long nodes' logs are kept, in days."
  type        = number
  default     = 365
}

variable "termination_protection" {
  description = "Refuse to terminate masters until it is switched off. True in prod."
  type        = bool
  default     = false
}
