mock_provider "aws" {}

variables {
  name                      = "openclaw-staging"
  environment               = "staging"
  region                    = "eu-central-1"
  repository                = "https://github.com/example/openclaw"
  endpoint                  = "api.openclaw-staging.internal"
  service_cidr              = "10.96.0.0/16"
  cloud_controller_role_arn = "arn:aws:iam::111122223333:role/openclaw-staging-cloud-controller"
  bucket                    = "openclaw-staging-cluster-111122223333"
  kms_key_arn               = "arn:aws:kms:eu-central-1:111122223333:key/mock"
}

run "the_master_applies_in_an_order_that_can_work" {
  assert {
    condition = [for line in split("\n", trimspace(output.index)) : basename(split(" ", line)[2])] == [
      "10-cni.yaml", "15-dns-budget.yaml", "20-cloud-controller.yaml", "30-storage-class.yaml", "40-argocd-namespace.yaml", "install.yaml", "60-root.yaml",
    ]
    error_message = "network, cloud controller, then Argo CD, then the root Application"
  }
}

run "every_manifest_is_checked_by_its_checksum" {
  assert {
    condition     = alltrue([for line in split("\n", trimspace(output.index)) : can(regex("^[0-9a-f]{64} (-|[a-z]+) (s3|https)://[^ ]+$", line))])
    error_message = "each line of the index is: sha256, namespace, location"
  }
  assert {
    condition = alltrue([for line in split("\n", trimspace(output.index)) :
      split(" ", line)[0] == sha256(aws_s3_object.manifest[basename(split(" ", line)[2])].content) if strcontains(line, "s3://")
    ])
    error_message = "the checksum must be that of the object that was written"
  }
}

run "every_manifest_is_yaml_with_a_kind" {
  assert {
    condition     = alltrue(flatten([for text in values(output.manifests) : [for document in split("\n---\n", text) : try(yamldecode(document).kind, "") != ""]]))
    error_message = "a rendered manifest is no YAML, or has no kind"
  }
}

run "images_are_pinned" {
  assert {
    condition     = alltrue([for match in regexall("image: (\\S+)", join("\n", values(output.manifests))) : can(regex(":v[0-9]+[.][0-9]+[.][0-9]+(@sha256:[0-9a-f]{64})?$", match[0]))])
    error_message = "an image needs an exact version, and a digest once it was looked up"
  }
  assert {
    condition     = strcontains(local.pins.argocd.url, "/${local.pins.argocd.version}/")
    error_message = "Argo CD's version and its URL must agree"
  }
}

run "only_the_cloud_controllers_own_token_opens_its_role" {
  assert {
    condition     = one([for document in split("\n---\n", output.manifests["20-cloud-controller.yaml"]) : yamldecode(document) if yamldecode(document).kind == "DaemonSet"]).spec.template.spec.volumes[1].projected.sources[0].serviceAccountToken.audience == "sts.amazonaws.com"
    error_message = "the token must be made for AWS"
  }
  assert {
    condition     = contains([for env in one([for document in split("\n---\n", output.manifests["20-cloud-controller.yaml"]) : yamldecode(document) if yamldecode(document).kind == "DaemonSet"]).spec.template.spec.containers[0].env : env.value], var.cloud_controller_role_arn)
    error_message = "the cloud controller must know its role"
  }
}

run "volumes_stay_encrypted_in_their_zone_and_kept" {
  assert {
    condition = (
      yamldecode(output.manifests["30-storage-class.yaml"]).parameters.encrypted == "true" &&
      yamldecode(output.manifests["30-storage-class.yaml"]).volumeBindingMode == "WaitForFirstConsumer" &&
      yamldecode(output.manifests["30-storage-class.yaml"]).reclaimPolicy == "Retain" &&
      yamldecode(output.manifests["30-storage-class.yaml"]).parameters.type == "gp3"
    )
    error_message = "the StorageClass must be gp3, encrypted, WaitForFirstConsumer, Retain"
  }
  assert {
    # The EBS driver answers InvalidArgument to such a tag, and no volume is ever made; it sets the cluster's tag itself
    # (k8sTagClusterId in clusters/base/apps/ebs-csi.yaml).
    condition = alltrue([for key, value in yamldecode(output.manifests["30-storage-class.yaml"]).parameters :
      !startswith(value, "kubernetes.io") && !startswith(value, "aws:") if startswith(key, "tagSpecification_")
    ])
    error_message = "the driver reserves tags that begin with kubernetes.io or aws:"
  }
}

run "the_root_application_follows_its_environment" {
  assert {
    condition     = yamldecode(output.manifests["60-root.yaml"]).spec.source.path == "clusters/staging" && yamldecode(output.manifests["60-root.yaml"]).spec.source.repoURL == var.repository
    error_message = "the root Application must follow clusters/<env> of the repository"
  }
  assert {
    condition     = !can(yamldecode(output.manifests["60-root.yaml"]).metadata.finalizers)
    error_message = "deleting the root by mistake must not take the platform along"
  }
}

run "a_repository_with_a_token_in_its_url_is_refused" {
  command = plan
  variables {
    repository = "https://x:secret@github.com/example/openclaw"
  }
  expect_failures = [var.repository]
}
