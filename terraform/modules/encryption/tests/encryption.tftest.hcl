mock_provider "aws" {
  mock_resource "aws_kms_key" {
    defaults = { arn = "arn:aws:kms:eu-central-1:111122223333:key/mock" }
  }
}

variables {
  name    = "openclaw-test"
  region  = "eu-central-1"
  account = "111122223333"
}

run "the_key_rotates_and_is_not_gone_at_once" {
  assert {
    condition     = aws_kms_key.this.enable_key_rotation && aws_kms_key.this.deletion_window_in_days >= 7
    error_message = "the key must rotate, and a deletion must be revocable"
  }
}

run "nobody_of_another_account_uses_the_key" {
  assert {
    condition = alltrue([for statement in jsondecode(aws_kms_key.this.policy).Statement :
      try(statement.Principal.AWS, "") != "*" || try(statement.Condition.StringEquals["kms:CallerAccount"], "") == "111122223333"
    ])
    error_message = "a wildcard principal is bearable only when bound to this account"
  }
  assert {
    condition = alltrue([for statement in jsondecode(aws_kms_key.this.policy).Statement :
      try(statement.Principal.AWS, "") != "*" || try(statement.Condition.StringEquals["kms:ViaService"], "") == "ec2.eu-central-1.amazonaws.com"
    ])
    error_message = "a wildcard principal may use the key through EC2 only"
  }
}

run "an_account_that_lost_its_leading_zero_is_refused" {
  command = plan
  variables {
    account = "11122223333"
  }
  expect_failures = [var.account]
}
