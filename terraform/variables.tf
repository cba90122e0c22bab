variable "account_id" {
  description = "The AWS account that may be changed; any other is refused."
  type        = string
  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "account_id must be the twelve digits of `aws sts get-caller-identity`."
  }
}

variable "region" {
  description = "AWS region of everything."
  type        = string
  default     = "us-east-1"
  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "region must be a name such as us-east-1 or eu-central-1."
  }
}

variable "environment" {
  description = "The profile that the machine runs; each environment has its own state, bucket, database and machine."
  type        = string
  validation {
    condition     = contains(["prod", "staging"], var.environment)
    error_message = "environment must be prod or staging; dev needs no cloud."
  }
}

variable "alert_email" {
  description = "Where budget warnings and alarms go; AWS asks this address once for its consent."
  type        = string
  validation {
    condition     = can(regex("^[^@\\s]+@[^@\\s]+\\.[^@\\s]+$", var.alert_email))
    error_message = "alert_email must be an e-mail address."
  }
}

variable "monthly_budget_usd" {
  description = "What the whole account may cost in a month before it warns, in US dollars."
  type        = number
  default     = 60
  validation {
    condition     = var.monthly_budget_usd >= 1
    error_message = "monthly_budget_usd must be 1 or more."
  }
}

variable "product_url" {
  description = "Git URL of this project, readable without a password."
  type        = string
  validation {
    condition     = can(regex("^https://[A-Za-z0-9._/~-]+$", var.product_url))
    error_message = "product_url must be an https:// URL without a user name or a password in it."
  }
}

variable "product_version" {
  description = "Branch, tag or commit to install; a new value replaces the machine and keeps its data disk."
  type        = string
  default     = "main"
  validation {
    condition     = can(regex("^[A-Za-z0-9][A-Za-z0-9._/-]*$", var.product_version))
    error_message = "product_version must be the name of a branch or tag, or a commit."
  }
}

variable "metabase_version" {
  description = "Metabase release to install, as in its download address."
  type        = string
  validation {
    condition     = can(regex("^v0(\\.[0-9]+){2,3}$", var.metabase_version))
    error_message = "metabase_version must be an open-source release such as v0.54.6."
  }
}

variable "metabase_sha256" {
  description = "Checksum of metabase.jar; null trusts the download's TLS alone."
  type        = string
  default     = null
  validation {
    condition     = var.metabase_sha256 == null || can(regex("^[0-9a-f]{64}$", var.metabase_sha256))
    error_message = "metabase_sha256 must be 64 lower-case hexadecimal digits, as `sha256sum` prints them."
  }
}

variable "instance_type" {
  description = "Size of the machine (x86_64); Metabase and the flow want 4 GB of memory together."
  type        = string
  default     = "t3a.medium"
  validation {
    condition     = can(regex("^[a-z]+[0-9]+(a|i|ad|id|n|in|e|ne|d)?\\.[a-z0-9]+$", var.instance_type))
    error_message = "instance_type must be an x86_64 type such as t3a.medium; the image does not run on Graviton (t4g)."
  }
}

variable "data_disk_gb" {
  description = "Size of the kept disk in GB, for exports, curation and caches; it can only grow."
  type        = number
  default     = 20
  validation {
    condition     = var.data_disk_gb >= 10 && var.data_disk_gb <= 1000 && floor(var.data_disk_gb) == var.data_disk_gb
    error_message = "data_disk_gb must be a whole number from 10 to 1000."
  }
}

variable "database_class" {
  description = "Size of the Postgres server."
  type        = string
  default     = "db.t4g.micro"
  validation {
    condition     = startswith(var.database_class, "db.")
    error_message = "database_class must be an RDS class such as db.t4g.micro."
  }
}

variable "catalog_server" {
  description = "Address range and port of the catalog's MySQL server, so that the machine may reach it; null for none."
  type        = object({ cidr = string, port = number })
  default     = null
  validation {
    condition = var.catalog_server == null || try(
      can(cidrhost(var.catalog_server.cidr, 0)) && var.catalog_server.port > 0 && var.catalog_server.port < 65536, false
    )
    error_message = "catalog_server must be like { cidr = \"203.0.113.7/32\", port = 3306 }."
  }
}

variable "timezone" {
  description = "The listener's time zone: LAKEHOUSE__TIMEZONE."
  type        = string
  default     = "UTC"
  validation {
    condition     = can(regex("^[A-Za-z]+(/[A-Za-z0-9_+-]+)*$", var.timezone))
    error_message = "timezone must be a name such as Europe/Berlin."
  }
}

variable "keep_data" {
  description = "Guard bucket, database and disk against `terraform destroy`; false, applied first, lets all of it go."
  type        = bool
  default     = true
}
