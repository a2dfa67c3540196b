//! SSH servers for a task's containers, which are processes of this machine.

use std::collections::BTreeMap;
use std::path::Path;

use ecs_local::{Backend, Program};

/// What listens in the container that takes scripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SshServer {
    /// The agent, as a job's own container has it.
    Agent,
    /// An OpenSSH server.
    OpenSsh,
    /// An OpenSSH server with an RSA key and without elliptic curves, as in FIPS mode.
    OpenSshWithoutCurves,
    /// An OpenSSH server that knows no key.
    Keyless,
    /// A server that sends without end before anybody has logged in.
    Flooding,
    /// A program that never listens.
    Nothing,
    /// The agent in all containers that have it in JobImage mode, with the task's one host key.
    JobImage,
}

/// The user whom OpenSSH lets in on this machine: the one who runs the test.
pub(crate) fn user() -> String {
    nix::unistd::User::from_uid(nix::unistd::getuid())
        .unwrap()
        .unwrap()
        .name
}

/// Starts sshd in a folder of the task's own. Its arguments: the folder for that, address, port, whether it gets the
/// job's key, the type of the host key, and more configuration.
///
/// As the images' entry point does it. The folder is also the user's home, so that no file in the home of whoever runs
/// the tests has a part in them.
const START_SSHD: &str = "set -e; umask 077; d=$(mktemp -d -p \"$1\"); ssh-keygen -q -t $5 -N '' -f $d/host; \
    if [ $4 = keyed ]; then printf '%s\\n' \"$SSH_PUBLIC_KEY\" > $d/keys; fi; \
    printf '%s\\n' \"ListenAddress $2:$3\" \"HostKey $d/host\" \"AuthorizedKeysFile $d/keys\" 'UsePAM no' \
    'StrictModes no' 'PidFile none' \"SetEnv HOME=$d\" \"$6\" > $d/conf; exec /usr/sbin/sshd -D -e -f $d/conf";

/// Sends messages to be ignored (RFC 4253, section 11.2) to everybody who connects.
const FLOOD: &str = r#"use IO::Socket::INET; $SIG{PIPE} = "IGNORE";
    my $listener = IO::Socket::INET->new(LocalAddr => shift, LocalPort => shift, Listen => 5, ReuseAddr => 1) or die;
    while (my $client = $listener->accept) {
        syswrite $client, "SSH-2.0-OpenSSH_9.2\r\n";
        my $ignored = pack("NCC", 32764, 4, 2) . ("\0" x 32762);
        while (syswrite $client, $ignored) {}
    }"#;

/// Algorithms that FIPS mode leaves.
const WITHOUT_CURVES: &str =
    "KexAlgorithms diffie-hellman-group14-sha256,diffie-hellman-group16-sha512\nCiphers aes256-ctr";

impl SshServer {
    /// A backend whose tasks run this server. `driver` is the driver's program, which has the agent inside; `folder` is
    /// for the servers' files.
    pub fn backend(self, driver: &str, folder: &Path) -> Backend {
        let folder = folder.to_str().unwrap();
        let programs = match self {
            Self::JobImage => job_image(driver, folder),
            _ => BTreeMap::from([("ci-coordinator".to_owned(), self.program(driver, folder))]),
        };
        Backend::Process { programs }
    }

    fn program(self, driver: &str, folder: &str) -> Program {
        let sshd = |key, host_key, configuration| {
            program(&[
                "/bin/sh",
                "-c",
                START_SSHD,
                "sshd",
                folder,
                "{address}",
                "{port}",
                key,
                host_key,
                configuration,
            ])
        };
        match self {
            Self::Agent | Self::JobImage => program(&agent(driver)),
            Self::Flooding => program(&["/usr/bin/perl", "-e", FLOOD, "{address}", "{port}"]),
            Self::Nothing => program(&["/bin/sleep", "1000"]),
            Self::OpenSsh => sshd("keyed", "ed25519", ""),
            Self::OpenSshWithoutCurves => sshd("keyed", "rsa", WITHOUT_CURVES),
            Self::Keyless => sshd("keyless", "ed25519", ""),
        }
    }
}

/// Programs of the containers that have the agent, by their names.
fn job_image(driver: &str, folder: &str) -> BTreeMap<String, Program> {
    // By address: each task has one. A later task may get it again.
    let key = format!("{folder}/{{address}}.key");
    let make_key = format!("rm -f {key} {key}.pub; exec ssh-keygen -q -t ed25519 -N '' -f {key}");
    let job = [&agent(driver)[..], &["--host-key", &key]].concat();
    let helper = [&job[..], &["--helper"]].concat();
    let bootstrap = ["/bin/sh", "-c", &make_key];
    [
        ("bootstrap", program(&bootstrap)),
        ("ci-coordinator", program(&job)),
        ("helper", program(&helper)),
    ]
    .map(|(name, program)| (name.to_owned(), program))
    .into()
}

fn agent(driver: &str) -> [&str; 6] {
    [
        driver,
        "agent",
        "serve",
        "--until-stdin-closes",
        "--listen",
        "{address}:{port}",
    ]
}

fn program(command: &[&str]) -> Program {
    Program {
        command: command.iter().map(|word| (*word).to_owned()).collect(),
        default_port: 2222,
    }
}
