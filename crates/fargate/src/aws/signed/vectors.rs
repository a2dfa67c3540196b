//! Requests and hosts of AWS's own client for Python, botocore 1.44.8.
//!
//! The client of each service made a request with its clock set to [`TIME`]. `SigV4Auth` signed the body in this file,
//! which has the same content as botocore's. The hosts are those that the clients called.

/// Access key and secret.
pub(super) const KEYS: (&str, &str) = ("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");

/// 2026-01-02T03:04:05Z, in seconds since 1970.
pub(super) const TIME: u64 = 1_767_323_045;

/// A signed request.
#[derive(Debug)]
pub(super) struct Signed {
    pub(super) region: &'static str,
    pub(super) session_token: Option<&'static str>,
    pub(super) url: &'static str,
    pub(super) target: Option<&'static str>,
    pub(super) body: &'static str,
    pub(super) signed_headers: &'static str,
    pub(super) signature: &'static str,
}

/// EC2's DescribeNetworkInterfaces.
pub(super) const DESCRIBE_NETWORK_INTERFACES: Signed = Signed {
    region: "eu-west-1",
    session_token: None,
    url: "https://ec2.eu-west-1.amazonaws.com/",
    target: None,
    body: "Action=DescribeNetworkInterfaces&Version=2016-11-15&NetworkInterfaceId.1=eni-0123456789abcdef0",
    signed_headers: "content-type;host;x-amz-date",
    signature: "383e156bce09411a6343042535d67d9e9e2a8ae3aa07acede353c06d1adea96d",
};

/// CloudWatch Logs' GetLogEvents, with the credentials of a role.
pub(super) const GET_LOG_EVENTS: Signed = Signed {
    region: "us-gov-west-1",
    session_token: Some("session/token+of=="),
    url: "https://logs.us-gov-west-1.amazonaws.com/",
    target: Some("Logs_20140328.GetLogEvents"),
    body: r#"{"limit":1000,"logGroupName":"/ci/jobs","logStreamName":"job/postgres/0123","nextToken":"f/3+7==","startFromHead":true}"#,
    signed_headers: "content-type;host;x-amz-date;x-amz-security-token;x-amz-target",
    signature: "3025bc036ea9415ed1345a5b40af0b873b62f03183c8b0239ed7209e59b2d98d",
};

/// ECR's GetAuthorizationToken, in China.
pub(super) const GET_AUTHORIZATION_TOKEN: Signed = Signed {
    region: "cn-north-1",
    session_token: None,
    url: "https://api.ecr.cn-north-1.amazonaws.com.cn/",
    target: Some("AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken"),
    body: "{}",
    signed_headers: "content-type;host;x-amz-date;x-amz-target",
    signature: "59791872d004234e331b7341b1b048aa4709ab7bdbc9abfd698a66699e28c443",
};

