# All settings of the machine, in the parameter store. Plain ones are written here. Secret ones are only made here,
# with a placeholder: their values are put in by hand (`first-run.sh`), so that no plan, no state and no shell
# history knows them, and `terraform destroy` still takes them along.

locals {
  parameters = "/${local.project}/${var.environment}"
  alert_command = join(" ", [
    "aws sns publish --region ${var.region} --topic-arn ${aws_sns_topic.alerts.arn}",
    "--subject ${local.name} --message file:///dev/stdin",
  ])
  data_dir = "/srv/lakehouse/${var.environment}"
  metabase_database = {
    MB_DB_TYPE   = "postgres"
    MB_DB_HOST   = aws_db_instance.warehouse.address
    MB_DB_PORT   = "5432"
    MB_DB_DBNAME = "metabase"
    MB_DB_USER   = "metabase_app"
  }

  plain = merge(
    {
      "flow/DESTINATION__LAKE__BUCKET_URL"               = "s3://${aws_s3_bucket.lake.id}/${local.lake_prefix}"
      "flow/DESTINATION__LAKE__CREDENTIALS__REGION_NAME" = var.region
      "flow/LAKEHOUSE__ALERT_COMMAND"                    = local.alert_command
      "flow/LAKEHOUSE__DATA_DIR"                         = local.data_dir
      "flow/LAKEHOUSE__TIMEZONE"                         = var.timezone
    },
    { for name, value in local.metabase_database : "metabase/${name}" => value },
  )

  secret = toset([
    "flow/DESTINATION__WAREHOUSE__CREDENTIALS",
    "flow/DESTINATION__WAREHOUSE__METABASE_PASSWORD",
    "flow/SOURCES__CATALOG__CREDENTIALS",
    "flow/SOURCES__SPOTIFY_API__CLIENT_ID",
    "flow/SOURCES__SPOTIFY_API__CLIENT_SECRET",
    "flow/SOURCES__SPOTIFY_API__REFRESH_TOKEN",
    "metabase/MB_DB_PASS",
    "metabase/MB_ENCRYPTION_SECRET_KEY",
  ])
}

resource "aws_ssm_parameter" "plain" {
  # checkov:skip=CKV2_AWS_34:Names of places, no secrets
  for_each       = local.plain
  name           = "${local.parameters}/${each.key}"
  type           = "String"
  insecure_value = each.value
}

resource "aws_ssm_parameter" "secret" {
  for_each         = local.secret
  name             = "${local.parameters}/${each.key}"
  type             = "SecureString"
  value_wo         = "unset"
  value_wo_version = 1

  lifecycle {
    ignore_changes = all # an update would have to write a value, and knows only the placeholder
  }
}
