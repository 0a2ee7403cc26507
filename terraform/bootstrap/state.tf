locals {
  state_key_policy = {
    Version = "2012-10-17"
    Statement = [{
      Sid       = "AccountDecidesByIam"
      Effect    = "Allow"
      Principal = { AWS = "arn:aws:iam::${local.account}:root" }
      Action    = "kms:*"
      Resource  = "*"
    }]
  }

  state_bucket_policy = {
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "TlsOnly"
        Effect    = "Deny"
        Principal = "*"
        Action    = "s3:*"
        Resource  = [aws_s3_bucket.state.arn, "${aws_s3_bucket.state.arn}/*"]
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
    ]
  }
}

resource "aws_kms_key" "state" {
  description             = "openclaw: Terraform state"
  enable_key_rotation     = true
  deletion_window_in_days = 30
  policy                  = jsonencode(local.state_key_policy)
}

resource "aws_kms_alias" "state" {
  name          = "alias/openclaw-terraform"
  target_key_id = aws_kms_key.state.key_id
}

# Locking is S3's own (use_lockfile in each backend): a second table is no longer needed.
resource "aws_s3_bucket" "state" {
  #checkov:skip=CKV_AWS_18:Access is on record in CloudTrail's data events, which the account turns on once; a log bucket here would log itself
  #checkov:skip=CKV_AWS_144:A second region is a non-goal (docs/infrastructure.md)
  #checkov:skip=CKV2_AWS_62:Nothing listens to object events
  bucket = local.state_bucket

  lifecycle {
    prevent_destroy = true # without the state, what is paid for can only be found by hand
  }
}

resource "aws_s3_bucket_versioning" "state" {
  bucket = aws_s3_bucket.state.id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "state" {
  bucket = aws_s3_bucket.state.id

  rule {
    bucket_key_enabled = true

    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = aws_kms_key.state.arn
    }
  }
}

resource "aws_s3_bucket_public_access_block" "state" {
  bucket = aws_s3_bucket.state.id

  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "state" {
  bucket = aws_s3_bucket.state.id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "state" {
  bucket = aws_s3_bucket.state.id

  rule {
    id     = "old-states-expire"
    status = "Enabled"

    filter {
      prefix = ""
    }

    noncurrent_version_expiration {
      noncurrent_days           = 90
      newer_noncurrent_versions = 20
    }

    abort_incomplete_multipart_upload {
      days_after_initiation = 1
    }
  }

  depends_on = [aws_s3_bucket_versioning.state]
}

resource "aws_s3_bucket_policy" "state" {
  bucket = aws_s3_bucket.state.id
  policy = jsonencode(local.state_bucket_policy)

  depends_on = [aws_s3_bucket_public_access_block.state]
}
