mock_provider "aws" {
  mock_resource "aws_launch_template" {
    defaults = { id = "lt-0123456789abcdef0", latest_version = 7 }
  }
}

variables {
  name              = "openclaw-test"
  tags              = { Project = "openclaw", Environment = "test" }
  subnet_ids        = { eu-central-1a = "subnet-a", eu-central-1b = "subnet-b" }
  security_group_id = "sg-0"
  instance_profiles = {
    "system/eu-central-1a" = "system-a", "system/eu-central-1b" = "system-b", "agents/eu-central-1a" = "agents-a", "agents/eu-central-1b" = "agents-b"
  }
  ami_id           = "ami-0123456789abcdef0"
  kms_key_arn      = "arn:aws:kms:eu-central-1:111122223333:key/mock"
  user_data_base64 = { system = "c3lzdGVt", agents = "YWdlbnRz" }
  pools = {
    system = { instance_types = ["t3.medium"], min_per_zone = 1, max_per_zone = 2 }
    agents = {
      instance_types    = ["t3.medium", "t3a.medium"]
      min_per_zone      = 0
      max_per_zone      = 5
      on_demand_percent = 0
      taints            = [{ key = "openclaw.io/pool", value = "agents", effect = "NoSchedule" }]
    }
  }
}

run "each_pool_has_a_group_in_each_zone" {
  assert {
    condition     = toset(keys(aws_autoscaling_group.this)) == toset(["system/eu-central-1a", "system/eu-central-1b", "agents/eu-central-1a", "agents/eu-central-1b"])
    error_message = "one group for each pool and zone"
  }
  assert {
    condition     = aws_autoscaling_group.this["agents/eu-central-1b"].vpc_zone_identifier == toset(["subnet-b"])
    error_message = "a group must stay in its zone, as its volumes do"
  }
}

run "each_group_boots_with_its_own_role" {
  assert {
    condition     = { for key, template in aws_launch_template.group : key => template.iam_instance_profile[0].name } == { for key, name in var.instance_profiles : key => name }
    error_message = "a group's machines must have the role of that group"
  }
  assert {
    condition     = alltrue([for key, group in aws_autoscaling_group.this : group.name == output.group_names[key] && group.mixed_instances_policy[0].launch_template[0].launch_template_specification[0].launch_template_id == aws_launch_template.group[key].id])
    error_message = "a group must have the name that its role allows, and its own template"
  }
}

run "workers_insist_on_session_tokens_and_answer_no_pod" {
  assert {
    condition     = alltrue([for template in aws_launch_template.group : template.metadata_options[0].http_tokens == "required" && template.metadata_options[0].http_put_response_hop_limit == 1])
    error_message = "IMDSv1 must be off, and pods are one hop too far"
  }
}

run "workers_disks_are_encrypted_with_our_key" {
  assert {
    condition     = alltrue([for template in aws_launch_template.group : template.block_device_mappings[0].ebs[0].encrypted == "true" && template.block_device_mappings[0].ebs[0].kms_key_id == var.kms_key_arn])
    error_message = "disks must be encrypted"
  }
}

run "workers_have_no_public_address_and_no_key" {
  assert {
    condition     = alltrue([for template in aws_launch_template.group : template.network_interfaces[0].associate_public_ip_address == "false" && template.key_name == null])
    error_message = "no public address, no SSH key"
  }
}

run "the_first_boot_script_is_handed_on_as_it_is" {
  assert {
    condition     = output.launch_template_user_data == { for key in keys(aws_autoscaling_group.this) : key => var.user_data_base64[split("/", key)[0]] }
    error_message = "user data must reach the launch template byte for byte"
  }
}

run "a_worker_counts_once_it_joined_and_drains_before_it_goes" {
  assert {
    condition = alltrue([for group in aws_autoscaling_group.this : toset([for hook in group.initial_lifecycle_hook : "${hook.name} ${hook.lifecycle_transition} ${hook.default_result}"]) == toset([
      "joined autoscaling:EC2_INSTANCE_LAUNCHING ABANDON", "drained autoscaling:EC2_INSTANCE_TERMINATING CONTINUE",
    ])])
    error_message = "a worker that cannot join is replaced, one that goes drains"
  }
  assert {
    condition     = alltrue([for group in aws_autoscaling_group.this : group.instance_refresh[0].strategy == "Rolling" && group.instance_refresh[0].preferences[0].min_healthy_percentage == 100])
    error_message = "a new template must roll the workers, new before old"
  }
}

