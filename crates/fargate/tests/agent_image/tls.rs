//! `fargate agent push` to registries elsewhere: over TLS, and to ECR with the account's credentials. The names of
//! such registries lead to one of this machine through a proxy, as the environment tells of one.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::Command;

use testing::DockerRegistry;

use crate::program::binary;
use crate::{Desk, fails, succeeds};

const ECR: &str = "000000000000.dkr.ecr.eu-west-1.amazonaws.com";

/// Base64 of `AWS:s3cret`: ECR's user is always called so.
const ECR_TOKEN: &str = "QVdTOnMzY3JldA==";

/// A proxy that connects whoever asks for anything with `to`. It ends with the tests.
fn proxy(to: SocketAddr) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let mut client = client.unwrap();
            assert!(head(&mut client).starts_with("CONNECT "));
            let server = TcpStream::connect(to).unwrap();
            client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
            pass(client.try_clone().unwrap(), server.try_clone().unwrap());
            pass(server, client);
        }
    });
    format!("http://{address}")
}

/// Passes on what comes, and its end, for as long as both sides are there.
fn pass(mut from: TcpStream, mut to: TcpStream) {
    std::thread::spawn(move || {
        drop(std::io::copy(&mut from, &mut to));
        drop(to.shutdown(Shutdown::Write));
    });
}

/// The head of a request.
fn head(stream: &mut TcpStream) -> String {
    let mut read = Vec::new();
    while !read.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        read.extend(byte);
    }
    String::from_utf8(read).unwrap()
}

/// An API that answers one call, GetAuthorizationToken in the right region, with `status` and `body`.
fn ecr_api(status: &'static str, body: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let mut client = client.unwrap();
            let request = head(&mut client).to_lowercase();
            let wanted = [
                "x-amz-target: amazonec2containerregistry_v20150921.getauthorizationtoken\r\n",
                "/eu-west-1/ecr/aws4_request,",
            ];
            let (status, body) = if wanted.iter().all(|part| request.contains(part)) {
                (status, body.as_str())
            } else {
                (
                    "400 Bad Request",
                    "{\"__type\":\"UnknownOperationException\"}",
                )
            };
            let length = body.len();
            let reply = format!(
                "HTTP/1.1 {status}\r\nContent-Type: application/x-amz-json-1.1\r\nConnection: close\r\n\
                 Content-Length: {length}\r\n\r\n{body}"
            );
            client.write_all(reply.as_bytes()).unwrap();
        }
    });
    format!("http://{address}")
}

impl Desk {
    /// A registry with a certificate for `name`, in `cert.pem`.
    fn secure_registry(&self, name: &str) -> DockerRegistry {
        let mut openssl = Command::new("openssl");
        openssl
            .args([
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
                "-nodes",
            ])
            .args([
                "-days", "2", "-subj", "/CN=test", "-keyout", "key.pem", "-out", "cert.pem",
            ])
            .args(["-addext", "basicConstraints=critical,CA:FALSE"])
            .args(["-addext", &format!("subjectAltName=DNS:{name}")])
            .current_dir(self.folder.path());
        succeeds(openssl);
        let tls = format!(
            ", tls: {{ certificate: {:?}, key: {:?} }}",
            self.path("cert.pem"),
            self.path("key.pem")
        );
        DockerRegistry::closed_with(self.folder.path(), &tls)
    }

