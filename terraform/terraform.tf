terraform {
  required_version = ">= 1.11" # write-only arguments: secrets that never enter the state

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.99"
    }
  }
}
