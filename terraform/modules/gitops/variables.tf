variable "name" {
  description = "The cluster's name, <project>-<environment>, for example openclaw-staging."
  type        = string
}

variable "environment" {
  description = "staging or prod: the folder of clusters/ that the root Application follows."
  type        = string
}

variable "region" {
  description = "AWS region."
  type        = string
}

variable "repository" {
  description = "Git repository that Argo CD follows, by https."
  type        = string

  validation {
    condition     = can(regex("^https://[^ @]+$", var.repository))
    error_message = "repository must be an https URL without a user or token in it: it is public in the cluster. A private one gets its credentials as a Secret."
  }
}

variable "revision" {
  description = "Branch that the root Application tracks. In prod its children pin commits of it."
  type        = string
  default     = "main"
}

variable "endpoint" {
  description = "Name of the API server inside the VPC, without the port."
  type        = string
}

variable "service_cidr" {
  description = "Virtual addresses of Services."
  type        = string
}

variable "cloud_controller_role_arn" {
  description = "Role that the cloud controller assumes."
  type        = string
}

variable "bucket" {
  description = "The cluster's bucket; manifests go under gitops/, which masters may only read."
  type        = string
}

variable "kms_key_arn" {
  description = "Key that encrypts the manifests in S3 and the cluster's disks."
  type        = string
}