    /// A push to a name elsewhere that `proxy` leads to a registry.
    fn push_through(&self, proxy: &str, arguments: &[&str]) -> Command {
        let program = self.amd64();
        let arguments = [&["push"], &binary(&program)[..], arguments].concat();
        // Tests without a certificate of their own have the machine's.
        let certificate = self.path("cert.pem");
        let trusted = certificate
            .exists()
            .then_some(("SSL_CERT_FILE", certificate));
        let mut command = self.agent(&arguments);
        command
            .env("HTTPS_PROXY", proxy)
            .envs(trusted)
            .env("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
            .env("AWS_SECRET_ACCESS_KEY", "secret-aws-key");
        command
    }
}

#[test]
fn ecr_is_logged_in_to_with_the_accounts_credentials() {
    let desk = Desk::new();
    let registry = desk.secure_registry(ECR);
    let token = serde_json::json!({ "authorizationData": [{ "authorizationToken": ECR_TOKEN, "expiresAt": 1.8e9,
        "proxyEndpoint": format!("https://{ECR}") }] });
    let destination = format!("{ECR}/fargate-agent");
    let mut push = desk.push_through(&proxy(registry.address), &[&destination]);
    push.env("AWS_ENDPOINT_URL_ECR", ecr_api("200 OK", token.to_string()));
    let reference = succeeds(push);
    assert!(
        reference.starts_with(&format!("{destination}@sha256:")),
        "{reference}"
    );
    // It is there.
    let (_, digest) = reference.split_once('@').unwrap();
    let stored = desk
        .path("storage/docker/registry/v2/repositories/fargate-agent/_manifests/revisions/sha256");
    assert!(
        stored
            .join(digest.strip_prefix("sha256:").unwrap())
            .is_dir()
    );
}

#[test]
fn a_missing_permission_for_ecr_is_named() {
    let desk = Desk::new();
    let denied = "User: arn:aws:iam::000000000000:user/ci is not authorized to perform: ecr:GetAuthorizationToken on \
                  resource: * because no identity-based policy allows the ecr:GetAuthorizationToken action";
    let body =
        serde_json::json!({ "__type": "AccessDeniedException", "Message": denied }).to_string();
    let mut push = desk.push_through("http://127.0.0.1:1", &[&format!("{ECR}/fargate-agent")]);
    push.env("AWS_ENDPOINT_URL_ECR", ecr_api("400 Bad Request", body));
    let errors = fails(push, 1);
    assert!(
        errors.contains("AWS refused ecr:GetAuthorizationToken"),
        "{errors}"
    );
    assert!(
        errors.contains("Allow ecr:GetAuthorizationToken"),
        "{errors}"
    );
}

#[test]
fn a_certificate_that_nobody_vouches_for_is_not_trusted() {
    let desk = Desk::new();
    let registry = desk.secure_registry("registry.example.com");
    let proxy = proxy(registry.address);
    desk.write_login(
        ".docker/config.json",
        "registry.example.com",
        DockerRegistry::LOGIN,
    );
    desk.write_login(
        ".docker/config.json",
        "other.example.com",
        DockerRegistry::LOGIN,
    );
    let mut unknown = desk.push_through(&proxy, &["registry.example.com/agent"]);
    unknown.env_remove("SSL_CERT_FILE");
    let other = desk.push_through(&proxy, &["other.example.com/agent"]);
    for push in [unknown, other] {
        let errors = fails(push, 1);
        assert!(errors.contains("certificate"), "{errors}");
        assert!(errors.contains("SSL_CERT_FILE"), "{errors}");
    }
}

#[test]
fn plain_http_is_spoken_elsewhere_only_when_asked_for() {
    let desk = Desk::new();
    let registry = DockerRegistry::open(desk.folder.path());
    let errors = fails(
        desk.push_through(&proxy(registry.address), &["registry.example.com/agent"]),
        1,
    );
    assert!(errors.contains("--insecure"), "{errors}");

    let mut push = desk.push_through("", &["--insecure", "registry.example.com/agent"]);
    // A registry answers what is asked of a proxy as if it were asked itself.
    push.env("HTTP_PROXY", format!("http://{}", registry.address));
    let reference = succeeds(push);
    assert!(
        reference.starts_with("registry.example.com/agent@sha256:"),
        "{reference}"
    );
}

#[test]
fn a_machine_that_trusts_nobody_is_told_what_it_lacks() {
    let desk = Desk::new();
    let mut push = desk.push_through("", &["registry.example.com/agent"]);
    push.env("SSL_CERT_FILE", "/nonexistent");
    let errors = fails(push, 1);
    assert!(
        errors.contains("install the package ca-certificates"),
        "{errors}"
    );
}
