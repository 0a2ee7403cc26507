# What nodes say goes here. The join parameter has no resource: the master's timer
# creates it, so that neither a plan nor the state ever holds a token. `scripts/infra down` deletes it.
resource "aws_cloudwatch_log_group" "nodes" {
  name              = var.node_log_group
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
}
