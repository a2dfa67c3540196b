//! A registry of a test's own: Debian's `docker-registry`, ended with it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// The same password for the user of [`DockerRegistry::LOGIN`] and for ECR's, by bcrypt, which is all that it accepts.
const HTPASSWD: &str = "pusher:$2b$04$P4bvA9zv8Zqz9atoc8DMq.w/mCT/iKHN6dTs2jGklClEBNwMsxBHm\n\
                        AWS:$2b$04$P4bvA9zv8Zqz9atoc8DMq.w/mCT/iKHN6dTs2jGklClEBNwMsxBHm\n";

/// A registry of a test's own, ended when dropped.
pub struct DockerRegistry {
    /// Where it answers.
    pub address: SocketAddr,
    process: Child,
}

impl DockerRegistry {
    /// User and password of a closed registry, as Base64 of `user:password`.
    pub const LOGIN: &str = "cHVzaGVyOnMzY3JldA==";
    /// As [`Self::LOGIN`], with another password.
    pub const WRONG_LOGIN: &str = "cHVzaGVyOndyb25n";

    /// Starts a registry that serves everybody, with its files in `folder`.
    pub fn open(folder: &Path) -> Self {
        Self::start(folder, "", "")
    }

    /// Starts a registry that requires [`Self::LOGIN`].
    pub fn closed(folder: &Path) -> Self {
        Self::closed_with(folder, "")
    }

    /// Starts a registry that requires [`Self::LOGIN`], with more settings of `http`.
    pub fn closed_with(folder: &Path, http: &str) -> Self {
        let passwords = folder.join("htpasswd");
        std::fs::write(&passwords, HTPASSWD).unwrap();
        let auth = format!("auth: {{ htpasswd: {{ realm: test, path: {passwords:?} }} }}\n");
        Self::start(folder, &auth, http)
    }

    /// Starts a registry with more settings, and more of them in `http`.
    fn start(folder: &Path, settings: &str, http: &str) -> Self {
        let text = format!(
            "version: 0.1\nlog: {{ level: info }}\nstorage: {{ filesystem: {{ rootdirectory: {:?} }} }}\n\
             http: {{ addr: \"127.0.0.1:0\"{http} }}\n{settings}",
            folder.join("storage")
        );
        let file = folder.join("registry.yml");
        std::fs::write(&file, text).unwrap();
        let mut process = Command::new("docker-registry")
            .arg("serve")
            .arg(file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("docker-registry is missing; ./test at the root of the repository installs it");
        let mut log = BufReader::new(process.stderr.take().unwrap());
        let mut read = String::new();
        let address = loop {
            let mut line = String::new();
            let count = log.read_line(&mut line).unwrap();
            assert!(count > 0, "the registry ended: {read}");
            if let Some((_, rest)) = line.split_once("listening on ") {
                break rest.split([',', '"']).next().unwrap().parse().unwrap();
            }
            read.push_str(&line);
        };
        // Reads the rest, so that the registry never waits for a reader.
        std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
        Self { address, process }
    }

    /// The full name of one of its repositories.
    pub fn name(&self, repository: &str) -> String {
        format!("{}/{repository}", self.address)
    }

    /// The digest that it has for a tag.
    pub fn digest(&self, repository: &str, tag: &str) -> String {
        let mut stream = TcpStream::connect(self.address).unwrap();
        write!(
            stream,
            "HEAD /v2/{repository}/manifests/{tag} HTTP/1.0\r\nHost: {}\r\nAccept: application/vnd.oci.image.manifest.v1+json\r\n\
             Accept: application/vnd.docker.distribution.manifest.v2+json\r\n\r\n",
            self.address
        )
        .unwrap();
        let mut reply = String::new();
        stream.read_to_string(&mut reply).unwrap();
        let digest = reply
            .lines()
            .find_map(|line| line.strip_prefix("Docker-Content-Digest: "));
        digest
            .unwrap_or_else(|| panic!("no digest in {reply}"))
            .to_owned()
    }
}

impl Drop for DockerRegistry {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}
