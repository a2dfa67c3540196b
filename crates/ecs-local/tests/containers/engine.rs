//! The container engine the tests run in: Docker where a daemon answers, else a Podman of the tests' own.

use std::ffi::OsStr;
use std::fs::File;
use std::net::SocketAddr;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use crate::stand_in::wait_until;

/// Busybox and nothing else, with the account `ci`.
pub(crate) const BUSYBOX: &str = "fargate-test/busybox";
/// The same, which by itself says `entry cmd`.
pub(crate) const ECHO: &str = "fargate-test/echo";
/// The same, which wants to be stopped with SIGUSR1.
pub(crate) const USR1: &str = "fargate-test/usr1";

/// Settings that also work where crun, systemd's cgroups or high limits are not to be had. They are only for the Podman
/// started here.
const PODMAN_CONF: &str = "[containers]\ndefault_ulimits = [\"nofile=1024:1024\", \"nproc=4096:4096\"]\n\
    [engine]\nruntime = \"runc\"\ncgroup_manager = \"cgroupfs\"\n[network]\nnetwork_backend = \"netavark\"\n";

/// How many idle seconds after the last test Podman's service ends by itself.
const IDLE: u32 = 20;

pub(crate) struct Engine {
    pub(crate) socket: PathBuf,
    program: &'static str,
    arguments: Vec<PathBuf>,
    configuration: Option<PathBuf>,
}

/// The one engine of all tests, with the images in it.
pub(crate) fn engine() -> &'static Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    ENGINE.get_or_init(|| {
        let engine = docker().unwrap_or_else(podman);
        engine.import_images();
        engine
    })
}

fn docker() -> Option<Engine> {
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
    Some(Engine {
        socket: socket.into(),
        program: "docker",
        arguments: Vec::new(),
        configuration: None,
    })
}

/// Podman with images and containers in a folder of its own, which stays from run to run.
fn podman() -> Engine {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("podman");
    std::fs::create_dir_all(&folder).unwrap();
    let configuration = folder.join("containers.conf");
    std::fs::write(&configuration, PODMAN_CONF).unwrap();
    // The path of a socket has to be short.
    let socket = std::env::temp_dir().join(format!("fargate-test-{}.sock", std::process::id()));
    let engine = Engine {
        socket,
        program: "podman",
        arguments: vec![
            "--root".into(),
            folder.join("storage"),
            "--runroot".into(),
            folder.join("run"),
        ],
        configuration: Some(configuration),
    };
    engine.serve(&engine.socket, None);
    engine
}

impl Engine {
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
            .stdin(Stdio::null())
            .stdout(file.try_clone().unwrap())
            .stderr(file)
            .spawn()
            .expect("there is no Docker daemon, and podman cannot be started; ./test at the root of the repository installs it");
        wait_until("Podman's service answers", || {
            assert!(
                service.try_wait().unwrap().is_none(),
                "Podman's service ended (it has to run as root): {}",
                std::fs::read_to_string(&log).unwrap()
            );
            UnixStream::connect(socket).is_ok()
        });
        std::fs::remove_file(&log).unwrap();
    }

    /// A socket of the same engine, which asks this registry of this machine without TLS. Docker always does.
    pub(crate) fn asking(&self, registry: SocketAddr, folder: &Path) -> PathBuf {
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

    /// Puts an image into a registry of this machine, one that the engine does not have under any name.
    pub(crate) fn publish(&self, name: &str, folder: &Path) {
        let archive = folder.join("image.tar");
        std::fs::write(&archive, busybox_files()).unwrap();
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

    /// Runs the engine's own command and returns what it says.
    pub(crate) fn run(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments).output().unwrap();
        assert!(
            output.status.success(),
            "{arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    }

    /// Names of the containers and volumes that have a label, running or not.
    pub(crate) fn labelled(&self, label: &str) -> Vec<String> {
        let filter = format!("label={label}");
        let containers = self.run(&["ps", "--all", "--filter", &filter, "--format", "{{.Names}}"]);
        let volumes = self.run(&["volume", "ls", "--filter", &filter, "--format", "{{.Name}}"]);
        let names = containers.lines().chain(volumes.lines());
        names.map(str::to_owned).collect()
    }

    fn import_images(&self) {
        let folder = tempfile::tempdir().unwrap();
        let archive = folder.path().join("busybox.tar");
        std::fs::write(&archive, busybox_files()).unwrap();
        let archive = archive.to_str().unwrap();
        self.run(&["import", archive, BUSYBOX]);
        let (entry, cmd) = ("ENTRYPOINT [\"/bin/echo\", \"entry\"]", "CMD [\"cmd\"]");
        self.run(&["import", "--change", entry, "--change", cmd, archive, ECHO]);
        self.run(&["import", "--change", "STOPSIGNAL SIGUSR1", archive, USR1]);
    }
}

/// An archive of a root file system.
fn busybox_files() -> Vec<u8> {
    let busybox = ["/bin/busybox", "/usr/bin/busybox"]
        .into_iter()
        .find(|path| Path::new(path).exists())
        .expect("busybox is missing; ./test at the root of the repository installs busybox-static");
    let list = Command::new(busybox).arg("--list").output().unwrap().stdout;
    let mut archive = tar::Builder::new(Vec::new());
    let mut add = |kind: tar::EntryType, path: &str, mode: u32, content: &[u8]| {
        let mut header = tar::Header::new_ustar();
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_size(content.len() as u64);
        archive.append_data(&mut header, path, content).unwrap();
    };
    let (file, directory) = (tar::EntryType::Regular, tar::EntryType::Directory);
    for (path, mode) in [
        ("bin", 0o755),
        ("etc", 0o755),
        ("tmp", 0o1777),
        ("root", 0o700),
    ] {
        add(directory, path, mode, b"");
    }
    add(
        file,
        "etc/passwd",
        0o644,
        b"root:x:0:0::/root:/bin/sh\nci:x:1000:1000::/tmp:/bin/sh\n",
    );
    add(file, "etc/group", 0o644, b"root:x:0:\nci:x:1000:\n");
    add(file, "bin/busybox", 0o755, &std::fs::read(busybox).unwrap());
    for name in String::from_utf8(list)
        .unwrap()
        .lines()
        .filter(|name| *name != "busybox")
    {
        let mut header = tar::Header::new_ustar();
        header.set_entry_type(tar::EntryType::Symlink);
        header.set_size(0);
        archive
            .append_link(&mut header, format!("bin/{name}"), "busybox")
            .unwrap();
    }
    archive.into_inner().unwrap()
}
