output "vpc_id" {
  description = "Id of the VPC."
  value       = aws_vpc.this.id
}

output "private_subnet_ids" {
  description = "Workers' subnets, by zone."
  value       = { for zone, subnet in aws_subnet.private : zone => subnet.id }
}

output "control_subnet_ids" {
  description = "Masters' subnets, by zone."
  value       = { for zone, subnet in aws_subnet.control : zone => subnet.id }
}

output "public_subnet_ids" {
  description = "Subnets of NAT and public load balancers, by zone."
  value       = { for zone, subnet in aws_subnet.public : zone => subnet.id }
}

output "control_plane_security_group_id" {
  description = "Security group of the masters."
  value       = aws_security_group.control_plane.id

  # Whoever starts an instance in this group starts it with a way out, or its first boot fails on the first download.
  depends_on = [
    aws_route.private_internet, aws_route_table_association.private, aws_route_table_association.control,
    aws_vpc_security_group_egress_rule.https, aws_vpc_security_group_egress_rule.nodes, aws_vpc_security_group_ingress_rule.nodes,
    aws_instance.nat,
  ]
}

output "workers_security_group_id" {
  description = "Security group of the workers."
  value       = aws_security_group.workers.id

  depends_on = [
    aws_route.private_internet, aws_route_table_association.private, aws_route_table_association.control,
    aws_vpc_security_group_egress_rule.https, aws_vpc_security_group_egress_rule.nodes, aws_vpc_security_group_ingress_rule.nodes,
    aws_instance.nat,
  ]
}

output "nat_gateway_count" {
  description = "How many NAT gateways are paid for."
  value       = length(aws_nat_gateway.this)
}

output "private_cidrs" {
  description = "Workers' addresses, by zone."
  value       = { for zone, subnet in aws_subnet.private : zone => subnet.cidr_block }
}
