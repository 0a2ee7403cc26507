variable "name" {
  description = "The cluster's name, <project>-<environment>, for example openclaw-staging."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,40}$", var.name))
    error_message = "name must be 2 to 41 lower-case letters, digits and hyphens: it becomes a host name and a prefix of objects."
  }
}

variable "region" {
  description = "AWS region."
  type        = string
}

variable "kubernetes_version" {
  description = "Version of kubeadm, kubelet, kubectl and the control plane, without the v. Nodes refuse any other."
  type        = string
  default     = "1.37.2"
  nullable    = false

  validation {
    condition     = can(regex("^1[.][0-9]{2}[.][0-9]{1,2}$", var.kubernetes_version))
    error_message = "kubernetes_version must be exact, such as 1.37.2: a worker that joins in a year must get the version that runs then, by a version bump, not by chance."
  }
}

variable "kubernetes_package_revision" {
  description = "Revision of the Debian packages of that version at pkgs.k8s.io; `apt-cache madison kubeadm` shows it."
  type        = string
  default     = "1.1"

  validation {
    condition     = can(regex("^[0-9]+[.][0-9]+$", var.kubernetes_package_revision))
    error_message = "kubernetes_package_revision must look like 1.1, the part after the hyphen in a package's version."
  }
}

variable "kubernetes_key_fingerprint" {
  description = "Fingerprint of the key that signs pkgs.k8s.io. Nodes refuse any other key; many public repositories pin the same. Kubernetes prolongs it, last until 2026-12-29."
  type        = string
  default     = "DE15B14486CD377B9E876E1A234654DA9A296436"
  nullable    = false

  validation {
    condition     = can(regex("^[0-9A-F]{40}$", var.kubernetes_key_fingerprint))
    error_message = "kubernetes_key_fingerprint must be 40 upper-case hexadecimal digits."
  }
}

variable "containerd_version" {
  description = "Version of containerd on nodes, from Docker's packages: Debian 13 has 1.7, and the kubelet of 1.38 will refuse what is older than 2."
  type        = string
  default     = "2.3.6"

  validation {
    condition     = can(regex("^[2-9][0-9]*[.][0-9]+[.][0-9]+$", var.containerd_version))
    error_message = "containerd_version must be exact and at least 2, such as 2.3.6: Kubernetes after 1.37 takes nothing older."
  }
}

variable "containerd_package_revision" {
  description = "What follows that version in the name of the package containerd.io for Debian 13; `apt-cache madison containerd.io` shows it."
  type        = string
  default     = "1~debian.13~trixie"

  validation {
    condition     = can(regex("^[0-9]+~debian[.][0-9]+~[a-z]+$", var.containerd_package_revision))
    error_message = "containerd_package_revision must look like 1~debian.13~trixie, the part after the hyphen in a package's version."
  }
}

variable "containerd_key_fingerprint" {
  description = "Fingerprint of the key that signs Docker's packages, of which containerd.io is one. Nodes refuse any other key; many public repositories pin the same."
  type        = string
  default     = "9DC858229FC7DD38854AE2D88D81803C0EBFCD88"

  validation {
    condition     = can(regex("^[0-9A-F]{40}$", var.containerd_key_fingerprint))
    error_message = "containerd_key_fingerprint must be 40 upper-case hexadecimal digits."
  }
}

variable "session_agent_version" {
  description = "Exact version of Amazon's agent for Session Manager, as in its bucket's folders."
  type        = string
  default     = "3.3.5226.0"

  validation {
    condition     = can(regex("^[0-9]+([.][0-9]+){3}$", var.session_agent_version))
    error_message = "session_agent_version must be exact, such as 3.3.5226.0."
  }
}

variable "session_agent_key" {
  description = "Public key that signs that agent, armored. Null takes files/common/session-agent.asc: Amazon's, fingerprint 1C5B395CBE5E74E2F1CA21592784DBF388D19D46, good for signatures until 2027-11-25."
  type        = string
  default     = null

  validation {
    condition     = var.session_agent_key == null || can(regex("^-----BEGIN PGP PUBLIC KEY BLOCK-----\n", var.session_agent_key))
    error_message = "session_agent_key must be an armored public key."
  }
}

variable "endpoint" {
  description = "Name of the API server inside the VPC, without the port (6443)."
  type        = string
}

variable "pod_cidr" {
  description = "Addresses of Pods. Outside the VPC's range; a change means a new cluster."
  type        = string
  default     = "10.244.0.0/16"

  validation {
    condition     = can(cidrhost(var.pod_cidr, 1))
    error_message = "pod_cidr must be an IPv4 range such as 10.244.0.0/16."
  }
}

variable "service_cidr" {
  description = "Virtual addresses of Services. A change means a new cluster."
  type        = string
  default     = "10.96.0.0/16"

  validation {
    condition     = can(cidrhost(var.service_cidr, 10))
    error_message = "service_cidr must be an IPv4 range such as 10.96.0.0/16."
  }

  validation {
    # Two ranges overlap if the one with the shorter prefix, cut to it, holds the other's first address.
    condition = try(
      cidrsubnet("${cidrhost(var.pod_cidr, 0)}/${min(split("/", var.pod_cidr)[1], split("/", var.service_cidr)[1])}", 0, 0) !=
      cidrsubnet("${cidrhost(var.service_cidr, 0)}/${min(split("/", var.pod_cidr)[1], split("/", var.service_cidr)[1])}", 0, 0),
    true)
    error_message = "service_cidr and pod_cidr overlap: Services and Pods would share addresses."
  }
}

