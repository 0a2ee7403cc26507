variable "name" {
  description = "Prefix of every name, <project>-<environment>, for example openclaw-staging. Also the cluster's name in tags."
  type        = string
}

variable "environment" {
  description = "staging or prod: the last part of namespaces (openclaw-<environment>) and of secret paths (openclaw/<environment>/)."
  type        = string

  validation {
    condition     = contains(["staging", "prod"], var.environment)
    error_message = "environment must be staging or prod."
  }
}

variable "region" {
  description = "AWS region."
  type        = string
}

variable "account" {
  description = "AWS account id, 12 digits."
  type        = string
}

variable "cluster_bucket_arn" {
  description = "Bucket with etcd/, pki/ and gitops/."
  type        = string
}

variable "kms_key_arn" {
  description = "Key of the environment."
  type        = string
}

variable "metric_namespace" {
  description = "The only CloudWatch namespace that the master may write to."
  type        = string
}

variable "worker_groups" {
  description = "Name of each Auto Scaling group of workers, by pool/zone, as modules/workers names them. Each gets a role of its own."
  type        = map(string)
}

variable "service_accounts" {
  description = "The one Kubernetes service account that may assume each role, as namespace and name. The manifests must use exactly these."
  type        = map(object({ namespace = string, name = string }))
  default     = {}

  validation {
    condition = alltrue([for role in keys(var.service_accounts) :
      contains(["external-secrets", "cloud-controller", "ebs-csi", "cluster-autoscaler", "notifications", "alerts"], role)
    ])
    error_message = "service_accounts may name external-secrets, cloud-controller, ebs-csi, cluster-autoscaler, notifications and alerts only: a further role needs a policy in policies.tf."
  }
}
