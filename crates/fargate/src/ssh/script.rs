//! One script on its way through a connection: fed to a shell's standard input, its output passed on as it
//! comes, its end told apart from the connection's.
//!
//! The script is never an argument: arguments end at 128 KiB and can be read by every process of the task. The
//! shell leads a process group of its own (OpenSSH and the agent both see to that), whose id it tells us first,
//! so that stopping can reach all of it over a second channel: OpenSSH refuses signals to root's sessions.

use std::fs::File;
use std::future::pending;
use std::io::Read;
use std::pin::Pin;
use std::time::Duration;

use russh::client::Msg;
use russh::{Channel, ChannelMsg, ChannelReadHalf, ChannelWriteHalf, Sig};
use tokio::time::{Instant, sleep_until, timeout};

use super::{Connection, random_hex};
use crate::error::{Error, Result};
use crate::output::Output;
use crate::signals::Shutdown;

/// How long a script that is told to stop may take, before what is left of it is killed.
pub(super) const STOP_GRACE: Duration = Duration::from_secs(10);

/// How long, beyond that, we wait to hear that it is gone.
pub(super) const STOP_LIMIT: Duration = Duration::from_secs(15);

/// How long the server may keep the channel open after the script's end without sending anything. Processes
/// that the script leaves behind hold its output open, and OpenSSH would wait for them for ever.
const LEFT_BEHIND: Duration = Duration::from_secs(1);

/// Piece of the script that is read and sent at a time.
const PIECE: usize = 32 * 1024;

/// Longest start of the output that is searched for the shell's process id. A login shell's start-up files may
/// print before it.
const PREAMBLE: usize = 64 * 1024;

/// How a script ended.
#[derive(Debug)]
pub(crate) enum Ended {
    /// With this status.
    Exited(i32),
    /// By this signal, without the SIG of its name.
    Signalled(String),
    /// Unknown: the connection or the server went first, and this is why.
    Lost(String),
    /// By us, who were told to stop.
    Stopped(Error),
}

impl Connection {
    /// Runs `script`, passing its output to `stdout` and `stderr` unchanged.
    ///
    /// # Errors
    ///
    /// When the script cannot be started or read, or nobody takes its output; it does not run on then.
    pub(crate) async fn run_script(
        &self,
        script: File,
        stdout: &mut Output,
        stderr: &mut Output,
        shutdown: &Shutdown,
    ) -> Result<Ended> {
        let nonce = random_hex::<8>();
        let (mut incoming, outgoing) = match self.exec(&launch(&nonce)).await {
            Ok(channel) => channel,
            Err(why) => return Ok(Ended::Lost(why)),
        };
        let mut group = Announcement::new(&nonce);
        let mut feeding: Pin<Box<dyn Future<Output = Result<()>>>> =
            Box::pin(feed(script, &outgoing));
        let mut ending: Pin<Box<dyn Future<Output = ()>>> = Box::pin(pending());
        let mut ended = None;
        let mut failure = None;
        let mut told = StopStep::NotAsked;
        // Set once there is a time after which nothing more is waited for.
        let mut deadline: Option<Instant> = None;
        loop {
            tokio::select! {
                message = incoming.wait() => {
                    let written = match message {
                        Some(ChannelMsg::Data { data }) => {
                            let output = group.pass(&data);
                            stdout.write_all(output.as_deref().unwrap_or(&data)).await
                        }
                        Some(ChannelMsg::ExtendedData { data, .. }) => stderr.write_all(&data).await,
                        Some(ChannelMsg::ExitStatus { exit_status }) => {
                            ended = Some(Ended::Exited(exit_status.cast_signed()));
                            Ok(())
                        }
                        Some(ChannelMsg::ExitSignal { signal_name, .. }) => {
                            ended = Some(Ended::Signalled(name(signal_name)));
                            Ok(())
                        }
                        Some(ChannelMsg::Failure) => {
                            ended = Some(Ended::Lost("its SSH server refused to run a command".to_owned()));
                            break;
                        }
                        Some(ChannelMsg::Close) | None => break,
                        Some(_) => continue,
                    };
                    if let (Err(error), None) = (written, &failure) {
                        failure = Some(Error::system(format!("could not pass on the script's output: {error}")));
                    }
                    if ended.is_some() && told == StopStep::NotAsked {
                        deadline = Some(Instant::now() + LEFT_BEHIND);
                    }
                }
                fed = &mut feeding => {
                    feeding = Box::pin(pending());
                    if let Err(error) = fed {
                        failure.get_or_insert(error);
                    }
                }
                stopped = shutdown.requested(), if failure.is_none() => failure = Some(stopped),
                _ = shutdown.insisted(), if told == StopStep::Terminate => {
                    told = StopStep::Kill;
                    ending = Box::pin(self.end_group(group.id, Duration::ZERO));
                }
                () = &mut ending => {
                    // Its last words are still on their way.
                    ending = Box::pin(pending());
                    deadline = Some(Instant::now() + LEFT_BEHIND);
                }
                () = sleep_until(deadline.unwrap_or_else(Instant::now)), if deadline.is_some() => break,
            }
            if failure.is_some() && told == StopStep::NotAsked {
                deadline.get_or_insert(Instant::now() + STOP_LIMIT);
                if group.id.is_some() {
                    told = StopStep::Terminate;
                    ending = Box::pin(self.end_group(group.id, STOP_GRACE));
                }
            }
        }
        if let Some(rest) = group.rest() {
            stdout.write_all(&rest).await.ok();
        }
        match (failure, ended) {
            (Some(error), _) if matches!(error.blame(), crate::error::Blame::Stopped(_)) => {
                Ok(Ended::Stopped(error))
            }
            (Some(error), _) => Err(error),
            (None, Some(ended)) => Ok(ended),
            (None, None) => Ok(Ended::Lost(self.lost())),
        }
    }

