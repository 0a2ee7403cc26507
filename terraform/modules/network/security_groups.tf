# Every rule is a resource of its own: a change shows as one line in a plan, and no rule replaces another.
# AWS does not filter traffic to its resolver, time server and metadata service, so none of them stands here.

resource "aws_security_group" "control_plane" {
  #checkov:skip=CKV2_AWS_5:Attached to the masters by modules/control-plane; the check does not follow a module's output
  name        = "${var.name}-control-plane"
  description = "Masters"
  vpc_id      = aws_vpc.this.id

  tags = { Name = "${var.name}-control-plane" }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_security_group" "workers" {
  #checkov:skip=CKV2_AWS_5:Attached to the workers by modules/workers; the check does not follow a module's output
  name        = "${var.name}-workers"
  description = "Workers of every pool"
  vpc_id      = aws_vpc.this.id

  tags = {
    Name = "${var.name}-workers"
    # The cloud controller opens this group, and no other, for the load balancers that Services ask for.
    "kubernetes.io/cluster/${var.name}" = "owned"
  }

  lifecycle {
    create_before_destroy = true
  }
}

locals {
  security_group_ids = {
    control_plane = aws_security_group.control_plane.id
    workers       = aws_security_group.workers.id
  }

  # from group -> to group. "protocol 4" is IP in IP, which carries pods' packets between nodes; ports mean nothing to it.
  node_flows = {
    api-from-workers       = { from = "workers", to = "control_plane", protocol = "tcp", first = 6443, last = 6443, why = "API server" }
    api-from-masters       = { from = "control_plane", to = "control_plane", protocol = "tcp", first = 6443, last = 6443, why = "API server" }
    etcd-between-masters   = { from = "control_plane", to = "control_plane", protocol = "tcp", first = 2379, last = 2380, why = "etcd clients and peers" }
    kubelet-from-masters   = { from = "control_plane", to = "workers", protocol = "tcp", first = 10250, last = 10250, why = "kubelet: logs, exec, metrics" }
    kubelet-of-masters     = { from = "control_plane", to = "control_plane", protocol = "tcp", first = 10250, last = 10250, why = "kubelet: logs, exec, metrics" }
    kubelet-for-metrics    = { from = "workers", to = "workers", protocol = "tcp", first = 10250, last = 10250, why = "kubelet, for metrics-server" }
    kubelet-master-metrics = { from = "workers", to = "control_plane", protocol = "tcp", first = 10250, last = 10250, why = "kubelet of masters, for metrics-server" }
    bgp-workers            = { from = "workers", to = "workers", protocol = "tcp", first = 179, last = 179, why = "pod routes" }
    bgp-workers-masters    = { from = "workers", to = "control_plane", protocol = "tcp", first = 179, last = 179, why = "pod routes" }
    bgp-masters-workers    = { from = "control_plane", to = "workers", protocol = "tcp", first = 179, last = 179, why = "pod routes" }
    bgp-masters            = { from = "control_plane", to = "control_plane", protocol = "tcp", first = 179, last = 179, why = "pod routes" }
    pods-workers           = { from = "workers", to = "workers", protocol = "4", first = null, last = null, why = "pods between nodes, IP in IP" }
    pods-workers-masters   = { from = "workers", to = "control_plane", protocol = "4", first = null, last = null, why = "pods between nodes, IP in IP" }
    pods-masters-workers   = { from = "control_plane", to = "workers", protocol = "4", first = null, last = null, why = "pods between nodes, IP in IP" }
    pods-masters           = { from = "control_plane", to = "control_plane", protocol = "4", first = null, last = null, why = "pods between nodes, IP in IP" }
  }
}

resource "aws_vpc_security_group_ingress_rule" "nodes" {
  for_each = local.node_flows

  security_group_id            = local.security_group_ids[each.value.to]
  referenced_security_group_id = local.security_group_ids[each.value.from]
  ip_protocol                  = each.value.protocol
  from_port                    = each.value.first
  to_port                      = each.value.last
  description                  = each.value.why

  tags = { Name = each.key }
}

