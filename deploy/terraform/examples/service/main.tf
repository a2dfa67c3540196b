# A manager as an ECS service, in private subnets without a way out.

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

  vpc_id                          = var.vpc_id
  subnet_ids                      = var.subnet_ids
  runner_token_secret_arn         = var.runner_token_secret_arn
  registry_credentials_secret_arn = var.registry_credentials_secret_arn
  gitlab_url                      = "https://gitlab.internal.example.com/"
  manager_kind                    = "service"
  manager_image                   = var.manager_image
  helper_image                    = var.helper_image
  assign_public_ip                = false
  vpc_endpoints                   = true
  endpoint_subnet_ids             = var.endpoint_subnet_ids
  route_table_ids                 = var.route_table_ids
}

variable "region" {
  type        = string
  default     = "us-east-2"
  description = "Region of the tasks."
}

variable "vpc_id" {
  type        = string
  description = "The VPC, with a GitLab in it."
}

variable "subnet_ids" {
  type        = list(string)
  description = "Private subnets."
}

variable "endpoint_subnet_ids" {
  type        = list(string)
  default     = []
  description = "One of these subnets in each zone, if a zone has several."
}

variable "route_table_ids" {
  type        = list(string)
  description = "The route tables of these subnets."
}

variable "runner_token_secret_arn" {
  type        = string
  description = "Secret with the runner's token."
}

variable "registry_credentials_secret_arn" {
  type        = string
  description = "Secret with a deploy token for registry.gitlab.com."
}

variable "helper_image" {
  type        = string
  default     = null
  description = "A copy of GitLab's helper image in ECR, below ci/: these subnets have no way to registry.gitlab.com."
}

variable "manager_image" {
  type        = string
  default     = null
  description = "The manager's image."
}

output "fargate" {
  description = "All outputs of the module."
  value       = module.fargate
}
