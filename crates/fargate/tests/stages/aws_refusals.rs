//! Calls that AWS refuses: the message names the reason and the remedy, and no task and no record is left.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::Instant;

use serde_json::{Value, json};
use testing::{ManagerHost, Outcome, SECOND, SshServer};

use crate::fargate;

/// A prepare that meets a fault.
pub(crate) fn prepare_with(effect: &Value, when: &Value) -> (ManagerHost, Outcome) {
    let manager = ManagerHost::with_faults(
        fargate(),
        SshServer::Agent,
        &json!({ "faults": [{ "when": when, "effect": effect }] }),
    );
    let outcome = manager.custom("prepare");
    (manager, outcome)
}

#[test]
fn no_credentials() {
    let manager = ManagerHost::new(fargate(), SshServer::Agent);
    let mut call = manager.call(&["custom", "prepare"]);
    let output = call
        .env_remove("AWS_ACCESS_KEY_ID")
        .env_remove("AWS_SECRET_ACCESS_KEY")
        .output()
        .unwrap();
    Outcome::from(output).exits(22).complains(&[
        "could not start the job's task",
        "credentials",
        "AWS_PROFILE",
    ]);
    manager.left_nothing();
}

#[test]
fn a_manager_without_ca_certificates() {
    let manager = ManagerHost::new(fargate(), SshServer::Agent);
    std::fs::write(manager.path("none.pem"), b"").unwrap();
    std::fs::create_dir(manager.path("none")).unwrap();
    let call = || {
        let mut call = manager.call(&["custom", "prepare"]);
        call.env("SSL_CERT_FILE", manager.path("none.pem"))
            .env("SSL_CERT_DIR", manager.path("none"));
        Outcome::from(call.output().unwrap())
    };
    // The stand-in needs none.
    call().exits(0);
    manager.custom("cleanup").exits(0);
    let config = std::fs::read_to_string(manager.path("fargate.toml")).unwrap();
    manager.write_config(&config.replace("http://", "https://"));
    call().exits(22).complains(&[
        "could not start the job's task",
        "this machine has no CA certificates",
        "ca-certificates",
        "SSL_CERT_FILE",
    ]);
    manager.left_nothing();
}

#[test]
fn credentials_that_aws_does_not_take() {
    for (effect, advice) in [
        (
            "expired_credentials",
            "The manager's credentials have expired",
        ),
        ("unrecognized_client", "Give the manager credentials"),
    ] {
        let (manager, outcome) = prepare_with(&json!(effect), &json!({ "operation": "RunTask" }));
        outcome
            .exits(22)
            .complains(&["AWS refused ecs:RunTask", advice]);
        manager.left_nothing();
    }
}

/// An HTTP server that answers everything with this status and a page.
fn proxy(status: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = [0; 16 * 1024];
            let _read = stream.read(&mut request);
            let page = "<html><body>Blocked by policy</body></html>";
            let _sent = write!(
                stream,
                "HTTP/1.1 {status}\r\ncontent-type: text/html\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{page}",
                page.len()
            );
        }
    });
    format!("http://{address}")
}

#[test]
fn a_proxy_that_forbids_the_way_is_told_at_once() {
    let manager = ManagerHost::new(fargate(), SshServer::Agent);
    let config = std::fs::read_to_string(manager.path("fargate.toml")).unwrap();
    let (own, endpoint) = config.split_once("Endpoint = \"").unwrap();
    let (_, rest) = endpoint.split_once('\n').unwrap();
    let endpoint = proxy("403 Forbidden");
    manager.write_config(&format!("{own}Endpoint = \"{endpoint}\"\n{rest}"));
    let begun = Instant::now();
    manager.custom("prepare").exits(22).complains(&[
        "the answer is not one of AWS's (HTTP status 403, text/html)",
        "such as a proxy",
    ]);
    assert!(begun.elapsed() < 10 * SECOND, "{:?}", begun.elapsed());
}

/// The call may have had its effect, so a failed prepare looks for a task, but not for as long as cleanup does.
#[test]
fn a_proxy_that_has_trouble_costs_start_timeout_and_a_last_look() {
    for (status, told) in [
        ("502 Bad Gateway", "(HTTP status 502, text/html)"),
        ("504 Gateway Timeout", "(HTTP status 504, text/html)"),
    ] {
        let manager = ManagerHost::new(fargate(), SshServer::Agent);
        let config = std::fs::read_to_string(manager.path("fargate.toml")).unwrap();
        let here = format!("http://{}", manager.aws.address);
        let config = config.replace(&here, &proxy(status));
        manager.write_config(&config.replace("[Fargate]", "[Fargate]\nStartTimeout = \"2s\""));
        let begun = Instant::now();
        let failure = manager.custom("prepare").exits(22);
        let took = begun.elapsed();
        let failure = failure.complains(&[
            "no answer from AWS to ecs:RunTask: the answer is not one of AWS's",
            told,
            "such as a proxy",
        ]);
        let not_stopped = "The task could not be stopped either";
        assert!(failure.out().contains(not_stopped), "{}", failure.out());
        assert!(took < 25 * SECOND, "{took:?}");
    }
}

