# A whole environment, with made-up values for what only AWS could tell (mocks/). What stands in each terraform.tfvars is tried in environments/*/tests.
mock_provider "aws" {
  source = "./tests/mocks/aws"
}

mock_provider "tls" {
  source = "./tests/mocks/tls"
}

variables {
  environment = "prod"
  tags        = { Project = "openclaw" }
  ami_id      = "ami-0123456789abcdef0"
  alarm_email = "ops@openclaw.test"

  kubernetes_version = "1.37.2"
  zones              = ["eu-central-1a", "eu-central-1b", "eu-central-1c"]
  vpc_cidr           = "10.30.0.0/16"
  nat_mode           = "gateway_per_zone"
  protected          = true

  pools = {
    system = { instance_types = ["t3.large", "t3a.large"], min_per_zone = 1, max_per_zone = 2 }
    agents = {
      instance_types          = ["t3.large", "t3a.large"]
      min_per_zone            = 1
      max_per_zone            = 5
      on_demand_base_per_zone = 1
      on_demand_percent       = 0
      taints                  = [{ key = "openclaw.io/pool", value = "agents", effect = "NoSchedule" }]
    }
  }
}

run "one_apply_makes_the_whole_environment" {
  assert {
    condition     = output.endpoint == "api.${output.name}.internal" && length(output.master_instance_ids) == 1
    error_message = "an environment has an endpoint and a master"
  }
  assert {
    condition     = toset(keys(output.service_role_arns)) == toset(["external-secrets", "cloud-controller", "ebs-csi", "cluster-autoscaler", "notifications", "alerts"])
    error_message = "the manifests need these four roles"
  }
}

run "machines_boot_exactly_what_user_data_renders" {
  assert {
    condition     = module.control_plane.instance_user_data == module.user_data.control_plane_user_data_base64
    error_message = "a master's user data differs from what modules/user-data renders"
  }
  assert {
    condition     = module.workers.launch_template_user_data == { for key in keys(module.workers.group_names) : key => module.user_data.worker_user_data_base64[split("/", key)[0]] }
    error_message = "a launch template's user data differs from what modules/user-data renders"
  }
  assert {
    condition     = alltrue([for text in concat(module.user_data.control_plane_user_data_base64, values(module.user_data.worker_user_data_base64)) : length(text) <= 21848])
    error_message = "user data exceeds EC2's 16 KiB"
  }
}

# Two modules that name one thing differently would plan well, and no machine would find the other.
run "nodes_are_told_of_what_there_is" {
  assert {
    condition = alltrue([for setting, value in {
      CLUSTER          = local.name
      AWS_REGION       = local.shared.region
      ENDPOINT         = module.control_plane.endpoint
      CLUSTER_BUCKET   = module.backup.bucket
      KMS_KEY          = module.encryption.key_arn
      JOIN_PARAMETER   = module.iam.join_parameter
      LOG_GROUP        = module.iam.node_log_group
      ISSUER_URL       = module.iam.issuer_url
      ISSUER_BUCKET    = module.iam.issuer_bucket
      METRIC_NAMESPACE = module.backup.metric_namespace
      METRIC_NAME      = module.backup.metric_name
      ETCD_VOLUME      = module.control_plane.etcd_volume_ids[0]
      POD_CIDR         = var.pod_cidr
      SERVICE_CIDR     = var.service_cidr
    } : strcontains(module.user_data.control_plane_user_data[0], "\n      ${setting}='${value}'\n")])
    error_message = "the master's settings differ from what the modules made"
  }
  assert {
    condition = alltrue([for text in values(module.user_data.worker_user_data) : alltrue([for setting, value in {
      CLUSTER        = local.name
      AWS_REGION     = local.shared.region
      ENDPOINT       = module.control_plane.endpoint
      JOIN_PARAMETER = module.iam.join_parameter
      LOG_GROUP      = module.iam.node_log_group
    } : strcontains(text, "\n      ${setting}='${value}'\n")])])
    error_message = "the workers' settings differ from what the modules made"
  }
  assert {
    condition = (
      jsonencode(distinct(flatten([for policy in module.iam.policies.workers : [for it in policy.Statement : it.Resource if it.Sid == "ReadJoinParameter"]]))) ==
      jsonencode(["arn:aws:ssm:${local.shared.region}:${local.shared.account}:parameter${module.iam.join_parameter}"])
    )
    error_message = "workers may read another parameter than the one that they are told of"
  }
}

run "every_pool_has_its_own_user_data_and_groups" {
  assert {
    condition     = toset(keys(module.user_data.worker_user_data)) == toset(keys(var.pools)) && alltrue([for name, text in module.user_data.worker_user_data : strcontains(text, "\n      POOL='${name}'\n")])
    error_message = "each pool of terraform.tfvars needs user data that names it"
  }
  assert {
    condition     = toset(values(module.workers.group_names)) == toset(flatten([for name, pool in module.workers.pools : [for zone in(length(pool.zones) > 0 ? pool.zones : var.zones) : "${local.name}-${name}-${zone}"]]))
    error_message = "a worker answers its group's hooks by this name"
  }
  assert {
    condition     = alltrue(flatten([for name, pool in module.workers.pools : [for taint in pool.taints : strcontains(module.user_data.worker_user_data[name], jsonencode({ effect = taint.effect, key = taint.key, value = taint.value }))]]))
    error_message = "a pool's taints must reach the kubelet"
  }
}

