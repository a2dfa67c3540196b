//! A registry of a test's own: Debian's `docker-registry`, ended with it.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use crate::Desk;

/// User and password that a closed registry lets in, as Base64 of `user:password`.
pub(crate) const LOGIN: &str = "cHVzaGVyOnMzY3JldA==";
/// As LOGIN, with another password.
pub(crate) const WRONG_LOGIN: &str = "cHVzaGVyOndyb25n";
/// The same password for the user of LOGIN and for ECR's, by bcrypt, which is all that the registry takes.
const HTPASSWD: &str = "pusher:$2b$04$P4bvA9zv8Zqz9atoc8DMq.w/mCT/iKHN6dTs2jGklClEBNwMsxBHm\n\
                        AWS:$2b$04$P4bvA9zv8Zqz9atoc8DMq.w/mCT/iKHN6dTs2jGklClEBNwMsxBHm\n";

pub(crate) struct Registry {
    pub(crate) address: SocketAddr,
    process: Child,
}

impl Registry {
    /// One that takes everything.
    pub(crate) fn open(desk: &Desk) -> Self {
        Self::start(desk, "", "")
    }

    /// One that wants [`LOGIN`].
    pub(crate) fn closed(desk: &Desk) -> Self {
        Self::closed_with(desk, "")
    }

    /// One that wants [`LOGIN`], with more settings of `http`.
    pub(crate) fn closed_with(desk: &Desk, http: &str) -> Self {
        std::fs::write(desk.path("htpasswd"), HTPASSWD).unwrap();
        let auth = format!(
            "auth: {{ htpasswd: {{ realm: test, path: {:?} }} }}\n",
            desk.path("htpasswd")
        );
        Self::start(desk, &auth, http)
    }

    /// One with more settings, and more of them in `http`.
    fn start(desk: &Desk, settings: &str, http: &str) -> Self {
        let text = format!(
            "version: 0.1\nlog: {{ level: info }}\nstorage: {{ filesystem: {{ rootdirectory: {:?} }} }}\n\
             http: {{ addr: \"127.0.0.1:0\"{http} }}\n{settings}",
            desk.path("storage")
        );
        std::fs::write(desk.path("registry.yml"), text).unwrap();
        let mut process = Command::new("docker-registry")
            .arg("serve")
            .arg(desk.path("registry.yml"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("docker-registry is needed: ./test installs it");
        let mut log = BufReader::new(process.stderr.take().unwrap());
        let mut said = String::new();
        let address = loop {
            let mut line = String::new();
            assert!(
                log.read_line(&mut line).unwrap() > 0,
                "the registry ended: {said}"
            );
            if let Some((_, rest)) = line.split_once("listening on ") {
                break rest.split([',', '"']).next().unwrap().parse().unwrap();
            }
            said.push_str(&line);
        };
        // Reads the rest, so that the registry never waits for a reader.
        std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
        Self { address, process }
    }

    pub(crate) fn name(&self, repository: &str) -> String {
        format!("{}/{repository}", self.address)
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}
