//! A stand-in with an access key, and strangers who can connect to it. `tests/conformance/access_key.py` has the calls
//! that the key signed.

use ecs_local::{AccessKey, Options};
use serde_json::json;
use testing::{LocalAws, Reply};

fn with_key() -> LocalAws {
    LocalAws::start(Options {
        access_key: Some(AccessKey {
            id: "AKIDOFTHISRUN".to_owned(),
            secret: "its-secret".to_owned(),
        }),
        ..Options::default()
    })
}

/// A call that `key` seems to have signed.
fn call(local: &LocalAws, key: &str, service: &str, target: &str, body: &str) -> Reply {
    let headers = format!(
        "Host: {}\r\n{target}X-Amz-Date: 20260102T030405Z\r\n\
         Authorization: AWS4-HMAC-SHA256 Credential={key}/20260102/eu-west-1/{service}/aws4_request, \
         SignedHeaders=host;x-amz-date, Signature={}\r\n",
        local.address,
        "0".repeat(64)
    );
    local.http_at_any_host("POST", "/", &headers, body).unwrap()
}

#[test]
fn calls_with_another_key_are_refused_in_the_words_of_aws() {
    let local = with_key();
    // Code and status as for the fault `unrecognized_client`: AWS, common errors of each API.
    let ecs = "X-Amz-Target: AmazonEC2ContainerServiceV20141113.RunTask\r\n";
    let logs = "X-Amz-Target: Logs_20140328.CreateLogGroup\r\n";
    for (service, target, body, status, code) in [
        ("ecs", ecs, "{}", 403, "UnrecognizedClientException"),
        ("logs", logs, "{}", 403, "UnrecognizedClientException"),
        ("ec2", "", "Action=DescribeSubnets", 401, "AuthFailure"),
        (
            "sts",
            "",
            "Action=GetCallerIdentity",
            403,
            "InvalidClientTokenId",
        ),
    ] {
        for key in ["AKIDEXAMPLE", "fargate-try", "akidofthisrun"] {
            let reply = call(&local, key, service, target, body);
            assert_eq!(reply.status, status, "{reply:?}");
            assert!(reply.body.contains(code), "{reply:?}");
        }
    }
    // The key's ID is not enough.
    for (service, target, body, status, code) in [
        ("ecs", ecs, "{}", 403, "InvalidSignatureException"),
        ("logs", logs, "{}", 403, "InvalidSignatureException"),
        ("ec2", "", "Action=DescribeSubnets", 401, "AuthFailure"),
        (
            "sts",
            "",
            "Action=GetCallerIdentity",
            403,
            "SignatureDoesNotMatch",
        ),
    ] {
        let reply = call(&local, "AKIDOFTHISRUN", service, target, body);
        assert_eq!(reply.status, status, "{reply:?}");
        assert!(reply.body.contains(code), "{reply:?}");
    }
    let unsigned = format!("Host: {}\r\n{ecs}", local.address);
    let reply = local
        .http_at_any_host("POST", "/", &unsigned, "{}")
        .unwrap();
    assert!(
        reply.body.contains("MissingAuthenticationToken"),
        "{reply:?}"
    );
}

#[test]
fn its_own_paths_are_closed() {
    let local = with_key();
    let own = format!("Host: {}\r\n", local.address);
    for (method, path) in [
        ("GET", "/_local/stats"),
        ("GET", "/_local/tasks"),
        ("GET", "/_local/logs/task/container"),
        ("GET", "/_local/faults"),
        ("PUT", "/_local/faults"),
        ("POST", "/_local/tasks/task/strike"),
    ] {
        let reply = local.http_at_any_host(method, path, &own, "{}").unwrap();
        assert_eq!(reply.status, 403, "{method} {path}: {reply:?}");
        assert!(reply.body.contains("its access key"), "{reply:?}");
    }
}

#[test]
fn a_web_page_cannot_call() {
    let faults = json!({ "faults": [{ "effect": "throttle" }] }).to_string();
    for local in [LocalAws::start(Options::default()), with_key()] {
        for from in [
            "Origin: https://pages.example.com",
            "Sec-Fetch-Site: cross-site",
        ] {
            let headers = format!("Host: {}\r\n{from}\r\n", local.address);
            for (method, path) in [
                ("POST", "/"),
                ("PUT", "/_local/faults"),
                ("POST", "/_local/tasks/task/strike"),
                ("GET", "/_local/tasks"),
                ("GET", "/v4/task/task"),
            ] {
                let reply = local.http_at_any_host(method, path, &headers, &faults);
                let reply = reply.unwrap();
                assert_eq!(reply.status, 403, "{from}, {method} {path}: {reply:?}");
                assert!(reply.body.contains("no web pages"), "{reply:?}");
            }
        }
    }
}
