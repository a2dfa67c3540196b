# Endpoints, for subnets without a way out.

locals {
  interfaces = ["ecr.api", "ecr.dkr", "logs", "secretsmanager", "ecs", "ecs-agent", "ecs-telemetry", "ec2"]
}

resource "aws_security_group" "endpoints" {
  count = var.vpc_endpoints ? 1 : 0

  name_prefix = "${var.name}-endpoints-"
  description = "Endpoints of AWS services for CI jobs and their manager"
  vpc_id      = var.vpc_id
}

resource "aws_vpc_security_group_ingress_rule" "endpoints" {
  for_each = var.vpc_endpoints ? { manager = aws_security_group.manager.id, tasks = aws_security_group.tasks.id } : {}

  security_group_id            = aws_security_group.endpoints[0].id
  referenced_security_group_id = each.value
  ip_protocol                  = "tcp"
  from_port                    = 443
  to_port                      = 443
}

resource "aws_vpc_endpoint" "interface" {
  for_each = toset(var.vpc_endpoints ? local.interfaces : [])

  vpc_endpoint_type   = "Interface"
  service_name        = "com.amazonaws.${local.region}.${each.key}"
  vpc_id              = var.vpc_id
  subnet_ids          = length(var.endpoint_subnet_ids) > 0 ? var.endpoint_subnet_ids : var.subnet_ids
  security_group_ids  = [aws_security_group.endpoints[0].id]
  private_dns_enabled = true
}

resource "aws_vpc_endpoint" "s3" {
  count = var.vpc_endpoints ? 1 : 0

  vpc_endpoint_type = "Gateway"
  service_name      = "com.amazonaws.${local.region}.s3"
  vpc_id            = var.vpc_id
  route_table_ids   = var.route_table_ids

  lifecycle {
    precondition {
      condition     = length(var.route_table_ids) > 0
      error_message = "vpc_endpoints needs route_table_ids, for the endpoint of S3."
    }
  }
}
