//! An agent of its own for each test, and clients for it.

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

use russh::client::{self, Msg};
use russh::keys::key::safe_rng;
use russh::keys::{
    Algorithm, PrivateKey, PrivateKeyWithHashAlg, PublicKeyOrCertificate, ssh_key::LineEnding,
};
use russh::{Channel, ChannelMsg};
use socket2::{Domain, Socket, Type};
use tempfile::TempDir;
use testing::{eventually, process};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long anything may take that is expected to happen.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A running agent, ended when dropped.
pub(crate) struct Agent {
    child: Child,
    // Held open: an agent that cannot write its log must not be what is tested here.
    _stdout: BufReader<ChildStdout>,
    pub(crate) address: SocketAddr,
    pub(crate) folder: TempDir,
    key: PrivateKey,
}

impl Agent {
    pub(crate) fn start() -> Self {
        Self::start_with(&[], |_| ())
    }

    /// Starts one with more arguments, after `change` to its command.
    pub(crate) fn start_with(arguments: &[&str], change: impl FnOnce(&mut Command)) -> Self {
        // Signals that are ignored here, as SIGHUP under nohup, would be ignored in scripts, too. A container has none.
        let mut command = Command::new("env");
        command.args(["--default-signal", binary(), "serve"]);
        command.args(arguments);
        Self::start_as(command, change)
    }

    /// Starts one by a command of the caller's.
    pub(crate) fn start_as(mut command: Command, change: impl FnOnce(&mut Command)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key = new_key(&folder.path().join("key"));
        command
            .args(["--listen", "127.0.0.1:0"])
            .env("SSH_PUBLIC_KEY", key.public_key().to_openssh().unwrap())
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
        change(&mut command);
        let mut child = command.spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let address = line.split_whitespace().last().unwrap().parse().unwrap();
        Self {
            child,
            _stdout: stdout,
            address,
            folder,
            key,
        }
    }

    /// A path in this test's own folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// `ssh` with this agent's key, up to and including the destination.
    pub(crate) fn ssh(&self, options: &[&str]) -> Command {
        self.ssh_with_key(&self.path("key"), options)
    }

    pub(crate) fn ssh_with_key(&self, key: &Path, options: &[&str]) -> Command {
        let mut command = Command::new("ssh");
        command
            .args([
                "-F",
                "none",
                "-o",
                "IdentitiesOnly=yes",
                "-o",
                "BatchMode=yes",
            ])
            .args([
                "-o",
                "StrictHostKeyChecking=no",
                "-o",
                "UserKnownHostsFile=/dev/null",
            ])
            .args([
                "-o",
                "LogLevel=ERROR",
                "-p",
                &self.address.port().to_string(),
                "-i",
            ])
            .arg(key)
            .args(options)
            .arg("anyone@127.0.0.1")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Runs a command through `ssh`.
    pub(crate) fn run(&self, command: impl AsRef<OsStr>) -> Output {
        self.ssh(&[]).arg(command).output().unwrap()
    }

    /// Runs a command through `ssh` with standard input.
    pub(crate) fn run_with_input(&self, command: &str, input: &[u8]) -> Output {
        let mut child = self
            .ssh(&[])
            .arg(command)
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        std::thread::scope(|scope| {
            scope.spawn(move || stdin.write_all(input).unwrap());
            child.wait_with_output().unwrap()
        })
    }

    /// A connection of russh's client, logged in.
    pub(crate) async fn connect(&self) -> client::Handle<AnyHostKey> {
        self.connect_over(TcpStream::connect(self.address).await.unwrap())
            .await
    }

    /// The same over a socket that holds little: small segments, small buffers, as on a real network.
    pub(crate) async fn connect_narrowly(&self) -> client::Handle<AnyHostKey> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.set_tcp_mss(1400).unwrap();
        socket.set_send_buffer_size(4096).unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        socket.connect(&self.address.into()).unwrap();
        socket.set_nonblocking(true).unwrap();
        self.connect_over(TcpStream::from_std(socket.into()).unwrap())
            .await
    }

    async fn connect_over(&self, stream: TcpStream) -> client::Handle<AnyHostKey> {
        let mut session = client::connect_stream(Arc::default(), stream, AnyHostKey)
            .await
            .unwrap();
        let key = PrivateKeyWithHashAlg::new(Arc::new(self.key.clone()), None);
        assert!(
            session
                .authenticate_publickey("anyone", key)
                .await
                .unwrap()
                .success()
        );
        session
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal to the agent.
    pub(crate) fn kill(&self, signal: &str) {
        let status = Command::new("kill")
            .args(["-s", signal, &self.pid().to_string()])
            .status();
        assert!(status.unwrap().success());
    }

    /// Closes the agent's standard input, where it is a pipe.
    pub(crate) fn close_stdin(&mut self) {
        drop(self.child.stdin.take().unwrap());
    }

    /// Waits until the agent has left.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        eventually("the agent leaves", || self.child.try_wait().unwrap())
    }

