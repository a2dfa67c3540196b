# Who may do what. Policies are written out, and not by aws_iam_policy_document, so that tests without AWS can read them.

locals {
  arn = "arn:${local.partition}"
  # The prefix of a role's name has 38 characters at most, and `-service-execution-` has 19.
  role_prefix = substr(var.name, 0, 19)

  of_the_cluster = { ArnEquals = { "ecs:cluster" = aws_ecs_cluster.this.arn } }
  in_this_region = { StringEquals = { "aws:RequestedRegion" = local.region } }
  ec2_here       = { StringEquals = { "ec2:Region" = local.region } }

  job_repositories = "${local.arn}:ecr:${local.in_region}:repository/${var.job_repositories}"
  tasks            = "${local.arn}:ecs:${local.in_region}:task/${aws_ecs_cluster.this.name}/*"
  job_streams      = "${local.arn}:logs:${local.in_region}:log-group:${aws_cloudwatch_log_group.jobs.name}:log-stream:job"
  manager_streams  = "${local.arn}:logs:${local.in_region}:log-group:${aws_cloudwatch_log_group.manager.name}:log-stream:*"

  tasks_trust = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "TasksOfThisAccount"
      Effect    = "Allow"
      Principal = { Service = "ecs-tasks.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = {
        StringEquals = { "aws:SourceAccount" = local.account }
        ArnLike      = { "aws:SourceArn" = "${local.arn}:ecs:${local.in_region}:*" }
      }
    }]
  })

  machines_trust = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "ec2.${local.dns_suffix}" }
      Action    = "sts:AssumeRole"
    }]
  })
}

# --- Tasks ---

resource "aws_iam_role" "execution" {
  name_prefix          = "${local.role_prefix}-execution-"
  description          = "With this role ECS pulls the images of jobs and keeps the output of containers."
  assume_role_policy   = local.tasks_trust
  permissions_boundary = var.permissions_boundary_arn
}

resource "aws_iam_role_policy" "execution" {
  name = "execution-role"
  role = aws_iam_role.execution.name
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
        Sid      = "PullImages"
        Effect   = "Allow"
        Action   = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
        Resource = [aws_ecr_repository.agent.arn, local.job_repositories]
      },
      {
        Sid      = "KeepOutput"
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = "${local.job_streams}/*"
      },
    ]
  })
}

resource "aws_iam_role_policy" "execution_registry" {
  count = local.has_registry ? 1 : 0

  name = "execution-role-registry"
  role = aws_iam_role.execution.name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid      = "LogInToOtherRegistries"
      Effect   = "Allow"
      Action   = "secretsmanager:GetSecretValue"
      Resource = var.registry_credentials_secret_arn
    }]
  })
}

resource "aws_iam_role" "task" {
  name_prefix          = "${local.role_prefix}-task-"
  description          = "The processes of jobs have this role. It allows nothing until you add to it."
  assume_role_policy   = local.tasks_trust
  permissions_boundary = var.permissions_boundary_arn
}

# --- The manager ---

resource "aws_iam_role" "manager" {
  name_prefix          = "${local.role_prefix}-manager-"
  description          = "GitLab Runner and the driver have this role."
  assume_role_policy   = local.is_service ? local.tasks_trust : local.machines_trust
  permissions_boundary = var.permissions_boundary_arn
}

resource "aws_iam_role_policy" "manager" {
  name = "manager-job-image"
  role = aws_iam_role.manager.name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "StartTasks"
        Effect    = "Allow"
        Action    = "ecs:RunTask"
        Resource  = "${local.arn}:ecs:${local.in_region}:task-definition/fargate-*:*"
        Condition = local.of_the_cluster
      },
      {
        Sid       = "WatchAndStopTasks"
        Effect    = "Allow"
        Action    = ["ecs:DescribeTasks", "ecs:StopTask"]
        Resource  = local.tasks
        Condition = local.of_the_cluster
      },
      {
        Sid       = "FindTasksAfterACrash"
        Effect    = "Allow"
        Action    = "ecs:ListTasks"
        Resource  = "*"
        Condition = local.of_the_cluster
      },
      {
        Sid       = "TagTasksAsTheyStart"
        Effect    = "Allow"
        Action    = "ecs:TagResource"
        Resource  = local.tasks
        Condition = { StringEquals = { "ecs:CreateAction" = "RunTask" } }
      },
      {
        Sid      = "TagTasksThatRun"
        Effect   = "Allow"
        Action   = "ecs:TagResource"
        Resource = local.tasks
        Condition = {
          "ForAllValues:StringEquals" = { "aws:TagKeys" = [
            "gitlab:job-id",
            "gitlab:job-name",
            "gitlab:kept-until",
            "gitlab:pipeline-id",
            "gitlab:project",
            "gitlab:project-id",
            "gitlab:runner",
          ] }
          Null = { "aws:TagKeys" = "false" }
        }
      },
      {
        Sid       = "ComposeTaskDefinitions"
        Effect    = "Allow"
        Action    = ["ecs:DescribeTaskDefinition", "ecs:RegisterTaskDefinition"]
        Resource  = "*"
        Condition = local.in_this_region
      },
      {
        Sid      = "ShowOutputOfServices"
        Effect   = "Allow"
        Action   = "logs:GetLogEvents"
        Resource = "${local.job_streams}/service-*"
      },
      {
        Sid       = "FindPublicAddresses"
        Effect    = "Allow"
        Action    = "ec2:DescribeNetworkInterfaces"
        Resource  = "*"
        Condition = local.ec2_here
      },
      {
        Sid       = "GiveTasksTheirRoles"
        Effect    = "Allow"
        Action    = "iam:PassRole"
        Resource  = [aws_iam_role.execution.arn, aws_iam_role.task.arn]
        Condition = { StringEquals = { "iam:PassedToService" = "ecs-tasks.amazonaws.com" } }
      },
    ]
  })
}

