//! `fargate agent push` to registries that take everything.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::Command;

use testing::DockerRegistry;

use crate::program::binary;
use crate::{Desk, fails, inspect, succeeds};

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The arguments of a push of these programs.
fn push<'a>(programs: &[&'a std::path::Path], destination: &'a str) -> Vec<&'a str> {
    let mut arguments = vec!["push"];
    arguments.extend(programs.iter().flat_map(|program| binary(program)));
    arguments.push(destination);
    arguments
}

/// An image in a registry that speaks plain HTTP.
fn pulled(name: &str, options: &[&str]) -> serde_json::Value {
    let options: Vec<_> = [options, &["--tls-verify=false"]].concat();
    inspect(&format!("docker://{name}"), &options)
}

#[test]
fn what_is_pushed_is_what_is_written() {
    let desk = Desk::new();
    let registry = DockerRegistry::open(desk.folder.path());
    let program = desk.amd64();
    let repository = registry.name("ci/fargate-agent");
    let reference = succeeds(desk.agent(&push(&[&program], &repository)));
    let mut arguments = vec!["image", "--output", "image.tar"];
    arguments.extend(binary(&program));
    let digest = succeeds(desk.agent(&arguments));
    assert_eq!(reference, format!("{repository}@{digest}"));

    // Under the digest and under the version, whole.
    for name in [reference, format!("{repository}:{VERSION}")] {
        let image = pulled(&name, &[]);
        assert_eq!(image["Digest"], digest.as_str());
        let mut copy = Command::new("skopeo");
        copy.args(["copy", "--src-tls-verify=false"])
            .arg(format!("docker://{name}"))
            .arg(format!("oci-archive:{}", desk.path("pulled.tar").display()));
        succeeds(copy);
        std::fs::remove_file(desk.path("pulled.tar")).unwrap();
    }
}

#[test]
fn what_is_there_is_not_sent_again() {
    let desk = Desk::new();
    let registry = DockerRegistry::open(desk.folder.path());
    let program = desk.amd64();
    let sent = |name: &str| {
        let output = desk
            .agent(&push(&[&program], &registry.name(name)))
            .output()
            .unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    let size = std::fs::metadata(&program).unwrap().len();
    let bytes = |text: &str| -> u64 {
        let (before, _) = text.split_once(" bytes sent").unwrap();
        before.rsplit('(').next().unwrap().parse().unwrap()
    };
    assert!(bytes(&sent("agent:one")) > size);
    assert!(
        bytes(&sent("agent:two")) < 1000,
        "only the manifest has a new name"
    );
    let again = sent("agent:two");
    assert!(again.contains("has the agent for amd64 already"), "{again}");
}

#[test]
fn several_architectures_are_pushed_under_one_name() {
    let desk = Desk::new();
    let registry = DockerRegistry::open(desk.folder.path());
    let (amd64, arm64) = (desk.amd64(), desk.arm64());
    let name = registry.name("agent:1.0");
    let reference = succeeds(desk.agent(&push(&[&arm64, &amd64], &name)));
    let (_, digest) = reference.split_once('@').unwrap();
    let index = pulled(&name, &["--raw"]);
    assert_eq!(index["manifests"].as_array().unwrap().len(), 2);
    for architecture in ["amd64", "arm64"] {
        let mut skopeo = Command::new("skopeo");
        skopeo
            .args([
                "--override-arch",
                architecture,
                "inspect",
                "--tls-verify=false",
            ])
            .arg(format!("docker://{}@{digest}", registry.name("agent")));
        let image: serde_json::Value = serde_json::from_str(&succeeds(skopeo)).unwrap();
        assert_eq!(image["Architecture"], architecture);
    }
}

#[test]
fn a_registry_that_does_not_answer_is_named() {
    let desk = Desk::new();
    let program = desk.amd64();
    // Bound and never listening, as it were: the address is nobody else's, and refuses.
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket
        .bind(
            &"127.0.0.1:0"
                .parse::<std::net::SocketAddr>()
                .unwrap()
                .into(),
        )
        .unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    let errors = fails(
        desk.agent(&push(&[&program], &format!("{address}/agent"))),
        1,
    );
    assert!(
        errors.contains(&format!("no answer from the registry {address}")),
        "{errors}"
    );
    assert!(errors.contains("refused"), "{errors}");
    assert!(errors.contains("Check the registry's name"), "{errors}");
}

#[test]
fn what_is_no_registry_is_shown() {
    let desk = Desk::new();
    let program = desk.amd64();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    // Ends with the tests; how many connections the client makes is its own business.
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = [0; 4096];
            assert!(stream.read(&mut request).unwrap() > 0);
            let page = "<h1>No such page</h1>";
            let reply = format!(
                "HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{page}",
                page.len()
            );
            stream.write_all(reply.as_bytes()).unwrap();
        }
    });
    let name = format!("{address}/agent");
    let errors = fails(desk.agent(&push(&[&program], &name)), 1);
    assert!(
        errors.contains(&format!("could not push to {name}")),
        "{errors}"
    );
    assert!(errors.contains("No such page"), "{errors}");
    assert!(errors.contains("Check the repository's name"), "{errors}");
}

#[test]
fn places_that_are_none_are_refused_before_anything_is_sent() {
    let desk = Desk::new();
    let program = desk.amd64();
    let pinned = format!("127.0.0.1:1/agent@sha256:{}", "0".repeat(64));
    for destination in ["127.0.0.1:1/Agent", "127.0.0.1:1/agent:", &pinned] {
        let errors = fails(desk.agent(&push(&[&program], destination)), 2);
        assert!(errors.contains("is not a valid image name"), "{errors}");
    }
}
