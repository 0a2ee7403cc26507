locals {
  nat_gateway_zones = {
    gateway_per_zone = toset(var.zones)
    gateway          = toset([var.zones[0]])
    instance         = toset([])
  }[var.nat_mode]

  # The zone whose gateway carries a zone's traffic.
  nat_zone_of = { for zone in var.zones : zone => var.nat_mode == "gateway_per_zone" ? zone : var.zones[0] }

  nat_instance_count = var.nat_mode == "instance" ? 1 : 0
}

resource "aws_eip" "nat" {
  #checkov:skip=CKV2_AWS_19:Attached to the NAT gateway or instance below; the check does not follow allocation_id through for_each
  for_each = var.nat_mode == "instance" ? toset([var.zones[0]]) : local.nat_gateway_zones

  domain = "vpc"

  tags = { Name = "${var.name}-nat-${each.key}" }
}

resource "aws_nat_gateway" "this" {
  for_each = local.nat_gateway_zones

  allocation_id = aws_eip.nat[each.key].id
  subnet_id     = aws_subnet.public[each.key].id

  tags = { Name = "${var.name}-${each.key}" }

  depends_on = [aws_internet_gateway.this]
}

# The cheap way: one small instance that masquerades. Its interface outlives it, so routes and address stay when it is replaced.
resource "aws_network_interface" "nat" {
  count = local.nat_instance_count

  subnet_id         = aws_subnet.public[var.zones[0]].id
  security_groups   = [aws_security_group.nat[0].id]
  source_dest_check = false # it forwards what is not its own

  tags = { Name = "${var.name}-nat" }
}

resource "aws_eip_association" "nat" {
  count = local.nat_instance_count

  allocation_id        = aws_eip.nat[var.zones[0]].id
  network_interface_id = aws_network_interface.nat[0].id
}

resource "aws_instance" "nat" {
  #checkov:skip=CKV2_AWS_41:It forwards packets and calls no AWS API, so it has no role at all
  #checkov:skip=CKV_AWS_126:Detailed monitoring costs more than the instance; flow logs and the alarm on backups show its loss
  count = local.nat_instance_count

  ami                         = var.nat_instance.ami_id
  instance_type               = var.nat_instance.type
  user_data_base64            = filebase64("${path.module}/files/nat.sh")
  user_data_replace_on_change = true
  ebs_optimized               = true

  primary_network_interface {
    network_interface_id = aws_network_interface.nat[0].id
  }

  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
  }

  root_block_device {
    encrypted   = true
    kms_key_id  = var.kms_key_arn
    volume_type = "gp3"
  }

  tags = { Name = "${var.name}-nat" }

  # cloud-init installs nftables at first boot, which needs the way out.
  depends_on = [aws_eip_association.nat, aws_route.public_internet]
}
