//! OpenSSH's client as a peer: it logs in where the driver does.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;
use testing::ManagerHost;

/// OpenSSH's client with the key and the server of a prepared job.
pub(crate) struct OpenSsh {
    /// Has the key and the server's host key.
    folder: TempDir,
    address: String,
    port: u64,
    username: String,
}

impl OpenSsh {
    /// A client for each job that is prepared.
    pub(crate) fn for_all(manager: &ManagerHost) -> Vec<Self> {
        let records = manager.records();
        records.iter().map(|record| Self::new(record)).collect()
    }

    /// The only place here that knows the form of a job's record.
    fn new(record: &Path) -> Self {
        let record: Value = serde_json::from_slice(&std::fs::read(record).unwrap()).unwrap();
        let login = &record["login"];
        let text = |key: &str| login[key].as_str().unwrap().to_owned();
        let client = Self {
            folder: tempfile::tempdir().unwrap(),
            address: text("address"),
            port: login["port"].as_u64().unwrap(),
            username: text("username"),
        };
        let key = client.folder.path().join("key");
        std::fs::write(&key, text("private_key")).unwrap();
        std::fs::set_permissions(&key, PermissionsExt::from_mode(0o600)).unwrap();
        let known = format!(
            "[{}]:{} {}\n",
            client.address,
            client.port,
            text("host_key")
        );
        std::fs::write(client.folder.path().join("known_hosts"), known).unwrap();
        client
    }

    /// Runs the script on its standard input.
    pub(crate) fn command(&self) -> Command {
        let folder = self.folder.path();
        let known = format!(
            "UserKnownHostsFile={}",
            folder.join("known_hosts").display()
        );
        let mut command = Command::new("/usr/bin/ssh");
        command
            .args(["-F", "none", "-o", "BatchMode=yes"])
            .args(["-o", "IdentitiesOnly=yes", "-o", &known, "-i"])
            .arg(folder.join("key"))
            .args(["-p", &self.port.to_string(), "-l", &self.username])
            .args([&self.address, "bash"])
            .env("PATH", "/usr/bin:/bin")
            .env("HOME", folder);
        command
    }
}
