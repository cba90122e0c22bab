provider "aws" {
  region              = var.region
  allowed_account_ids = [var.account_id] # never the wrong account, whatever the shell is logged in to

  default_tags {
    tags = local.tags
  }
}

locals {
  project = "listening-lakehouse"
  name    = "${local.project}-${var.environment}"
  tags = {
    project     = local.project
    environment = var.environment
    managed_by  = "terraform"
  }
}