run "spot_is_for_agents_only" {
  assert {
    condition     = aws_autoscaling_group.this["system/eu-central-1a"].mixed_instances_policy[0].instances_distribution[0].on_demand_percentage_above_base_capacity == 100 && !aws_autoscaling_group.this["system/eu-central-1a"].capacity_rebalance
    error_message = "the system pool is on-demand"
  }
  assert {
    condition     = aws_autoscaling_group.this["agents/eu-central-1a"].mixed_instances_policy[0].instances_distribution[0].on_demand_percentage_above_base_capacity == 0 && aws_autoscaling_group.this["agents/eu-central-1a"].capacity_rebalance
    error_message = "agents are spot, and a warned one is replaced before it goes"
  }
  assert {
    condition     = length(aws_autoscaling_group.this["agents/eu-central-1a"].mixed_instances_policy[0].launch_template[0].override) == 2
    error_message = "every instance type must be on offer"
  }
}

run "the_autoscaler_knows_an_empty_groups_node" {
  assert {
    condition     = local.autoscaler_tags["agents/eu-central-1a"]["k8s.io/cluster-autoscaler/node-template/taint/openclaw.io/pool"] == "agents:NoSchedule"
    error_message = "without the taint the autoscaler adds agents' nodes for other Pods"
  }
  assert {
    condition     = local.autoscaler_tags["agents/eu-central-1a"]["k8s.io/cluster-autoscaler/node-template/label/openclaw.io/pool"] == "agents" && local.autoscaler_tags["agents/eu-central-1a"]["k8s.io/cluster-autoscaler/node-template/label/topology.kubernetes.io/zone"] == "eu-central-1a"
    error_message = "the autoscaler must know labels and zone"
  }
  assert {
    condition     = alltrue([for group in aws_autoscaling_group.this : contains([for tag in group.tag : "${tag.key}=${tag.value}"], "k8s.io/cluster-autoscaler/openclaw-test=owned")])
    error_message = "the autoscaler finds groups by this tag, and its role may touch no other"
  }
  assert {
    condition     = alltrue([for group in aws_autoscaling_group.this : contains([for tag in group.tag : "${tag.key}=${tag.value}" if tag.propagate_at_launch], "kubernetes.io/cluster/openclaw-test=owned")])
    error_message = "the cloud controller knows nodes by this tag"
  }
}

run "instances_and_disks_carry_the_tags" {
  assert {
    condition     = alltrue(flatten([for template in aws_launch_template.group : [for tags in template.tag_specifications : tags.tags["Project"] == "openclaw"]])) && alltrue([for template in aws_launch_template.group : length(template.tag_specifications) == 2])
    error_message = "without tags nobody knows whose cost it is"
  }
}

# Three ways to add workers. One: a number.
run "raising_a_number_adds_workers" {
  variables {
    pools = {
      system = { instance_types = ["t3.medium"], min_per_zone = 2, max_per_zone = 3 }
      agents = { instance_types = ["t3.medium"], min_per_zone = 0, max_per_zone = 5 }
    }
  }

  assert {
    condition     = aws_autoscaling_group.this["system/eu-central-1a"].min_size == 2
    error_message = "min_per_zone is the number of workers in each zone"
  }
}

# Two: cluster-autoscaler, which moves the desired number between the bounds.
run "the_autoscaler_has_room_from_nothing" {
  assert {
    condition     = aws_autoscaling_group.this["agents/eu-central-1a"].min_size == 0 && aws_autoscaling_group.this["agents/eu-central-1a"].max_size == 5
    error_message = "agents must be able to grow from zero"
  }
}

