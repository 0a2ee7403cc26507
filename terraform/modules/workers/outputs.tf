output "group_names" {
  description = "Auto Scaling groups, by pool/zone."
  value       = { for key, group in aws_autoscaling_group.this : key => group.name }
}

output "launch_template_user_data" {
  description = "User data that each pool's launch template holds, to compare with what modules/user-data renders."
  value       = { for name, template in aws_launch_template.pool : name => template.user_data }
}

output "node_labels" {
  description = "Labels that nodes of each pool must carry: the kubelet sets them, the autoscaler is told of them."
  value       = local.node_labels
}

output "worst_case_workers" {
  description = "How many workers are paid for if every pool grows to its end."
  value       = sum([for group in values(local.groups) : var.pools[group.pool].max_per_zone])
}
