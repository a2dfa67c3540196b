//! Where the manager's own credentials come from, and how little is said of them.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use serde_json::json;
use testing::{ManagerHost, Outcome, SECOND, SshServer};

use crate::fargate;

/// A manager with the keys of a user, and a profile that assumes a role with them.
fn manager_with_role() -> ManagerHost {
    let mut manager = ManagerHost::new(fargate(), SshServer::Agent);
    let config = manager.path("aws-config");
    let text = "[profile user]\naws_access_key_id = AKIAUSEROFTEST\naws_secret_access_key = secret-key-of-user\n\
                [profile ci]\nrole_arn = arn:aws:iam::111122223333:role/manager\nsource_profile = user\n";
    std::fs::write(&config, text).unwrap();
    let sts = format!("http://{}", manager.aws.address);
    for (name, value) in [
        ("AWS_CONFIG_FILE", config.to_str().unwrap()),
        ("AWS_PROFILE", "ci"),
        ("AWS_ENDPOINT_URL_STS", &sts),
    ] {
        manager.variables.push((name.to_owned(), value.to_owned()));
    }
    manager
}

/// A call without the keys that tests have.
fn call(manager: &ManagerHost, arguments: &[&str]) -> Outcome {
    let mut call = manager.call(arguments);
    call.env_remove("AWS_ACCESS_KEY_ID")
        .env_remove("AWS_SECRET_ACCESS_KEY");
    Outcome::from(call.output().unwrap())
}

/// Nothing of a profile's keys, roles and accounts.
#[track_caller]
fn says_nothing_of_credentials(log: &str) {
    for secret in ["AKIA", "ASIA", "secret-", "111122223333", "assumed role"] {
        assert!(!log.contains(secret), "{secret} is in:\n{log}");
    }
}

#[test]
fn a_profile_that_assumes_a_role_leaves_the_job_log_alone() {
    let manager = manager_with_role();
    let outcome = call(&manager, &["custom", "prepare"]).exits(0);
    assert_eq!(outcome.err(), "");
    says_nothing_of_credentials(&outcome.out());
    assert!(manager.aws.calls("AssumeRole") > 0);
    call(&manager, &["custom", "cleanup"]).exits(0);

    // Nor does a person who asks for all there is to know get a key to see.
    let outcome = call(&manager, &["--debug", "custom", "prepare"]).exits(0);
    says_nothing_of_credentials(&(outcome.out() + &outcome.err()));
    call(&manager, &["custom", "cleanup"]).exits(0);
    manager.left_nothing();
}

#[test]
fn a_role_that_is_refused_is_told_in_one_line_of_ours() {
    // In STS's words, as AWS documents them (IAM: troubleshoot access denied errors).
    let words = "User: arn:aws:iam::000000000000:user/ci is not authorized to perform: sts:AssumeRole on resource: r";
    for debug in [false, true] {
        let manager = manager_with_role();
        let denied =
            json!({ "error": { "status": 403, "code": "AccessDenied", "message": words } });
        let faults =
            json!({ "faults": [{ "when": { "operation": "AssumeRole" }, "effect": denied }] });
        manager.aws.faults(&faults);
        let flags: &[&str] = if debug { &["--debug"] } else { &[] };
        let outcome = call(&manager, &[flags, &["custom", "prepare"]].concat()).exits(22);
        let err = outcome.err();
        let told = format!("no credentials for ecs:RunTask: AccessDenied: {words}\n");
        assert_eq!(err.matches(&told).count(), 1, "{err}");
        for raw in ["Response {", "StatusCode", "Error {", "SdkBody", "<"] {
            assert!(!err.contains(raw), "{raw} is in:\n{err}");
        }
        if !debug {
            assert_eq!(err.lines().count(), 2, "{err}");
        }
        says_nothing_of_credentials(&err);
        manager.left_nothing();
    }
}

#[test]
fn debug_shows_every_step_of_config_and_prepare() {
    let manager = ManagerHost::new(fargate(), SshServer::Agent);
    let steps = |stage: &str| {
        let outcome = manager
            .start(&["--debug", "custom", stage])
            .finish()
            .exits(0);
        let err = outcome.err();
        assert!(
            err.lines().all(|line| line.contains("DEBUG fargate")),
            "{err}"
        );
        err
    };
    let follow = |log: &str, steps: &[&str]| {
        let mut rest = log;
        for step in steps {
            let found = rest.split_once(step);
            rest = found
                .unwrap_or_else(|| panic!("no {step:?} where it should be in:\n{log}"))
                .1;
        }
    };
    follow(
        &steps("config"),
        &[
            "configuration read from",
            "job 4711 of acme/shop",
            "answered config",
        ],
    );
    follow(
        &steps("prepare"),
        &[
            "configuration read from",
            "job 4711 of acme/shop",
            "this job's GitLab Runner is process",
            "no earlier attempt",
            "calling ecs:RunTask",
            "ecs:RunTask answered",
            "looking at task",
            "connecting to",
            "the job's task takes scripts",
        ],
    );
}

