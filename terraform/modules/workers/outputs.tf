output "group_names" {
  description = "Names of the Auto Scaling groups, by pool/zone; known before there are any, since each group's role is made first."
  value       = local.group_names
}

output "launch_template_user_data" {
  description = "User data that each group's launch template holds, by pool/zone, to compare with what modules/user-data renders."
  value       = { for key, template in aws_launch_template.group : key => template.user_data }
}

output "pools" {
  description = "The pools with every field that was left out filled in."
  value       = var.pools
}

output "node_labels" {
  description = "Labels that nodes of each pool must carry: the kubelet sets them, the autoscaler is told of them."
  value       = local.node_labels
}

output "worst_case_workers" {
  description = "How many workers are paid for if every pool grows to its end."
  value       = sum([for group in values(local.groups) : var.pools[group.pool].max_per_zone])
}
