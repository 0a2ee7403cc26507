# What a new control plane is restored from: etcd/ holds snapshots, pki/ what etcd does not hold, redis/ copies of the store. Manifests that the
# master applies at first boot lie beside them under gitops/.
resource "aws_s3_bucket" "this" {
  #checkov:skip=CKV_AWS_18:Access is on record in CloudTrail's data events, which the account turns on once; a log bucket here would log itself
  #checkov:skip=CKV_AWS_144:A second region is a non-goal (docs/infrastructure.md): a lost region is rebuilt from Git with new secrets
  #checkov:skip=CKV2_AWS_62:Nothing listens to object events; the alarm watches the snapshots' age
  bucket        = "${var.name}-cluster-${var.account}"
  force_destroy = var.force_destroy
}

resource "aws_s3_bucket_versioning" "this" {
  bucket = aws_s3_bucket.this.id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "this" {
  bucket = aws_s3_bucket.this.id

  rule {
    bucket_key_enabled = true

    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = var.kms_key_arn
    }
  }
}

resource "aws_s3_bucket_public_access_block" "this" {
  bucket = aws_s3_bucket.this.id

  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "this" {
  bucket = aws_s3_bucket.this.id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "this" {
  bucket = aws_s3_bucket.this.id

  rule {
    id     = "snapshots-expire"
    status = "Enabled"

    # Snapshots are named by their time, so this leaves etcd/latest alone: as long as that is there, a master with a blank disk
    # stops and asks for a restore, and never starts an empty cluster.
    filter {
      prefix = "etcd/20"
    }

    expiration {
      days = var.snapshot_retention_days
    }

    noncurrent_version_expiration {
      noncurrent_days = var.snapshot_retention_days
    }
  }

  # Copies of the store hold what users wrote, 96 a day: kept long enough to notice a fault, and not longer. Both numbers add up.
  rule {
    id     = "store-copies-expire"
    status = "Enabled"

    filter {
      prefix = "redis/"
    }

    expiration {
      days = 6
    }

    noncurrent_version_expiration {
      noncurrent_days = 1
    }
  }

  # pki/ and gitops/ never expire while they are current; what they replaced stays long enough to go back.
  rule {
    id     = "replaced-versions-expire"
    status = "Enabled"

    filter {
      prefix = ""
    }

    noncurrent_version_expiration {
      noncurrent_days = 90
    }

    abort_incomplete_multipart_upload {
      days_after_initiation = 1
    }
  }

  depends_on = [aws_s3_bucket_versioning.this]
}

locals {
  bucket_policy = {
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "TlsOnly"
        Effect    = "Deny"
        Principal = "*"
        Action    = "s3:*"
        Resource  = [aws_s3_bucket.this.arn, "${aws_s3_bucket.this.arn}/*"]
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
      {
        # Whatever else somebody in this account is allowed: the cluster's keys are the master's. Deleting is not denied, so an
        # older version can be brought back, and the bucket destroyed.
        Sid       = "KeysAreForTheMaster"
        Effect    = "Deny"
        Principal = "*"
        Action    = ["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"]
        Resource  = ["${aws_s3_bucket.this.arn}/pki/*"]
        Condition = { StringNotEquals = { "aws:PrincipalArn" = "arn:aws:iam::${var.account}:role/${var.name}-master" } }
      },
    ]
  }
}

resource "aws_s3_bucket_policy" "this" {
  bucket = aws_s3_bucket.this.id
  policy = jsonencode(local.bucket_policy)

  depends_on = [aws_s3_bucket_public_access_block.this]
}
