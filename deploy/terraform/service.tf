# The manager as an ECS service without a machine. docs/manager.md has the contract with its image.

resource "aws_ecr_repository" "manager" {
  count = local.is_service ? 1 : 0

  name                 = "${var.name}/fargate-manager"
  image_tag_mutability = "IMMUTABLE"
  force_delete         = true
}

resource "aws_ecr_lifecycle_policy" "manager" {
  count = local.is_service ? 1 : 0

  repository = aws_ecr_repository.manager[0].name
  policy     = local.image_lifecycle
}

resource "aws_iam_role_policy" "service" {
  count = local.is_service ? 1 : 0

  name = "service"
  role = aws_iam_role.manager.name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "LookForANewerDeployment"
        Effect    = "Allow"
        Action    = "ecs:DescribeServices"
        Resource  = "${local.arn}:ecs:${local.in_region}:service/${aws_ecs_cluster.this.name}/${var.name}-manager"
        Condition = local.of_the_cluster
      },
      {
        Sid       = "StayUntilTheLastJob"
        Effect    = "Allow"
        Action    = ["ecs:GetTaskProtection", "ecs:UpdateTaskProtection"]
        Resource  = local.tasks
        Condition = local.of_the_cluster
      },
    ]
  })
}

resource "aws_iam_role" "service_execution" {
  count = local.is_service ? 1 : 0

  name_prefix          = "${local.role_prefix}-service-execution-"
  description          = "With this role ECS starts the manager."
  assume_role_policy   = local.tasks_trust
  permissions_boundary = var.permissions_boundary_arn
}

resource "aws_iam_role_policy" "service_execution" {
  count = local.is_service ? 1 : 0

  name = "service-execution-role"
  role = aws_iam_role.service_execution[0].name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "LogInToECR"
        Effect   = "Allow"
        Action   = "ecr:GetAuthorizationToken"
        Resource = "*"
      },
      {
        Sid      = "PullTheManager"
        Effect   = "Allow"
        Action   = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
        Resource = aws_ecr_repository.manager[0].arn
      },
      {
        Sid      = "KeepTheLog"
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = local.manager_streams
      },
      {
        Sid      = "ReadTheToken"
        Effect   = "Allow"
        Action   = "secretsmanager:GetSecretValue"
        Resource = var.runner_token_secret_arn
      },
    ]
  })
}

locals {
  manager_environment = {
    FARGATE_MANAGER_NAME                 = var.name
    FARGATE_MANAGER_GITLAB_URL           = var.gitlab_url
    FARGATE_MANAGER_CONCURRENT           = tostring(var.concurrent)
    FARGATE_MANAGER_REGION               = local.region
    FARGATE_MANAGER_CLUSTER              = aws_ecs_cluster.this.name
    FARGATE_MANAGER_SERVICE              = "${var.name}-manager"
    FARGATE_MANAGER_SUBNETS              = join(",", var.subnet_ids)
    FARGATE_MANAGER_SECURITY_GROUPS      = aws_security_group.tasks.id
    FARGATE_MANAGER_PUBLIC_IP            = tostring(var.assign_public_ip)
    FARGATE_MANAGER_AGENT_REPOSITORY     = aws_ecr_repository.agent.repository_url
    FARGATE_MANAGER_EXECUTION_ROLE       = aws_iam_role.execution.arn
    FARGATE_MANAGER_TASK_ROLE            = aws_iam_role.task.arn
    FARGATE_MANAGER_LOG_GROUP            = aws_cloudwatch_log_group.jobs.name
    FARGATE_MANAGER_HELPER_IMAGE         = var.helper_image == null ? "" : var.helper_image
    FARGATE_MANAGER_TOML                 = var.fargate_toml == null ? "" : var.fargate_toml
    FARGATE_MANAGER_REGISTRY_CREDENTIALS = local.has_registry ? "${var.registry_host}=${var.registry_credentials_secret_arn}" : ""
  }
}

resource "aws_ecs_task_definition" "manager" {
  count = local.is_service ? 1 : 0

  family                   = "${var.name}-manager"
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = "512"
  memory                   = "1024"
  execution_role_arn       = aws_iam_role.service_execution[0].arn
  task_role_arn            = aws_iam_role.manager.arn

  container_definitions = jsonencode([{
    name      = "manager"
    image     = var.manager_image != null ? var.manager_image : "${aws_ecr_repository.manager[0].repository_url}:${var.driver_version}"
    essential = true
    # Fargate's longest. Task protection, and not this, lets jobs end.
    stopTimeout = 120
    # Exit code 0 is the end after a newer deployment.
    restartPolicy = { enabled = true, ignoredExitCodes = [0], restartAttemptPeriod = 60 }
    healthCheck = {
      command     = ["CMD", "fargate", "manager", "health"]
      interval    = 30
      retries     = 3
      startPeriod = 120
      timeout     = 5
    }
    secrets     = [{ name = "FARGATE_MANAGER_TOKEN", valueFrom = var.runner_token_secret_arn }]
    environment = [for name, value in local.manager_environment : { name = name, value = value }]
    logConfiguration = {
      logDriver = "awslogs"
      options = {
        awslogs-group         = aws_cloudwatch_log_group.manager.name
        awslogs-region        = local.region
        awslogs-stream-prefix = "manager"
      }
    }
  }])
}

resource "aws_ecs_service" "manager" {
  count = local.is_service ? 1 : 0

  name            = "${var.name}-manager"
  cluster         = aws_ecs_cluster.this.id
  task_definition = aws_ecs_task_definition.manager[0].arn
  desired_count   = var.manager_image == null ? 0 : 1
  propagate_tags  = "SERVICE"

  # Never two managers at once, and never one that is moved while jobs run.
  deployment_minimum_healthy_percent = 0
  deployment_maximum_percent         = 100
  availability_zone_rebalancing      = "DISABLED"

  capacity_provider_strategy {
    capacity_provider = "FARGATE"
    weight            = 1
  }

  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }

  network_configuration {
    subnets          = var.subnet_ids
    security_groups  = [aws_security_group.manager.id]
    assign_public_ip = var.assign_public_ip
  }

  # The last job may take 48 hours.
  timeouts {
    delete = "49h"
  }

  # What the manager uses must be there before it, and stay until its last job.
  depends_on = [
    aws_ecs_cluster_capacity_providers.this,
    aws_vpc_security_group_ingress_rule.tasks_from_manager,
    aws_vpc_security_group_egress_rule.this,
    aws_vpc_security_group_ingress_rule.endpoints,
    aws_vpc_endpoint.interface,
    aws_vpc_endpoint.s3,
    aws_iam_role_policy.manager,
    aws_iam_role_policy.push,
    aws_iam_role_policy.service,
    aws_iam_role_policy.service_execution,
  ]
}
