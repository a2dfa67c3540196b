# What to look at: alarms and a dashboard.

locals {
  metrics       = "fargate/${var.name}"
  alarm_actions = var.alarm_topic_arn == null ? [] : [var.alarm_topic_arn]

  failures = {
    # GitLab Runner logs this line of each such job.
    JobsFailedBySystem = {
      pattern     = "\"Job failed (system failure)\""
      threshold   = 3
      description = "Jobs fail by the system: AWS, the network, the configuration or the driver. `fargate report` on the manager names the causes, `fargate doctor` what is wrong."
    }
    # The words of sweeps: of `fargate reap`, and those of prepare, which the next cleanup repeats.
    TasksPastTheirTime = {
      pattern     = "?\"its time was over\" ?\"could not end\""
      threshold   = 1
      description = "Tasks were older than their job may last, and a sweep ended them or could not. The manager's log has the tasks and the reasons."
    }
  }
}

resource "aws_cloudwatch_log_metric_filter" "this" {
  for_each = { for name, failure in local.failures : name => failure if local.has_manager }

  name           = "${var.name}-${each.key}"
  log_group_name = aws_cloudwatch_log_group.manager.name
  pattern        = each.value.pattern

  metric_transformation {
    namespace     = local.metrics
    name          = each.key
    value         = "1"
    default_value = "0"
  }
}

resource "aws_cloudwatch_metric_alarm" "failures" {
  for_each = { for name, failure in local.failures : name => failure if local.has_manager }

  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = each.value.description
  namespace           = local.metrics
  metric_name         = each.key
  statistic           = "Sum"
  period              = 900
  evaluation_periods  = 1
  threshold           = each.value.threshold
  comparison_operator = "GreaterThanOrEqualToThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = local.alarm_actions
  ok_actions          = local.alarm_actions
}

# The machine says this every five minutes.
resource "aws_cloudwatch_log_metric_filter" "alive" {
  count = local.is_instance ? 1 : 0

  name           = "${var.name}-ManagerAlive"
  log_group_name = aws_cloudwatch_log_group.manager.name
  pattern        = "\"GitLab Runner is alive\""

  metric_transformation {
    namespace = local.metrics
    name      = "ManagerAlive"
    value     = "1"
  }
}

resource "aws_cloudwatch_metric_alarm" "manager" {
  count = local.has_manager ? 1 : 0

  alarm_name          = "${var.name}-NoManager"
  alarm_description   = "No manager has run for 20 minutes, and no job starts. Its log may have the reason."
  namespace           = local.is_service ? "AWS/ECS" : local.metrics
  metric_name         = local.is_service ? "CPUUtilization" : "ManagerAlive"
  dimensions          = local.is_service ? { ClusterName = aws_ecs_cluster.this.name, ServiceName = "${var.name}-manager" } : {}
  statistic           = "SampleCount"
  period              = 300
  evaluation_periods  = 4
  threshold           = 1
  comparison_operator = "LessThanThreshold"
  treat_missing_data  = "breaching"
  actions_enabled     = local.is_instance || var.manager_image != null
  alarm_actions       = local.alarm_actions
  ok_actions          = local.alarm_actions
}

resource "aws_cloudwatch_dashboard" "this" {
  dashboard_name = "${var.name}-fargate"
  dashboard_body = jsonencode({
    widgets = [
      {
        type = "metric", x = 0, y = 0, width = 12, height = 6
        properties = {
          title   = "Failed by the system, and past their time"
          region  = local.region
          view    = "timeSeries"
          stat    = "Sum"
          period  = 900
          metrics = [[local.metrics, "JobsFailedBySystem"], [".", "TasksPastTheirTime"]]
        }
      },
      {
        type = "metric", x = 12, y = 0, width = 12, height = 6
        properties = {
          title  = "vCPUs in use on Fargate"
          region = local.region
          view   = "timeSeries"
          stat   = "Maximum"
          period = 300
          metrics = [
            ["AWS/Usage", "ResourceCount", "Service", "Fargate", "Type", "Resource", "Resource", "vCPU",
            "Class", "Standard/OnDemand", { label = "On demand", id = "used" }],
            ["...", "Standard/Spot", { label = "Spot" }],
            [{ expression = "SERVICE_QUOTA(used)", label = "Quota on demand" }],
          ]
        }
      },
      {
        type = "log", x = 0, y = 6, width = 24, height = 8
        properties = {
          title  = "Failures by the system"
          region = local.region
          view   = "table"
          query = join(" | ", [
            "SOURCE '${aws_cloudwatch_log_group.manager.name}'",
            "fields @timestamp, @message",
            "filter @message like /Job failed \\(system failure\\)|could not end|its time was over/",
            "sort @timestamp desc",
            "limit 50",
          ])
        }
      },
    ]
  })
}
