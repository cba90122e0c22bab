# Named like the settings that they fill. A secret's output is the name of its parameter, never its value.

output "DESTINATION__LAKE__BUCKET_URL" {
  description = "The lake: a bucket and this environment's prefix."
  value       = aws_ssm_parameter.plain["flow/DESTINATION__LAKE__BUCKET_URL"].insecure_value
}

output "DESTINATION__LAKE__CREDENTIALS__REGION_NAME" {
  description = "The lake's region; its keys are the machine's role."
  value       = var.region
}

output "LAKEHOUSE__ALERT_COMMAND" {
  description = "Mails what a run that ended badly has to say."
  value       = local.alert_command
}

output "LAKEHOUSE__DATA_DIR" {
  description = "Folder on the kept disk for all local data."
  value       = local.data_dir
}

output "LAKEHOUSE__TIMEZONE" {
  description = "The listener's time zone."
  value       = var.timezone
}

output "DESTINATION__WAREHOUSE__CREDENTIALS" {
  description = "Name of the parameter that holds the publisher's Postgres URL."
  value       = aws_ssm_parameter.secret["flow/DESTINATION__WAREHOUSE__CREDENTIALS"].name
}

output "DESTINATION__WAREHOUSE__METABASE_PASSWORD" {
  description = "Name of the parameter that holds the password of Metabase's reading role."
  value       = aws_ssm_parameter.secret["flow/DESTINATION__WAREHOUSE__METABASE_PASSWORD"].name
}

output "SOURCES__CATALOG__CREDENTIALS" {
  description = "Name of the parameter that holds the catalog database's URL."
  value       = aws_ssm_parameter.secret["flow/SOURCES__CATALOG__CREDENTIALS"].name
}

output "SOURCES__SPOTIFY_API__CLIENT_ID" {
  description = "Name of the parameter that holds the Spotify app's id."
  value       = aws_ssm_parameter.secret["flow/SOURCES__SPOTIFY_API__CLIENT_ID"].name
}

output "SOURCES__SPOTIFY_API__CLIENT_SECRET" {
  description = "Name of the parameter that holds the Spotify app's secret."
  value       = aws_ssm_parameter.secret["flow/SOURCES__SPOTIFY_API__CLIENT_SECRET"].name
}

output "SOURCES__SPOTIFY_API__REFRESH_TOKEN" {
  description = "Name of the parameter that holds the listener's refresh token."
  value       = aws_ssm_parameter.secret["flow/SOURCES__SPOTIFY_API__REFRESH_TOKEN"].name
}

output "operator" {
  description = "What reach.sh, first-run.sh and tear-down.sh need to know."
  value = {
    machine          = aws_instance.machine.id
    name             = local.name
    parameters       = local.parameters
    region           = var.region
    warehouse_host   = aws_db_instance.warehouse.address
    warehouse_name   = local.warehouse_database
    warehouse_secret = one(aws_db_instance.warehouse.master_user_secret).secret_arn
  }
}
