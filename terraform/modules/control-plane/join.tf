# Terraform makes the parameter, the master's timer fills it: the value is write-only here, so no token is ever in a plan
# or in the state, and raising no version means that Terraform never writes it again.
resource "aws_ssm_parameter" "join" {
  name             = var.join_parameter
  description      = "How a worker joins: short-lived token, CA hash, endpoint. Written by a timer on the master."
  type             = "SecureString"
  key_id           = var.kms_key_arn
  value_wo         = "{}"
  value_wo_version = 1
}

resource "aws_cloudwatch_log_group" "nodes" {
  name              = var.node_log_group
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
}
