variables {
  name             = "openclaw-test"
  region           = "eu-central-1"
  endpoint         = "api.openclaw-test.internal"
  cluster_bucket   = "openclaw-test-cluster"
  kms_key_arn      = "arn:aws:kms:eu-central-1:111122223333:key/mock"
  join_parameter   = "/openclaw/openclaw-test/join"
  node_log_group   = "/openclaw/openclaw-test/nodes"
  issuer_url       = "https://d111111abcdef8.cloudfront.net"
  issuer_bucket    = "openclaw-test-issuer"
  metric_namespace = "OpenClaw/openclaw-test"
  etcd_volume_ids  = ["vol-0123456789abcdef0"]
  pools = {
    system = { labels = { "openclaw.io/disk" = "big" } }
    agents = { taints = [{ key = "openclaw.io/agents", value = "true", effect = "NoSchedule" }] }
  }
}

run "user_data_is_cloud_config_below_the_limit" {
  assert {
    condition     = alltrue([for text in concat(output.control_plane_user_data, values(output.worker_user_data)) : startswith(text, "#cloud-config\n") && can(yamldecode(text))])
    error_message = "user data must be a cloud-config"
  }
  assert {
    condition     = alltrue([for text in concat(output.control_plane_user_data_base64, values(output.worker_user_data_base64)) : length(text) <= 21848])
    error_message = "user data must stay below 16 KiB"
  }
}

run "every_line_but_comments_reaches_the_node" {
  assert {
    condition = alltrue([for file in fileset(path.module, "files/{common,worker}/*") : contains(
      [for entry in yamldecode(output.worker_user_data["system"]).write_files : entry.content],
      join("\n", [for line in split("\n", file("${path.module}/${file}")) : line if !startswith(trimspace(line), "#") || startswith(line, "#!")])
    )])
    error_message = "no line of a script may be changed on its way, and none but comments left out"
  }
  assert {
    condition = alltrue([for file in fileset(path.module, "files/{common,control-plane}/*") : contains(
      [for entry in yamldecode(output.control_plane_user_data[0]).write_files : entry.content],
      join("\n", [for line in split("\n", file("${path.module}/${file}")) : line if !startswith(trimspace(line), "#") || startswith(line, "#!")])
    )])
    error_message = "no line of a script may be changed on its way, and none but comments left out"
  }
}

run "each_pool_has_its_labels_and_taints" {
  assert {
    condition     = strcontains(output.worker_user_data["system"], "NODE_LABELS='openclaw.io/disk=big,openclaw.io/pool=system'") && strcontains(output.worker_user_data["agents"], "\"key\":\"openclaw.io/agents\"")
    error_message = "a pool's labels and taints must be in its settings"
  }
}

run "a_worker_knows_nothing_of_the_masters_bucket_and_keys" {
  assert {
    condition     = !strcontains(output.worker_user_data["system"], "openclaw-test-cluster") && !strcontains(output.worker_user_data["system"], "KMS_KEY")
    error_message = "workers have no business with the cluster's bucket"
  }
}

run "secrets_are_encrypted_and_deeds_written_down" {
  assert {
    condition     = strcontains(output.control_plane_user_data[0], "name: encryption-provider-config, value: /etc/kubernetes/encryption/config.yaml") && strcontains(output.control_plane_user_data[0], "name: audit-log-path")
    error_message = "the API server must encrypt Secrets and keep an audit log"
  }
}

# modules/control-plane tells of the 8 GiB: the disk must have room for them and for a defragmentation beside them.
run "etcd_may_grow_as_far_as_it_is_said_to" {
  assert {
    condition     = strcontains(output.control_plane_user_data[0], "{name: quota-backend-bytes, value: \"${8 * 1024 * 1024 * 1024}\"}")
    error_message = "etcd's quota is 8 GiB; by default it would stop at 2"
  }
  assert {
    condition     = strcontains(output.control_plane_user_data[0], "value: \"http://127.0.0.1:2381,http://$${ADDRESS}:2381\"")
    error_message = "the API server must reach etcd's metrics, and the kubelet's probe too"
  }
}

run "names_do_not_go_with_the_master" {
  assert {
    condition = one([for entry in yamldecode(output.control_plane_user_data[0]).write_files : yamldecode(entry.content) if entry.path == "/etc/openclaw/patches/corednsdeployment+strategic.yaml"]).spec.template.spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms == [
      { matchExpressions = [{ key = "node-role.kubernetes.io/control-plane", operator = "DoesNotExist" }] }
    ]
    error_message = "CoreDNS must run on workers: on the only master it is away whenever the master is"
  }
  assert {
    condition     = strcontains(output.control_plane_user_data[0], "\n      patches:\n        directory: /etc/openclaw/patches\n")
    error_message = "kubeadm must be told of the patch"
  }
}

run "a_node_keeps_room_for_itself" {
  assert {
    condition = alltrue([for setting in ["kubeReserved: {cpu: 100m, memory: 300Mi", "systemReserved: {cpu: 100m, memory: 200Mi", "memory.available: 200Mi"] :
      strcontains(output.control_plane_user_data[0], setting)
    ])
    error_message = "without reservations Pods take the kubelet's memory"
  }
}

run "a_cluster_that_nobody_upgrades_goes_on_for_years" {
  assert {
    condition     = strcontains(output.control_plane_user_data[0], "\n      certificateValidityPeriod: 43800h ") && strcontains(output.control_plane_user_data[0], "\n      rotateCertificates: true")
    error_message = "kubeadm's own certificates would end after a year, and nothing renews them"
  }
}

run "a_token_always_expires_and_the_ca_is_always_checked" {
  assert {
    condition     = strcontains(output.control_plane_user_data[0], "kubeadm token create --ttl \"$${JOIN_TOKEN_MINUTES}m\"") && !strcontains(output.worker_user_data["system"], "unsafeSkipCAVerification") && strcontains(output.worker_user_data["system"], "caCertHashes")
    error_message = "a join token needs an end, a join needs the CA's hash"
  }
}

run "a_token_without_end_is_refused" {
  command = plan
  variables {
    join_token_minutes = 0
  }
  expect_failures = [var.join_token_minutes]
}

run "two_masters_are_refused" {
  command = plan
  variables {
    etcd_volume_ids = ["vol-0123456789abcdef0", "vol-0123456789abcdef1"]
  }
  expect_failures = [var.etcd_volume_ids]
}

run "overlapping_pods_and_services_are_refused" {
  command = plan
  variables {
    service_cidr = "10.244.128.0/20"
  }
  expect_failures = [var.service_cidr]
}

run "a_version_that_is_not_exact_is_refused" {
  command = plan
  variables {
    kubernetes_version = "1.37"
  }
  expect_failures = [var.kubernetes_version]
}

run "a_containerd_that_kubernetes_will_refuse_is_refused" {
  command = plan
  variables {
    containerd_version = "1.7.24"
  }
  expect_failures = [var.containerd_version]
}

run "a_label_that_a_kubelet_may_not_set_is_refused" {
  command = plan
  variables {
    pools = { system = { labels = { "node-role.kubernetes.io/worker" = "" } } }
  }
  expect_failures = [var.pools]
}

run "an_issuer_without_tls_is_refused" {
  command = plan
  variables {
    issuer_url = "http://example.com"
  }
  expect_failures = [var.issuer_url]
}
