//! Replies of AWS that are nearly right, through the SDK's own parsers into our types.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_ecs::config::{Credentials, SharedCredentialsProvider};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

use super::{Aws, AwsError, RunTaskAnswer, RunTaskRequest, TaskOverrides};
use crate::config::{Fargate, HedgeAfter, KeepFailed};
use crate::error::Error;
use crate::task::Task;
use testing::mutation;

/// Answers every call with the same reply.
#[derive(Debug, Clone)]
struct Answer {
    status: u16,
    body: Vec<u8>,
    kind: &'static str,
}

/// The type of ECS's replies.
const JSON: &str = "application/x-amz-json-1.1";

impl HttpConnector for Answer {
    fn call(&self, _request: HttpRequest) -> HttpConnectorFuture {
        let status = StatusCode::try_from(self.status).unwrap();
        let mut reply = HttpResponse::new(status, SdkBody::from(self.body.clone()));
        reply
            .headers_mut()
            .insert("x-amzn-requestid", "11111111-2222-3333-4444-555555555555");
        reply.headers_mut().insert("content-type", self.kind);
        HttpConnectorFuture::ready(Ok(reply))
    }
}

impl Answer {
    /// An account whose APIs give only this answer.
    fn account(self) -> Aws {
        let connector = SharedHttpConnector::new(self);
        let credentials = Credentials::new("AKIDEXAMPLE", "secret-aws-key", None, None, "test");
        let shared = SdkConfig::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new("eu-west-1"))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .http_client(http_client_fn(move |_, _| connector.clone()))
            .retry_config(RetryConfig::disabled())
            .build();
        let ecs = aws_sdk_ecs::Client::new(&shared);
        Aws { shared, ecs }
    }
}

const ARN: &str = "arn:aws:ecs:eu-west-1:111122223333:task/ci/0123456789abcdef0123456789abcdef";

fn task() -> Value {
    json!({
        "taskArn": ARN, "clusterArn": "arn:aws:ecs:eu-west-1:111122223333:cluster/ci", "group": "gitlab/77/4711",
        "taskDefinitionArn": "arn:aws:ecs:eu-west-1:111122223333:task-definition/ci:7", "lastStatus": "STOPPED",
        "desiredStatus": "STOPPED", "stopCode": "EssentialContainerExited", "stoppedReason": "Essential container in task exited",
        "cpu": "1024", "memory": "2048", "capacityProviderName": "FARGATE_SPOT", "availabilityZone": "eu-west-1a",
        "createdAt": 1479765460.842, "pullStartedAt": 1479765461.0, "pullStoppedAt": 1479765465, "startedAt": 1479765466.5, "version": 7,
        "attachments": [
            { "id": "a", "type": "AmazonElasticBlockStorage", "status": "ATTACHED", "details": [] },
            { "id": "b", "type": "ElasticNetworkInterface", "status": "ATTACHED", "details": [
                { "name": "networkInterfaceId", "value": "eni-0123456789abcdef0" }, { "name": "privateIPv4Address", "value": "10.0.0.7" }] }],
        "containers": [
            { "name": "ci-coordinator", "image": "ruby:3.3", "lastStatus": "STOPPED", "exitCode": 137,
              "reason": "OutOfMemoryError: Container killed due to memory usage",
              "networkInterfaces": [{ "attachmentId": "b", "privateIpv4Address": "10.0.0.7" }] },
            { "name": "helper", "lastStatus": "STOPPED", "exitCode": 143 }],
        "tags": [{ "key": "gitlab:job-id", "value": "4711" }],
    })
}

fn described() -> Value {
    json!({ "tasks": [task()], "failures": [{ "arn": ARN, "reason": "MISSING", "detail": "gone" }] })
}

fn interface() -> &'static str {
    r#"<?xml version="1.0" encoding="UTF-8"?>
<DescribeNetworkInterfacesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>r-1</requestId><networkInterfaceSet><item>
<networkInterfaceId>eni-0123456789abcdef0</networkInterfaceId><privateIpAddress>10.0.0.7</privateIpAddress><status>in-use</status>
<groupSet><item><groupId>sg-1</groupId></item></groupSet><association><publicIp>203.0.113.7</publicIp></association>
<attachment><deviceIndex>1</deviceIndex><attachTime>2026-01-02T03:04:05.000Z</attachTime></attachment>
</item></networkInterfaceSet></DescribeNetworkInterfacesResponse>"#
}