    pub(crate) fn is_alive(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// What it has said on standard error until its end, where that is a pipe.
    pub(crate) fn stderr(&mut self) -> String {
        let mut told = String::new();
        let mut stderr = self.child.stderr.take().unwrap();
        stderr.read_to_string(&mut told).unwrap();
        told
    }

    /// The key that may log in, as the driver passes it.
    pub(crate) fn public_key(&self) -> String {
        self.key.public_key().to_openssh().unwrap()
    }

    /// The most memory the agent had so far, in bytes.
    pub(crate) fn peak_memory(&self) -> usize {
        let peak = process::peak_memory_kib(process::pid(&self.child));
        usize::try_from(peak.unwrap() * 1024).unwrap()
    }

    /// How many bytes more than this its peak is now. Linux counts per processor, so a reading may be a little below an
    /// earlier one.
    pub(crate) fn peak_memory_beyond(&self, before: usize) -> usize {
        self.peak_memory().saturating_sub(before)
    }

    /// Waits until the agent has stopped doing anything, because it waits for somebody.
    pub(crate) fn settle(&self) {
        let stat = format!("/proc/{}/stat", self.pid());
        let mut last = String::new();
        let mut same = 0;
        eventually("the agent settles", || {
            let now = fs::read_to_string(&stat).unwrap();
            same = if now == last { same + 1 } else { 0 };
            last = now;
            (same == 20).then_some(())
        });
    }

    /// Processes whose parent is the agent, zombies included.
    pub(crate) fn children(&self) -> String {
        fs::read_to_string(format!("/proc/{0}/task/{0}/children", self.pid())).unwrap()
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        if self.child.try_wait().unwrap().is_none() {
            self.child.kill().unwrap();
            self.child.wait().unwrap();
        }
    }
}

pub(crate) fn binary() -> &'static str {
    env!("CARGO_BIN_EXE_fargate-agent")
}

/// Makes a key pair and writes its private half to `path`.
pub(crate) fn new_key(path: &Path) -> PrivateKey {
    let key = PrivateKey::random(&mut safe_rng(), Algorithm::Ed25519).unwrap();
    fs::write(path, key.to_openssh(LineEnding::LF).unwrap().as_bytes()).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
    key
}

/// russh's client needs to be told which host key to expect. Here the address is enough.
pub(crate) struct AnyHostKey;

impl client::Handler for AnyHostKey {
    type Error = russh::Error;

    async fn check_server_key(
        &mut self,
        _key: &PublicKeyOrCertificate,
    ) -> Result<bool, russh::Error> {
        Ok(true)
    }
}

/// Everything that came on a channel.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
    pub(crate) status: Option<u32>,
    pub(crate) signal: Option<String>,
    pub(crate) eof: bool,
    pub(crate) closed: bool,
}

/// Reads a channel until it is closed, or until `enough` of standard output.
pub(crate) async fn read_channel(channel: &mut Channel<Msg>, enough: usize) -> Told {
    let mut told = Told::default();
    while told.stdout.len() < enough
        && let Some(message) = timeout(PATIENCE, channel.wait())
            .await
            .expect("the agent is silent")
    {
        match message {
            ChannelMsg::Data { data } => told.stdout.extend_from_slice(&data),
            ChannelMsg::ExtendedData { data, ext: 1 } => told.stderr.extend_from_slice(&data),
            ChannelMsg::ExitStatus { exit_status } => told.status = Some(exit_status),
            ChannelMsg::ExitSignal { signal_name, .. } => {
                told.signal = Some(match signal_name {
                    russh::Sig::Custom(name) => name,
                    name => format!("{name:?}"),
                });
            }
            ChannelMsg::Eof => told.eof = true,
            ChannelMsg::Close => {
                told.closed = true;
                break;
            }
            _ => (),
        }
    }
    told
}

/// The next line of a pipe.
pub(crate) fn line(reader: &mut impl BufRead) -> String {
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    line.trim_end().to_owned()
}

/// Bytes without a pattern, the same each time.
pub(crate) struct Noise(u64);

impl Noise {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed | 1)
    }

    pub(crate) fn bytes(length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        Self::new(7).read_exact(&mut bytes).unwrap();
        bytes
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        // xorshift64
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % limit
    }
}

impl Read for Noise {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        for byte in &mut *buffer {
            *byte = self.below(256) as u8;
        }
        Ok(buffer.len())
    }
}

pub(crate) fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}
