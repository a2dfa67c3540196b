# A manager as a machine, in subnets with an internet gateway.

terraform {
  required_version = ">= 1.7"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.80"
    }
  }
}

provider "aws" {
  region = var.region
}

module "fargate" {
  source = "../.."

  vpc_id                  = var.vpc_id
  subnet_ids              = var.subnet_ids
  runner_token_secret_arn = var.runner_token_secret_arn
  driver_url              = var.driver_url
}

# Jobs may read this bucket, and nothing else in AWS.
resource "aws_iam_role_policy" "jobs" {
  name = "jobs"
  role = regex("[^/]+$", module.fargate.task_role_arn)
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = "s3:GetObject"
      Resource = "arn:aws:s3:::example-fixtures/*"
    }]
  })
}

variable "region" {
  type        = string
  default     = "us-east-2"
  description = "Region of the tasks."
}

variable "vpc_id" {
  type        = string
  description = "The VPC."
}

variable "subnet_ids" {
  type        = list(string)
  description = "Public subnets."
}

variable "runner_token_secret_arn" {
  type        = string
  description = "Secret with the runner's token."
}

variable "driver_url" {
  type        = string
  default     = null
  description = "From where the machine gets the driver."
}

output "fargate" {
  description = "All outputs of the module."
  value       = module.fargate
}
