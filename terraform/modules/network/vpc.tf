locals {
  # One map for every per-zone resource: adding a zone never renumbers the others.
  zones = { for index, zone in var.zones : zone => {
    control = cidrsubnet(var.control_cidr, 2, index) # /28: 11 masters and load balancer addresses
    public  = cidrsubnet(var.vpc_cidr, 8, index + 1) # /24
    private = cidrsubnet(var.vpc_cidr, 4, index + 1) # /20: 4,091 nodes
  } }
}

# The zones' order decides addresses, which cannot change under what stands in them. So each place remembers the zone that it got
# first, and a plan that puts another there is refused; appending a zone adds a place.
resource "terraform_data" "zone" {
  count = length(var.zones)

  input = var.zones[count.index]

  lifecycle {
    ignore_changes = [input]

    postcondition {
      condition     = self.input == var.zones[count.index]
      error_message = "terraform.tfvars, zones: place ${count.index + 1} is ${var.zones[count.index]}, and the network was built with ${self.input} there. Zones are only appended: put them back in the old order."
    }
  }
}

resource "aws_vpc" "this" {
  cidr_block           = var.vpc_cidr
  enable_dns_support   = true
  enable_dns_hostnames = true # private hosted zones and interface endpoints need both

  tags = { Name = var.name }
}

# Whatever forgets to name its security group gets this one, which lets nothing in or out.
resource "aws_default_security_group" "closed" {
  vpc_id = aws_vpc.this.id

  tags = { Name = "${var.name}-default-closed" }
}

resource "aws_subnet" "public" {
  for_each = local.zones

  vpc_id                  = aws_vpc.this.id
  availability_zone       = each.key
  cidr_block              = each.value.public
  map_public_ip_on_launch = false

  tags = {
    Name                     = "${var.name}-public-${each.key}"
    "kubernetes.io/role/elb" = "1"
  }
}

resource "aws_subnet" "private" {
  for_each = local.zones

  vpc_id                  = aws_vpc.this.id
  availability_zone       = each.key
  cidr_block              = each.value.private
  map_public_ip_on_launch = false

  tags = {
    Name                              = "${var.name}-private-${each.key}"
    "kubernetes.io/role/internal-elb" = "1"
  }
}

# The masters have subnets of their own so that "the API server" is a range that a NetworkPolicy can name.
resource "aws_subnet" "control" {
  for_each = local.zones

  vpc_id                  = aws_vpc.this.id
  availability_zone       = each.key
  cidr_block              = each.value.control
  map_public_ip_on_launch = false

  tags = { Name = "${var.name}-control-${each.key}" }
}
