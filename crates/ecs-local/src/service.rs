//! The AWS services that the stand-in plays, and the operations it has of each.

/// A service of AWS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AwsService {
    Ecs,
    Ec2,
    Logs,
    Sts,
    Iam,
    Ecr,
    Quotas,
    Secrets,
    CloudFormation,
    CloudWatch,
}

const ECS: &[&str] = &[
    "CreateCluster",
    "DeregisterTaskDefinition",
    "DescribeClusters",
    "DescribeTaskDefinition",
    "DescribeTasks",
    "ListClusters",
    "ListTaskDefinitions",
    "ListTasks",
    "PutClusterCapacityProviders",
    "RegisterTaskDefinition",
    "RunTask",
    "StopTask",
    "TagResource",
];

const EC2: &[&str] = &[
    "DescribeNetworkInterfaces",
    "DescribeRouteTables",
    "DescribeSecurityGroups",
    "DescribeSubnets",
    "DescribeVpcAttribute",
    "DescribeVpcEndpoints",
    "GetManagedPrefixListEntries",
];

const LOGS: &[&str] = &[
    "CreateLogGroup",
    "DescribeLogGroups",
    "DescribeLogStreams",
    "GetLogEvents",
];

const STS: &[&str] = &["AssumeRole", "GetCallerIdentity"];

const IAM: &[&str] = &["GetRole", "SimulatePrincipalPolicy"];

const ECR: &[&str] = &["BatchGetImage", "DescribeImages"];

const QUOTAS: &[&str] = &["GetAWSDefaultServiceQuota", "GetServiceQuota"];

const SECRETS: &[&str] = &["DescribeSecret", "GetSecretValue"];

const CLOUDFORMATION: &[&str] = &["DescribeStacks"];

const CLOUDWATCH: &[&str] = &["GetMetricData"];

impl AwsService {
    pub(crate) const ALL: [Self; 10] = [
        Self::Ecs,
        Self::Ec2,
        Self::Logs,
        Self::Sts,
        Self::Iam,
        Self::Ecr,
        Self::Quotas,
        Self::Secrets,
        Self::CloudFormation,
        Self::CloudWatch,
    ];

    /// The operations that the stand-in has.
    pub(crate) fn operations(self) -> &'static [&'static str] {
        match self {
            Self::Ecs => ECS,
            Self::Ec2 => EC2,
            Self::Logs => LOGS,
            Self::Sts => STS,
            Self::Iam => IAM,
            Self::Ecr => ECR,
            Self::Quotas => QUOTAS,
            Self::Secrets => SECRETS,
            Self::CloudFormation => CLOUDFORMATION,
            Self::CloudWatch => CLOUDWATCH,
        }
    }

    /// The name in signatures.
    pub(crate) fn signing_name(self) -> &'static str {
        match self {
            Self::Ecs => "ecs",
            Self::Ec2 => "ec2",
            Self::Logs => "logs",
            Self::Sts => "sts",
            Self::Iam => "iam",
            Self::Ecr => "ecr",
            Self::Quotas => "servicequotas",
            Self::Secrets => "secretsmanager",
            Self::CloudFormation => "cloudformation",
            Self::CloudWatch => "monitoring",
        }
    }

    /// The IAM action of an operation.
    pub(crate) fn action(self, operation: &str) -> String {
        let prefix = match self {
            Self::CloudWatch => "cloudwatch",
            other => other.signing_name(),
        };
        format!("{prefix}:{operation}")
    }

    /// Whether the service speaks JSON 1.1. The others speak Query and answer in XML.
    pub(crate) fn is_json(self) -> bool {
        self != Self::Ec2 && !self.is_query()
    }

    /// Whether the service speaks AWS Query. EC2 has a form of its own.
    pub(crate) fn is_query(self) -> bool {
        matches!(
            self,
            Self::Sts | Self::Iam | Self::CloudFormation | Self::CloudWatch
        )
    }

    /// The content type of replies.
    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Self::Ec2 => "text/xml;charset=UTF-8",
            service if service.is_query() => "text/xml",
            _ => "application/x-amz-json-1.1",
        }
    }
}
