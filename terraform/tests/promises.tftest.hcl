# What README.md promises, asked of the plan and of a pretended apply. Nothing is created and no account is needed.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  account_id       = "123456789012"
  environment      = "prod"
  alert_email      = "someone@example.com"
  product_url      = "https://git.example.com/listening-lakehouse.git"
  metabase_version = "v0.54.6"
}

run "the_lake_is_private_encrypted_and_versioned" {
  command = plan

  assert {
    condition = alltrue([
      aws_s3_bucket_public_access_block.lake.block_public_acls,
      aws_s3_bucket_public_access_block.lake.block_public_policy,
      aws_s3_bucket_public_access_block.lake.ignore_public_acls,
      aws_s3_bucket_public_access_block.lake.restrict_public_buckets,
    ])
    error_message = "The bucket can be made public."
  }
  assert {
    condition     = one(one(aws_s3_bucket_server_side_encryption_configuration.lake.rule).apply_server_side_encryption_by_default).sse_algorithm == "AES256"
    error_message = "The bucket is not encrypted."
  }
  assert {
    condition     = one(aws_s3_bucket_versioning.lake.versioning_configuration).status == "Enabled"
    error_message = "A deleted file of the lake cannot be brought back."
  }
  assert {
    condition     = aws_s3_bucket.lake.force_destroy == false
    error_message = "A destroy would take the lake along without having been asked twice."
  }
}

run "the_lake_speaks_tls_only" {
  assert {
    condition = (
      one(data.aws_iam_policy_document.lake_tls_only.statement).effect == "Deny" &&
      one(one(data.aws_iam_policy_document.lake_tls_only.statement).condition).variable == "aws:SecureTransport"
    )
    error_message = "The bucket's policy lets plain HTTP through."
  }
}

run "each_environment_touches_its_own_prefix_alone" {
  variables {
    environment = "staging"
  }
  assert {
    condition = toset(flatten([
      for statement in concat(data.aws_iam_policy_document.lake_read.statement, data.aws_iam_policy_document.lake_write.statement) :
      statement.resources if !contains(statement.actions, "s3:ListBucket")
    ])) == toset(["${aws_s3_bucket.lake.arn}/lake/staging/*"])
    error_message = "A role reaches objects outside its prefix."
  }
  assert {
    condition     = output.DESTINATION__LAKE__BUCKET_URL == "s3://${aws_s3_bucket.lake.id}/lake/staging"
    error_message = "The flow is not told the prefix that its role may touch."
  }
  assert {
    condition = alltrue([
      for statement in data.aws_iam_policy_document.machine.statement :
      alltrue([for resource in statement.resources : strcontains(resource, "parameter/listening-lakehouse/staging")])
      if contains(statement.actions, "ssm:GetParametersByPath")
    ])
    error_message = "The machine reads settings of another environment."
  }
}

run "nobody_can_call_the_machine" {
  assert {
    condition     = aws_vpc_security_group_ingress_rule.warehouse.referenced_security_group_id == aws_security_group.machine.id
    error_message = "Postgres is open to more than the machine."
  }
  assert {
    condition     = one(aws_instance.machine.metadata_options).http_tokens == "required"
    error_message = "The machine hands out its role to anybody who can make it fetch a URL."
  }
  assert {
    condition     = one(aws_instance.machine.root_block_device).encrypted && aws_ebs_volume.data.encrypted
    error_message = "A disk of the machine is not encrypted."
  }
}

run "the_warehouse_is_private_and_hard_to_lose" {
  command = plan

  assert {
    condition     = !aws_db_instance.warehouse.publicly_accessible && aws_db_instance.warehouse.storage_encrypted
    error_message = "Postgres is public or not encrypted."
  }
  assert {
    condition     = aws_db_instance.warehouse.deletion_protection && !aws_db_instance.warehouse.skip_final_snapshot && aws_db_instance.warehouse.backup_retention_period >= 7
    error_message = "Postgres can be lost by one command."
  }
  assert {
    condition     = anytrue([for p in aws_db_parameter_group.warehouse.parameter : p.name == "rds.force_ssl" && p.value == "1"])
    error_message = "Postgres takes connections without TLS."
  }
  assert {
    condition     = aws_db_instance.warehouse.manage_master_user_password
    error_message = "The administrator's password is in the state."
  }
}

run "no_secret_is_in_the_state" {
  assert {
    condition     = alltrue([for p in aws_ssm_parameter.secret : p.type == "SecureString" && p.value_wo == null && p.value != "unset"])
    error_message = "A secret parameter keeps a value in the state."
  }
  assert {
    condition     = output.DESTINATION__WAREHOUSE__CREDENTIALS == "/listening-lakehouse/prod/flow/DESTINATION__WAREHOUSE__CREDENTIALS"
    error_message = "The output is not the name of the parameter."
  }
}

run "the_machine_is_made_from_the_given_version" {
  variables {
    product_version = "v1.2.3"
  }
  assert {
    condition     = startswith(aws_instance.machine.user_data, "#!/bin/bash\n") && strcontains(aws_instance.machine.user_data, "\nPRODUCT_VERSION='v1.2.3'\n")
    error_message = "The set-up script does not know which version to install."
  }
  assert {
    condition     = length(base64encode(aws_instance.machine.user_data)) < 16384 * 4 / 3
    error_message = "User data is limited to 16 KB."
  }
}

run "everything_can_be_let_go" {
  command = plan
  variables {
    keep_data = false
  }
  assert {
    condition     = aws_s3_bucket.lake.force_destroy && !aws_db_instance.warehouse.deletion_protection && aws_db_instance.warehouse.skip_final_snapshot && aws_db_instance.warehouse.delete_automated_backups
    error_message = "A tear-down would stop half-way or leave something behind."
  }
}

run "somebody_is_told_before_it_gets_dear" {
  command = plan
  variables {
    monthly_budget_usd = 40
  }
  assert {
    condition     = aws_budgets_budget.month.limit_amount == "40" && toset([for n in aws_budgets_budget.month.notification : n.notification_type]) == toset(["ACTUAL", "FORECASTED"])
    error_message = "The budget does not warn."
  }
}
