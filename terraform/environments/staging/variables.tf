# What terraform.tfvars may say. Descriptions, defaults and what is refused stand in modules/environment/variables.tf.

variable "ami_id" {
  description = "Debian 13's official image (amd64) for the region."
  type        = string
  default     = null
}

variable "kubernetes_version" {
  description = "Exact version of kubelet, kubeadm and the control plane."
  type        = string
}

variable "kubernetes_package_revision" {
  description = "Revision of the Debian packages of that version at pkgs.k8s.io."
  type        = string
  default     = null
}

variable "zones" {
  description = "Availability zones, 2 or 3, append only."
  type        = list(string)
}

variable "vpc_cidr" {
  description = "The VPC's addresses."
  type        = string
}

variable "pod_cidr" {
  description = "Addresses of pods."
  type        = string
  default     = null
}

variable "service_cidr" {
  description = "Virtual addresses of Services."
  type        = string
  default     = null
}

variable "nat_mode" {
  description = "gateway_per_zone, gateway or instance."
  type        = string
}

variable "interface_endpoints" {
  description = "AWS services reached inside the VPC instead of through NAT; none is needed."
  type        = set(string)
  default     = null
}

variable "api_allow_cidrs" {
  description = "Further private ranges that may reach the API server."
  type        = set(string)
  default     = null
}

variable "masters" {
  description = "Number of masters."
  type        = number
  default     = null
}

variable "master_instance_type" {
  description = "Instance type of a master."
  type        = string
  default     = null
}

variable "pools" {
  description = "Worker pools by name."
  type        = any
}

variable "snapshot_interval_hours" {
  description = "Hours between two etcd snapshots."
  type        = number
  default     = null
}

variable "snapshot_retention_days" {
  description = "Days that a snapshot is kept."
  type        = number
  default     = null
}

variable "alarm_email" {
  description = "Address that hears alarms."
  type        = string
}

variable "protected" {
  description = "True keeps `terraform destroy` from terminating masters and from deleting backups."
  type        = bool
}
