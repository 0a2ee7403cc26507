locals {
  # "system/eu-central-1a" -> its pool and zone: a new zone or pool adds groups and renames none.
  groups = merge([for name, pool in var.pools : {
    for zone in(length(pool.zones) > 0 ? pool.zones : keys(var.subnet_ids)) : "${name}/${zone}" => { pool = name, zone = zone }
  }]...)

  # A worker answers its group's hooks by this name, and its role allows it this one (modules/iam).
  group_names = { for key, group in local.groups : key => "${var.name}-${group.pool}-${group.zone}" }

  node_labels = { for name, pool in var.pools : name => merge({ "openclaw.io/pool" = name }, pool.labels) }

  # cluster-autoscaler reads these to know what a node of an empty group would look like.
  autoscaler_tags = { for key, group in local.groups : key => merge(
    {
      "k8s.io/cluster-autoscaler/enabled"                                           = "true"
      "k8s.io/cluster-autoscaler/${var.name}"                                       = "owned"
      "k8s.io/cluster-autoscaler/node-template/label/topology.kubernetes.io/zone"   = group.zone
      "k8s.io/cluster-autoscaler/node-template/label/topology.ebs.csi.aws.com/zone" = group.zone
      "k8s.io/cluster-autoscaler/node-template/resources/ephemeral-storage"         = "${var.pools[group.pool].disk_gib}Gi"
    },
    { for label, value in local.node_labels[group.pool] : "k8s.io/cluster-autoscaler/node-template/label/${label}" => value },
    { for taint in var.pools[group.pool].taints : "k8s.io/cluster-autoscaler/node-template/taint/${taint.key}" => "${taint.value}:${taint.effect}" },
    { for resource, amount in var.pools[group.pool].resources : "k8s.io/cluster-autoscaler/node-template/resources/${resource}" => amount },
  ) }

  group_tags = { for key, group in local.groups : key => merge(var.tags, local.autoscaler_tags[key], {
    Name                                = "${var.name}-${group.pool}"
    "kubernetes.io/cluster/${var.name}" = "owned"
  }) }
}

resource "aws_autoscaling_group" "this" {
  for_each = local.groups

  name                = local.group_names[each.key]
  min_size            = var.pools[each.value.pool].min_per_zone
  max_size            = var.pools[each.value.pool].max_per_zone
  vpc_zone_identifier = [var.subnet_ids[each.value.zone]]

  health_check_type         = "EC2"
  health_check_grace_period = 0 # the hook below holds a worker back until it has joined
  wait_for_capacity_timeout = "${ceil(var.join_timeout_s / 60) + 5}m"

  # On a spot warning, Auto Scaling starts the replacement first and drains the warned one through the hook.
  capacity_rebalance = var.pools[each.value.pool].on_demand_percent < 100

  mixed_instances_policy {
    instances_distribution {
      on_demand_base_capacity                  = var.pools[each.value.pool].on_demand_base_per_zone
      on_demand_percentage_above_base_capacity = var.pools[each.value.pool].on_demand_percent
      on_demand_allocation_strategy            = "prioritized"
      spot_allocation_strategy                 = "capacity-optimized-prioritized"
    }

    launch_template {
      launch_template_specification {
        launch_template_id = aws_launch_template.group[each.key].id
        version            = aws_launch_template.group[each.key].latest_version
      }

      dynamic "override" {
        for_each = var.pools[each.value.pool].instance_types

        content {
          instance_type = override.value
        }
      }
    }
  }

  # A worker counts only once it says that it has joined. One that cannot says why in the log group and is replaced.
  initial_lifecycle_hook {
    name                 = "joined"
    lifecycle_transition = "autoscaling:EC2_INSTANCE_LAUNCHING"
    heartbeat_timeout    = var.join_timeout_s
    default_result       = "ABANDON"
  }

  # A worker that is told to go drains first; CONTINUE, since it goes in any case.
  initial_lifecycle_hook {
    name                 = "drained"
    lifecycle_transition = "autoscaling:EC2_INSTANCE_TERMINATING"
    heartbeat_timeout    = var.drain_timeout_s
    default_result       = "CONTINUE"
  }

  # A new template rolls the group: the new worker has joined before the old one drains.
  instance_refresh {
    strategy = "Rolling"

    preferences {
      min_healthy_percentage = 100
      max_healthy_percentage = 200
      auto_rollback          = true
      skip_matching          = true
    }
  }

  dynamic "tag" {
    for_each = local.group_tags[each.key]

    content {
      key                 = tag.key
      value               = tag.value
      propagate_at_launch = !startswith(tag.key, "k8s.io/cluster-autoscaler/")
    }
  }

  lifecycle {
    ignore_changes = [desired_capacity] # cluster-autoscaler's number; min_per_zone is ours
  }
}