fn refused() -> Value {
    json!({ "__type": "com.amazonaws.ecs#AccessDeniedException",
        "message": "User: arn:aws:sts::111122223333:assumed-role/ci/i-0 is not authorized to perform: ecs:TagResource on resource: x" })
}

fn wait_for<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}

/// Checks a task that came out of a reply: each text of it is one line.
fn check_task(task: &Task) -> Result<(), TestCaseError> {
    let stop = task.stop_reason(None, false);
    let causes = [Some(stop.cause.as_str()), task.stopped_reason.as_deref()];
    let reasons = task
        .containers
        .iter()
        .map(|container| container.reason.as_deref());
    for text in causes.into_iter().chain(reasons).flatten() {
        prop_assert!(!text.trim().is_empty());
        if text != stop.cause {
            prop_assert!(!text.contains(char::is_control), "{:?}", text);
        }
    }
    if let Some(container) = task.container("ci-coordinator") {
        prop_assert!(
            container.private_ip.is_none()
                || task.private_ip("ci-coordinator") == container.private_ip
        );
    }
    let _phase = (
        task.phase(),
        task.is_ending(),
        task.size(),
        task.id(),
        crate::task::console_link(&task.arn),
    );
    prop_assert!(!task.is_over() || task.is_ending());
    Ok(())
}

/// Checks a refusal: it is one line, which names the action and not the secret key.
fn check_refusal(refusal: AwsError, action: &str) -> Result<(), TestCaseError> {
    let _kinds = (
        refusal.may_pass(),
        refusal.is_not_found(),
        refusal.refuses_tags(),
        refusal.looked_for_ec2(),
        refusal.knows_no_definition(),
    );
    let error = Error::from(refusal);
    prop_assert!(error.to_string().contains(action), "{}", error);
    prop_assert!(
        !error.to_string().contains(char::is_control),
        "{:?}",
        error.to_string()
    );
    prop_assert!(!error.to_string().contains("secret-aws-key"));
    Ok(())
}

#[test]
fn whole_replies_are_understood() {
    let answer = |status, body: String| {
        Answer {
            status,
            body: body.into_bytes(),
            kind: JSON,
        }
        .account()
    };
    let aws = answer(200, described().to_string());
    let seen = wait_for(aws.describe_task("ci", ARN)).unwrap().unwrap();
    assert_eq!(seen.interface.id.as_deref(), Some("eni-0123456789abcdef0"));
    assert_eq!(seen.private_ip("ci-coordinator"), "10.0.0.7".parse().ok());
    assert!(
        seen.stop_reason(None, false)
            .cause
            .contains("the job's container exited with status 137"),
        "{:?}",
        seen.stop_reason(None, false)
    );
    let aws = answer(200, interface().to_owned());
    assert_eq!(
        wait_for(aws.public_ip("eni-1")).unwrap(),
        "203.0.113.7".parse().ok()
    );
    let refusal =
        wait_for(answer(400, refused().to_string()).describe_task("ci", ARN)).unwrap_err();
    assert!(refusal.refuses_tags());
    let stop = wait_for(
        answer(
            200,
            json!({ "tasks": [{ "taskArn": ARN, "stoppedReason": "a\nb \u{1b}[2J" }] }).to_string(),
        )
        .describe_task("ci", ARN),
    )
    .unwrap()
    .unwrap()
    .stop_reason(None, false);
    assert_eq!(stop.cause, "a b \\u{1b}[2J");
}

