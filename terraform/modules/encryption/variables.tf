variable "name" {
  description = "Prefix of every name, <project>-<environment>, for example openclaw-staging."
  type        = string
}

variable "region" {
  description = "AWS region, for the names of services in the key's policy."
  type        = string
}

variable "account" {
  description = "AWS account id, 12 digits."
  type        = string

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account))
    error_message = "account must be 12 digits; quote it in clusters/<env>/environment.yaml, or YAML drops a leading zero."
  }
}

variable "deletion_window_days" {
  description = "Days between the key's deletion and its end, 7 to 30. Snapshots and volumes cannot be read after it."
  type        = number
  default     = 30

  validation {
    condition     = var.deletion_window_days >= 7 && var.deletion_window_days <= 30
    error_message = "deletion_window_days must be 7 to 30: AWS allows nothing else."
  }
}
