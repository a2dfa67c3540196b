//! Managers in a company's network: behind a proxy, with certificates of a private authority, and with ways to AWS that
//! lead nowhere.

use std::time::Instant;

use serde_json::json;
use testing::{ManagerHost, SECOND, SshServer};

use crate::endpoints::{prepares, set, without_endpoint};
use crate::fargate;
use crate::forward_proxy::{ForwardProxy, PASSWORD, PrivateAuthority};

/// Longer than prepare takes to end where no way leads to AWS, and much shorter than `StartTimeout`.
const SOON: std::time::Duration = std::time::Duration::from_secs(30);

#[test]
fn calls_go_through_the_proxy_to_servers_of_a_private_authority() {
    let (mut manager, _) = without_endpoint();
    let authority = PrivateAuthority::new(manager.folder.path());
    let proxy = ForwardProxy::to(authority.before(manager.aws.address));
    let bundle = authority.bundle();
    set(
        &mut manager,
        &[
            ("HTTPS_PROXY", &proxy.url()),
            ("AWS_CA_BUNDLE", bundle.to_str().unwrap()),
        ],
    );
    prepares(&manager);
    let asked = proxy.asked();
    for host in ["ecs", "ec2"] {
        let line = format!("CONNECT {host}.eu-west-1.amazonaws.com:443 HTTP/1.1");
        assert!(asked.contains(&line), "{asked:?}");
    }

    // The password is nobody's business.
    let outcome = manager
        .start(&["--debug", "custom", "prepare"])
        .finish()
        .exits(0);
    let shown = outcome.out() + &outcome.err();
    for secret in [PASSWORD, "s3cret@proxy"] {
        assert!(!shown.contains(secret), "{shown}");
    }
    manager.custom("cleanup").exits(0);

    set(
        &mut manager,
        &[("HTTPS_PROXY", &proxy.url_without_password())],
    );
    let outcome = manager.custom("prepare").exits(22).complains(&[
        "no way to ecs.eu-west-1.amazonaws.com through the proxy 127.0.0.1:",
        "proxy authorization required",
        "the proxy's user and password",
    ]);
    assert!(!outcome.err().contains("s3cret"));
    manager.left_nothing();
}

#[test]
fn http_has_a_proxy_of_its_own_and_no_proxy_exempts_hosts() {
    let (mut manager, here) = without_endpoint();
    let proxy = ForwardProxy::to(manager.aws.address);
    // An address of this machine that is not known for one.
    let here = here.replace("127.0.0.1", "0.0.0.0");
    set(
        &mut manager,
        &[("http_proxy", &proxy.url()), ("AWS_ENDPOINT_URL", &here)],
    );
    prepares(&manager);
    let asked = proxy.asked();
    assert!(
        asked
            .iter()
            .all(|line| line.starts_with(&format!("POST {here}"))),
        "{asked:?}"
    );
    let count = asked.len();
    assert!(count > 0);
    for exempt in ["0.0.0.0", "example.com, 0.0.0.0/8", "*"] {
        set(&mut manager, &[("NO_PROXY", exempt)]);
        prepares(&manager);
        assert_eq!(proxy.asked().len(), count, "{exempt}");
    }
}

#[test]
fn a_server_that_nobody_vouches_for_is_refused_at_once() {
    let mut manager = ManagerHost::new(fargate(), SshServer::Agent);
    let authority = PrivateAuthority::new(manager.folder.path());
    let server = authority.before(manager.aws.address);
    let config = std::fs::read_to_string(manager.path("fargate.toml")).unwrap();
    let plain = format!("http://{}", manager.aws.address);
    manager.write_config(&config.replace(&plain, &format!("https://{server}")));
    let begun = Instant::now();
    manager.custom("prepare").exits(22).complains(&[
        &format!(
            "the certificate of {server} is not trusted: invalid peer certificate: UnknownIssuer"
        ),
        "AWS_CA_BUNDLE",
    ]);
    assert!(begun.elapsed() < 10 * SECOND, "{:?}", begun.elapsed());
    manager.left_nothing();

    // With the bundle all is well. A bundle replaces the machine's certificates.
    let bundle = authority.bundle();
    set(&mut manager, &[("AWS_CA_BUNDLE", bundle.to_str().unwrap())]);
    manager.prepare();
    manager.custom("cleanup").exits(0);
    manager.left_nothing();
}

