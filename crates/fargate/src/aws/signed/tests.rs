//! The signed client against requests of botocore's, and against servers that answer oddly.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::{Duration, UNIX_EPOCH};

use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, Region};
use aws_sdk_ecs::config::{Credentials, SharedCredentialsProvider};
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_async::time::StaticTimeSource;
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use aws_types::origin::Origin;
use aws_types::service_config::{LoadServiceConfig, ServiceConfigKey};
use serde_json::json;

use super::protocol::Protocol;
use super::*;
use crate::aws::Aws;
use crate::aws::http::Http;
use crate::aws::logs::Page;

/// What the server of a test does with a call.
#[derive(Debug, Clone)]
enum Deed {
    Answer(u16, Vec<(&'static str, String)>, String),
    /// The connection breaks.
    Break,
}

/// Answers calls in turn, the last deed for ever, and keeps the requests.
#[derive(Debug, Clone)]
struct Server {
    deeds: Arc<Mutex<VecDeque<Deed>>>,
    requests: Arc<Mutex<Vec<HttpRequest>>>,
}

impl HttpConnector for Server {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        self.requests.lock().unwrap().push(request);
        let mut deeds = self.deeds.lock().unwrap();
        let deed = deeds.pop_front().unwrap();
        if deeds.is_empty() {
            deeds.push_back(deed.clone());
        }
        HttpConnectorFuture::ready(match deed {
            Deed::Break => Err(ConnectorError::io("connection reset by peer".into())),
            Deed::Answer(status, headers, body) => {
                let status = StatusCode::try_from(status).unwrap();
                let mut response = HttpResponse::new(status, SdkBody::from(body));
                for (name, value) in headers {
                    response.headers_mut().insert(name, value);
                }
                Ok(response)
            }
        })
    }
}

impl Server {
    fn new(deeds: impl IntoIterator<Item = Deed>) -> Self {
        Self {
            deeds: Arc::new(Mutex::new(deeds.into_iter().collect())),
            requests: Arc::default(),
        }
    }

    /// An account in `region` that this server answers for.
    fn config(&self, region: &str, session_token: Option<&str>) -> SdkConfig {
        let (id, secret) = vectors::KEYS;
        let credentials =
            Credentials::new(id, secret, session_token.map(str::to_owned), None, "test");
        let connector = SharedHttpConnector::new(self.clone());
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new(region.to_owned()))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .http_client(http_client_fn(move |_, _| connector.clone()))
            .sleep_impl(TokioSleep::new())
            .time_source(StaticTimeSource::from_secs(vectors::TIME))
            .retry_config(
                RetryConfig::standard()
                    .with_max_attempts(4)
                    .with_initial_backoff(Duration::from_millis(1)),
            )
            .build()
    }

    fn account(&self, region: &str, session_token: Option<&str>) -> Aws {
        let shared = self.config(region, session_token);
        let ecs = aws_sdk_ecs::Client::new(&shared);
        Aws { shared, ecs }
    }

    fn calls(&self) -> usize {
        self.requests.lock().unwrap().len()
    }
}

fn answer(status: u16, body: &str) -> Deed {
    Deed::Answer(status, Vec::new(), body.to_owned())
}

fn interfaces() -> Deed {
    answer(
        200,
        "<?xml version=\"1.0\"?>\n<DescribeNetworkInterfacesResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\">
         <requestId>r</requestId><networkInterfaceSet><item><networkInterfaceId>eni-1</networkInterfaceId><association>
         <ipOwnerId>amazon</ipOwnerId><publicIp>203.0.113.7</publicIp></association></item></networkInterfaceSet>
         </DescribeNetworkInterfacesResponse>",
    )
}

fn wait_for<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}

fn public_ip(server: &Server) -> Result<Option<String>, AwsError> {
    let aws = server.account("eu-west-1", None);
    let found = wait_for(aws.public_ip("eni-0123456789abcdef0"))?;
    Ok(found.map(|address| address.to_string()))
}

fn log_page(server: &Server) -> Result<Page, AwsError> {
    let logs = server.account("eu-west-1", None).logs("/ci/jobs");
    wait_for(logs.read("job/postgres/0123", None))
}

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
            "logs" => &CLOUDWATCH_LOGS,
            _ => &ECR,
        };
        let found = service.host_name(region, kind.contains("fips"), kind.contains("dual"));
        assert_eq!(found, host, "{row}");
        rows += 1;
    }
    assert!(rows > 90);
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
fn passing_trouble_is_waited_out() {
    let ec2 = |code: &str| {
        format!(
            "<Response><Errors><Error><Code>{code}</Code><Message>m</Message></Error></Errors><RequestID>r</RequestID></Response>"
        )
    };
    for trouble in [
        answer(503, &ec2("RequestLimitExceeded")),
        answer(400, &ec2("Throttling")),
        answer(500, &ec2("InternalError")),
        answer(502, "<html>Bad Gateway</html>"),
        Deed::Break,
    ] {
        let server = Server::new([trouble.clone(), trouble.clone(), interfaces()]);
        let found = public_ip(&server).unwrap_or_else(|error| panic!("{trouble:?}: {error}"));
        assert_eq!(found.as_deref(), Some("203.0.113.7"));
        assert_eq!(server.calls(), 3, "{trouble:?}");

        let server = Server::new([trouble.clone()]);
        assert!(public_ip(&server).unwrap_err().may_pass(), "{trouble:?}");
        assert_eq!(server.calls(), 4, "{trouble:?}");
    }
}

