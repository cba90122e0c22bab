# One small machine that runs the flow and Metabase. It can be thrown away and made again at any time:
# what must stay is in the bucket, in Postgres, or on the disk below, which is its own and has its own snapshots.

data "aws_ssm_parameter" "image" {
  name = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
}

resource "aws_iam_role" "machine" {
  name               = "${local.name}-machine"
  assume_role_policy = data.aws_iam_policy_document.machine_is_ec2.json
}

data "aws_iam_policy_document" "machine_is_ec2" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["ec2.amazonaws.com"]
    }
  }
}

resource "aws_iam_instance_profile" "machine" {
  name = aws_iam_role.machine.name
  role = aws_iam_role.machine.name
}

resource "aws_iam_role_policy" "machine" {
  for_each = {
    machine = data.aws_iam_policy_document.machine.json
    lake    = data.aws_iam_policy_document.lake_write.json
  }
  name   = each.key
  role   = aws_iam_role.machine.id
  policy = each.value
}

data "aws_iam_policy_document" "machine" {
  # checkov:skip=CKV_AWS_111:Session Manager's channels have no resources to name
  # checkov:skip=CKV_AWS_356:Session Manager's channels have no resources to name
  statement {
    # not AmazonSSMManagedInstanceCore: that one may read every parameter of the account
    sid = "SessionManager"
    actions = [
      "ssm:UpdateInstanceInformation",
      "ssmmessages:CreateControlChannel", "ssmmessages:CreateDataChannel",
      "ssmmessages:OpenControlChannel", "ssmmessages:OpenDataChannel",
    ]
    resources = ["*"]
  }
  statement {
    sid       = "OwnSettings"
    actions   = ["ssm:GetParametersByPath"]
    resources = [local.parameters_arn, "${local.parameters_arn}/*"]
  }
  statement {
    sid       = "Alerts"
    actions   = ["sns:Publish"]
    resources = [aws_sns_topic.alerts.arn]
  }
}

resource "aws_instance" "machine" {
  # checkov:skip=CKV_AWS_88:An address to call out with; no rule lets anybody in, and a NAT gateway costs more
  ami                         = data.aws_ssm_parameter.image.insecure_value
  instance_type               = var.instance_type
  subnet_id                   = aws_subnet.machine.id
  associate_public_ip_address = true
  vpc_security_group_ids      = [aws_security_group.machine.id]
  iam_instance_profile        = aws_iam_instance_profile.machine.name
  ebs_optimized               = true
  user_data                   = local.user_data
  user_data_replace_on_change = true
  tags                        = { Name = local.name }

  metadata_options {
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
  }
  root_block_device {
    volume_type = "gp3"
    volume_size = 16
    encrypted   = true
  }
  lifecycle {
    ignore_changes = [ami] # a newer image only when asked for: `terraform apply -replace=aws_instance.machine`
  }
}

locals {
  parameters_arn = "arn:aws:ssm:${var.region}:${var.account_id}:parameter${local.parameters}"

  machine_facts = {
    ALERT_TOPIC      = aws_sns_topic.alerts.arn
    DATA_VOLUME      = aws_ebs_volume.data.id
    ENVIRONMENT      = var.environment
    METABASE_SHA256  = coalesce(var.metabase_sha256, "none")
    METABASE_VERSION = var.metabase_version
    PARAMETERS       = local.parameters
    PRODUCT_URL      = var.product_url
    PRODUCT_VERSION  = var.product_version
    REGION           = var.region
  }
  user_data = join("\n", concat(
    ["#!/bin/bash"],
    [for name, value in local.machine_facts : "${name}='${value}'"],
    [file("${path.module}/machine/setup.sh")],
  ))
}
