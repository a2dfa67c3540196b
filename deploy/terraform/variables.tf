# What you must give.

variable "vpc_id" {
  type        = string
  description = "The VPC of tasks and manager."
}

variable "subnet_ids" {
  type        = list(string)
  description = "Subnets of that VPC, best in several zones. They need a way to GitLab and to the registries of images."

  validation {
    condition     = length(var.subnet_ids) > 0 && length(var.subnet_ids) <= 16
    error_message = "Give 1 to 16 subnets."
  }
}

variable "runner_token_secret_arn" {
  type        = string
  description = "ARN of a secret whose whole value is the runner's authentication token (glrt-...), so that no state has it."

  validation {
    condition     = can(regex("^arn:[^:]+:secretsmanager:[^:]+:\\d{12}:secret:.+$", var.runner_token_secret_arn))
    error_message = "This must be the ARN of a secret in Secrets Manager."
  }
}

# GitLab and jobs.

variable "gitlab_url" {
  type        = string
  default     = "https://gitlab.com/"
  description = "URL of GitLab."

  validation {
    condition     = can(regex("^https?://[^\\s\"\\\\]+$", var.gitlab_url))
    error_message = "This must be an http or https URL."
  }
}

variable "concurrent" {
  type        = number
  default     = 20
  description = "Jobs at once. Each needs an address in a subnet, and vCPUs within the account's quota for Fargate."

  validation {
    condition     = var.concurrent >= 1 && var.concurrent <= 1000
    error_message = "This must be 1 to 1000."
  }
}

variable "capacity_provider" {
  type        = string
  default     = "FARGATE"
  description = "Where tasks run unless fargate.toml or a job says otherwise: FARGATE, or FARGATE_SPOT, which costs about a third, and which AWS may take back during a job."

  validation {
    condition     = contains(["FARGATE", "FARGATE_SPOT"], var.capacity_provider)
    error_message = "This must be FARGATE or FARGATE_SPOT."
  }
}

variable "job_repositories" {
  type        = string
  default     = "ci/*"
  description = "Repositories in this account's ECR from which jobs may take images, as a name or a pattern."

  validation {
    condition     = can(regex("^[a-z0-9*][a-z0-9._/*-]*$", var.job_repositories))
    error_message = "This must be the name of a repository, in which * stands for anything."
  }
}

variable "registry_credentials_secret_arn" {
  type        = string
  default     = null
  description = "ARN of a secret with username and password of another registry, as JSON, if images of jobs are in one that asks for them."
}

variable "registry_host" {
  type        = string
  default     = "registry.gitlab.com"
  description = "The host of that registry."
}

variable "helper_image" {
  type        = string
  default     = null
  description = "Your copy of GitLab's helper image, in one of job_repositories, for subnets without a way to registry.gitlab.com."
}

variable "fargate_toml" {
  type        = string
  default     = null
  description = "More of fargate.toml, as TOML. Its values win."
}

# The manager.

variable "manager_kind" {
  type        = string
  default     = "instance"
  description = "Where GitLab Runner and the driver run: instance, an EC2 machine that an Auto Scaling group replaces; service, an ECS service without a machine, from manager_image; none, a machine of yours, which gets role and group by hand."

  validation {
    condition     = contains(["instance", "service", "none"], var.manager_kind)
    error_message = "This must be instance, service or none."
  }
}

variable "runner_version" {
  type        = string
  default     = "19.4.0"
  description = "Version of GitLab Runner and of its helper image."
}

variable "driver_version" {
  type        = string
  default     = "0.1.0"
  description = "Version of fargate, which is also the tag of the agent's image."
}

variable "driver_url" {
  type        = string
  default     = null
  description = "For instance: an https URL of fargate-VERSION-linux-x86_64.tar.gz with both programs, which the machine gets at its start. Without it, the machine waits until somebody puts the programs into /opt/gitlab-runner."

  validation {
    condition     = var.driver_url == null || can(regex("^https://[^\\s'\"\\\\]+$", var.driver_url))
    error_message = "This must be an https URL."
  }
}

variable "manager_instance_type" {
  type        = string
  default     = "t3.small"
  description = "For instance; of the architecture of manager_machine_image and driver_url."
}

variable "manager_machine_image" {
  type        = string
  default     = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
  description = "For instance; a parameter of Systems Manager that names an image of Amazon Linux 2023."
}

variable "manager_image" {
  type        = string
  default     = null
  description = "For service: the manager's image, best by digest, in the module's repository NAME/fargate-manager: it may pull from no other of ECR. The service starts nothing without it."
}

# The network.

variable "assign_public_ip" {
  type        = bool
  default     = true
  description = "Public addresses for tasks and manager, for subnets with an internet gateway. false fits subnets with a NAT gateway or endpoints. The manager always connects to private addresses."
}

variable "vpc_endpoints" {
  type        = bool
  default     = false
  description = "Make endpoints for ECR, S3, logs, secrets and ECS, for subnets without a way out. That of S3 is free. The eight others cost about 117 USD a month in two zones (us-east-1)."
}

variable "endpoint_subnet_ids" {
  type        = list(string)
  default     = []
  description = "Subnets for the endpoints, one in each zone at most. subnet_ids, if it is empty."
}

variable "route_table_ids" {
  type        = list(string)
  default     = []
  description = "The route tables of the subnets, for the endpoint of S3. Needed with vpc_endpoints."
}

# Names and operation.

variable "name" {
  type        = string
  default     = "ci"
  description = "Name of the cluster and of the manager, and the beginning of other names. Another deployment in this account and Region needs another one."

  validation {
    condition     = can(regex("^[a-z][a-z0-9]*(-[a-z0-9]+)*$", var.name)) && length(var.name) >= 2 && length(var.name) <= 31
    error_message = "Use small letters, digits and single hyphens between them, 2 to 31."
  }
}

variable "log_retention_days" {
  type        = number
  default     = 30
  description = "How long logs are kept."
}

variable "alarm_topic_arn" {
  type        = string
  default     = null
  description = "ARN of an SNS topic that hears of alarms."
}

variable "permissions_boundary_arn" {
  type        = string
  default     = null
  description = "ARN of a policy that bounds the roles of this module, where your account asks for one."
}
