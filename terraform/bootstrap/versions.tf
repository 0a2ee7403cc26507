terraform {
  required_version = ">= 1.11, < 2.0"

  # The first apply has no bucket to keep its state in: it runs with a local state, which
  # `terraform init -migrate-state` then moves into the bucket (docs/infrastructure.md, step 2). Uncomment before that.
  # backend "s3" {}

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 6.28, < 7.0"
    }
  }
}