/// The metadata service of an instance with a role (AWS: IMDSv2). It answers too late for the SDK, which waits for a
/// second, until so long after the first request.
fn instance_metadata(late: Duration) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let mut begun = None;
        for client in listener.incoming() {
            let client = client.unwrap();
            let is_late = begun.get_or_insert_with(Instant::now).elapsed() < late;
            std::thread::spawn(move || {
                if is_late {
                    std::thread::sleep(3 * SECOND / 2);
                }
                answer(client);
            });
        }
    });
    url
}

/// Answers the requests of one connection as a metadata service, of an instance or of a task.
fn answer(mut client: TcpStream) {
    let mut reader = BufReader::new(client.try_clone().unwrap());
    loop {
        let mut request = String::new();
        while !request.ends_with("\r\n\r\n") {
            if !matches!(reader.read_line(&mut request), Ok(1..)) {
                return;
            }
        }
        let body = match request.split(' ').nth(1).unwrap() {
            "/latest/api/token" => "secret-token-of-imds",
            "/latest/meta-data/iam/security-credentials/" => "manager",
            _ => {
                r#"{"Code":"Success","AccessKeyId":"ASIAOFINSTANCE","SecretAccessKey":"secret-key","Token":"secret-token","Expiration":"2099-01-01T00:00:00Z"}"#
            }
        };
        let reply = format!(
            "HTTP/1.1 200 OK\r\nx-aws-ec2-metadata-token-ttl-seconds: 21600\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        if client.write_all(reply.as_bytes()).is_err() {
            return;
        }
    }
}

/// A manager whose keys come from a metadata service, while another program's proxy is in its environment.
fn manager_with_metadata(variable: &str, url: &str) -> ManagerHost {
    let mut manager = ManagerHost::new(fargate(), SshServer::Agent);
    for (name, value) in [
        (variable, url),
        ("AWS_EC2_METADATA_DISABLED", "false"),
        ("HTTP_PROXY", "http://127.0.0.1:9"),
    ] {
        manager.variables.push((name.to_owned(), value.to_owned()));
    }
    manager
}

#[test]
fn metadata_that_answers_late_for_a_while_does_not_fail_a_job() {
    let url = instance_metadata(4 * SECOND);
    let manager = manager_with_metadata("AWS_EC2_METADATA_SERVICE_ENDPOINT", &url);
    call(&manager, &["custom", "prepare"]).exits(0).logs(&[
        "no credentials for ecs:RunTask",
        "trying again in",
        "eady for scripts",
    ]);
    call(&manager, &["custom", "cleanup"]).exits(0);
    manager.left_nothing();
}

/// An address where nothing listens.
fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap()
}

#[test]
fn a_source_of_credentials_that_refuses_connections_is_tried_again_for_a_while() {
    let address = free_address();
    let url = format!("http://{address}/credentials");
    let manager = manager_with_metadata("AWS_CONTAINER_CREDENTIALS_FULL_URI", &url);
    std::thread::spawn(move || {
        std::thread::sleep(6 * SECOND);
        let listener = TcpListener::bind(address).unwrap();
        for client in listener.incoming() {
            let client = client.unwrap();
            std::thread::spawn(move || answer(client));
        }
    });
    call(&manager, &["custom", "prepare"]).exits(0);
    call(&manager, &["custom", "cleanup"]).exits(0);
    manager.left_nothing();

    let address = free_address();
    let url = format!("http://{address}/credentials");
    let manager = manager_with_metadata("AWS_CONTAINER_CREDENTIALS_FULL_URI", &url);
    let begun = Instant::now();
    call(&manager, &["custom", "prepare"])
        .exits(22)
        .complains(&[
            "no credentials for ecs:RunTask",
            &format!("no connection to {address}"),
            "the source of its credentials",
        ]);
    let took = begun.elapsed();
    assert!(took > 10 * SECOND && took < 30 * SECOND, "{took:?}");
    manager.left_nothing();
}
