# The cluster's endpoint is a name, also with one master: certificates and kubeconfigs hold it, so a master with another
# address, or a load balancer in front of three, changes one record.
locals {
  domain   = "${var.name}.internal"
  endpoint = "api.${local.domain}"
}

resource "aws_route53_zone" "this" {
  #checkov:skip=CKV2_AWS_38:DNSSEC is for public zones; this one resolves inside the VPC only
  #checkov:skip=CKV2_AWS_39:Query logging is for public zones; flow logs show who talks to whom
  name    = local.domain
  comment = "${var.name}: names inside the VPC"

  vpc {
    vpc_id = var.vpc_id
  }
}

resource "aws_route53_record" "api_one_master" {
  #checkov:skip=CKV2_AWS_23:Points to the master's network interface, which lives as long as the cluster
  count = var.masters == 1 ? 1 : 0

  zone_id = aws_route53_zone.this.zone_id
  name    = local.endpoint
  type    = "A"
  ttl     = 30
  records = [aws_network_interface.master[0].private_ip]
}

resource "aws_route53_record" "api_three_masters" {
  count = var.masters == 1 ? 0 : 1

  zone_id = aws_route53_zone.this.zone_id
  name    = local.endpoint
  type    = "A"

  alias {
    name                   = aws_lb.api[0].dns_name
    zone_id                = aws_lb.api[0].zone_id
    evaluate_target_health = true
  }
}

resource "aws_lb" "api" {
  #checkov:skip=CKV_AWS_91:Connections show in flow logs; requests in the API server's audit log
  #checkov:skip=CKV_AWS_150:Holds nothing; in prod the masters behind it are protected
  count = var.masters == 1 ? 0 : 1

  name                             = "${var.name}-api"
  internal                         = true
  load_balancer_type               = "network"
  subnets                          = [for index in range(var.masters) : var.subnet_ids[var.zones[index]]]
  enable_cross_zone_load_balancing = true
}

resource "aws_lb_target_group" "api" {
  #checkov:skip=CKV_AWS_378:TCP is passed on as it is: the API server ends TLS itself
  count = var.masters == 1 ? 0 : 1

  name        = "${var.name}-api"
  vpc_id      = var.vpc_id
  port        = 6443
  protocol    = "TCP"
  target_type = "ip"

  # A master that reaches the endpoint may be sent to itself; with its own address kept, that connection would hang.
  preserve_client_ip = "false"

  health_check {
    protocol            = "HTTPS"
    path                = "/readyz"
    interval            = 10
    healthy_threshold   = 2
    unhealthy_threshold = 2
  }
}

resource "aws_lb_target_group_attachment" "api" {
  count = var.masters == 1 ? 0 : var.masters

  target_group_arn = aws_lb_target_group.api[0].arn
  target_id        = aws_network_interface.master[count.index].private_ip
  port             = 6443
}

resource "aws_lb_listener" "api" {
  #checkov:skip=CKV_AWS_2:TCP is passed on as it is: the API server ends TLS itself
  #checkov:skip=CKV_AWS_103:See CKV_AWS_2
  count = var.masters == 1 ? 0 : 1

  load_balancer_arn = aws_lb.api[0].arn
  port              = 6443
  protocol          = "TCP"

  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.api[0].arn
  }
}
