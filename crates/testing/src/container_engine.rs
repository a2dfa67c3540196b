//! The container engine that tests run in: Docker where a daemon answers, else a Podman of the tests' own.

use std::ffi::OsStr;
use std::fs::File;
use std::net::SocketAddr;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Settings for the Podman started here. They also work without crun, systemd's cgroups and high limits.
const PODMAN_CONF: &str = "[containers]\ndefault_ulimits = [\"nofile=1024:1024\", \"nproc=4096:4096\"]\n\
    [engine]\nruntime = \"runc\"\ncgroup_manager = \"cgroupfs\"\n[network]\nnetwork_backend = \"netavark\"\n";

/// How long Podman's service may take to answer on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Podman's service ends by itself after so many idle seconds.
const IDLE: u32 = 20;

/// Docker where a daemon answers, else a Podman of the tests' own.
pub struct ContainerEngine {
    /// The socket on which it answers the Docker API.
    pub socket: PathBuf,
    program: &'static str,
    arguments: Vec<PathBuf>,
    folder: PathBuf,
    configuration: Option<PathBuf>,
}

fn docker(folder: &Path) -> Option<ContainerEngine> {
    let answers = Command::new("docker")
        .arg("info")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if !answers.is_ok_and(|status| status.success()) {
        return None;
    }
    let host = std::env::var("DOCKER_HOST").unwrap_or_default();
    let socket = host
        .strip_prefix("unix://")
        .unwrap_or("/var/run/docker.sock");
    Some(ContainerEngine {
        socket: socket.into(),
        program: "docker",
        arguments: Vec::new(),
        folder: folder.to_owned(),
        configuration: None,
    })
}

/// Podman with images and containers in a folder of its own.
fn podman(folder: &Path) -> ContainerEngine {
    let home = folder.join("podman");
    std::fs::create_dir_all(&home).unwrap();
    let configuration = home.join("containers.conf");
    std::fs::write(&configuration, PODMAN_CONF).unwrap();
    // The path of a socket has to be short.
    let socket = std::env::temp_dir().join(format!("fargate-test-{}.sock", std::process::id()));
    ContainerEngine {
        socket,
        program: "podman",
        arguments: vec![
            "--root".into(),
            home.join("storage"),
            "--runroot".into(),
            home.join("run"),
        ],
        folder: folder.to_owned(),
        configuration: Some(configuration),
    }
}

impl ContainerEngine {
    /// Starts the engine, with the images that `make` makes. `folder` (`CARGO_TARGET_TMPDIR`) is for what a Podman
    /// keeps from run to run.
    pub fn start(folder: &Path, make: impl FnOnce(&Self)) -> Self {
        let engine = docker(folder).unwrap_or_else(|| podman(folder));
        // Before Podman's service begins, which ends when it is idle.
        make(&engine);
        if engine.configuration.is_some() {
            engine.serve(&engine.socket, None);
        }
        engine
    }