#[test]
fn hopeless_calls_are_made_once() {
    for hopeless in [
        answer(
            400,
            "<Response><Errors><Error><Code>UnauthorizedOperation</Code></Error></Errors></Response>",
        ),
        answer(403, "<html>Forbidden</html>"),
        answer(302, ""),
        answer(200, "<html/>"),
        answer(200, "<DescribeNetworkInterfacesResponse><networkInter"),
    ] {
        let server = Server::new([hopeless.clone()]);
        assert!(public_ip(&server).is_err(), "{hopeless:?}");
        assert_eq!(server.calls(), 1, "{hopeless:?}");
    }
}

#[test]
fn a_wrong_clock_is_corrected() {
    // An hour after the time of the vectors.
    let date = ("date", "Fri, 02 Jan 2026 04:04:05 GMT".to_owned());
    let skewed = |code: &str| {
        let body = format!(
            r#"{{"__type":"{code}","message":"Signature expired: 20260102T030405Z is now earlier than 20260102T034905Z"}}"#
        );
        Deed::Answer(403, vec![date.clone()], body)
    };
    for code in [
        "InvalidSignatureException",
        "SignatureDoesNotMatch",
        "RequestTimeTooSkewed",
    ] {
        let well = Deed::Answer(200, vec![date.clone()], "{}".to_owned());
        let server = Server::new([skewed(code), well]);
        let logs = server.account("eu-west-1", None).logs("/ci/jobs");
        wait_for(async {
            logs.read("s", None).await.unwrap();
            logs.read("s", None).await.unwrap();
        });
        let requests = server.requests.lock().unwrap();
        let dates: Vec<_> = requests
            .iter()
            .map(|request| request.headers().get("x-amz-date").unwrap())
            .collect();
        // The next call knows.
        let times = ["20260102T030405Z", "20260102T040405Z", "20260102T040405Z"];
        assert_eq!(dates, times, "{code}");
    }
    // A clock that is right: the key is wrong.
    let date = ("date", "Fri, 02 Jan 2026 03:04:07 GMT".to_owned());
    let wrong = r#"{"__type":"InvalidSignatureException","message":"m"}"#.to_owned();
    let server = Server::new([Deed::Answer(403, vec![date], wrong)]);
    log_page(&server).unwrap_err();
    assert_eq!(server.calls(), 1);
}

#[test]
fn refusals_in_json_are_understood() {
    let id = ("x-amzn-requestid", "11111111-2222".to_owned());
    for (headers, body) in [
        (
            vec![],
            r#"{"__type":"AccessDeniedException","message":"no"}"#,
        ),
        (
            vec![],
            r#"{"__type":"com.amazonaws.logs#AccessDeniedException","Message":"no"}"#,
        ),
        (
            vec![],
            r#"{"__type":"com.amazonaws.logs#AccessDeniedException:http://internal.amazon.com/x#y","message":"no"}"#,
        ),
        (
            vec![],
            r#"{"code":"AccessDeniedException","errorMessage":"no"}"#,
        ),
        (
            vec![(
                "x-amzn-errortype",
                "AccessDeniedException:http://internal.amazon.com/coral/".to_owned(),
            )],
            r#"{"message":"no"}"#,
        ),
    ] {
        let headers = headers.into_iter().chain([id.clone()]).collect();
        let server = Server::new([Deed::Answer(400, headers, body.to_owned())]);
        assert_eq!(
            log_page(&server).unwrap_err().to_string(),
            "AWS refused logs:GetLogEvents: AccessDeniedException: no (request 11111111-2222)",
            "{body}"
        );
    }
    let missing = r#"{"__type":"ResourceNotFoundException","message":"The specified log stream does not exist."}"#;
    let server = Server::new([answer(400, missing)]);
    assert!(log_page(&server).unwrap_err().knows_no_stream());
}

#[test]
fn refusals_in_xml_are_understood() {
    let body = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!-- x --><Response><Errors><Error><Code>UnauthorizedOperation</Code>\
                <Message>You are not &lt;authorized&gt; &#x26; so on</Message></Error></Errors><RequestID>r-1</RequestID></Response>";
    let server = Server::new([answer(403, body)]);
    assert_eq!(
        public_ip(&server).unwrap_err().to_string(),
        "AWS refused ec2:DescribeNetworkInterfaces: UnauthorizedOperation: You are not <authorized> & so on (request r-1)"
    );
    let gone = "<Response><Errors><Error><Code>InvalidNetworkInterfaceID.NotFound</Code><Message>m</Message></Error></Errors></Response>";
    assert_eq!(public_ip(&Server::new([answer(400, gone)])).unwrap(), None);
}

