mock_provider "aws" {
  mock_resource "aws_lb" {
    defaults = { arn = "arn:aws:elasticloadbalancing:eu-central-1:111122223333:loadbalancer/net/mock/0" }
  }
  mock_resource "aws_lb_target_group" {
    defaults = { arn = "arn:aws:elasticloadbalancing:eu-central-1:111122223333:targetgroup/mock/0" }
  }
}

variables {
  name              = "openclaw-test"
  tags              = { Project = "openclaw" }
  masters           = 1
  vpc_id            = "vpc-0"
  zones             = ["eu-central-1a", "eu-central-1b", "eu-central-1c"]
  subnet_ids        = { eu-central-1a = "subnet-a", eu-central-1b = "subnet-b", eu-central-1c = "subnet-c" }
  security_group_id = "sg-0"
  instance_profile  = "openclaw-test-master"
  ami_id            = "ami-0123456789abcdef0"
  user_data_base64  = ["Zmlyc3Q="]
  kms_key_arn       = "arn:aws:kms:eu-central-1:111122223333:key/mock"
  node_log_group    = "/openclaw/openclaw-test/nodes"
}

run "one_master_has_a_name_and_no_load_balancer" {
  assert {
    condition     = length(aws_instance.master) == 1 && length(aws_lb.api) == 0
    error_message = "one master needs no load balancer"
  }
  assert {
    condition     = output.endpoint == "api.openclaw-test.internal" && aws_route53_record.api_one_master[0].records == toset([aws_network_interface.master[0].private_ip])
    error_message = "the endpoint is a name also with one master, and points to its interface"
  }
}

run "masters_insist_on_session_tokens_and_answer_no_pod" {
  assert {
    condition     = alltrue([for master in aws_instance.master : master.metadata_options[0].http_tokens == "required" && master.metadata_options[0].http_put_response_hop_limit == 1])
    error_message = "IMDSv1 must be off, and pods are one hop too far"
  }
}

run "everything_at_rest_is_encrypted_with_our_key" {
  assert {
    condition     = alltrue([for master in aws_instance.master : master.root_block_device[0].encrypted && master.root_block_device[0].kms_key_id == var.kms_key_arn])
    error_message = "root disks must be encrypted"
  }
  assert {
    condition     = alltrue([for volume in aws_ebs_volume.etcd : volume.encrypted && volume.kms_key_id == var.kms_key_arn])
    error_message = "etcd's disk must be encrypted"
  }
  assert {
    condition     = aws_cloudwatch_log_group.nodes.kms_key_id == var.kms_key_arn
    error_message = "nodes' logs must be encrypted"
  }
}

run "the_first_boot_script_is_handed_on_as_it_is" {
  assert {
    condition     = aws_instance.master[0].user_data_base64 == "Zmlyc3Q="
    error_message = "user data must reach the instance byte for byte"
  }
}

run "etcds_disk_and_the_address_outlive_the_instance" {
  assert {
    condition     = aws_volume_attachment.etcd[0].volume_id == aws_ebs_volume.etcd[0].id && aws_volume_attachment.etcd[0].stop_instance_before_detaching == true
    error_message = "etcd's volume is a resource of its own, taken from a stopped instance only"
  }
  assert {
    condition     = aws_instance.master[0].primary_network_interface[0].network_interface_id == aws_network_interface.master[0].id
    error_message = "the interface is a resource of its own"
  }
  assert {
    condition     = output.etcd_volume_ids == [aws_ebs_volume.etcd[0].id]
    error_message = "the boot script must be told which volume to wait for"
  }
}

run "three_masters_stand_in_three_zones_behind_a_load_balancer" {
  variables {
    masters          = 3
    user_data_base64 = ["Zmlyc3Q=", "c2Vjb25k", "dGhpcmQ="]
  }

  assert {
    condition     = toset(aws_network_interface.master[*].subnet_id) == toset(["subnet-a", "subnet-b", "subnet-c"])
    error_message = "each master in its own zone"
  }
  assert {
    condition     = aws_lb.api[0].internal && length(aws_lb_target_group_attachment.api) == 3 && aws_lb_target_group.api[0].preserve_client_ip == "false"
    error_message = "the load balancer is internal, knows all three, and lets a master reach itself"
  }
  assert {
    condition     = aws_route53_record.api_three_masters[0].name == output.endpoint && length(aws_route53_record.api_one_master) == 0
    error_message = "the same name, now the load balancer's"
  }
  assert {
    condition     = aws_ebs_volume.etcd[2].availability_zone == "eu-central-1c"
    error_message = "a volume must lie in its master's zone"
  }
}

run "an_even_number_of_masters_is_refused" {
  command = plan
  variables {
    masters          = 2
    user_data_base64 = ["Zmlyc3Q=", "c2Vjb25k"]
  }
  expect_failures = [var.masters]
}

run "three_masters_in_two_zones_are_refused" {
  command = plan
  variables {
    masters          = 3
    zones            = ["eu-central-1a", "eu-central-1b"]
    subnet_ids       = { eu-central-1a = "subnet-a", eu-central-1b = "subnet-b" }
    user_data_base64 = ["Zmlyc3Q=", "c2Vjb25k", "dGhpcmQ="]
  }
  expect_failures = [var.masters]
}

run "a_missing_image_says_what_to_run" {
  command = plan
  variables {
    ami_id = ""
  }
  expect_failures = [var.ami_id]
}

run "user_data_over_the_limit_is_refused" {
  command = plan
  variables {
    user_data_base64 = [join("", [for n in range(1000) : "0123456789012345678901"])]
  }
  expect_failures = [var.user_data_base64]
}

run "a_disk_on_which_a_full_etcd_cannot_be_defragmented_is_refused" {
  command = plan
  variables {
    etcd_volume_gib = 16
  }
  expect_failures = [var.etcd_volume_gib]
}
