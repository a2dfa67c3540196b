//! Requests and endpoints are those of botocore.

use std::time::{Duration, UNIX_EPOCH};

use aws_config::{Region, SdkConfig};
use aws_types::origin::Origin;
use aws_types::service_config::{LoadServiceConfig, ServiceConfigKey};
use serde_json::json;

use super::super::protocol::{self, Protocol};
use super::super::{
    CLOUDFORMATION, CLOUDWATCH, CLOUDWATCH_LOGS, EC2, ECR, ECS, IAM, SECRETS_MANAGER,
    SERVICE_QUOTAS, STS, vectors,
};
use super::server::{Server, answer, interfaces, log_page, wait_for};

fn check_request(server: &Server, vector: &vectors::Signed) {
    let requests = server.requests.lock().unwrap();
    let [request] = &requests[..] else {
        panic!("{requests:?}")
    };
    let header = |name| request.headers().get(name);
    assert_eq!(request.method(), "POST");
    assert_eq!(request.uri(), vector.url);
    assert_eq!(header("x-amz-target"), vector.target);
    assert_eq!(header("x-amz-security-token"), vector.session_token);
    assert_eq!(request.body().bytes(), Some(vector.body.as_bytes()));
    let authorization = header("authorization").unwrap();
    let (_, signed) = authorization.split_once(", ").unwrap();
    assert_eq!(
        signed,
        format!(
            "SignedHeaders={}, Signature={}",
            vector.signed_headers, vector.signature
        )
    );
}

#[test]
fn requests_are_those_of_botocore() {
    let server = Server::new([interfaces()]);
    let vector = &vectors::DESCRIBE_NETWORK_INTERFACES;
    let aws = server.account(vector.region, vector.session_token);
    let found = wait_for(aws.public_ip("eni-0123456789abcdef0")).unwrap();
    assert_eq!(found, "203.0.113.7".parse().ok());
    check_request(&server, vector);

    let body = r#"{"events":[{"timestamp":1500,"message":"a"},{"timestamp":-1,"message":"b"},{}],"nextForwardToken":"f/1"}"#;
    let server = Server::new([answer(200, body)]);
    let vector = &vectors::GET_LOG_EVENTS;
    let logs = server
        .account(vector.region, vector.session_token)
        .logs("/ci/jobs");
    let page = wait_for(logs.read("job/postgres/0123", Some("f/3+7=="))).unwrap();
    assert_eq!(page.next.as_deref(), Some("f/1"));
    let events: Vec<_> = page
        .events
        .iter()
        .map(|event| (event.at, event.message.as_str()))
        .collect();
    let second = UNIX_EPOCH + Duration::from_millis(1500);
    assert_eq!(events, [(second, "a"), (UNIX_EPOCH, "b")]);
    check_request(&server, vector);

    let body = r#"{"authorizationData":[{"authorizationToken":"QVdTOnB3","expiresAt":1.7E9,"proxyEndpoint":"x"}]}"#;
    let server = Server::new([answer(200, body)]);
    let vector = &vectors::GET_AUTHORIZATION_TOKEN;
    let aws = server.account(vector.region, vector.session_token);
    assert_eq!(wait_for(aws.registry_token()).unwrap(), "QVdTOnB3");
    check_request(&server, vector);
}

#[test]
fn a_first_page_has_no_token() {
    let server = Server::new([answer(200, "{}")]);
    let page = log_page(&server).unwrap();
    assert!(page.events.is_empty() && page.next.is_none());
    let requests = server.requests.lock().unwrap();
    let body = std::str::from_utf8(requests[0].body().bytes().unwrap()).unwrap();
    assert!(!body.contains("nextToken"), "{body}");
}

#[test]
fn hosts_are_those_of_botocore() {
    let mut rows = 0;
    for row in vectors::HOSTS.lines() {
        let [service, region, kind, host] = row.split(' ').collect::<Vec<_>>()[..] else {
            panic!("{row}")
        };
        let service = match service {
            "ec2" => &EC2,
            "ecs" => &ECS,
            "cloudwatch" => &CLOUDWATCH,
            "logs" => &CLOUDWATCH_LOGS,
            "sts" => &STS,
            "iam" => &IAM,
            "service-quotas" => &SERVICE_QUOTAS,
            "secretsmanager" => &SECRETS_MANAGER,
            "cloudformation" => &CLOUDFORMATION,
            _ => &ECR,
        };
        let found = service.host_name(region, kind.contains("fips"), kind.contains("dual"));
        assert_eq!(found, host, "{row}");
        rows += 1;
    }
    assert!(rows > 200);
}

/// The settings of an environment or a profile.
#[derive(Debug)]
struct Settings(Option<&'static str>);

impl LoadServiceConfig for Settings {
    fn load_config(&self, key: ServiceConfigKey<'_>) -> Option<String> {
        assert_eq!(
            (key.env(), key.profile()),
            ("AWS_ENDPOINT_URL", "endpoint_url")
        );
        let own = self.0.filter(|_| key.service_id() == "CloudWatch Logs");
        own.map(str::to_owned)
    }
}

#[test]
fn the_nearest_setting_names_the_endpoint() {
    let config = |own, for_all: Option<(&str, Origin)>| {
        let mut config = SdkConfig::builder()
            .region(Region::new("eu-west-1"))
            .service_config(Settings(own));
        if let Some((url, origin)) = for_all {
            config = config.endpoint_url(url);
            config.insert_origin("endpoint_url", origin);
        }
        CLOUDWATCH_LOGS.endpoint(&config.build())
    };
    let aws = "https://logs.eu-west-1.amazonaws.com";
    let file = Some(("http://file", Origin::shared_profile_file()));
    let environment = Some(("http://all", Origin::shared_environment_variable()));
    assert_eq!(config(None, None), aws);
    assert_eq!(config(None, environment), "http://all");
    assert_eq!(config(Some("http://own"), environment), "http://own");
    assert_eq!(config(Some("http://own"), None), "http://own");
    assert_eq!(config(Some("http://own"), file), "http://own");
    // [Fargate] Endpoint
    let set = Some(("http://set", Origin::shared_config()));
    assert_eq!(config(Some("http://own"), set), "http://set");
}

#[test]
fn lists_and_nulls_have_their_form() {
    let parameters = json!({ "Id": ["a", "b&c"], "MaxResults": 5, "NextToken": null });
    let request = protocol::request(Protocol::Ec2("v"), "Do", &parameters).unwrap();
    assert_eq!(
        request.body().bytes(),
        Some("Action=Do&Version=v&Id.1=a&Id.2=b%26c&MaxResults=5".as_bytes())
    );
    let request = protocol::request(Protocol::Json("T"), "Do", &json!({ "a": null, "b": 1 }));
    assert_eq!(
        request.unwrap().body().bytes(),
        Some("{\"b\":1}".as_bytes())
    );
}
