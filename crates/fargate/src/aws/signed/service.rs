//! The services and their endpoints.

use aws_config::SdkConfig;
use aws_types::service_config::ServiceConfigKey;

use super::protocol::Protocol;

/// An AWS service.
#[derive(Debug)]
pub(in crate::aws) struct Service {
    /// Names it in settings: `AWS_ENDPOINT_URL_CLOUDWATCH_LOGS`, or `cloudwatch_logs` in a profile's services.
    pub(super) id: &'static str,
    pub(super) signing_name: &'static str,
    /// Prefix of the signing name in its host's name, except for hosts with IPv6.
    prefix: &'static str,
    gov_fips: GovFips,
    pub(super) protocol: Protocol,
}

/// Which of GovCloud's ordinary hosts also serve FIPS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum GovFips {
    None,
    /// The one with IPv4 alone.
    Ipv4,
    Both,
}

/// Amazon ECS, for calls that the driver makes without the SDK's types.
pub(in crate::aws) static ECS: Service = Service {
    id: "ECS",
    signing_name: "ecs",
    prefix: "",
    gov_fips: GovFips::None,
    protocol: Protocol::Json("AmazonEC2ContainerServiceV20141113"),
};

/// Amazon CloudWatch.
pub(in crate::aws) static CLOUDWATCH: Service = Service {
    id: "CloudWatch",
    signing_name: "monitoring",
    prefix: "",
    gov_fips: GovFips::Both,
    protocol: Protocol::Query("2010-08-01"),
};

/// Amazon EC2.
pub(in crate::aws) static EC2: Service = Service {
    id: "EC2",
    signing_name: "ec2",
    prefix: "",
    gov_fips: GovFips::Ipv4,
    protocol: Protocol::Ec2("2016-11-15"),
};

/// Amazon CloudWatch Logs.
pub(in crate::aws) static CLOUDWATCH_LOGS: Service = Service {
    id: "CloudWatch Logs",
    signing_name: "logs",
    prefix: "",
    gov_fips: GovFips::Ipv4,
    protocol: Protocol::Json("Logs_20140328"),
};

/// Amazon Elastic Container Registry.
pub(in crate::aws) static ECR: Service = Service {
    id: "ECR",
    signing_name: "ecr",
    prefix: "api.",
    gov_fips: GovFips::None,
    protocol: Protocol::Json("AmazonEC2ContainerRegistry_V20150921"),
};

/// AWS Security Token Service.
pub(in crate::aws) static STS: Service = Service {
    id: "STS",
    signing_name: "sts",
    prefix: "",
    gov_fips: GovFips::Ipv4,
    protocol: Protocol::Query("2011-06-15"),
};

/// AWS Identity and Access Management, which has one host in each part of AWS.
pub(in crate::aws) static IAM: Service = Service {
    id: "IAM",
    signing_name: "iam",
    prefix: "",
    gov_fips: GovFips::Ipv4,
    protocol: Protocol::Query("2010-05-08"),
};

/// Service Quotas.
pub(in crate::aws) static SERVICE_QUOTAS: Service = Service {
    id: "Service Quotas",
    signing_name: "servicequotas",
    prefix: "",
    gov_fips: GovFips::Ipv4,
    protocol: Protocol::Json("ServiceQuotasV20190624"),
};

/// AWS Secrets Manager.
pub(in crate::aws) static SECRETS_MANAGER: Service = Service {
    id: "Secrets Manager",
    signing_name: "secretsmanager",
    prefix: "",
    gov_fips: GovFips::None,
    protocol: Protocol::Json("secretsmanager"),
};

/// AWS CloudFormation.
pub(in crate::aws) static CLOUDFORMATION: Service = Service {
    id: "CloudFormation",
    signing_name: "cloudformation",
    prefix: "",
    gov_fips: GovFips::Ipv4,
    protocol: Protocol::Query("2010-05-15"),
};

/// IAM's hosts for the Regions whose names begin so.
struct IamHosts {
    prefix: &'static str,
    /// The Region in which they answer.
    region: &'static str,
    /// Plain, with IPv4 and IPv6, with FIPS, with both.
    names: [&'static str; 4],
}

/// The hosts of botocore's endpoint rules. The first that fits counts, and the last fits all.
const IAM_HOSTS: [IamHosts; 4] = [
    IamHosts {
        prefix: "cn-",
        region: "cn-north-1",
        names: [
            "iam.cn-north-1.amazonaws.com.cn",
            "iam.aws-cn-global.api.amazonwebservices.com.cn",
            "iam-fips.aws-cn-global.amazonaws.com.cn",
            "iam-fips.aws-cn-global.api.amazonwebservices.com.cn",
        ],
    },
    IamHosts {
        prefix: "us-gov-",
        region: "us-gov-west-1",
        names: [
            "iam.us-gov.amazonaws.com",
            "iam.aws-us-gov-global.api.aws",
            "iam.us-gov.amazonaws.com",
            "iam-fips.aws-us-gov-global.api.aws",
        ],
    },
    IamHosts {
        prefix: "eusc-",
        region: "eusc-de-east-1",
        names: [
            "iam.eusc-de-east-1.amazonaws.eu",
            "iam.eusc-de-east-1.api.amazonwebservices.eu",
            "iam-fips.eusc-de-east-1.amazonaws.eu",
            "iam-fips.eusc-de-east-1.api.amazonwebservices.eu",
        ],
    },
    IamHosts {
        prefix: "",
        region: "us-east-1",
        names: [
            "iam.amazonaws.com",
            "iam.global.api.aws",
            "iam-fips.amazonaws.com",
            "iam-fips.aws-global.api.aws",
        ],
    },
];

/// The Region in which IAM answers for another.
pub(in crate::aws) fn iam_region(region: &str) -> &'static str {
    let mut hosts = IAM_HOSTS.iter();
    let found = hosts.find(|hosts| region.starts_with(hosts.prefix));
    found.map_or("us-east-1", |hosts| hosts.region)
}