#[test]
fn answers_of_others_are_named() {
    let html = vec![("content-type", "text/html; charset=utf-8".to_owned())];
    for body in [
        "<html><body>Blocked by policy</body></html>",
        "",
        "<Response>",
        "{}",
        "{\"__type\": 7}",
        "<Error><Code>X</Code></Error>",
    ] {
        let proxy = Deed::Answer(403, html.clone(), body.to_owned());
        for error in [
            public_ip(&Server::new([proxy.clone()])).unwrap_err(),
            log_page(&Server::new([proxy.clone()])).unwrap_err(),
        ] {
            assert!(error.may_pass(), "{body}");
            let told = error.to_string();
            let expected =
                "the answer is not one of AWS's (HTTP status 403, text/html; charset=utf-8)";
            assert!(told.ends_with(expected), "{told}");
        }
    }
}

#[test]
fn replies_that_are_no_replies_are_refused() {
    let root = "DescribeNetworkInterfacesResponse";
    for body in [
        String::new(),
        "plain".to_owned(),
        "{}".to_owned(),
        "<html><networkInterfaceSet/></html>".to_owned(),
        "<DescribeInstancesResponse/>".to_owned(),
        format!("<{root}>"),
        format!("<{root}><networkInterfaceSet><item></networkInterfaceSet></{root}>"),
        format!(
            "<!DOCTYPE x [<!ENTITY a \"b\">]><{root}><networkInterfaceSet>&a;</networkInterfaceSet></{root}>"
        ),
    ] {
        let told = public_ip(&Server::new([answer(200, &body)]))
            .unwrap_err()
            .to_string();
        assert!(
            told.starts_with("no answer from AWS to ec2:DescribeNetworkInterfaces: "),
            "{body}: {told}"
        );
    }
    for (body, address) in [
        (format!("<{root}/>"), None),
        (format!("<{root}><networkInterfaceSet/></{root}>"), None),
        (
            format!(
                "<{root}><networkInterfaceSet><item/><item><association/></item></networkInterfaceSet></{root}>"
            ),
            None,
        ),
        (
            format!(
                "<x:{root} xmlns:x='y'><networkInterfaceSet><item><association><publicIp>2001:db8::7</publicIp></association></item></networkInterfaceSet></x:{root}>"
            ),
            Some("2001:db8::7".to_owned()),
        ),
    ] {
        let found = public_ip(&Server::new([answer(200, &body)]));
        assert_eq!(
            found.unwrap_or_else(|error| panic!("{body}: {error}")),
            address
        );
    }
    for body in [
        "",
        "[]",
        "7",
        "{\"events\": 7}",
        "{\"events\": [",
        "<html/>",
    ] {
        let told = log_page(&Server::new([answer(200, body)]))
            .unwrap_err()
            .to_string();
        assert!(
            told.starts_with("no answer from AWS to logs:GetLogEvents: "),
            "{body}: {told}"
        );
    }
    for body in [
        "{}",
        "{\"authorizationData\": null}",
        "{\"authorizationData\": [{}]}",
    ] {
        let aws = Server::new([answer(200, body)]).account("eu-west-1", None);
        let told = wait_for(aws.registry_token()).unwrap_err().to_string();
        assert!(told.ends_with("the reply holds no token"), "{told}");
    }
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

/// A server that answers each call with a page of one long event.
fn server_with_long_replies(length: usize) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (before, after) = (r#"{"events":[{"message":""#, r#""}]}"#);
    let body = [before, &"x".repeat(length), after].concat();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            // The request fits into one piece.
            let _read = stream.read(&mut [0; 8192]).unwrap();
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
            // The client leaves before the end of a reply that is too long.
            let _cut = stream.write_all(&[head.as_bytes(), body.as_bytes()].concat());
        }
    });
    url
}

#[test]
fn replies_are_read_up_to_a_bound() {
    let read = |length| {
        let shared = Server::new([Deed::Break])
            .config("eu-west-1", None)
            .to_builder()
            .http_client(Http::new())
            .endpoint_url(server_with_long_replies(length))
            .build();
        let ecs = aws_sdk_ecs::Client::new(&shared);
        wait_for(Aws { shared, ecs }.logs("/ci/jobs").read("s", None))
    };
    let page = read(6 << 20).unwrap();
    assert_eq!(page.events[0].message.len(), 6 << 20);
    let told = read(8 << 20).unwrap_err().to_string();
    assert!(told.contains("length limit exceeded"), "{told}");
}