    fn command(&self, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Command {
        let mut command = Command::new(self.program);
        command.args(&self.arguments).args(arguments);
        if let Some(file) = &self.configuration {
            command.env("CONTAINERS_CONF", file);
        }
        command
    }

    /// Starts Podman's service, with this configuration of registries.
    fn serve(&self, socket: &Path, registries: Option<&Path>) {
        let log = socket.with_extension("log");
        let file = File::create(&log).unwrap();
        let mut command = self.command(["system", "service", &format!("--time={IDLE}")]);
        command.arg(format!("unix://{}", socket.display()));
        if let Some(registries) = registries {
            command.env("CONTAINERS_REGISTRIES_CONF", registries);
        }
        let mut service = command
            // Where a container runs out of memory, its monitor leaves a file in the working directory.
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            .stdout(file.try_clone().unwrap())
            .stderr(file)
            .spawn()
            .expect("no Docker daemon answers, and podman cannot be started; ./test at the root of the repository installs it");
        let deadline = Instant::now() + PATIENCE;
        loop {
            assert!(
                service.try_wait().unwrap().is_none() && Instant::now() < deadline,
                "Podman's service does not answer (it has to run as root): {}",
                std::fs::read_to_string(&log).unwrap()
            );
            if UnixStream::connect(socket).is_ok() {
                break;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        std::fs::remove_file(&log).unwrap();
    }

    /// A socket of the same engine, which reaches this registry of this machine without TLS. Docker always does.
    pub fn for_registry(&self, registry: SocketAddr, folder: &Path) -> PathBuf {
        if self.configuration.is_none() {
            return self.socket.clone();
        }
        let file = folder.join("registries.conf");
        let text = format!("[[registry]]\nlocation = \"{registry}\"\ninsecure = true\n");
        std::fs::write(&file, text).unwrap();
        let socket = folder.join("podman.sock");
        self.serve(&socket, Some(&file));
        socket
    }

    /// Publishes an image of this root file system in a registry of this machine. The engine does not keep it.
    pub fn publish(&self, name: &str, archive: &Path) {
        let archive = archive.to_str().unwrap();
        self.run(&[
            "import",
            "--change",
            &format!("LABEL made-for={name}"),
            archive,
            name,
        ]);
        if self.configuration.is_some() {
            self.run(&["push", "--tls-verify=false", name]);
        } else {
            self.run(&["push", name]);
        }
        self.run(&["rmi", name]);
    }

    /// Runs the engine's own command and returns its output.
    pub fn run(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments).output().unwrap();
        assert!(
            output.status.success(),
            "{arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    }

    /// Whether the engine has an image of this name.
    pub fn has(&self, name: &str) -> bool {
        let mut command = self.command(["image", "inspect", name]);
        command.output().unwrap().status.success()
    }

    /// Loads the image of an archive in OCI's form under this name.
    pub fn load(&self, archive: &Path, name: &str) {
        let archive = archive.to_str().unwrap();
        if self.configuration.is_some() {
            let output = self.run(&["load", "--input", archive]);
            let loaded = output.trim().rsplit(": ").next().unwrap();
            self.run(&["tag", loaded, name]);
        } else {
            // Only recent versions of Docker know this form.
            let (from, to) = (
                format!("oci-archive:{archive}"),
                format!("docker-daemon:{name}:latest"),
            );
            let skopeo = Command::new("skopeo")
                .args(["copy", "--quiet", &from, &to])
                .output()
                .expect("skopeo is missing; ./test at the root of the repository installs it");
            assert!(
                skopeo.status.success(),
                "{}",
                String::from_utf8_lossy(&skopeo.stderr)
            );
        }
    }

    /// Makes an image of a root file system, labelled with this architecture.
    pub fn import_for(&self, architecture: &str, archive: &Path, name: &str) {
        let archive = archive.to_str().unwrap();
        if self.configuration.is_some() {
            self.run(&["import", "--arch", architecture, archive, name]);
        } else {
            let platform = format!("linux/{architecture}");
            self.run(&["import", "--platform", &platform, archive, name]);
        }
    }

    /// Makes an image of a root file system, with these changes to its configuration.
    pub fn import(&self, archive: &Path, changes: &[&str], name: &str) {
        let mut arguments = vec!["import"];
        for change in changes {
            arguments.extend(["--change", change]);
        }
        arguments.extend([archive.to_str().unwrap(), name]);
        self.run(&arguments);
    }

    /// Names of the containers and volumes that have a label, running or not.
    pub fn labelled(&self, label: &str) -> Vec<String> {
        let filter = format!("label={label}");
        let containers = ["ps", "--all", "--filter", &filter, "--format", "{{.Names}}"];
        let volumes = ["volume", "ls", "--filter", &filter, "--format", "{{.Name}}"];
        let names = self.list(&containers) + &self.list(&volumes);
        names.lines().map(str::to_owned).collect()
    }

    /// Runs a command that lists things. Podman's fails when one of them is removed meanwhile.
    fn list(&self, arguments: &[&str]) -> String {
        for _ in 0..10 {
            let output = self.command(arguments).output().unwrap();
            let complaint = String::from_utf8_lossy(&output.stderr);
            if output.status.success() || !complaint.contains("no such") {
                assert!(output.status.success(), "{arguments:?}: {complaint}");
                return String::from_utf8(output.stdout).unwrap();
            }
        }
        self.run(arguments)
    }
}