#[test]
fn a_missing_permission_is_named() {
    let (manager, outcome) =
        prepare_with(&json!("access_denied"), &json!({ "operation": "RunTask" }));
    outcome.exits(22).complains(&[
        "AccessDeniedException",
        "ecs:RunTask",
        "Allow ecs:RunTask in the IAM policy of the manager",
    ]);
    manager.left_nothing();
    let (manager, outcome) = prepare_with(
        &json!("access_denied"),
        &json!({ "operation": "DescribeTasks" }),
    );
    outcome
        .exits(22)
        .complains(&["could not watch the job's task", "Allow ecs:DescribeTasks"]);
    manager.left_nothing();
}

#[test]
fn a_policy_of_gitlabs_driver_that_allows_no_tags_still_works() {
    let denied = json!({ "error": { "status": 400, "code": "AccessDeniedException", "message":
        "User: arn:aws:sts::000000000000:assumed-role/ci/i-0 is not authorized to perform: ecs:TagResource on resource: x" } });
    let (manager, outcome) = prepare_with(&denied, &json!({ "operation": "RunTask", "first": 1 }));
    outcome.exits(0).complains(&["starting tasks without tags"]);
    assert_eq!(manager.aws.running()[0]["tags"], json!([]));
    manager.custom("cleanup").exits(0);
    manager.left_nothing();
}

#[test]
fn tags_that_aws_refuses_for_any_reason_are_left_out() {
    let error = |code: &str, message: &str| json!({ "error": { "status": 400, "code": code, "message": message } });
    for refusal in [
        error(
            "InvalidParameterException",
            "Some tags contain invalid characters. Valid characters: UTF-8 letters, spaces, numbers and _ . / = + - : @.",
        ),
        error(
            "InvalidParameterException",
            "The new ARN and resource ID format must be enabled to add tags to the task. Opt in to the new format and try again.",
        ),
        error(
            "AccessDeniedException",
            "User: arn:aws:sts::000000000000:assumed-role/ci/i-0 is not authorized to perform: ecs:TagResource on resource: x \
             with an explicit deny in a service control policy",
        ),
        error(
            "TagPolicyException",
            "The tag policy does not allow the specified value for the following tag key: 'team'.",
        ),
    ] {
        let (manager, outcome) =
            prepare_with(&refusal, &json!({ "operation": "RunTask", "first": 1 }));
        let message = refusal["error"]["message"].as_str().unwrap();
        outcome
            .exits(0)
            .complains(&["starting tasks without tags", message]);
        assert_eq!(manager.aws.running()[0]["tags"], json!([]));
        manager.custom("cleanup").exits(0);
        manager.left_nothing();
    }
    // More than AWS takes, with those that the driver adds.
    let manager = ManagerHost::new(fargate(), SshServer::Agent);
    let tags: String = (0..50).map(|n| format!("k{n} = \"v\"\n")).collect();
    manager.configure(&format!("[Fargate.Tags]\n{tags}"), "");
    manager
        .prepare()
        .complains(&["starting tasks without tags"]);
    assert_eq!(manager.aws.running()[0]["tags"], json!([]));
}

#[test]
fn a_jobs_name_in_any_script_is_a_tag() {
    for (name, tag) in [
        ("यूनिट परीक्षण", "य_न_ट पर_क_षण"),
        ("ทดสอบทั้งหมด", "ทดสอบท__งหมด"),
        ("சோதனை Ⓐ ½", "ச_தன_ _ ½"),
        ("aws:deploy", "aws_deploy"),
    ] {
        let manager = ManagerHost::new(fargate(), SshServer::Agent);
        manager.ask(&json!({ "job_info": { "name": name, "project_id": 77 } }));
        manager.prepare();
        let task = &manager.aws.running()[0];
        let tags = task["tags"].as_array().unwrap();
        let tagged = tags.iter().find(|tag| tag["key"] == "gitlab:job-name");
        assert_eq!(tagged.unwrap()["value"], tag, "{name}");
    }
}

