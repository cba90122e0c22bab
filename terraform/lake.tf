# The bucket, and the two policies that may touch it: the flow writes below one prefix, a reader reads there.

locals {
  lake_prefix = "lake/${var.environment}"
}

resource "aws_s3_bucket" "lake" {
  bucket        = "${local.name}-${var.account_id}"
  force_destroy = !var.keep_data
}

resource "aws_s3_bucket_public_access_block" "lake" {
  bucket                  = aws_s3_bucket.lake.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "lake" {
  bucket = aws_s3_bucket.lake.id
  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "lake" {
  bucket = aws_s3_bucket.lake.id
  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

resource "aws_s3_bucket_versioning" "lake" {
  bucket = aws_s3_bucket.lake.id
  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "lake" {
  bucket = aws_s3_bucket.lake.id # bronze itself never expires; only what was replaced, deleted or cut off does

  rule {
    id     = "leftovers"
    status = "Enabled"
    filter {}

    noncurrent_version_expiration {
      noncurrent_days = 30 # the time that is left to undo a mistake
    }
    expiration {
      expired_object_delete_marker = true
    }
    abort_incomplete_multipart_upload {
      days_after_initiation = 2
    }
  }
  depends_on = [aws_s3_bucket_versioning.lake]
}

resource "aws_s3_bucket_policy" "lake" {
  bucket     = aws_s3_bucket.lake.id
  policy     = data.aws_iam_policy_document.lake_tls_only.json
  depends_on = [aws_s3_bucket_public_access_block.lake]
}

data "aws_iam_policy_document" "lake_tls_only" {
  statement {
    sid       = "TlsOnly"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = [aws_s3_bucket.lake.arn, "${aws_s3_bucket.lake.arn}/*"]
    principals {
      type        = "*"
      identifiers = ["*"]
    }
    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }
}

data "aws_iam_policy_document" "lake_read" {
  statement {
    sid       = "ReadOnePrefix"
    actions   = ["s3:GetObject"]
    resources = ["${aws_s3_bucket.lake.arn}/${local.lake_prefix}/*"]
  }
  statement {
    sid       = "ListOnePrefix"
    actions   = ["s3:ListBucket"]
    resources = [aws_s3_bucket.lake.arn]
    condition {
      # IfExists: a get of an object that is not there carries no prefix, and must be told 404, not 403
      test     = "StringLikeIfExists"
      variable = "s3:prefix"
      values   = [local.lake_prefix, "${local.lake_prefix}/*"]
    }
  }
}

data "aws_iam_policy_document" "lake_write" {
  source_policy_documents = [data.aws_iam_policy_document.lake_read.json]
  statement {
    sid       = "WriteOnePrefix" # no versions: what the flow deletes can be brought back for 30 days
    actions   = ["s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"]
    resources = ["${aws_s3_bucket.lake.arn}/${local.lake_prefix}/*"]
  }
}

resource "aws_iam_policy" "lake_reader" {
  name        = "${local.name}-lake-reader"
  description = "Read bronze of ${var.environment}; attach it to whoever explores the lake from elsewhere"
  policy      = data.aws_iam_policy_document.lake_read.json
}