# The manager pushes the agent's image at its first start.
resource "aws_iam_role_policy" "push" {
  name = "agent-push"
  role = aws_iam_role.manager.name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "LogIn"
        Effect   = "Allow"
        Action   = "ecr:GetAuthorizationToken"
        Resource = "*"
      },
      {
        Sid    = "Push"
        Effect = "Allow"
        Action = [
          "ecr:BatchCheckLayerAvailability",
          "ecr:BatchGetImage",
          "ecr:CompleteLayerUpload",
          "ecr:GetDownloadUrlForLayer",
          "ecr:InitiateLayerUpload",
          "ecr:PutImage",
          "ecr:UploadLayerPart",
        ]
        Resource = aws_ecr_repository.agent.arn
      },
    ]
  })
}

resource "aws_iam_role_policy" "doctor" {
  name = "doctor"
  role = aws_iam_role.manager.name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "ReadTheCluster"
        Effect   = "Allow"
        Action   = "ecs:DescribeClusters"
        Resource = aws_ecs_cluster.this.arn
      },
      {
        Sid    = "ReadTheNetwork"
        Effect = "Allow"
        Action = [
          "ec2:DescribeNetworkInterfaces",
          "ec2:DescribeRouteTables",
          "ec2:DescribeSecurityGroups",
          "ec2:DescribeSubnets",
          "ec2:DescribeVpcEndpoints",
        ]
        Resource  = "*"
        Condition = local.ec2_here
      },
      {
        Sid      = "ReadTheVpc"
        Effect   = "Allow"
        Action   = "ec2:DescribeVpcAttribute"
        Resource = "${local.arn}:ec2:${local.in_region}:vpc/${var.vpc_id}"
      },
      {
        Sid      = "ReadPrefixLists"
        Effect   = "Allow"
        Action   = "ec2:GetManagedPrefixListEntries"
        Resource = "${local.arn}:ec2:${local.in_region}:prefix-list/*"
      },
      {
        Sid    = "ReadDefinitionsAndQuotas"
        Effect = "Allow"
        Action = [
          "cloudwatch:GetMetricData",
          "ecs:DescribeTaskDefinition",
          "servicequotas:GetAWSDefaultServiceQuota",
          "servicequotas:GetServiceQuota",
        ]
        Resource  = "*"
        Condition = local.in_this_region
      },
      {
        Sid      = "ReadImages"
        Effect   = "Allow"
        Action   = ["ecr:BatchGetImage", "ecr:DescribeImages"]
        Resource = [aws_ecr_repository.agent.arn, local.job_repositories]
      },
      {
        Sid      = "ReadLogGroups"
        Effect   = "Allow"
        Action   = "logs:DescribeLogGroups"
        Resource = "${local.arn}:logs:${local.in_region}:log-group:*"
      },
      {
        Sid    = "ReadRolesAndSimulate"
        Effect = "Allow"
        Action = ["iam:GetRole", "iam:SimulatePrincipalPolicy"]
        Resource = [
          aws_iam_role.manager.arn,
          aws_iam_role.execution.arn,
          aws_iam_role.task.arn,
          "${local.arn}:iam::${local.account}:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS",
        ]
      },
    ]
  })
}

# For `fargate init` on a machine of yours.
resource "aws_iam_role_policy" "init" {
  count = var.manager_kind == "none" ? 1 : 0

  name = "init"
  role = aws_iam_role.manager.name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "ListClusters"
        Effect    = "Allow"
        Action    = "ecs:ListClusters"
        Resource  = "*"
        Condition = local.in_this_region
      },
      {
        Sid       = "ListTheNetwork"
        Effect    = "Allow"
        Action    = ["ec2:DescribeSecurityGroups", "ec2:DescribeSubnets"]
        Resource  = "*"
        Condition = local.ec2_here
      },
      {
        Sid      = "ReadTheRunnersToken"
        Effect   = "Allow"
        Action   = "secretsmanager:GetSecretValue"
        Resource = var.runner_token_secret_arn
      },
    ]
  })
}

resource "aws_iam_role_policy" "doctor_registry" {
  count = local.has_registry ? 1 : 0

  name = "doctor-registry"
  role = aws_iam_role.manager.name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid      = "ReadSecretsWithoutTheirValues"
      Effect   = "Allow"
      Action   = "secretsmanager:DescribeSecret"
      Resource = var.registry_credentials_secret_arn
    }]
  })
}
