# No provider and no resource: `terraform apply` of this folder alone needs neither an account nor a network.
terraform {
  required_version = ">= 1.11, < 2.0"
}