resource "aws_vpc_security_group_egress_rule" "nodes" {
  for_each = local.node_flows

  security_group_id            = local.security_group_ids[each.value.from]
  referenced_security_group_id = local.security_group_ids[each.value.to]
  ip_protocol                  = each.value.protocol
  from_port                    = each.value.first
  to_port                      = each.value.last
  description                  = each.value.why

  tags = { Name = each.key }
}

# The internal load balancer of three masters stands in the masters' subnets and forwards with addresses of its own.
resource "aws_vpc_security_group_ingress_rule" "api_load_balancer" {
  security_group_id = aws_security_group.control_plane.id
  cidr_ipv4         = var.control_cidr
  ip_protocol       = "tcp"
  from_port         = 6443
  to_port           = 6443
  description       = "API server, from the internal load balancer"

  tags = { Name = "api-from-load-balancer" }
}

resource "aws_vpc_security_group_egress_rule" "api_load_balancer" {
  for_each = local.security_group_ids

  security_group_id = each.value
  cidr_ipv4         = var.control_cidr
  ip_protocol       = "tcp"
  from_port         = 6443
  to_port           = 6443
  description       = "API server, through the internal load balancer"

  tags = { Name = "api-to-load-balancer" }
}

resource "aws_vpc_security_group_ingress_rule" "api_allowed" {
  for_each = var.api_allow_cidrs

  security_group_id = aws_security_group.control_plane.id
  cidr_ipv4         = each.value
  ip_protocol       = "tcp"
  from_port         = 6443
  to_port           = 6443
  description       = "API server, from an allowed private range"

  tags = { Name = "api-from-${each.value}" }
}

# Telegram, Groq, registries, package sources and AWS itself: all speak TLS on 443, so no other port leaves.
resource "aws_vpc_security_group_egress_rule" "https" {
  for_each = local.security_group_ids

  security_group_id = each.value
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
  description       = "TLS to the internet and to AWS"

  tags = { Name = "https-out" }
}

resource "aws_security_group" "nat" {
  count = local.nat_instance_count

  name        = "${var.name}-nat"
  description = "NAT instance"
  vpc_id      = aws_vpc.this.id

  tags = { Name = "${var.name}-nat" }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_vpc_security_group_ingress_rule" "nat" {
  for_each = var.nat_mode == "instance" ? local.security_group_ids : {}

  security_group_id            = aws_security_group.nat[0].id
  referenced_security_group_id = each.value
  ip_protocol                  = "tcp"
  from_port                    = 443
  to_port                      = 443
  description                  = "What nodes send out"

  tags = { Name = "https-from-${each.key}" }
}

# 80 is for the instance itself: Debian's image names its package sources by http, and apt checks signatures.
resource "aws_vpc_security_group_egress_rule" "nat" {
  for_each = toset(var.nat_mode == "instance" ? ["80", "443"] : [])

  security_group_id = aws_security_group.nat[0].id
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = tonumber(each.value)
  to_port           = tonumber(each.value)
  description       = "Forwarded TLS, and the instance's own packages"

  tags = { Name = "out-${each.value}" }
}

resource "aws_security_group" "endpoints" {
  count = length(var.interface_endpoints) > 0 ? 1 : 0

  name        = "${var.name}-endpoints"
  description = "Interface endpoints"
  vpc_id      = aws_vpc.this.id

  tags = { Name = "${var.name}-endpoints" }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_vpc_security_group_ingress_rule" "endpoints" {
  for_each = length(var.interface_endpoints) > 0 ? local.security_group_ids : {}

  security_group_id            = aws_security_group.endpoints[0].id
  referenced_security_group_id = each.value
  ip_protocol                  = "tcp"
  from_port                    = 443
  to_port                      = 443
  description                  = "AWS services, from nodes"

  tags = { Name = "https-from-${each.key}" }
}