fn iam_host(region: &str, fips: bool, dual_stack: bool) -> Option<&'static str> {
    let mut hosts = IAM_HOSTS.iter();
    let [plain, dual, secure, both] = hosts.find(|hosts| hosts.region == region)?.names;
    Some(match (fips, dual_stack) {
        (false, false) => plain,
        (false, true) => dual,
        (true, false) => secure,
        (true, true) => both,
    })
}

/// Part of AWS that has domains of its own.
struct Partition {
    /// Prefix of its regions' names.
    prefix: &'static str,
    domain: &'static str,
    /// The domain of hosts with IPv4 and IPv6.
    dual_stack: &'static str,
}

/// The partitions of botocore's `partitions.json`. The first that fits counts, and the last fits all.
const PARTITIONS: [Partition; 8] = [
    Partition {
        prefix: "cn-",
        domain: "amazonaws.com.cn",
        dual_stack: "api.amazonwebservices.com.cn",
    },
    Partition {
        prefix: "eusc-",
        domain: "amazonaws.eu",
        dual_stack: "api.amazonwebservices.eu",
    },
    Partition {
        prefix: "us-isob-",
        domain: "sc2s.sgov.gov",
        dual_stack: "api.aws.scloud",
    },
    Partition {
        prefix: "us-isof-",
        domain: "csp.hci.ic.gov",
        dual_stack: "api.aws.hci.ic.gov",
    },
    Partition {
        prefix: "us-iso-",
        domain: "c2s.ic.gov",
        dual_stack: "api.aws.ic.gov",
    },
    Partition {
        prefix: "eu-isoe-",
        domain: "cloud.adc-e.uk",
        dual_stack: "api.cloud-aws.adc-e.uk",
    },
    Partition {
        prefix: "us-gov-",
        domain: "amazonaws.com",
        dual_stack: "api.aws",
    },
    Partition {
        prefix: "",
        domain: "amazonaws.com",
        dual_stack: "api.aws",
    },
];

/// The domain of AWS's hosts in a Region.
pub(in crate::aws) fn domain(region: &str) -> &'static str {
    let mut partitions = PARTITIONS.iter();
    let own = partitions.find(|partition| region.starts_with(partition.prefix));
    own.map_or("amazonaws.com", |partition| partition.domain)
}

impl Service {
    /// The URL of the service in the region of `config`.
    ///
    /// It is `[Fargate] Endpoint`, else the URL that the environment or the profile sets for this service, else the one
    /// that they set for all services, else AWS's own.
    pub(super) fn endpoint(&self, config: &SdkConfig) -> String {
        let for_all = || config.endpoint_url().map(str::to_owned);
        let set = if config.get_origin("endpoint_url").is_client_config() {
            for_all()
        } else {
            self.own_endpoint(config).or_else(for_all)
        };
        set.unwrap_or_else(|| {
            let region = config.region().map(AsRef::as_ref).unwrap_or_default();
            let fips = config.use_fips().unwrap_or_default();
            let dual_stack = config.use_dual_stack().unwrap_or_default();
            format!("https://{}", self.host_name(region, fips, dual_stack))
        })
    }

    fn own_endpoint(&self, config: &SdkConfig) -> Option<String> {
        let key = ServiceConfigKey::builder()
            .service_id(self.id)
            .env("AWS_ENDPOINT_URL")
            .profile("endpoint_url")
            .build();
        config.service_config()?.load_config(key.ok()?)
    }

    /// AWS's own host for the service.
    pub(super) fn host_name(&self, region: &str, fips: bool, dual_stack: bool) -> String {
        if self.signing_name == IAM.signing_name
            && let Some(host) = iam_host(region, fips, dual_stack)
        {
            return host.to_owned();
        }
        let is_own = |partition: &&Partition| region.starts_with(partition.prefix);
        let partition = PARTITIONS.iter().find(is_own);
        let domain = match partition {
            Some(partition) if dual_stack => partition.dual_stack,
            Some(partition) => partition.domain,
            None => "amazonaws.com",
        };
        let prefix = if dual_stack { "" } else { self.prefix };
        let name = self.signing_name;
        let is_served = match self.gov_fips {
            GovFips::None => false,
            GovFips::Ipv4 => !dual_stack,
            GovFips::Both => true,
        };
        let has_fips = is_served && region.starts_with("us-gov-");
        let fips = if fips && !has_fips { "-fips" } else { "" };
        format!("{prefix}{name}{fips}.{region}.{domain}")
    }
}
