# What only prod promises.
mock_provider "aws" {}
mock_provider "tls" {}

variables {
  ami_id      = "ami-0123456789abcdef0"
  alarm_email = "ops@openclaw.test"
}

run "prod_is_protected_and_survives_a_zone" {
  command = plan

  assert {
    condition     = var.protected && length(var.zones) == 3 && var.nat_mode == "gateway_per_zone"
    error_message = "prod must be protected from a destroy, and stand in three zones with a way out of each"
  }
}