#[test]
fn variables_that_name_no_bundle_and_no_proxy_are_told() {
    let mut manager = ManagerHost::new(fargate(), SshServer::Agent);
    let config = std::fs::read_to_string(manager.path("fargate.toml")).unwrap();
    manager.write_config(&config.replace("http://", "https://"));
    let garbage = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for (content, problem) in [(None, "No such file"), (Some(""), ""), (Some(garbage), "")] {
        let file = manager.path("bundle.pem");
        if let Some(content) = content {
            std::fs::write(&file, content).unwrap();
        }
        set(&mut manager, &[("AWS_CA_BUNDLE", file.to_str().unwrap())]);
        let names = format!(
            "AWS_CA_BUNDLE names {}, which holds no CA certificates",
            file.display()
        );
        manager
            .custom("prepare")
            .exits(22)
            .complains(&[&names, problem, "Correct that variable"]);
    }
    manager.write_config(&config.replace("http://127.0.0.1", "http://0.0.0.0"));
    set(
        &mut manager,
        &[("HTTP_PROXY", "socks5://ci:s3cret@proxy:1080")],
    );
    let outcome = manager.custom("prepare").exits(22).complains(&[
        "HTTP_PROXY is not the URL of an HTTP proxy",
        "Correct that variable",
    ]);
    assert!(!outcome.err().contains("s3cret"), "{}", outcome.err());
    manager.left_nothing();
}

#[test]
fn a_name_that_does_not_resolve_ends_prepare_soon() {
    let by_image = "AgentImage = \"agent\"\nHelperImage = \"helper\"\nDefaultImage = \"debian:12\"\n\
                    ExecutionRole = \"arn:aws:iam::000000000000:role/x\"";
    // The second one is not about credentials.
    for (host, is_job_image) in [
        ("ecs.eu-west-9.invalid", false),
        ("credentials.invalid", false),
        ("ecs.eu-west-9.invalid", true),
    ] {
        let manager = ManagerHost::new(fargate(), SshServer::Agent);
        if is_job_image {
            manager.configure_job_image(by_image, "");
        }
        let config = std::fs::read_to_string(manager.path("fargate.toml")).unwrap();
        let here = format!("http://{}", manager.aws.address);
        // No name below `invalid` ever resolves (RFC 2606).
        manager.write_config(&config.replace(&here, &format!("http://{host}")));
        let begun = Instant::now();
        manager.custom("prepare").exits(22).complains(&[
            &format!("the name {host} does not resolve"),
            "[Fargate] Region",
        ]);
        let took = begun.elapsed();
        assert!(took < SOON, "{took:?}");
        // Nor does cleanup search for a task that no call can have brought.
        let begun = Instant::now();
        manager.custom("cleanup").exits(0);
        assert!(begun.elapsed() < 2 * SECOND, "{:?}", begun.elapsed());
        manager.left_nothing();
    }
}

#[test]
fn no_task_is_searched_for_when_no_connection_was_ever_made() {
    let manager = ManagerHost::new(fargate(), SshServer::Agent);
    let config = std::fs::read_to_string(manager.path("fargate.toml")).unwrap();
    let config = config.replace(&manager.aws.address.to_string(), "127.0.0.1:9");
    manager.write_config(&config.replace("[Fargate]", "[Fargate]\nStartTimeout = \"4s\""));
    let begun = Instant::now();
    manager
        .custom("prepare")
        .exits(22)
        .complains(&["no connection to 127.0.0.1:9: tcp connect error: Connection refused"]);
    let took = begun.elapsed();
    assert!(took > 2 * SECOND && took < 6 * SECOND, "{took:?}");
    manager.left_nothing();
}

#[test]
fn an_outage_at_the_start_is_waited_out() {
    let faults = json!({ "faults": [{ "when": { "operation": "RunTask", "first": 3 }, "effect": "connection_reset" }] });
    let manager = ManagerHost::with_faults(fargate(), SshServer::Agent, &faults);
    manager.prepare();
    manager.custom("cleanup").exits(0);
    manager.left_nothing();
}
