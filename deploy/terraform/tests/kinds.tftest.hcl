# The module with a provider that makes things up: which kind of manager makes what, and which values are refused.
# Run by ./test where Terraform is on the machine, or: terraform init && terraform test

mock_provider "aws" {
  mock_data "aws_caller_identity" {
    defaults = { account_id = "111122223333" }
  }
  mock_data "aws_partition" {
    defaults = { partition = "aws", dns_suffix = "amazonaws.com" }
  }
  mock_data "aws_region" {
    defaults = { name = "us-east-2" }
  }
}

variables {
  vpc_id                  = "vpc-xxxxxx"
  subnet_ids              = ["subnet-a", "subnet-b"]
  runner_token_secret_arn = "arn:aws:secretsmanager:us-east-2:111122223333:secret:gitlab-runner-token-AbCdEf"
}

run "three_inputs_are_enough" {
  command = plan

  assert {
    condition     = aws_autoscaling_group.manager[0].max_size == 1
    error_message = "Two machines at once."
  }
  assert {
    condition     = length(aws_ecs_service.manager) == 0 && length(aws_vpc_endpoint.interface) == 0
    error_message = "A machine needs no service and no endpoints."
  }
  assert {
    condition     = output.assign_public_ip == "ENABLED" && output.registry_credentials_secret_arn == null
    error_message = "The outputs do not follow the inputs."
  }
}

run "a_service_starts_nothing_without_an_image" {
  command = plan

  variables {
    manager_kind = "service"
  }

  assert {
    condition     = aws_ecs_service.manager[0].desired_count == 0
    error_message = "A service without an image cannot start."
  }
  assert {
    condition = (
      aws_ecs_service.manager[0].deployment_maximum_percent == 100 &&
      aws_ecs_service.manager[0].deployment_minimum_healthy_percent == 0 &&
      aws_ecs_service.manager[0].availability_zone_rebalancing == "DISABLED"
    )
    error_message = "There may be two managers at once."
  }
  assert {
    condition     = length(aws_autoscaling_group.manager) == 0 && length(aws_iam_instance_profile.manager) == 0
    error_message = "A service needs no machine."
  }
}

run "none_has_a_profile_and_no_machine" {
  command = plan

  variables {
    manager_kind = "none"
  }

  assert {
    condition     = length(aws_iam_instance_profile.manager) == 1 && length(aws_autoscaling_group.manager) == 0
    error_message = "A machine of one's own needs the profile and nothing else."
  }
  assert {
    condition     = length(aws_iam_role_policy.init) == 1
    error_message = "Who types `fargate init` there has no permissions for it."
  }
}

run "a_long_name_fits" {
  command = plan

  variables {
    manager_kind = "service"
    name         = "a-name-of-thirty-one-characters"
  }

  assert {
    condition     = length(aws_iam_role.service_execution[0].name_prefix) <= 38
    error_message = "IAM refuses the prefix of the role."
  }
}

run "what_cannot_be_is_refused" {
  command = plan

  variables {
    name                    = "ci--"
    subnet_ids              = []
    runner_token_secret_arn = "glrt-a-token"
    gitlab_url              = "gitlab.example.com"
    capacity_provider       = "SPOT"
    manager_kind            = "lambda"
    concurrent              = 0
    driver_url              = "s3://bucket/fargate.tar.gz"
    job_repositories        = "CI"
  }

  expect_failures = [
    var.name,
    var.subnet_ids,
    var.runner_token_secret_arn,
    var.gitlab_url,
    var.capacity_provider,
    var.manager_kind,
    var.concurrent,
    var.driver_url,
    var.job_repositories,
  ]
}

run "endpoints_need_route_tables" {
  command = plan

  variables {
    vpc_endpoints = true
  }

  expect_failures = [aws_vpc_endpoint.s3]
}
