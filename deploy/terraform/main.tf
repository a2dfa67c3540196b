# Where jobs run: cluster, groups, logs and registry.

data "aws_caller_identity" "this" {}

data "aws_partition" "this" {}

data "aws_region" "this" {}

locals {
  account    = data.aws_caller_identity.this.account_id
  partition  = data.aws_partition.this.partition
  dns_suffix = data.aws_partition.this.dns_suffix
  region     = data.aws_region.this.name
  in_region  = "${local.region}:${local.account}"

  is_instance  = var.manager_kind == "instance"
  is_service   = var.manager_kind == "service"
  has_manager  = var.manager_kind != "none"
  has_registry = var.registry_credentials_secret_arn != null

  # Untagged images go after two weeks.
  image_lifecycle = jsonencode({
    rules = [{
      rulePriority = 1
      selection = {
        tagStatus   = "untagged"
        countType   = "sinceImagePushed"
        countUnit   = "days"
        countNumber = 14
      }
      action = { type = "expire" }
    }]
  })
}

resource "aws_ecs_cluster" "this" {
  name = var.name
}

resource "aws_ecs_cluster_capacity_providers" "this" {
  cluster_name       = aws_ecs_cluster.this.name
  capacity_providers = ["FARGATE", "FARGATE_SPOT"]

  default_capacity_provider_strategy {
    capacity_provider = var.capacity_provider
    weight            = 1
  }
}

resource "aws_security_group" "manager" {
  name_prefix = "${var.name}-manager-"
  description = "The manager of CI jobs. Nobody connects to it."
  vpc_id      = var.vpc_id
  tags        = { Name = "${var.name}-manager" }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_security_group" "tasks" {
  name_prefix = "${var.name}-tasks-"
  description = "Tasks of CI jobs. Only their manager connects to them."
  vpc_id      = var.vpc_id
  tags        = { Name = "${var.name}-tasks" }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_vpc_security_group_ingress_rule" "tasks_from_manager" {
  security_group_id            = aws_security_group.tasks.id
  referenced_security_group_id = aws_security_group.manager.id
  description                  = "SSH of the agents in the job's container and in its helper"
  ip_protocol                  = "tcp"
  from_port                    = 7022
  to_port                      = 7023
}

# A group of Terraform's has no rule for the way out, unlike one of AWS's own.
resource "aws_vpc_security_group_egress_rule" "this" {
  for_each = { manager = aws_security_group.manager.id, tasks = aws_security_group.tasks.id }

  security_group_id = each.value
  description       = "The way out"
  ip_protocol       = "-1"
  cidr_ipv4         = "0.0.0.0/0"
}

resource "aws_cloudwatch_log_group" "jobs" {
  name              = "/${var.name}/jobs"
  retention_in_days = var.log_retention_days
}

resource "aws_cloudwatch_log_group" "manager" {
  name              = "/${var.name}/manager"
  retention_in_days = var.log_retention_days
}

resource "aws_ecr_repository" "agent" {
  name = "${var.name}/fargate-agent"
  # Builds share the tag of their version. Jobs get the image by its digest.
  image_tag_mutability = "MUTABLE"
  force_delete         = true
}