variable "cluster_bucket" {
  description = "Bucket with etcd/ (snapshots), pki/ (what etcd does not hold) and gitops/ (what the master applies first)."
  type        = string
}

variable "kms_key_arn" {
  description = "Key that encrypts what the master writes to that bucket and the join parameter."
  type        = string
}

variable "join_parameter" {
  description = "SSM parameter that the master's timer writes and workers join by."
  type        = string
}

variable "join_token_minutes" {
  description = "Life of a join token in minutes. A new one is made every 5 minutes."
  type        = number
  default     = 60

  validation {
    condition     = var.join_token_minutes >= 15 && var.join_token_minutes <= 240
    error_message = "join_token_minutes must be 15 to 240: shorter, and a slow boot outlives its token; longer, and a leaked one is worth more."
  }
}

variable "node_log_group" {
  description = "Log group that nodes write to."
  type        = string
}

variable "issuer_url" {
  description = "Issuer of service account tokens, https, without a slash at the end."
  type        = string

  validation {
    condition     = can(regex("^https://[^/ ]+$", var.issuer_url))
    error_message = "issuer_url must be https://HOST without a path: AWS fetches the two documents from there."
  }
}

variable "issuer_bucket" {
  description = "Bucket that the issuer's two documents are published to."
  type        = string
}

variable "metric_namespace" {
  description = "CloudWatch namespace in which the master counts snapshots."
  type        = string
}

variable "metric_name" {
  description = "Metric that the master raises by one for each snapshot stored."
  type        = string
  default     = "EtcdSnapshotStored"
}

variable "snapshot_interval_hours" {
  description = "Hours between two etcd snapshots."
  type        = number
  default     = 1

  validation {
    condition     = var.snapshot_interval_hours >= 1 && var.snapshot_interval_hours <= 12
    error_message = "snapshot_interval_hours must be 1 to 12."
  }
}

variable "etcd_volume_ids" {
  description = "Volume that each master must find before it starts, in the masters' order."
  type        = list(string)

  validation {
    condition     = length(var.etcd_volume_ids) == 1
    error_message = "etcd_volume_ids must name one volume: these scripts bring up one master. Three behind the load balancer are not built yet; set masters = 1."
  }

  validation {
    condition     = alltrue([for id in var.etcd_volume_ids : can(regex("^vol-[0-9a-f]{8,17}$", id))])
    error_message = "an etcd volume's id must look like vol-0123456789abcdef0."
  }
}

variable "join_timeout_s" {
  description = "Seconds that a worker tries to join before it gives up, says why and is replaced. Below the launch hook's heartbeat (modules/workers)."
  type        = number
  default     = 1200

  validation {
    condition     = var.join_timeout_s >= 60 && var.join_timeout_s <= 7000
    error_message = "join_timeout_s must be 60 to 7000."
  }
}

variable "drain_timeout_s" {
  description = "Seconds that a worker takes to drain at most. Below the termination hook's heartbeat; a spot notice leaves 120 s in any case."
  type        = number
  default     = 270

  validation {
    condition     = var.drain_timeout_s >= 30 && var.drain_timeout_s <= 7000
    error_message = "drain_timeout_s must be 30 to 7000."
  }
}

variable "pools" {
  description = "Labels and taints that the workers of each pool register with, by pool: modules/workers' node_labels, and the pool's taints."
  type = map(object({
    labels = optional(map(string), {})
    taints = optional(list(object({ key = string, value = string, effect = string })), [])
  }))

  validation {
    condition     = alltrue([for name in keys(var.pools) : can(regex("^[a-z][a-z0-9-]{1,20}$", name))])
    error_message = "a pool's name must be 2 to 21 lower-case letters, digits and hyphens."
  }

  validation {
    condition = alltrue(flatten([for pool in values(var.pools) : concat(
      [for key, value in pool.labels : can(regex("^[A-Za-z0-9._/-]+$", key)) && can(regex("^[A-Za-z0-9._-]*$", value))],
      [for taint in pool.taints : can(regex("^[A-Za-z0-9._/-]+$", taint.key)) && can(regex("^[A-Za-z0-9._-]*$", taint.value)) && contains(["NoSchedule", "NoExecute", "PreferNoSchedule"], taint.effect)],
    )]))
    error_message = "labels and taints may hold letters, digits, dots, hyphens, underscores and (in keys) a slash; an effect is NoSchedule, NoExecute or PreferNoSchedule."
  }

  validation {
    # A kubelet may not name its own node so; NodeRestriction would refuse it at join, long after plan.
    condition     = alltrue(flatten([for pool in values(var.pools) : [for key in keys(pool.labels) : !can(regex("(^|[.])(kubernetes|k8s)[.]io/", key)) || startswith(key, "node.kubernetes.io/")]]))
    error_message = "labels under kubernetes.io/ and k8s.io/ are not a worker's to set (NodeRestriction refuses them): use openclaw.io/."
  }
}
