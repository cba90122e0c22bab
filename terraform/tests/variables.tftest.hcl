# A wrong value is refused before anything is planned, by name.

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

run "wrong_values_are_refused" {
  command = plan

  variables {
    account_id         = "1234"
    region             = "Virginia"
    environment        = "dev"
    alert_email        = "nobody"
    monthly_budget_usd = 0
    product_url        = "https://token@git.example.com/x.git"
    product_version    = "--upload-pack=evil"
    metabase_version   = "latest"
    metabase_sha256    = "abc"
    instance_type      = "t4g.medium"
    data_disk_gb       = 10.5
    database_class     = "t4g.micro"
    catalog_server     = { cidr = "203.0.113.7", port = 3306 }
    timezone           = "Europe/Berlin'; rm -rf /"
  }
  expect_failures = [
    var.account_id, var.region, var.environment, var.alert_email, var.monthly_budget_usd, var.product_url,
    var.product_version, var.metabase_version, var.metabase_sha256, var.instance_type, var.data_disk_gb,
    var.database_class, var.catalog_server, var.timezone,
  ]
}

run "right_values_are_taken" {
  command = plan

  variables {
    region          = "ap-southeast-2"
    environment     = "staging"
    product_url     = "https://git.example.com/~me/listening-lakehouse.git"
    product_version = "release/1.2"
    metabase_sha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    instance_type   = "m7i.large"
    catalog_server  = { cidr = "203.0.113.7/32", port = 3306 }
    timezone        = "America/Argentina/Buenos_Aires"
  }
  assert {
    condition     = one(aws_vpc_security_group_egress_rule.catalog).cidr_ipv4 == "203.0.113.7/32"
    error_message = "The machine cannot reach the catalog server."
  }
}

run "no_catalog_server_opens_no_way_out" {
  command = plan
  assert {
    condition     = length(aws_vpc_security_group_egress_rule.catalog) == 0
    error_message = "The machine may reach more than it needs."
  }
}
