variable "name" {
  description = "Prefix of every name, <project>-<environment>, for example openclaw-staging."
  type        = string
}

variable "account" {
  description = "AWS account id, 12 digits: bucket names are shared by all of AWS, the account makes ours unique."
  type        = string
}

variable "kms_key_arn" {
  description = "Key that encrypts every object, and the alarm's topic."
  type        = string
}

variable "snapshot_interval_hours" {
  description = "Hours between two etcd snapshots, 1 to 12. What was written to the cluster since the last one is lost in a restore."
  type        = number
  default     = 1

  validation {
    condition     = var.snapshot_interval_hours >= 1 && var.snapshot_interval_hours <= 12
    error_message = "snapshot_interval_hours must be 1 to 12: the alarm compares two intervals and CloudWatch looks back one day at most."
  }
}

variable "snapshot_retention_days" {
  description = "Days that a snapshot is kept."
  type        = number
  default     = 14

  validation {
    condition     = var.snapshot_retention_days >= 3
    error_message = "snapshot_retention_days must be at least 3: a fault found on Monday happened on Friday."
  }
}

variable "alarm_email" {
  description = "Address that hears when the newest snapshot is old. AWS sends it one mail to confirm."
  type        = string

  validation {
    condition     = can(regex("^[^@ ]+@[^@ ]+[.][^@ ]+$", var.alarm_email))
    error_message = "alarm_email must be a mail address: an alarm that nobody hears is no backup."
  }
}

variable "force_destroy" {
  description = "Let `terraform destroy` delete the bucket with the snapshots in it. False in prod."
  type        = bool
  default     = false
}
