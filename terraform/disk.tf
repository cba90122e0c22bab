# The kept disk and its daily snapshots.

resource "aws_ebs_volume" "data" {
  availability_zone = aws_subnet.machine.availability_zone
  type              = "gp3"
  size              = var.data_disk_gb
  encrypted         = true
  final_snapshot    = true # tear-down.sh deletes it; a switch would not do: AWS refuses a change of nothing else
  tags              = { Name = "${local.name}-data", snapshots = local.name }
}

resource "aws_volume_attachment" "data" {
  device_name                    = "/dev/sdf"
  volume_id                      = aws_ebs_volume.data.id
  instance_id                    = aws_instance.machine.id
  stop_instance_before_detaching = true
}

resource "aws_dlm_lifecycle_policy" "data" {
  description        = "Daily snapshots of ${local.name}-data"
  execution_role_arn = aws_iam_role.snapshots.arn
  state              = "ENABLED"

  policy_details {
    resource_types = ["VOLUME"]
    target_tags    = { snapshots = local.name }

    schedule {
      name      = "a week of days"
      copy_tags = true
      create_rule {
        interval      = 24
        interval_unit = "HOURS"
        times         = ["04:00"]
      }
      retain_rule {
        count = 7
      }
    }
  }
}

resource "aws_iam_role" "snapshots" {
  name               = "${local.name}-snapshots"
  assume_role_policy = data.aws_iam_policy_document.snapshots_are_dlm.json
}

data "aws_iam_policy_document" "snapshots_are_dlm" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["dlm.amazonaws.com"]
    }
  }
}

resource "aws_iam_role_policy_attachment" "snapshots" {
  role       = aws_iam_role.snapshots.name
  policy_arn = "arn:aws:iam::aws:policy/service-role/AWSDataLifecycleManagerServiceRole"
}
