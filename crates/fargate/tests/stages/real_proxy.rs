//! A proxy that no one here wrote: Debian's tinyproxy, on loopback.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use testing::{SECOND, wait_until};

use crate::endpoints::{prepares, set, without_endpoint};
use crate::forward_proxy::PrivateAuthority;

/// A running tinyproxy, ended when dropped.
struct TinyProxy {
    process: Child,
    port: u16,
    log: PathBuf,
}

impl TinyProxy {
    /// Starts one with its files in a folder, and these lines of configuration.
    fn start(folder: &Path, more: &str) -> Self {
        // Free a moment ago: tinyproxy cannot choose.
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let (file, log) = (folder.join("tinyproxy.conf"), folder.join("tinyproxy.log"));
        let text = format!(
            "Port {port}\nListen 127.0.0.1\nTimeout 600\nMaxClients 100\nLogLevel Connect\nLogFile {:?}\n{more}\n",
            log.display()
        );
        std::fs::write(&file, text).unwrap();
        let process = Command::new("tinyproxy")
            .arg("-dc")
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .expect("tinyproxy is missing; ./test at the root of the repository installs it");
        wait_until("tinyproxy listens", || {
            std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()
        });
        Self { process, port, log }
    }

    fn url(&self, login: &str) -> String {
        format!("http://{login}127.0.0.1:{}", self.port)
    }

    /// How many requests with these words it has logged.
    fn requests(&self, words: &str) -> usize {
        std::fs::read_to_string(&self.log)
            .unwrap()
            .matches(words)
            .count()
    }
}

impl Drop for TinyProxy {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

#[test]
fn jobs_run_through_a_real_proxy_that_wants_a_password() {
    let (mut manager, here) = without_endpoint();
    let authority = PrivateAuthority::new(manager.folder.path());
    let proxy = TinyProxy::start(manager.folder.path(), "BasicAuth ci s3cret");
    // An address of this machine that is not known for one.
    let server = authority.before(manager.aws.address).port();
    let tls = format!("https://0.0.0.0:{server}");
    let bundle = authority.bundle().to_str().unwrap().to_owned();
    for (variable, endpoint, request) in [
        (
            "HTTPS_PROXY",
            tls.clone(),
            format!("CONNECT 0.0.0.0:{server} HTTP/1.1"),
        ),
        (
            "HTTP_PROXY",
            here.replace("127.0.0.1", "0.0.0.0"),
            "POST http://0.0.0.0:".to_owned(),
        ),
    ] {
        set(
            &mut manager,
            &[
                (variable, &proxy.url("ci:s3cret@")),
                ("AWS_ENDPOINT_URL", &endpoint),
                ("AWS_CA_BUNDLE", &bundle),
            ],
        );
        prepares(&manager);
        assert!(proxy.requests(&request) > 0, "{request}");
    }

    // tinyproxy answers 407 to those who give no password, and 401 to those who give a wrong one.
    let config = std::fs::read_to_string(manager.path("fargate.toml")).unwrap();
    for (login, timeout, told) in [
        (
            "",
            "20s",
            ["no way to", "Put the proxy's user and password"],
        ),
        (
            "ci:wrong@",
            "2s",
            ["no connection to", "the user and password in HTTPS_PROXY"],
        ),
    ] {
        manager.write_config(&config.replace("\"20s\"", &format!("{timeout:?}")));
        set(
            &mut manager,
            &[
                ("HTTPS_PROXY", &proxy.url(login)),
                ("AWS_ENDPOINT_URL", &tls),
            ],
        );
        let begun = Instant::now();
        let [way, advice] = told;
        manager.custom("prepare").exits(22).complains(&[
            &format!("{way} 0.0.0.0:{server} through the proxy 127.0.0.1:"),
            advice,
        ]);
        assert!(begun.elapsed() < 15 * SECOND, "{:?}", begun.elapsed());
        manager.left_nothing();
    }
}

#[test]
fn what_a_real_proxy_answers_in_place_of_aws_is_told() {
    let (mut manager, here) = without_endpoint();
    let allowed = manager.path("allowed");
    std::fs::write(&allowed, "^0\\.0\\.0\\.0$\n").unwrap();
    let filter = format!(
        "Filter {:?}\nFilterDefaultDeny Yes\nFilterExtended Yes",
        allowed.display()
    );
    let proxy = TinyProxy::start(manager.folder.path(), &filter);
    let config = std::fs::read_to_string(manager.path("fargate.toml")).unwrap();
    manager.write_config(&config.replace("\"20s\"", "\"2s\""));
    let port = here.rsplit(':').next().unwrap();
    for (endpoint, told) in [
        // Nothing listens there.
        ("http://0.0.0.0:9".to_owned(), "HTTP status 500, text/html"),
        // It may not be asked for.
        (
            format!("http://forbidden.invalid:{port}"),
            "HTTP status 403, text/html",
        ),
    ] {
        set(
            &mut manager,
            &[
                ("HTTP_PROXY", &proxy.url("")),
                ("AWS_ENDPOINT_URL", &endpoint),
            ],
        );
        let begun = Instant::now();
        manager
            .custom("prepare")
            .exits(22)
            .complains(&[told, "such as a proxy"]);
        assert!(begun.elapsed() < 25 * SECOND, "{:?}", begun.elapsed());
    }
}
