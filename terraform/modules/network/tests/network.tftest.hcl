mock_provider "aws" {
  mock_resource "aws_cloudwatch_log_group" {
    defaults = { arn = "arn:aws:logs:eu-central-1:111122223333:log-group:mock" }
  }
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::111122223333:role/mock" }
  }
}

variables {
  name         = "openclaw-test"
  region       = "eu-central-1"
  zones        = ["eu-central-1a", "eu-central-1b", "eu-central-1c"]
  vpc_cidr     = "10.20.0.0/16"
  control_cidr = "10.20.0.0/26"
  pod_cidr     = "10.244.0.0/16"
  service_cidr = "10.96.0.0/16"
  nat_mode     = "gateway_per_zone"
  kms_key_arn  = "arn:aws:kms:eu-central-1:111122223333:key/mock"
}

run "three_zones_have_three_of_everything" {
  assert {
    condition     = length(aws_subnet.public) == 3 && length(aws_subnet.private) == 3 && length(aws_subnet.control) == 3
    error_message = "each zone needs a public, a private and a control subnet"
  }
  assert {
    condition     = length(aws_nat_gateway.this) == 3 && length(aws_eip.nat) == 3 && length(aws_instance.nat) == 0
    error_message = "gateway_per_zone means one gateway for each zone"
  }
  assert {
    condition     = alltrue([for zone in var.zones : aws_route.private_internet[zone].nat_gateway_id == aws_nat_gateway.this[zone].id])
    error_message = "each zone must leave by its own gateway, or the loss of a zone takes others along"
  }
}

run "two_zones_keep_their_addresses_when_a_third_is_appended" {
  variables {
    zones = ["eu-central-1a", "eu-central-1b"]
  }

  assert {
    condition     = length(aws_subnet.private) == 2
    error_message = "two zones, two private subnets"
  }
  assert {
    condition     = aws_subnet.private["eu-central-1b"].cidr_block == run.three_zones_have_three_of_everything.private_cidrs["eu-central-1b"]
    error_message = "a zone's addresses must not depend on how many zones there are"
  }
}

run "one_gateway_serves_all_zones" {
  variables {
    nat_mode = "gateway"
  }

  assert {
    condition     = length(aws_nat_gateway.this) == 1
    error_message = "nat_mode gateway pays for one"
  }
  assert {
    condition     = alltrue([for route in aws_route.private_internet : route.nat_gateway_id == aws_nat_gateway.this["eu-central-1a"].id])
    error_message = "every zone must leave by the one gateway"
  }
}

run "nat_instance_forwards_and_is_as_closed_as_a_node" {
  variables {
    nat_mode     = "instance"
    nat_instance = { ami_id = "ami-0123456789abcdef0" }
  }

  assert {
    condition     = length(aws_nat_gateway.this) == 0 && length(aws_instance.nat) == 1
    error_message = "nat_mode instance pays for an instance and no gateway"
  }
  assert {
    condition     = aws_network_interface.nat[0].source_dest_check == false
    error_message = "an instance that forwards must not check destinations"
  }
  assert {
    condition     = aws_instance.nat[0].metadata_options[0].http_tokens == "required" && aws_instance.nat[0].metadata_options[0].http_put_response_hop_limit == 1
    error_message = "IMDSv1 must be off, and answers stay on the instance"
  }
  assert {
    condition     = aws_instance.nat[0].root_block_device[0].encrypted
    error_message = "the NAT instance needs an encrypted disk"
  }
  assert {
    condition     = alltrue([for rule in aws_vpc_security_group_ingress_rule.nat : rule.cidr_ipv4 == null])
    error_message = "the NAT instance takes packets from nodes only"
  }
}

run "nothing_comes_in_from_the_internet" {
  assert {
    condition = alltrue([for rule in concat(
      values(aws_vpc_security_group_ingress_rule.nodes), values(aws_vpc_security_group_ingress_rule.api_allowed),
      values(aws_vpc_security_group_ingress_rule.nat), values(aws_vpc_security_group_ingress_rule.endpoints),
      [aws_vpc_security_group_ingress_rule.api_load_balancer],
    ) : rule.cidr_ipv4 != "0.0.0.0/0" && rule.cidr_ipv6 == null])
    error_message = "no ingress rule may name 0.0.0.0/0"
  }
  assert {
    condition = alltrue([for rule in concat(
      values(aws_vpc_security_group_ingress_rule.nodes), values(aws_vpc_security_group_ingress_rule.api_allowed),
      values(aws_vpc_security_group_ingress_rule.nat), values(aws_vpc_security_group_ingress_rule.endpoints),
      [aws_vpc_security_group_ingress_rule.api_load_balancer],
    ) : rule.from_port == null ? rule.ip_protocol == "4" : !(rule.from_port <= 22 && rule.to_port >= 22)])
    error_message = "no rule may open port 22, alone or within a range: Session Manager needs no port"
  }
  assert {
    condition     = alltrue([for subnet in concat(values(aws_subnet.public), values(aws_subnet.private), values(aws_subnet.control)) : subnet.map_public_ip_on_launch == false])
    error_message = "no subnet may hand out public addresses"
  }
  # `ingress` and `egress` left out mean: remove every rule.
  assert {
    condition     = aws_default_security_group.closed.vpc_id == aws_vpc.this.id
    error_message = "the default security group must be taken over, which closes it"
  }
  assert {
    condition     = alltrue([for rule in aws_vpc_security_group_egress_rule.https : rule.from_port == 443 && rule.to_port == 443 && rule.ip_protocol == "tcp"])
    error_message = "only TLS on 443 leaves to the internet"
  }
}

