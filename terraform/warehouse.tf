# Postgres for gold and for Metabase's own tables. RDS makes the administrator's password, keeps it in Secrets Manager
# and renews it; neither Terraform's state nor the machine ever sees it.

locals {
  warehouse_database = "lakehouse"
}

resource "aws_db_subnet_group" "warehouse" {
  name       = local.name
  subnet_ids = aws_subnet.warehouse[*].id
}

resource "aws_db_parameter_group" "warehouse" {
  name   = "${local.name}-postgres17"
  family = "postgres17"

  parameter {
    name  = "rds.force_ssl"
    value = "1"
  }
  parameter {
    name  = "log_min_duration_statement"
    value = "5000" # ms
  }
  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_cloudwatch_log_group" "warehouse" {
  for_each          = toset(["postgresql", "upgrade"])
  name              = "/aws/rds/instance/${local.name}/${each.key}"
  retention_in_days = 30 # made here, since the ones that RDS makes never expire and outlive the server
}

resource "aws_db_instance" "warehouse" {
  identifier     = local.name
  engine         = "postgres"
  engine_version = "17"
  instance_class = var.database_class
  db_name        = local.warehouse_database

  username                            = "lakehouse_admin"
  manage_master_user_password         = true
  iam_database_authentication_enabled = true

  allocated_storage     = 20
  max_allocated_storage = 100
  storage_type          = "gp3"
  storage_encrypted     = true

  db_subnet_group_name   = aws_db_subnet_group.warehouse.name
  vpc_security_group_ids = [aws_security_group.warehouse.id]
  publicly_accessible    = false
  parameter_group_name   = aws_db_parameter_group.warehouse.name
  ca_cert_identifier     = "rds-ca-rsa2048-g1"

  backup_retention_period         = 14
  backup_window                   = "02:00-02:30"
  maintenance_window              = "sun:03:00-sun:03:30"
  auto_minor_version_upgrade      = true
  copy_tags_to_snapshot           = true
  enabled_cloudwatch_logs_exports = ["postgresql", "upgrade"]

  deletion_protection       = var.keep_data
  skip_final_snapshot       = !var.keep_data
  final_snapshot_identifier = "${local.name}-final"
  delete_automated_backups  = !var.keep_data

  depends_on = [aws_cloudwatch_log_group.warehouse]
}
