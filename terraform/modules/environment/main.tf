# An environment as a whole. What differs between environments comes in by variables and clusters/<env>/environment.yaml.
locals {
  name   = "openclaw-${var.environment}"
  shared = yamldecode(file("${path.module}/../../../clusters/${var.environment}/environment.yaml"))

  pool_fields = [
    "instance_types", "zones", "min_per_zone", "max_per_zone", "on_demand_base_per_zone", "on_demand_percent", "disk_gib", "labels", "taints",
    "resources", "ami_id",
  ]
  pinned_minor = tonumber(regex(":v1[.]([0-9]+)[.]", yamldecode(file("${path.module}/../gitops/pins.yaml")).cloud_controller.image)[0])

  # How long a worker itself tries, in seconds. The groups' hooks wait a little longer, so that it can still say why it failed.
  join_timeout_s  = 1200
  drain_timeout_s = 270
}

module "encryption" {
  source = "../encryption"

  name    = local.name
  region  = local.shared.region
  account = local.shared.account
}

module "network" {
  source = "../network"

  name                = local.name
  region              = local.shared.region
  zones               = var.zones
  vpc_cidr            = var.vpc_cidr
  control_cidr        = local.shared.api_server_cidr
  pod_cidr            = var.pod_cidr
  service_cidr        = var.service_cidr
  nat_mode            = var.nat_mode
  nat_instance        = var.nat_mode == "instance" ? { ami_id = var.ami_id } : null
  interface_endpoints = var.interface_endpoints
  api_allow_cidrs     = var.api_allow_cidrs
  kms_key_arn         = module.encryption.key_arn
}

module "backup" {
  source = "../backup"

  name                    = local.name
  account                 = local.shared.account
  kms_key_arn             = module.encryption.key_arn
  snapshot_interval_hours = var.snapshot_interval_hours
  snapshot_retention_days = var.snapshot_retention_days
  alarm_email             = var.alarm_email
  force_destroy           = !var.protected
}

module "iam" {
  source = "../iam"

  name               = local.name
  environment        = var.environment
  region             = local.shared.region
  account            = local.shared.account
  cluster_bucket_arn = module.backup.bucket_arn
  kms_key_arn        = module.encryption.key_arn
  metric_namespace   = module.backup.metric_namespace
  worker_groups      = module.workers.group_names
}

module "gitops" {
  source = "../gitops"

  name                      = local.name
  environment               = var.environment
  region                    = local.shared.region
  repository                = local.shared.repository
  endpoint                  = module.control_plane.endpoint
  service_cidr              = var.service_cidr
  cloud_controller_role_arn = module.iam.service_role_arns["cloud-controller"]
  bucket                    = module.backup.bucket
  kms_key_arn               = module.encryption.key_arn
}

module "control_plane" {
  source = "../control-plane"

  name                   = local.name
  tags                   = var.tags
  masters                = var.masters
  vpc_id                 = module.network.vpc_id
  zones                  = var.zones
  subnet_ids             = module.network.control_subnet_ids
  security_group_id      = module.network.control_plane_security_group_id
  instance_profile       = module.iam.master_instance_profile
  ami_id                 = var.ami_id
  instance_type          = var.master_instance_type
  user_data_base64       = module.user_data.control_plane_user_data_base64
  kms_key_arn            = module.encryption.key_arn
  node_log_group         = module.iam.node_log_group
  termination_protection = var.protected
}

module "workers" {
  source = "../workers"

  name              = local.name
  tags              = var.tags
  pools             = var.pools
  subnet_ids        = module.network.private_subnet_ids
  security_group_id = module.network.workers_security_group_id
  instance_profiles = module.iam.worker_instance_profiles
  ami_id            = var.ami_id
  user_data_base64  = module.user_data.worker_user_data_base64
  join_timeout_s    = local.join_timeout_s + 300
  drain_timeout_s   = local.drain_timeout_s + 30
  kms_key_arn       = module.encryption.key_arn
}