# Three: another pool, by one block.
run "one_block_adds_a_pool" {
  variables {
    user_data_base64 = { system = "c3lzdGVt", agents = "YWdlbnRz", agents-reserve = "cmVzZXJ2ZQ==" }
    instance_profiles = {
      "system/eu-central-1a"         = "system-a", "system/eu-central-1b" = "system-b", "agents/eu-central-1a" = "agents-a", "agents/eu-central-1b" = "agents-b"
      "agents-reserve/eu-central-1b" = "reserve-b"
    }
    pools = {
      system = { instance_types = ["t3.medium"], min_per_zone = 1, max_per_zone = 2 }
      agents = { instance_types = ["t3.medium"], min_per_zone = 0, max_per_zone = 5 }
      agents-reserve = {
        instance_types = ["m6i.large"]
        zones          = ["eu-central-1b"]
        min_per_zone   = 0
        max_per_zone   = 1
        labels         = { "openclaw.io/pool" = "agents" }
        ami_id         = "ami-0fedcba9876543210"
        resources      = { "example.com/device" = "1" }
      }
    }
  }

  assert {
    condition     = [for key in keys(aws_autoscaling_group.this) : key if startswith(key, "agents-reserve/")] == ["agents-reserve/eu-central-1b"]
    error_message = "a pool may keep to one zone"
  }
  assert {
    condition     = aws_launch_template.group["agents-reserve/eu-central-1b"].image_id == "ami-0fedcba9876543210" && local.autoscaler_tags["agents-reserve/eu-central-1b"]["k8s.io/cluster-autoscaler/node-template/resources/example.com/device"] == "1"
    error_message = "a pool may bring its own image and resources"
  }
  assert {
    condition     = local.autoscaler_tags["agents-reserve/eu-central-1b"]["k8s.io/cluster-autoscaler/node-template/label/openclaw.io/pool"] == "agents" && output.node_labels["agents-reserve"]["openclaw.io/pool"] == "agents"
    error_message = "a pool may take another pool's work by its label"
  }
}

run "a_pools_placeholder_image_is_refused" {
  command = plan
  variables {
    pools = {
      system = { instance_types = ["t3.medium"], min_per_zone = 1, max_per_zone = 2, ami_id = "ami-..." }
      agents = { instance_types = ["t3.medium"], min_per_zone = 0, max_per_zone = 5 }
    }
  }
  expect_failures = [var.pools]
}

run "a_cluster_without_a_system_pool_is_refused" {
  command = plan
  variables {
    instance_profiles = { "agents/eu-central-1a" = "p", "agents/eu-central-1b" = "p" }
    user_data_base64  = { agents = "YWdlbnRz" }
    pools             = { agents = { instance_types = ["t3.medium"], min_per_zone = 0, max_per_zone = 5 } }
  }
  expect_failures = [var.pools]
}

run "redis_on_spot_is_refused" {
  command = plan
  variables {
    instance_profiles = { "system/eu-central-1a" = "p", "system/eu-central-1b" = "p" }
    user_data_base64  = { system = "c3lzdGVt" }
    pools             = { system = { instance_types = ["t3.medium"], min_per_zone = 1, max_per_zone = 2, on_demand_percent = 50 } }
  }
  expect_failures = [var.pools]
}

run "fewer_at_most_than_at_least_is_refused" {
  command = plan
  variables {
    instance_profiles = { "system/eu-central-1a" = "p", "system/eu-central-1b" = "p" }
    user_data_base64  = { system = "c3lzdGVt" }
    pools             = { system = { instance_types = ["t3.medium"], min_per_zone = 3, max_per_zone = 2 } }
  }
  expect_failures = [var.pools]
}

run "a_pool_without_user_data_is_refused" {
  command = plan
  variables {
    user_data_base64 = { system = "c3lzdGVt" }
  }
  expect_failures = [var.user_data_base64]
}

run "a_missing_image_says_what_to_run" {
  command = plan
  variables {
    ami_id = ""
  }
  expect_failures = [var.ami_id]
}

run "draining_faster_than_a_task_may_run_is_refused" {
  command = plan
  variables {
    drain_timeout_s = 30
  }
  expect_failures = [var.drain_timeout_s]
}
