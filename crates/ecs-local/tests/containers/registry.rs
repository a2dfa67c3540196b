//! A registry of a test's own: Debian's `docker-registry`.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A registry of a test's own, ended with it.
pub(crate) struct Registry {
    pub(crate) address: SocketAddr,
    process: Child,
}

impl Registry {
    pub(crate) fn start(folder: &Path) -> Self {
        let text = format!(
            "version: 0.1\nlog: {{ level: info }}\nstorage: {{ filesystem: {{ rootdirectory: {:?} }} }}\nhttp: {{ addr: \"127.0.0.1:0\" }}\n",
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
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let listening = lines
            .find_map(|line| Some(line.unwrap().split_once("listening on ")?.1.to_owned()))
            .expect("the registry ended");
        // Reads on, so that the registry never waits for a reader.
        std::thread::spawn(move || lines.for_each(drop));
        let address = listening.split([',', '"']).next().unwrap().parse().unwrap();
        Self { address, process }
    }

    /// The digest it has for a tag.
    pub(crate) fn digest(&self, repository: &str, tag: &str) -> String {
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

impl Drop for Registry {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}