run "every_flow_is_allowed_on_both_ends" {
  assert {
    condition     = keys(aws_vpc_security_group_ingress_rule.nodes) == keys(aws_vpc_security_group_egress_rule.nodes)
    error_message = "a flow needs egress where it begins and ingress where it ends"
  }
  assert {
    condition     = aws_vpc_security_group_ingress_rule.nodes["api-from-workers"].security_group_id == aws_security_group.control_plane.id && aws_vpc_security_group_ingress_rule.nodes["api-from-workers"].from_port == 6443
    error_message = "workers must reach the API server"
  }
}

run "masters_stand_in_the_range_that_policies_name" {
  assert {
    condition     = alltrue([for subnet in aws_subnet.control : startswith(subnet.cidr_block, "10.20.0.") && endswith(subnet.cidr_block, "/28")])
    error_message = "control subnets must lie inside api_server_cidr"
  }
}

run "s3_is_reached_without_nat_and_endpoints_are_optional" {
  assert {
    condition     = aws_vpc_endpoint.s3.vpc_endpoint_type == "Gateway" && length(aws_vpc_endpoint.interface) == 0
    error_message = "the S3 gateway endpoint is always there, interface endpoints cost and are asked for"
  }
}

run "interface_endpoints_admit_nodes_only" {
  variables {
    interface_endpoints = ["ssm", "sts"]
  }

  assert {
    condition     = length(aws_vpc_endpoint.interface) == 2 && length(aws_vpc_security_group_ingress_rule.endpoints) == 2
    error_message = "each endpoint that was asked for, open to masters and workers"
  }
}

run "flow_logs_are_kept_and_encrypted" {
  assert {
    condition     = aws_flow_log.this.traffic_type == "ALL" && aws_cloudwatch_log_group.flow.kms_key_id == var.kms_key_arn && aws_cloudwatch_log_group.flow.retention_in_days >= 365
    error_message = "flow logs must record everything, encrypted, for a year"
  }
}

run "a_vpn_range_may_reach_the_api_server" {
  variables {
    api_allow_cidrs = ["10.99.0.0/16"]
  }

  assert {
    condition     = aws_vpc_security_group_ingress_rule.api_allowed["10.99.0.0/16"].from_port == 6443
    error_message = "an allowed range reaches 6443 and nothing else"
  }
}

run "the_world_is_refused_as_an_allow_list" {
  command = plan
  variables {
    api_allow_cidrs = ["0.0.0.0/0"]
  }
  expect_failures = [var.api_allow_cidrs]
}

run "no_nat_is_refused" {
  command = plan
  variables {
    nat_mode = "none"
  }
  expect_failures = [var.nat_mode]
}

run "a_nat_instance_without_an_image_is_refused" {
  command = plan
  variables {
    nat_mode = "instance"
  }
  expect_failures = [var.nat_instance]
}

# etcd's metrics have no password: the API server reads them on the same machine for whoever may ask.
run "no_worker_reaches_etcd" {
  command = plan

  assert {
    condition = alltrue([for name, flow in local.node_flows :
      # IP in IP has no ports.
      flow.to != "control_plane" || flow.from == "control_plane" || try(flow.first > 2381 || flow.last < 2379, flow.protocol == "4")
    ])
    error_message = "workers have no business with etcd: clients and peers (2379, 2380) nor metrics (2381)"
  }
}

run "one_zone_is_refused" {
  command = plan
  variables {
    zones = ["eu-central-1a"]
  }
  expect_failures = [var.zones]
}

run "a_zone_of_another_region_is_refused" {
  command = plan
  variables {
    zones = ["eu-central-1a", "eu-west-1b"]
  }
  expect_failures = [var.zones]
}

run "pods_that_overlap_nodes_are_refused" {
  command = plan
  variables {
    pod_cidr = "10.16.0.0/12"
  }
  expect_failures = [var.pod_cidr]
}

run "services_that_overlap_pods_are_refused" {
  command = plan
  variables {
    service_cidr = "10.244.128.0/20"
  }
  expect_failures = [var.service_cidr]
}

run "an_api_server_range_outside_the_vpc_is_refused" {
  command = plan
  variables {
    control_cidr = "10.30.0.0/26"
  }
  expect_failures = [var.control_cidr]
}

# The runs above have applied: the zones stand as they were last given there.
run "the_zones_as_they_are_built" {
  variables {
    zones = ["eu-central-1a", "eu-central-1b"]
  }

  assert {
    condition     = [for place in terraform_data.zone : place.output] == ["eu-central-1a", "eu-central-1b"]
    error_message = "each place must remember its zone"
  }
}

run "another_order_of_zones_is_refused" {
  command = plan
  variables {
    zones = ["eu-central-1b", "eu-central-1a"]
  }
  expect_failures = [terraform_data.zone]
}

run "another_zone_in_the_place_of_one_is_refused" {
  command = plan
  variables {
    zones = ["eu-central-1a", "eu-central-1c"]
  }
  expect_failures = [terraform_data.zone]
}

run "a_zone_put_before_the_others_is_refused" {
  command = plan
  variables {
    zones = ["eu-central-1c", "eu-central-1a", "eu-central-1b"]
  }
  expect_failures = [terraform_data.zone]
}

run "a_zone_is_appended_and_then_holds_its_place_too" {
  variables {
    zones = ["eu-central-1a", "eu-central-1b", "eu-central-1c"]
  }

  assert {
    condition     = [for place in terraform_data.zone : place.output] == ["eu-central-1a", "eu-central-1b", "eu-central-1c"]
    error_message = "an appended zone must get the next place"
  }
}

run "what_was_appended_is_held_too" {
  command = plan
  variables {
    zones = ["eu-central-1a", "eu-central-1c", "eu-central-1b"]
  }
  expect_failures = [terraform_data.zone]
}
