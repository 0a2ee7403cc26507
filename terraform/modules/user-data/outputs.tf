output "control_plane_user_data_base64" {
  description = "User data of each master: cloud-config, gzipped, in base64, as modules/control-plane takes it."
  value       = [for text in local.control_plane_user_data : base64gzip(text)]

  precondition {
    condition     = alltrue([for text in local.control_plane_user_data : length(base64gzip(text)) <= local.user_data_max_base64])
    error_message = "a master's user data exceeds EC2's 16 KiB even gzipped: move a script to the cluster's bucket."
  }
}

output "worker_user_data_base64" {
  description = "User data of each pool's workers: cloud-config, gzipped, in base64, as modules/workers takes it."
  value       = { for pool, text in local.worker_user_data : pool => base64gzip(text) }

  precondition {
    condition     = alltrue([for text in values(local.worker_user_data) : length(base64gzip(text)) <= local.user_data_max_base64])
    error_message = "a pool's user data exceeds EC2's 16 KiB even gzipped: move a script to the cluster's bucket."
  }
}

output "control_plane_user_data" {
  description = "The same as text, for people and tests."
  value       = local.control_plane_user_data
}

output "worker_user_data" {
  description = "The same as text, for people and tests."
  value       = local.worker_user_data
}
