terraform {
  required_version = ">= 1.11, < 2.0"

  # Bucket and region come from clusters/<env>/environment.yaml: `scripts/infra` passes them on, since a backend block can
  # read no file.
  backend "s3" {
    key          = "staging/terraform.tfstate"
    encrypt      = true
    use_lockfile = true
  }

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 6.28, < 7.0"
    }
    # Used by modules/iam; named here too, or the tests could not mock it.
    # tflint-ignore: terraform_unused_required_providers
    tls = {
      source  = "hashicorp/tls"
      version = ">= 4.0, < 5.0"
    }
  }
}
