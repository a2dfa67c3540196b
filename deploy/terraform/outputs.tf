# The values that the outputs of the CloudFormation template have, under the names of Terraform.

output "region" {
  description = "Region of the tasks"
  value       = local.region
}

output "cluster" {
  description = "Cluster of the tasks"
  value       = aws_ecs_cluster.this.name
}

output "subnets" {
  description = "Subnets of the tasks"
  value       = join(",", var.subnet_ids)
}

output "task_security_groups" {
  description = "Security groups of the tasks"
  value       = aws_security_group.tasks.id
}

output "assign_public_ip" {
  description = "Whether tasks have public addresses"
  value       = var.assign_public_ip ? "ENABLED" : "DISABLED"
}

output "task_execution_role_arn" {
  description = "Role with which ECS starts tasks"
  value       = aws_iam_role.execution.arn
}

output "task_role_arn" {
  description = "Role of the processes of jobs"
  value       = aws_iam_role.task.arn
}

output "log_group" {
  description = "Log group of the tasks"
  value       = aws_cloudwatch_log_group.jobs.name
}

output "agent_image" {
  description = "Image with the agent, which the manager pushes"
  value       = "${aws_ecr_repository.agent.repository_url}:${var.driver_version}"
}

output "manager_name" {
  description = "[TaskMetadata] Manager"
  value       = var.name
}

output "runner_token_secret_arn" {
  description = "Secret with the runner's token"
  value       = var.runner_token_secret_arn
}

output "registry_credentials_secret_arn" {
  description = "Secret with the credentials of another registry"
  value       = var.registry_credentials_secret_arn
}

output "registry_host" {
  description = "Host of that registry"
  value       = local.has_registry ? var.registry_host : null
}

output "helper_image" {
  description = "Copy of GitLab's helper image"
  value       = var.helper_image
}

output "manager_role_arn" {
  description = "Role of the manager"
  value       = aws_iam_role.manager.arn
}

output "manager_security_group" {
  description = "Security group of the manager"
  value       = aws_security_group.manager.id
}

output "manager_instance_profile" {
  description = "Profile for a machine of yours"
  value       = local.is_service ? null : aws_iam_instance_profile.manager[0].name
}

output "manager_repository_uri" {
  description = "Repository for the manager's image"
  value       = local.is_service ? aws_ecr_repository.manager[0].repository_url : null
}