/// Service, region, kind of host, and the host's name. Those of CloudWatch and ECS are botocore 1.43.11's.
pub(super) const HOSTS: &str = "\
cloudwatch eu-west-1 plain monitoring.eu-west-1.amazonaws.com
cloudwatch eu-west-1 dual monitoring.eu-west-1.api.aws
cloudwatch eu-west-1 fips monitoring-fips.eu-west-1.amazonaws.com
cloudwatch eu-west-1 fips+dual monitoring-fips.eu-west-1.api.aws
cloudwatch us-east-1 plain monitoring.us-east-1.amazonaws.com
cloudwatch us-east-1 dual monitoring.us-east-1.api.aws
cloudwatch us-east-1 fips monitoring-fips.us-east-1.amazonaws.com
cloudwatch us-east-1 fips+dual monitoring-fips.us-east-1.api.aws
cloudwatch cn-north-1 plain monitoring.cn-north-1.amazonaws.com.cn
cloudwatch cn-north-1 dual monitoring.cn-north-1.api.amazonwebservices.com.cn
cloudwatch cn-north-1 fips monitoring-fips.cn-north-1.amazonaws.com.cn
cloudwatch cn-north-1 fips+dual monitoring-fips.cn-north-1.api.amazonwebservices.com.cn
cloudwatch us-gov-west-1 plain monitoring.us-gov-west-1.amazonaws.com
cloudwatch us-gov-west-1 dual monitoring.us-gov-west-1.api.aws
cloudwatch us-gov-west-1 fips monitoring.us-gov-west-1.amazonaws.com
cloudwatch us-gov-west-1 fips+dual monitoring.us-gov-west-1.api.aws
cloudwatch eusc-de-east-1 plain monitoring.eusc-de-east-1.amazonaws.eu
cloudwatch eusc-de-east-1 dual monitoring.eusc-de-east-1.api.amazonwebservices.eu
cloudwatch eusc-de-east-1 fips monitoring-fips.eusc-de-east-1.amazonaws.eu
cloudwatch eusc-de-east-1 fips+dual monitoring-fips.eusc-de-east-1.api.amazonwebservices.eu
ecs eu-west-1 plain ecs.eu-west-1.amazonaws.com
ecs eu-west-1 dual ecs.eu-west-1.api.aws
ecs eu-west-1 fips ecs-fips.eu-west-1.amazonaws.com
ecs eu-west-1 fips+dual ecs-fips.eu-west-1.api.aws
ecs us-east-1 plain ecs.us-east-1.amazonaws.com
ecs us-east-1 dual ecs.us-east-1.api.aws
ecs us-east-1 fips ecs-fips.us-east-1.amazonaws.com
ecs us-east-1 fips+dual ecs-fips.us-east-1.api.aws
ecs cn-north-1 plain ecs.cn-north-1.amazonaws.com.cn
ecs cn-north-1 dual ecs.cn-north-1.api.amazonwebservices.com.cn
ecs cn-north-1 fips ecs-fips.cn-north-1.amazonaws.com.cn
ecs cn-north-1 fips+dual ecs-fips.cn-north-1.api.amazonwebservices.com.cn
ecs us-gov-west-1 plain ecs.us-gov-west-1.amazonaws.com
ecs us-gov-west-1 dual ecs.us-gov-west-1.api.aws
ecs us-gov-west-1 fips ecs-fips.us-gov-west-1.amazonaws.com
ecs us-gov-west-1 fips+dual ecs-fips.us-gov-west-1.api.aws
ecs eusc-de-east-1 plain ecs.eusc-de-east-1.amazonaws.eu
ecs eusc-de-east-1 dual ecs.eusc-de-east-1.api.amazonwebservices.eu
ecs eusc-de-east-1 fips ecs-fips.eusc-de-east-1.amazonaws.eu
ecs eusc-de-east-1 fips+dual ecs-fips.eusc-de-east-1.api.amazonwebservices.eu
sts eu-west-1 plain sts.eu-west-1.amazonaws.com
sts eu-west-1 dual sts.eu-west-1.api.aws
sts eu-west-1 fips sts-fips.eu-west-1.amazonaws.com
sts eu-west-1 fips+dual sts-fips.eu-west-1.api.aws
sts us-east-1 plain sts.us-east-1.amazonaws.com
sts us-east-1 dual sts.us-east-1.api.aws
sts us-east-1 fips sts-fips.us-east-1.amazonaws.com
sts us-east-1 fips+dual sts-fips.us-east-1.api.aws
sts cn-north-1 plain sts.cn-north-1.amazonaws.com.cn
sts cn-north-1 dual sts.cn-north-1.api.amazonwebservices.com.cn
sts cn-north-1 fips sts-fips.cn-north-1.amazonaws.com.cn
sts cn-north-1 fips+dual sts-fips.cn-north-1.api.amazonwebservices.com.cn
sts us-gov-west-1 plain sts.us-gov-west-1.amazonaws.com
sts us-gov-west-1 dual sts.us-gov-west-1.api.aws
sts us-gov-west-1 fips sts.us-gov-west-1.amazonaws.com
sts us-gov-west-1 fips+dual sts-fips.us-gov-west-1.api.aws
sts eusc-de-east-1 plain sts.eusc-de-east-1.amazonaws.eu
sts eusc-de-east-1 dual sts.eusc-de-east-1.api.amazonwebservices.eu
sts eusc-de-east-1 fips sts-fips.eusc-de-east-1.amazonaws.eu
sts eusc-de-east-1 fips+dual sts-fips.eusc-de-east-1.api.amazonwebservices.eu
cloudformation eu-west-1 plain cloudformation.eu-west-1.amazonaws.com
cloudformation eu-west-1 dual cloudformation.eu-west-1.api.aws
cloudformation eu-west-1 fips cloudformation-fips.eu-west-1.amazonaws.com
cloudformation eu-west-1 fips+dual cloudformation-fips.eu-west-1.api.aws
cloudformation us-east-1 plain cloudformation.us-east-1.amazonaws.com
cloudformation us-east-1 dual cloudformation.us-east-1.api.aws
cloudformation us-east-1 fips cloudformation-fips.us-east-1.amazonaws.com
cloudformation us-east-1 fips+dual cloudformation-fips.us-east-1.api.aws
cloudformation cn-north-1 plain cloudformation.cn-north-1.amazonaws.com.cn
cloudformation cn-north-1 dual cloudformation.cn-north-1.api.amazonwebservices.com.cn
cloudformation cn-north-1 fips cloudformation-fips.cn-north-1.amazonaws.com.cn
cloudformation cn-north-1 fips+dual cloudformation-fips.cn-north-1.api.amazonwebservices.com.cn
cloudformation us-gov-west-1 plain cloudformation.us-gov-west-1.amazonaws.com
cloudformation us-gov-west-1 dual cloudformation.us-gov-west-1.api.aws
cloudformation us-gov-west-1 fips cloudformation.us-gov-west-1.amazonaws.com
cloudformation us-gov-west-1 fips+dual cloudformation-fips.us-gov-west-1.api.aws
cloudformation eusc-de-east-1 plain cloudformation.eusc-de-east-1.amazonaws.eu
cloudformation eusc-de-east-1 dual cloudformation.eusc-de-east-1.api.amazonwebservices.eu
cloudformation eusc-de-east-1 fips cloudformation-fips.eusc-de-east-1.amazonaws.eu
cloudformation eusc-de-east-1 fips+dual cloudformation-fips.eusc-de-east-1.api.amazonwebservices.eu
service-quotas eu-west-1 plain servicequotas.eu-west-1.amazonaws.com
service-quotas eu-west-1 dual servicequotas.eu-west-1.api.aws
service-quotas eu-west-1 fips servicequotas-fips.eu-west-1.amazonaws.com
service-quotas eu-west-1 fips+dual servicequotas-fips.eu-west-1.api.aws
service-quotas us-east-1 plain servicequotas.us-east-1.amazonaws.com
service-quotas us-east-1 dual servicequotas.us-east-1.api.aws
service-quotas us-east-1 fips servicequotas-fips.us-east-1.amazonaws.com
service-quotas us-east-1 fips+dual servicequotas-fips.us-east-1.api.aws
service-quotas cn-north-1 plain servicequotas.cn-north-1.amazonaws.com.cn
service-quotas cn-north-1 dual servicequotas.cn-north-1.api.amazonwebservices.com.cn
service-quotas cn-north-1 fips servicequotas-fips.cn-north-1.amazonaws.com.cn
service-quotas cn-north-1 fips+dual servicequotas-fips.cn-north-1.api.amazonwebservices.com.cn
service-quotas us-gov-west-1 plain servicequotas.us-gov-west-1.amazonaws.com
service-quotas us-gov-west-1 dual servicequotas.us-gov-west-1.api.aws
service-quotas us-gov-west-1 fips servicequotas.us-gov-west-1.amazonaws.com
service-quotas us-gov-west-1 fips+dual servicequotas-fips.us-gov-west-1.api.aws
service-quotas eusc-de-east-1 plain servicequotas.eusc-de-east-1.amazonaws.eu
service-quotas eusc-de-east-1 dual servicequotas.eusc-de-east-1.api.amazonwebservices.eu
service-quotas eusc-de-east-1 fips servicequotas-fips.eusc-de-east-1.amazonaws.eu
service-quotas eusc-de-east-1 fips+dual servicequotas-fips.eusc-de-east-1.api.amazonwebservices.eu
secretsmanager eu-west-1 plain secretsmanager.eu-west-1.amazonaws.com
secretsmanager eu-west-1 dual secretsmanager.eu-west-1.api.aws
secretsmanager eu-west-1 fips secretsmanager-fips.eu-west-1.amazonaws.com
secretsmanager eu-west-1 fips+dual secretsmanager-fips.eu-west-1.api.aws
secretsmanager us-east-1 plain secretsmanager.us-east-1.amazonaws.com
secretsmanager us-east-1 dual secretsmanager.us-east-1.api.aws
secretsmanager us-east-1 fips secretsmanager-fips.us-east-1.amazonaws.com
secretsmanager us-east-1 fips+dual secretsmanager-fips.us-east-1.api.aws
secretsmanager cn-north-1 plain secretsmanager.cn-north-1.amazonaws.com.cn
secretsmanager cn-north-1 dual secretsmanager.cn-north-1.api.amazonwebservices.com.cn
secretsmanager cn-north-1 fips secretsmanager-fips.cn-north-1.amazonaws.com.cn
secretsmanager cn-north-1 fips+dual secretsmanager-fips.cn-north-1.api.amazonwebservices.com.cn
secretsmanager us-gov-west-1 plain secretsmanager.us-gov-west-1.amazonaws.com
secretsmanager us-gov-west-1 dual secretsmanager.us-gov-west-1.api.aws
secretsmanager us-gov-west-1 fips secretsmanager-fips.us-gov-west-1.amazonaws.com
secretsmanager us-gov-west-1 fips+dual secretsmanager-fips.us-gov-west-1.api.aws
secretsmanager eusc-de-east-1 plain secretsmanager.eusc-de-east-1.amazonaws.eu
secretsmanager eusc-de-east-1 dual secretsmanager.eusc-de-east-1.api.amazonwebservices.eu
secretsmanager eusc-de-east-1 fips secretsmanager-fips.eusc-de-east-1.amazonaws.eu
secretsmanager eusc-de-east-1 fips+dual secretsmanager-fips.eusc-de-east-1.api.amazonwebservices.eu
iam us-east-1 plain iam.amazonaws.com
iam us-east-1 dual iam.global.api.aws
iam us-east-1 fips iam-fips.amazonaws.com
iam us-east-1 fips+dual iam-fips.aws-global.api.aws
iam cn-north-1 plain iam.cn-north-1.amazonaws.com.cn
iam cn-north-1 dual iam.aws-cn-global.api.amazonwebservices.com.cn
iam cn-north-1 fips iam-fips.aws-cn-global.amazonaws.com.cn
iam cn-north-1 fips+dual iam-fips.aws-cn-global.api.amazonwebservices.com.cn
iam us-gov-west-1 plain iam.us-gov.amazonaws.com
iam us-gov-west-1 dual iam.aws-us-gov-global.api.aws
iam us-gov-west-1 fips iam.us-gov.amazonaws.com
iam us-gov-west-1 fips+dual iam-fips.aws-us-gov-global.api.aws
iam eusc-de-east-1 plain iam.eusc-de-east-1.amazonaws.eu
iam eusc-de-east-1 dual iam.eusc-de-east-1.api.amazonwebservices.eu
iam eusc-de-east-1 fips iam-fips.eusc-de-east-1.amazonaws.eu
iam eusc-de-east-1 fips+dual iam-fips.eusc-de-east-1.api.amazonwebservices.eu
ec2 eu-west-1 plain ec2.eu-west-1.amazonaws.com
ec2 eu-west-1 dual ec2.eu-west-1.api.aws
ec2 eu-west-1 fips ec2-fips.eu-west-1.amazonaws.com
ec2 eu-west-1 fips+dual ec2-fips.eu-west-1.api.aws
ec2 us-east-1 plain ec2.us-east-1.amazonaws.com
ec2 us-east-1 dual ec2.us-east-1.api.aws
ec2 us-east-1 fips ec2-fips.us-east-1.amazonaws.com
ec2 us-east-1 fips+dual ec2-fips.us-east-1.api.aws
ec2 cn-north-1 plain ec2.cn-north-1.amazonaws.com.cn
ec2 cn-north-1 dual ec2.cn-north-1.api.amazonwebservices.com.cn
ec2 cn-north-1 fips ec2-fips.cn-north-1.amazonaws.com.cn
ec2 cn-north-1 fips+dual ec2-fips.cn-north-1.api.amazonwebservices.com.cn
ec2 us-gov-west-1 plain ec2.us-gov-west-1.amazonaws.com
ec2 us-gov-west-1 dual ec2.us-gov-west-1.api.aws
ec2 us-gov-west-1 fips ec2.us-gov-west-1.amazonaws.com
ec2 us-gov-west-1 fips+dual ec2-fips.us-gov-west-1.api.aws
ec2 eusc-de-east-1 plain ec2.eusc-de-east-1.amazonaws.eu
ec2 eusc-de-east-1 dual ec2.eusc-de-east-1.api.amazonwebservices.eu
ec2 eusc-de-east-1 fips ec2-fips.eusc-de-east-1.amazonaws.eu
ec2 eusc-de-east-1 fips+dual ec2-fips.eusc-de-east-1.api.amazonwebservices.eu
ec2 us-iso-east-1 plain ec2.us-iso-east-1.c2s.ic.gov
ec2 us-iso-east-1 dual ec2.us-iso-east-1.api.aws.ic.gov
ec2 us-iso-east-1 fips ec2-fips.us-iso-east-1.c2s.ic.gov
ec2 us-iso-east-1 fips+dual ec2-fips.us-iso-east-1.api.aws.ic.gov
ec2 us-isob-east-1 plain ec2.us-isob-east-1.sc2s.sgov.gov
ec2 us-isob-east-1 dual ec2.us-isob-east-1.api.aws.scloud
ec2 us-isob-east-1 fips ec2-fips.us-isob-east-1.sc2s.sgov.gov
ec2 us-isob-east-1 fips+dual ec2-fips.us-isob-east-1.api.aws.scloud
ec2 us-isof-south-1 plain ec2.us-isof-south-1.csp.hci.ic.gov
ec2 us-isof-south-1 fips ec2-fips.us-isof-south-1.csp.hci.ic.gov
ec2 eu-isoe-west-1 plain ec2.eu-isoe-west-1.cloud.adc-e.uk
ec2 eu-isoe-west-1 fips ec2-fips.eu-isoe-west-1.cloud.adc-e.uk
logs eu-west-1 plain logs.eu-west-1.amazonaws.com
logs eu-west-1 dual logs.eu-west-1.api.aws
logs eu-west-1 fips logs-fips.eu-west-1.amazonaws.com
logs eu-west-1 fips+dual logs-fips.eu-west-1.api.aws
logs us-east-1 plain logs.us-east-1.amazonaws.com
logs us-east-1 dual logs.us-east-1.api.aws
logs us-east-1 fips logs-fips.us-east-1.amazonaws.com
logs us-east-1 fips+dual logs-fips.us-east-1.api.aws
logs cn-north-1 plain logs.cn-north-1.amazonaws.com.cn
logs cn-north-1 dual logs.cn-north-1.api.amazonwebservices.com.cn
logs cn-north-1 fips logs-fips.cn-north-1.amazonaws.com.cn
logs cn-north-1 fips+dual logs-fips.cn-north-1.api.amazonwebservices.com.cn
logs us-gov-west-1 plain logs.us-gov-west-1.amazonaws.com
logs us-gov-west-1 dual logs.us-gov-west-1.api.aws
logs us-gov-west-1 fips logs.us-gov-west-1.amazonaws.com
logs us-gov-west-1 fips+dual logs-fips.us-gov-west-1.api.aws
logs eusc-de-east-1 plain logs.eusc-de-east-1.amazonaws.eu
logs eusc-de-east-1 dual logs.eusc-de-east-1.api.amazonwebservices.eu
logs eusc-de-east-1 fips logs-fips.eusc-de-east-1.amazonaws.eu
logs eusc-de-east-1 fips+dual logs-fips.eusc-de-east-1.api.amazonwebservices.eu
logs us-iso-east-1 plain logs.us-iso-east-1.c2s.ic.gov
logs us-iso-east-1 dual logs.us-iso-east-1.api.aws.ic.gov
logs us-iso-east-1 fips logs-fips.us-iso-east-1.c2s.ic.gov
logs us-iso-east-1 fips+dual logs-fips.us-iso-east-1.api.aws.ic.gov
logs us-isob-east-1 plain logs.us-isob-east-1.sc2s.sgov.gov
logs us-isob-east-1 dual logs.us-isob-east-1.api.aws.scloud
logs us-isob-east-1 fips logs-fips.us-isob-east-1.sc2s.sgov.gov
logs us-isob-east-1 fips+dual logs-fips.us-isob-east-1.api.aws.scloud
logs us-isof-south-1 plain logs.us-isof-south-1.csp.hci.ic.gov
logs us-isof-south-1 fips logs-fips.us-isof-south-1.csp.hci.ic.gov
logs eu-isoe-west-1 plain logs.eu-isoe-west-1.cloud.adc-e.uk
logs eu-isoe-west-1 fips logs-fips.eu-isoe-west-1.cloud.adc-e.uk
ecr eu-west-1 plain api.ecr.eu-west-1.amazonaws.com
ecr eu-west-1 dual ecr.eu-west-1.api.aws
ecr eu-west-1 fips api.ecr-fips.eu-west-1.amazonaws.com
ecr eu-west-1 fips+dual ecr-fips.eu-west-1.api.aws
ecr us-east-1 plain api.ecr.us-east-1.amazonaws.com
ecr us-east-1 dual ecr.us-east-1.api.aws
ecr us-east-1 fips api.ecr-fips.us-east-1.amazonaws.com
ecr us-east-1 fips+dual ecr-fips.us-east-1.api.aws
ecr cn-north-1 plain api.ecr.cn-north-1.amazonaws.com.cn
ecr cn-north-1 dual ecr.cn-north-1.api.amazonwebservices.com.cn
ecr cn-north-1 fips api.ecr-fips.cn-north-1.amazonaws.com.cn
ecr cn-north-1 fips+dual ecr-fips.cn-north-1.api.amazonwebservices.com.cn
ecr us-gov-west-1 plain api.ecr.us-gov-west-1.amazonaws.com
ecr us-gov-west-1 dual ecr.us-gov-west-1.api.aws
ecr us-gov-west-1 fips api.ecr-fips.us-gov-west-1.amazonaws.com
ecr us-gov-west-1 fips+dual ecr-fips.us-gov-west-1.api.aws
ecr eusc-de-east-1 plain api.ecr.eusc-de-east-1.amazonaws.eu
ecr eusc-de-east-1 dual ecr.eusc-de-east-1.api.amazonwebservices.eu
ecr eusc-de-east-1 fips api.ecr-fips.eusc-de-east-1.amazonaws.eu
ecr eusc-de-east-1 fips+dual ecr-fips.eusc-de-east-1.api.amazonwebservices.eu
ecr us-iso-east-1 plain api.ecr.us-iso-east-1.c2s.ic.gov
ecr us-iso-east-1 dual ecr.us-iso-east-1.api.aws.ic.gov
ecr us-iso-east-1 fips api.ecr-fips.us-iso-east-1.c2s.ic.gov
ecr us-iso-east-1 fips+dual ecr-fips.us-iso-east-1.api.aws.ic.gov
ecr us-isob-east-1 plain api.ecr.us-isob-east-1.sc2s.sgov.gov
ecr us-isob-east-1 dual ecr.us-isob-east-1.api.aws.scloud
ecr us-isob-east-1 fips api.ecr-fips.us-isob-east-1.sc2s.sgov.gov
ecr us-isob-east-1 fips+dual ecr-fips.us-isob-east-1.api.aws.scloud
ecr us-isof-south-1 plain api.ecr.us-isof-south-1.csp.hci.ic.gov
ecr us-isof-south-1 fips api.ecr-fips.us-isof-south-1.csp.hci.ic.gov
ecr eu-isoe-west-1 plain api.ecr.eu-isoe-west-1.cloud.adc-e.uk
ecr eu-isoe-west-1 fips api.ecr-fips.eu-isoe-west-1.cloud.adc-e.uk
";
