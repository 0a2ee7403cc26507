# Containers only: the values are put in by hand or by a rotation, never by Terraform, so no state holds them. Each is a JSON
# object with exactly the fields that the manifests' ExternalSecrets take out of it (tests/terraform compares both).
locals {
  secrets = {
    telegram     = { fields = ["token", "allowed-user-ids"], description = "Bot that users talk to, and who may use it" }
    groq         = { fields = ["api-key"], description = "Groq's API" }
    redis        = { fields = ["password", "agent-password", "exporter-password"], description = "Of Redis' users brain, agent and exporter: three long random strings" }
    ops-telegram = { fields = ["token"], description = "Bot that tells operators of deployments and alerts" }
    ops-github   = { fields = ["app-id", "installation-id", "private-key"], description = "GitHub App that sets commit statuses" }
  }
}

resource "aws_secretsmanager_secret" "this" {
  #checkov:skip=CKV2_AWS_57:Tokens of Telegram and Groq cannot be rotated by AWS; docs/infrastructure.md has the runbook
  for_each = local.secrets

  name                    = "openclaw/${var.environment}/${each.key}"
  description             = "${each.value.description}. JSON: ${join(", ", each.value.fields)}."
  kms_key_id              = module.encryption.key_arn
  recovery_window_in_days = 7
}