    /// Starts a command on a channel of its own.
    pub(super) async fn exec(
        &self,
        command: &str,
    ) -> Result<(ChannelReadHalf, ChannelWriteHalf<Msg>), String> {
        let channel = self.session().await?;
        channel.exec(true, command).await.map_err(|_| self.lost())?;
        Ok(channel.split())
    }

    /// Opens a channel.
    pub(super) async fn session(&self) -> Result<Channel<Msg>, String> {
        match self.handle.channel_open_session().await {
            Ok(channel) => Ok(channel),
            Err(russh::Error::ChannelOpenFailure(why)) => {
                Err(format!("its SSH server opens no session: {why:?}"))
            }
            Err(_) => Err(self.lost()),
        }
    }

    /// Ends a process group of the task: TERM, then KILL for what is left after `grace`. Returns when that is
    /// done, or when the task does not answer.
    async fn end_group(&self, id: Option<u32>, grace: Duration) {
        let Some(id) = id else { return };
        let work = async {
            let Ok((mut incoming, _outgoing)) = self.exec(&end_command(id, grace)).await else {
                return;
            };
            while let Some(message) = incoming.wait().await {
                if matches!(message, ChannelMsg::Close) {
                    break;
                }
            }
        };
        if timeout(STOP_LIMIT, work).await.is_err() {
            tracing::debug!("the task did not say that process group {id} is gone");
        }
    }
}

/// What the script's process group was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum StopStep {
    NotAsked,
    Terminate,
    Kill,
}

/// The name that the protocol gives a signal (RFC 4254, section 6.10).
fn name(signal: Sig) -> String {
    match signal {
        Sig::Custom(name) => name,
        known => format!("{known:?}"),
    }
}

/// Sends the script and then the end of input. Reading is from a local file in small pieces, so it needs no
/// thread of its own.
async fn feed(mut script: File, outgoing: &ChannelWriteHalf<Msg>) -> Result<()> {
    let mut piece = vec![0; PIECE];
    loop {
        let length = script
            .read(&mut piece)
            .map_err(|error| Error::system(format!("could not read the script: {error}")))?;
        let sent = match piece.get(..length) {
            Some(read) if length > 0 => outgoing.data_bytes(read.to_vec()).await,
            _ => outgoing.eof().await,
        };
        // A script that ends before it is read to its end is no failure, and a lost connection shows elsewhere.
        if sent.is_err() || length == 0 {
            return Ok(());
        }
    }
}

