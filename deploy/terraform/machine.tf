# The manager as a machine, which an Auto Scaling group replaces.

resource "aws_iam_role_policy" "machine" {
  count = local.is_service ? 0 : 1

  name = "machine"
  role = aws_iam_role.manager.name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "ReadTheToken"
        Effect   = "Allow"
        Action   = "secretsmanager:GetSecretValue"
        Resource = var.runner_token_secret_arn
      },
      {
        Sid      = "KeepTheLog"
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = local.manager_streams
      },
      {
        Sid      = "EndAfterTheLastJob"
        Effect   = "Allow"
        Action   = ["autoscaling:CompleteLifecycleAction", "autoscaling:RecordLifecycleActionHeartbeat"]
        Resource = "${local.arn}:autoscaling:${local.in_region}:autoScalingGroup:*:autoScalingGroupName/${var.name}-manager"
      },
      {
        Sid      = "ReportTheMachine"
        Effect   = "Allow"
        Action   = "ssm:UpdateInstanceInformation"
        Resource = "${local.arn}:ec2:${local.in_region}:instance/*"
      },
      {
        Sid    = "OpenSessions"
        Effect = "Allow"
        Action = [
          "ssmmessages:CreateControlChannel",
          "ssmmessages:CreateDataChannel",
          "ssmmessages:OpenControlChannel",
          "ssmmessages:OpenDataChannel",
        ]
        Resource  = "*"
        Condition = local.in_this_region
      },
    ]
  })
}

resource "aws_iam_instance_profile" "manager" {
  count = local.is_service ? 0 : 1

  name_prefix = "${var.name}-manager-"
  role        = aws_iam_role.manager.name
}

data "aws_ssm_parameter" "machine_image" {
  count = local.is_instance ? 1 : 0

  name = var.manager_machine_image
}

locals {
  helper_image = var.helper_image != null ? var.helper_image : "registry.gitlab.com/gitlab-org/gitlab-runner/gitlab-runner-helper:x86_64-v${var.runner_version}"
}

resource "aws_launch_template" "manager" {
  count = local.is_instance ? 1 : 0

  name_prefix            = "${var.name}-manager-"
  image_id               = nonsensitive(data.aws_ssm_parameter.machine_image[0].value)
  instance_type          = var.manager_instance_type
  update_default_version = true

  iam_instance_profile {
    arn = aws_iam_instance_profile.manager[0].arn
  }

  metadata_options {
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
  }

  network_interfaces {
    device_index                = 0
    associate_public_ip_address = var.assign_public_ip
    security_groups             = [aws_security_group.manager.id]
  }

  block_device_mappings {
    device_name = "/dev/xvda"

    ebs {
      volume_size = 16
      volume_type = "gp3"
      encrypted   = true
    }
  }

  tag_specifications {
    resource_type = "instance"
    tags          = { Name = "${var.name}-manager" }
  }

  user_data = base64encode(templatefile("${path.module}/start.sh.tftpl", {
    name             = var.name
    region           = local.region
    token            = var.runner_token_secret_arn
    gitlab_url       = var.gitlab_url
    concurrent       = var.concurrent
    cluster          = aws_ecs_cluster.this.name
    subnets          = join("\", \"", var.subnet_ids)
    task_group       = aws_security_group.tasks.id
    public_ip        = var.assign_public_ip
    agent_repository = aws_ecr_repository.agent.repository_url
    driver_version   = var.driver_version
    driver_url       = var.driver_url == null ? "" : var.driver_url
    runner_version   = var.runner_version
    helper           = local.helper_image
    fargate_toml     = var.fargate_toml == null ? "" : var.fargate_toml
    execution_role   = aws_iam_role.execution.arn
    task_role        = aws_iam_role.task.arn
    job_logs         = aws_cloudwatch_log_group.jobs.name
    manager_logs     = aws_cloudwatch_log_group.manager.name
    credentials = local.has_registry ? join("\n", [
      "[JobImage.RegistryCredentials]",
      "  \"${var.registry_host}\" = \"${var.registry_credentials_secret_arn}\"",
    ]) : ""
  }))
}

resource "aws_autoscaling_group" "manager" {
  count = local.is_instance ? 1 : 0

  name                = "${var.name}-manager"
  min_size            = 0
  max_size            = 1
  desired_capacity    = 1
  vpc_zone_identifier = var.subnet_ids
  # Terraform need not wait until the machine is up, and a last job may take hours.
  wait_for_capacity_timeout = "0"

  launch_template {
    id      = aws_launch_template.manager[0].id
    version = aws_launch_template.manager[0].latest_version
  }

  initial_lifecycle_hook {
    name                 = "last-job"
    lifecycle_transition = "autoscaling:EC2_INSTANCE_TERMINATING"
    # AWS waits for 100 of them, and 48 hours at most.
    heartbeat_timeout = 1800
    default_result    = "CONTINUE"
  }

  instance_refresh {
    strategy = "Rolling"

    preferences {
      min_healthy_percentage = 0
      max_healthy_percentage = 100
    }
  }

  # The last job may take 48 hours.
  timeouts {
    delete = "49h"
  }

  # What the machine uses must be there before it, and stay until its last job.
  depends_on = [
    aws_iam_role_policy.manager,
    aws_iam_role_policy.push,
    aws_iam_role_policy.machine,
    aws_vpc_security_group_ingress_rule.tasks_from_manager,
    aws_vpc_security_group_egress_rule.this,
    aws_vpc_security_group_ingress_rule.endpoints,
    aws_vpc_endpoint.interface,
    aws_vpc_endpoint.s3,
  ]
}
