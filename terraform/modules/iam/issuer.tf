# Pods prove who they are to AWS with the tokens of their service accounts. AWS needs two public documents for that,
# the issuer's discovery and its public keys. The master writes them here; the world reads them through CloudFront only.
resource "aws_s3_bucket" "issuer" {
  #checkov:skip=CKV_AWS_18:Two public documents; who reads them is of no interest, who writes them is in CloudTrail
  #checkov:skip=CKV_AWS_144:The master writes both documents again at each start; a copy elsewhere would have another name
  #checkov:skip=CKV_AWS_145:The documents are public and CloudFront must read them without a grant on our key; SSE-S3 encrypts them at rest
  #checkov:skip=CKV2_AWS_62:Nothing listens to object events
  bucket        = "${var.name}-issuer-${var.account}"
  force_destroy = true # two documents that the master can write again
}

resource "aws_s3_bucket_versioning" "issuer" {
  bucket = aws_s3_bucket.issuer.id

  versioning_configuration {
    status = "Enabled"
  }
}

# Each start of a master writes both documents again: what they replaced stays for a month of looking back.
resource "aws_s3_bucket_lifecycle_configuration" "issuer" {
  bucket = aws_s3_bucket.issuer.id

  rule {
    id     = "replaced-versions-expire"
    status = "Enabled"

    filter {
      prefix = ""
    }

    noncurrent_version_expiration {
      noncurrent_days = 30
    }

    abort_incomplete_multipart_upload {
      days_after_initiation = 1
    }
  }

  depends_on = [aws_s3_bucket_versioning.issuer]
}

resource "aws_s3_bucket_server_side_encryption_configuration" "issuer" {
  bucket = aws_s3_bucket.issuer.id

  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

resource "aws_s3_bucket_public_access_block" "issuer" {
  bucket = aws_s3_bucket.issuer.id

  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_cloudfront_origin_access_control" "issuer" {
  name                              = "${var.name}-issuer"
  origin_access_control_origin_type = "s3"
  signing_behavior                  = "always"
  signing_protocol                  = "sigv4"
}

resource "aws_cloudfront_distribution" "issuer" {
  #checkov:skip=CKV_AWS_68:Two static public documents: there is nothing for a firewall to protect
  #checkov:skip=CKV_AWS_86:AWS's own token service is the reader; its requests are of no interest
  #checkov:skip=CKV_AWS_174:CloudFront's own certificate allows no other setting; the alternative is a domain to own
  #checkov:skip=CKV_AWS_305:Nobody browses it; a default document would be a third one
  #checkov:skip=CKV_AWS_310:Tokens are checked against AWS's copy of the keys for a while; a second origin would need its own writer
  #checkov:skip=CKV_AWS_374:AWS's token service reads from wherever it runs
  #checkov:skip=CKV2_AWS_32:JSON for a machine; browsers' security headers mean nothing to it
  #checkov:skip=CKV2_AWS_42:CloudFront's own name is the issuer; a certificate of our own would need a domain to own
  #checkov:skip=CKV2_AWS_47:See CKV_AWS_68
  comment         = "${var.name}: issuer of service account tokens"
  enabled         = true
  is_ipv6_enabled = true
  http_version    = "http2and3"
  price_class     = "PriceClass_100"

  origin {
    origin_id                = "issuer"
    domain_name              = aws_s3_bucket.issuer.bucket_regional_domain_name
    origin_access_control_id = aws_cloudfront_origin_access_control.issuer.id
  }

  default_cache_behavior {
    target_origin_id       = "issuer"
    allowed_methods        = ["GET", "HEAD"]
    cached_methods         = ["GET", "HEAD"]
    viewer_protocol_policy = "https-only"
    compress               = true

    # Keys change when a control plane is replaced without its pki: five minutes are then the longest wait.
    min_ttl     = 0
    default_ttl = 300
    max_ttl     = 300

    forwarded_values {
      query_string = false

      cookies {
        forward = "none"
      }
    }
  }

  restrictions {
    geo_restriction {
      restriction_type = "none"
    }
  }

  viewer_certificate {
    cloudfront_default_certificate = true
  }
}

locals {
  issuer_host = aws_cloudfront_distribution.issuer.domain_name

  issuer_bucket_policy = {
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "CloudFrontReads"
        Effect    = "Allow"
        Principal = { Service = "cloudfront.amazonaws.com" }
        Action    = "s3:GetObject"
        Resource  = "${aws_s3_bucket.issuer.arn}/*"
        Condition = { StringEquals = { "AWS:SourceArn" = aws_cloudfront_distribution.issuer.arn } }
      },
      {
        Sid       = "TlsOnly"
        Effect    = "Deny"
        Principal = "*"
        Action    = "s3:*"
        Resource  = [aws_s3_bucket.issuer.arn, "${aws_s3_bucket.issuer.arn}/*"]
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
    ]
  }
}

resource "aws_s3_bucket_policy" "issuer" {
  bucket = aws_s3_bucket.issuer.id
  policy = jsonencode(local.issuer_bucket_policy)

  depends_on = [aws_s3_bucket_public_access_block.issuer]
}

# Given a thumbprint, IAM registers the issuer without asking for documents that no master has written yet.
data "tls_certificate" "issuer" {
  url = "https://${local.issuer_host}"
}

resource "aws_iam_openid_connect_provider" "cluster" {
  url             = "https://${local.issuer_host}"
  client_id_list  = ["sts.amazonaws.com"]
  thumbprint_list = [data.tls_certificate.issuer.certificates[0].sha1_fingerprint]
}