/// A proxy's page is no answer of AWS's. One that forbids the way says so again.
#[test]
fn a_page_is_told_with_its_status() {
    let config = fargate();
    for (status, may_pass) in [
        (502, true),
        (503, true),
        (429, true),
        (403, false),
        (407, false),
        (302, false),
        (200, false),
    ] {
        let page = Answer {
            status,
            body: b"<html><body>Blocked by policy</body></html>".to_vec(),
            kind: "text/html",
        };
        let refusal = wait_for(page.account().run_task(&request(&config))).unwrap_err();
        assert_eq!(
            refusal.to_string(),
            format!(
                "no answer from AWS to ecs:RunTask: the answer is not one of AWS's (HTTP status {status}, text/html) \
                 (request 11111111-2222-3333-4444-555555555555)"
            )
        );
        assert_eq!(refusal.may_pass(), may_pass, "{status}");
        assert!(refusal.may_have_worked());
        assert!(refusal.advice().unwrap().contains("proxy"), "{status}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn no_description_of_tasks_is_too_odd(status in select(vec![200, 200, 200, 400, 500]), body in mutation::json_text(described())) {
        let aws = Answer { status, body, kind: JSON }.account();
        match wait_for(aws.describe_tasks("ci", &[ARN.to_owned()])) {
            Ok(tasks) => for task in &tasks { check_task(task)?; },
            Err(refusal) => check_refusal(refusal, "ecs:DescribeTasks")?,
        }
    }

    #[test]
    fn no_answer_to_run_task_is_too_odd(body in mutation::json_text(described()), none in mutation::json_text(json!({ "tasks": [],
        "failures": [{ "arn": null, "reason": "Capacity is unavailable at this time.", "detail": "x" }] }))) {
        let config = fargate();
        for body in [body, none] {
            let aws = Answer { status: 200, body, kind: JSON }.account();
            match wait_for(aws.run_task(&request(&config))) {
                Ok(RunTaskAnswer::Task(task)) => check_task(&task)?,
                Ok(RunTaskAnswer::Nowhere(why)) => prop_assert!(!why.is_empty() && !why.contains(char::is_control), "{:?}", why),
                Err(refusal) => check_refusal(refusal, "ecs:RunTask")?,
            }
        }
    }

    #[test]
    fn no_network_interface_is_too_odd(status in select(vec![200, 200, 400, 503]), body in mutation::bytes(interface())) {
        let aws = Answer { status, body, kind: JSON }.account();
        if let Err(refusal) = wait_for(aws.public_ip("eni-1")) {
            check_refusal(refusal, "ec2:DescribeNetworkInterfaces")?;
        }
    }

    #[test]
    fn no_refusal_is_too_odd(status in select(vec![400, 403, 500, 503, 302]), body in mutation::json_text(refused())) {
        let aws = Answer { status, body, kind: JSON }.account();
        if let Err(refusal) = wait_for(aws.stop_task("ci", ARN, "over")) {
            check_refusal(refusal, "ecs:")?;
        }
    }
}

proptest! {
    // A hundred pages each.
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn lists_end_however_many_pages_they_claim(body in mutation::json_text(json!({ "taskArns": [ARN], "nextToken": "more" }))) {
        // The same reply to DescribeTasks, too, which finds no tasks in it.
        let aws = Answer { status: 200, body, kind: JSON }.account();
        match wait_for(aws.tasks_of("ci", "fargate/0123456789abcdef")) {
            Ok(tasks) => prop_assert!(tasks.is_empty()),
            Err(refusal) => check_refusal(refusal, "ecs:")?,
        }
    }
}

fn fargate() -> Fargate {
    Fargate {
        cluster: "ci".into(),
        region: "eu-west-1".into(),
        subnets: vec!["subnet-1".into()],
        security_groups: vec!["sg-1".into()],
        assign_public_ip: false,
        connect_to_public_ip: false,
        platform_version: None,
        strategy: Vec::new(),
        fallback_strategy: Vec::new(),
        start_timeout: Duration::from_secs(1),
        execute_command: false,
        endpoint: None,
        tags: BTreeMap::new(),
        hedge_after: HedgeAfter::Off,
        keep_failed: KeepFailed {
            time: Duration::ZERO,
            tasks: 0,
        },
    }
}

fn request(fargate: &Fargate) -> RunTaskRequest<'_> {
    static TAGS: BTreeMap<String, String> = BTreeMap::new();
    static CHANGES: TaskOverrides = TaskOverrides {
        cpu: None,
        memory: None,
        storage: None,
        task_role: None,
    };
    RunTaskRequest {
        fargate,
        definition: "ci:7",
        platform_version: None,
        subnet: "subnet-1",
        strategy: &[],
        by_launch_type: false,
        client_token: "job-1",
        started_by: "fargate/0123456789abcdef",
        group: "gitlab/77/4711",
        environments: &[],
        changes: &CHANGES,
        tags: &TAGS,
    }
}
