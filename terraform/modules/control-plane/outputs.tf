output "endpoint" {
  description = "Name of the API server inside the VPC, without the port (6443)."
  value       = local.endpoint
}

output "etcd_volume_ids" {
  description = "Volume that each master must find before it starts, in the masters' order."
  value       = aws_ebs_volume.etcd[*].id
}

output "master_instance_ids" {
  description = "Instances of the masters, for `aws ssm start-session --target`."
  value       = aws_instance.master[*].id
}

output "master_addresses" {
  description = "Private addresses of the masters, which outlive their instances."
  value       = aws_network_interface.master[*].private_ip
}

output "instance_user_data" {
  description = "User data that each master boots with, to compare with what modules/user-data renders."
  value       = aws_instance.master[*].user_data_base64
}
