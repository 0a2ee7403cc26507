# Once for an account: where Terraform keeps its state, who may run it from GitHub, and what hears of costs.
locals {
  shared  = yamldecode(file("${path.module}/../../clusters/staging/environment.yaml"))
  account = local.shared.account
  region  = local.shared.region

  github_repository = coalesce(var.github_repository, trimsuffix(trimprefix(local.shared.repository, "https://github.com/"), ".git"))
  state_bucket      = "openclaw-terraform-${local.account}"
}

provider "aws" {
  region              = local.region
  allowed_account_ids = [local.account]

  default_tags {
    tags = {
      Project     = "openclaw"
      Environment = "shared"
      ManagedBy   = "terraform"
      Repository  = local.shared.repository
    }
  }
}
