# The same in every environment: what differs stands in environment.tf, terraform.tfvars and clusters/<env>/environment.yaml.
locals {
  shared = yamldecode(file("${path.module}/../../../clusters/${local.environment}/environment.yaml"))

  tags = {
    Project     = "openclaw"
    Environment = local.environment
    ManagedBy   = "terraform"
    Repository  = local.shared.repository
  }
}

provider "aws" {
  region              = local.shared.region
  allowed_account_ids = [local.shared.account] # credentials of another account stop here

  default_tags {
    tags = local.tags
  }
}

module "environment" {
  source = "../../modules/environment"

  environment                 = local.environment
  tags                        = local.tags
  ami_id                      = var.ami_id
  kubernetes_version          = var.kubernetes_version
  kubernetes_package_revision = var.kubernetes_package_revision
  zones                       = var.zones
  vpc_cidr                    = var.vpc_cidr
  pod_cidr                    = var.pod_cidr
  service_cidr                = var.service_cidr
  nat_mode                    = var.nat_mode
  interface_endpoints         = var.interface_endpoints
  api_allow_cidrs             = var.api_allow_cidrs
  masters                     = var.masters
  master_instance_type        = var.master_instance_type
  pools                       = var.pools
  snapshot_interval_hours     = var.snapshot_interval_hours
  snapshot_retention_days     = var.snapshot_retention_days
  alarm_email                 = var.alarm_email
  protected                   = var.protected
}
