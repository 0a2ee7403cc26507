# One for each group, since a template names the instance profile: a worker may answer the hooks of its own group and of no other.
resource "aws_launch_template" "group" {
  for_each = local.groups

  name                   = local.group_names[each.key]
  description            = "Workers of pool ${each.value.pool} in ${each.value.zone}"
  image_id               = coalesce(var.pools[each.value.pool].ami_id, var.ami_id)
  instance_type          = var.pools[each.value.pool].instance_types[0]
  user_data              = var.user_data_base64[each.value.pool]
  ebs_optimized          = "true"
  update_default_version = true

  iam_instance_profile {
    name = var.instance_profiles[each.key]
  }

  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 1 # pods are one hop further and get nothing
  }

  network_interfaces {
    associate_public_ip_address = "false"
    delete_on_termination       = "true"
    security_groups             = [var.security_group_id]
  }

  block_device_mappings {
    device_name = "/dev/xvda" # the root device of Debian's images

    ebs {
      volume_type           = "gp3"
      volume_size           = var.pools[each.value.pool].disk_gib
      encrypted             = "true"
      kms_key_id            = var.kms_key_arn
      delete_on_termination = "true"
    }
  }

  dynamic "tag_specifications" {
    for_each = toset(["instance", "volume"])

    content {
      resource_type = tag_specifications.value
      tags          = merge(var.tags, { Name = "${var.name}-${each.value.pool}" })
    }
  }
}