run "the_kubelets_labels_are_those_the_autoscaler_is_told" {
  assert {
    condition     = module.workers.node_labels == { for name, pool in module.workers.pools : name => merge({ "openclaw.io/pool" = name }, pool.labels) } && alltrue([for name, labels in module.workers.node_labels : alltrue([for key, value in labels : can(regex("NODE_LABELS='([^']*,)?${key}=${value}[,']", module.user_data.worker_user_data[name]))])])
    error_message = "a pool's labels differ between user data and the autoscaler's tags"
  }
}

run "the_manifests_follow_this_environment" {
  assert {
    condition     = yamldecode(module.gitops.manifests["60-root.yaml"]).spec.source.path == "clusters/${var.environment}"
    error_message = "Argo CD must follow clusters/<env>"
  }
}

run "secrets_are_containers_of_this_environment" {
  assert {
    condition     = alltrue([for secret in aws_secretsmanager_secret.this : startswith(secret.name, "openclaw/${var.environment}/")])
    error_message = "external-secrets may read openclaw/<env>/ only"
  }
}

run "a_missing_image_says_what_to_run" {
  command = plan
  variables {
    ami_id = ""
  }
  expect_failures = [var.ami_id]
}

run "an_alarm_for_the_examples_address_is_refused" {
  command = plan
  variables {
    alarm_email = "ops@example.com"
  }
  expect_failures = [var.alarm_email]
}

# docs/infrastructure.md, "How do I add workers?": one block is all that a pool asks for. tests/terraform holds that it is that one.
run "another_pool_is_one_block" {
  variables {
    pools = {
      system = { instance_types = ["t3.large"], min_per_zone = 1, max_per_zone = 2 }
      agents = { instance_types = ["t3.large"], min_per_zone = 0, max_per_zone = 2, taints = [{ key = "openclaw.io/pool", value = "agents", effect = "NoSchedule" }] }
      agents-reserve = {
        instance_types = ["m6i.large"]
        zones          = ["eu-central-1b"]
        min_per_zone   = 0
        max_per_zone   = 2
        labels         = { "openclaw.io/pool" = "agents" }
        taints         = [{ key = "openclaw.io/pool", value = "agents", effect = "NoSchedule" }]
      }
    }
  }

  assert {
    condition     = contains(values(module.workers.group_names), "${local.name}-agents-reserve-eu-central-1b") && length([for name in values(module.workers.group_names) : name if strcontains(name, "-reserve-")]) == 1
    error_message = "the pool needs a group in the zone that it names, and in no other"
  }
  assert {
    condition     = strcontains(module.user_data.worker_user_data["agents-reserve"], "\n      POOL='agents-reserve'\n") && module.workers.launch_template_user_data["agents-reserve/eu-central-1b"] == module.user_data.worker_user_data_base64["agents-reserve"]
    error_message = "the pool's machines must boot as its own"
  }
  assert {
    condition     = strcontains(module.user_data.worker_user_data["agents-reserve"], "\n      NODE_LABELS='openclaw.io/pool=agents'\n")
    error_message = "agents' Jobs look for nodes by this label"
  }
}

run "a_misspelt_field_of_a_pool_is_refused" {
  command = plan
  variables {
    pools = {
      system = { instance_types = ["t3.large"], min_per_zone = 1, max_per_zone = 2, on_demand_procent = 50 }
      agents = { instance_types = ["t3.large"], min_per_zone = 0, max_per_zone = 2, taints = [{ key = "openclaw.io/pool", value = "agents", effect = "NoSchedule" }] }
    }
  }
  expect_failures = [var.pools]
}

run "a_misspelt_field_of_a_taint_is_refused" {
  command = plan
  variables {
    pools = {
      system = { instance_types = ["t3.large"], min_per_zone = 1, max_per_zone = 2 }
      agents = { instance_types = ["t3.large"], min_per_zone = 0, max_per_zone = 2, taints = [{ key = "openclaw.io/pool", value = "agents", effect = "NoSchedule", operator = "Equal" }] }
    }
  }
  expect_failures = [var.pools]
}

run "a_pools_placeholder_image_is_refused" {
  command = plan
  variables {
    pools = {
      system = { instance_types = ["t3.large"], min_per_zone = 1, max_per_zone = 2, ami_id = "ami-..." }
      agents = { instance_types = ["t3.large"], min_per_zone = 0, max_per_zone = 2, taints = [{ key = "openclaw.io/pool", value = "agents", effect = "NoSchedule" }] }
    }
  }
  expect_failures = [var.pools]
}

run "a_version_two_minors_beyond_the_pins_is_refused" {
  command = plan
  variables {
    kubernetes_version = "1.39.0"
  }
  expect_failures = [var.kubernetes_version]
}

run "three_masters_are_refused" {
  command = plan
  variables {
    masters = 3
  }
  expect_failures = [var.masters]
}

run "an_even_number_of_masters_is_refused" {
  command = plan
  variables {
    masters = 2
  }
  expect_failures = [var.masters]
}

run "jobs_among_the_platforms_pods_are_refused" {
  command = plan
  variables {
    pools = {
      system = { instance_types = ["t3.large"], min_per_zone = 1, max_per_zone = 2 }
      agents = { instance_types = ["t3.large"], min_per_zone = 0, max_per_zone = 2 }
    }
  }
  expect_failures = [var.pools]
}

run "prod_without_backups_is_refused" {
  command = plan
  variables {
    snapshot_retention_days = 3
  }
  expect_failures = [var.snapshot_retention_days]
}
