# Containers only: the values are put in by hand or by a rotation, never by Terraform, so no state holds them.
resource "aws_secretsmanager_secret" "this" {
  #checkov:skip=CKV2_AWS_57:Tokens of Telegram and Groq cannot be rotated by AWS; docs/infrastructure.md has the runbook
  for_each = {
    telegram-token     = "Token of the bot that users talk to"
    groq-api-key       = "Key for Groq's API"
    redis-password     = "Password between brain, agents and Redis; any long random string"
    ops-telegram-token = "Token of the bot that tells operators of deployments and alerts"
  }

  name                    = "openclaw/${local.environment}/${each.key}"
  description             = each.value
  kms_key_id              = module.encryption.key_arn
  recovery_window_in_days = 7
}