/// The command that becomes the script's shell: the first of bash and sh that exists, where GitLab's own
/// executors look for it, having said its process id, which is its group's too.
///
/// One line within single quotes, so that any login shell takes it.
fn launch(nonce: &str) -> String {
    format!(
        "exec sh -c 'for shell in /usr/local/bin/bash /usr/bin/bash /bin/bash /usr/local/bin/sh /usr/bin/sh /bin/sh \
         /busybox/sh; do if [ -x $shell ]; then echo {}$$; exec $shell; fi; done; \
         echo \"no bash and no sh in this image\" >&2; exit 127'",
        prefix(nonce)
    )
}

fn prefix(nonce: &str) -> String {
    format!("fargate-script-{nonce}:")
}

fn end_command(group: u32, grace: Duration) -> String {
    let tenths = grace.as_millis() / 100;
    format!(
        "exec sh -c 'kill -s TERM -- -{group}; n=0; while [ $n -lt {tenths} ] && kill -s 0 -- -{group}; \
         do sleep 0.1 || sleep 1; n=$((n+1)); done 2>/dev/null; kill -s KILL -- -{group}' 2>/dev/null"
    )
}

/// Takes the line with the process id out of the start of the output.
#[derive(Debug)]
struct Announcement {
    prefix: Vec<u8>,
    held: Option<Vec<u8>>,
    id: Option<u32>,
}

impl Announcement {
    fn new(nonce: &str) -> Self {
        Self {
            prefix: prefix(nonce).into_bytes(),
            held: Some(Vec::new()),
            id: None,
        }
    }

    /// What of the output so far is to be passed on in place of `data`, or nothing when that is `data` itself.
    fn pass(&mut self, data: &[u8]) -> Option<Vec<u8>> {
        let held = self.held.as_mut()?;
        held.extend_from_slice(data);
        let found = held
            .windows(self.prefix.len())
            .position(|window| window == self.prefix);
        let line = found.and_then(|start| {
            let number = held.get(start + self.prefix.len()..)?;
            let length = number.iter().position(|byte| *byte == b'\n')?;
            let id = std::str::from_utf8(number.get(..length)?)
                .ok()?
                .trim()
                .parse()
                .ok();
            Some((start, start + self.prefix.len() + length + 1, id))
        });
        match line {
            Some((start, end, id)) => {
                self.id = id;
                let mut output = self.held.take()?;
                output.drain(start..end);
                Some(output)
            }
            None if held.len() > PREAMBLE => self.held.take(),
            None => Some(Vec::new()),
        }
    }

    /// What was held back when nothing more came.
    fn rest(&mut self) -> Option<Vec<u8>> {
        self.held.take().filter(|held| !held.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_announcement_is_taken_out_however_it_is_cut() {
        let whole = b"noise of .bashrc\nfargate-script-ab:4711\nhello\n";
        for cut in 0..whole.len() {
            let mut group = Announcement::new("ab");
            let mut output = Vec::new();
            for piece in [&whole[..cut], &whole[cut..]] {
                output.extend(group.pass(piece).unwrap_or_else(|| piece.to_vec()));
            }
            assert_eq!(output, b"noise of .bashrc\nhello\n", "cut at {cut}");
            assert_eq!(group.id, Some(4711));
        }
    }

    #[test]
    fn output_without_announcement_is_passed_on() {
        let mut group = Announcement::new("ab");
        assert_eq!(group.pass(b"no such command\n"), Some(Vec::new()));
        assert_eq!(group.rest(), Some(b"no such command\n".to_vec()));
        let mut group = Announcement::new("ab");
        let long = vec![b'x'; PREAMBLE + 1];
        assert_eq!(group.pass(&long), Some(long.clone()));
        assert_eq!(group.pass(b"more"), None);
    }
}