#[test]
fn things_that_do_not_exist() {
    let cases = [
        (
            "test-cluster",
            "other-cluster",
            "ClusterNotFoundException",
            "[Fargate] Cluster",
        ),
        (
            "subnet-0a1b2c3d4e5f60001",
            "subnet-0ffff",
            "InvalidSubnetID.NotFound",
            "[Fargate] Subnet",
        ),
        (
            "sg-0a1b2c3d4e5f60003",
            "sg-0ffff",
            "InvalidGroup.NotFound",
            "SecurityGroup",
        ),
        (
            "test-task",
            "no-task:9",
            "TaskDefinition",
            "FARGATE_TASK_DEFINITION",
        ),
    ];
    for (right, wrong, code, advice) in cases {
        let manager = ManagerHost::new(fargate(), SshServer::Agent);
        let config = std::fs::read_to_string(manager.path("fargate.toml")).unwrap();
        manager.write_config(&config.replace(&format!("\"{right}\""), &format!("\"{wrong}\"")));
        manager.custom("prepare").exits(22).complains(&[
            "could not start the job's task: AWS refused ecs:RunTask",
            code,
            advice,
        ]);
        manager.left_nothing();
    }
}

#[test]
fn a_task_definition_without_the_container_for_scripts() {
    let manager = ManagerHost::new(fargate(), SshServer::Agent);
    manager.aws.register("plain", "app");
    manager
        .start(&["--task-def", "plain", "custom", "prepare"])
        .finish()
        .exits(22)
        .complains(&["needs a container named ci-coordinator"]);
    manager.left_nothing();
}

#[test]
fn no_capacity_is_tried_elsewhere_and_then_told() {
    let (manager, outcome) = prepare_with(&json!({ "no_capacity": {} }), &json!({ "first": 1 }));
    outcome.exits(0).complains(&[]);
    drop(manager);

    let always = json!({ "faults": [{ "effect": { "no_capacity": {} } }] });
    let manager = ManagerHost::with_faults(fargate(), SshServer::Agent, &always);
    manager.configure(
        "StartTimeout = \"1s\"\nCapacityProviderStrategy = [{ Name = \"FARGATE_SPOT\" }]\nFallbackCapacityProviderStrategy = [{ Name = \"FARGATE\" }]",
        "",
    );
    let outcome = manager.custom("prepare").exits(22).complains(&[
        "Capacity is unavailable at this time",
        "StartTimeout",
        "FallbackCapacityProviderStrategy",
    ]);
    // The line says what is tried next, without what it has said already.
    let zone = "try again later or in a different availability zone";
    for line in [
        "with FARGATE_SPOT: Capacity is unavailable".to_owned(),
        format!("{zone}; trying FARGATE\n"),
    ] {
        assert!(outcome.out().contains(&line), "{}", outcome.out());
    }
    manager.left_nothing();

    // One place only.
    let manager = ManagerHost::with_faults(
        fargate(),
        SshServer::Agent,
        &json!({ "faults": [{ "when": { "first": 1 }, "effect": { "no_capacity": {} } }] }),
    );
    let out = manager.prepare().out();
    assert!(out.contains(&format!("{zone}; trying again in ")), "{out}");
}

#[test]
fn the_time_that_has_passed_is_told_and_not_the_bound() {
    let full = json!({ "faults": [{ "effect": { "no_capacity": {} } }] });
    let manager = ManagerHost::with_faults(fargate(), SshServer::Agent, &full);
    // The first pause is five seconds long, or a quarter shorter.
    manager.configure("StartTimeout = \"3s\"", "");
    manager
        .custom("prepare")
        .exits(22)
        .complains(&["in 0 s, and StartTimeout (3 s) is over before the next try: No room"]);
    manager.left_nothing();
}

#[test]
fn a_size_above_the_accounts_quota_ends_at_once() {
    let above = json!({ "no_capacity": { "reason": "The requested CPU configuration is above your limit" } });
    let begun = Instant::now();
    let (manager, outcome) = prepare_with(&above, &json!({}));
    outcome.exits(22).complains(&[
        "AWS refused ecs:RunTask: The requested CPU configuration is above your limit",
        "quota is too small for a task of this size",
    ]);
    assert_eq!(manager.aws.calls("RunTask"), 1);
    assert!(begun.elapsed() < 10 * SECOND, "{:?}", begun.elapsed());
    manager.left_nothing();
}

#[test]
fn spot_without_capacity_falls_back() {
    let spot = json!({ "faults": [{ "when": { "capacity_provider": "FARGATE_SPOT" }, "effect": { "no_capacity": {} } }] });
    let manager = ManagerHost::with_faults(fargate(), SshServer::Agent, &spot);
    manager.configure(
        "CapacityProviderStrategy = [{ Name = \"FARGATE_SPOT\" }]\nFallbackCapacityProviderStrategy = [{ Name = \"FARGATE\" }]",
        "",
    );
    manager.prepare();
    assert_eq!(manager.aws.running()[0]["capacityProviderName"], "FARGATE");
}
