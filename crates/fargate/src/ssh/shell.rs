//! The shell that runs a script on OpenSSH: the command that becomes it, its process group, and how that is ended.
//!
//! The shell leads a process group of its own, whose id it prints first, so that a second channel can end all of it:
//! OpenSSH refuses signals to root's sessions.

use std::time::Duration;

use russh::ChannelMsg;
use tokio::time::timeout;

use super::connection::Connection;
use super::ending::STOP_LIMIT;

/// Longest start of the output that is searched for the shell's process id. A login shell's start-up files may
/// print before it.
const PREAMBLE: usize = 64 * 1024;

impl Connection {
    /// Ends a process group of the task: TERM, then KILL for what is left after `grace`. Returns when that is
    /// done, or when the task does not answer.
    pub(super) async fn end_group(&self, id: Option<u32>, grace: Duration) {
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

/// The command that becomes the script's shell: the first of bash and sh that exists, where GitLab's own
/// executors look for it, having said its process id, which is its group's too.
///
/// One line within single quotes, so that any login shell takes it.
pub(super) fn launch(nonce: &str) -> String {
    let command = format!("echo {}$$; exec $shell", prefix(nonce));
    format!("exec sh -c '{}'", in_shell(&command))
}

/// The command line for a person: the shell that scripts have, or `program`, a line, in one; in this folder, where that
/// exists. Our agent has found the shell, and runs the line in it.
pub(super) fn personal(is_agent: bool, folder: Option<&str>, program: Option<&str>) -> String {
    // The job's author may have named the folder.
    let folder = folder.filter(|folder| folder.bytes().all(is_plain));
    let enter = folder.map_or_else(String::new, |folder| format!("cd {folder} 2>/dev/null; "));
    if is_agent {
        return enter + program.unwrap_or("exec \"$0\"");
    }
    let (run, program) = match program {
        Some(program) => ("exec $shell -c \"$1\"", format!(" sh {}", quoted(program))),
        None => ("exec $shell", String::new()),
    };
    format!("exec sh -c '{enter}{}'{program}", in_shell(run))
}

/// Runs `command` with the first shell that exists as `$shell`.
fn in_shell(command: &str) -> String {
    format!(
        "for shell in /usr/local/bin/bash /usr/bin/bash /bin/bash /usr/local/bin/sh /usr/bin/sh /bin/sh \
         /busybox/sh; do if [ -x $shell ]; then {command}; fi; done; \
         echo \"no bash and no sh in this image\" >&2; exit 127"
    )
}

/// Whether a byte means nothing to any shell.
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"/._+@-".contains(&byte)
}

/// A word that a shell takes as it is.
pub(crate) fn quoted(word: &str) -> String {
    match !word.is_empty() && word.bytes().all(is_plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', "'\\''")),
    }
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
pub(super) struct Announcement {
    prefix: Vec<u8>,
    held: Option<Vec<u8>>,
    pub(super) id: Option<u32>,
}

impl Announcement {
    pub(super) fn new(nonce: &str) -> Self {
        Self {
            prefix: prefix(nonce).into_bytes(),
            held: Some(Vec::new()),
            id: None,
        }
    }

    /// The output to pass on in place of `data`; nothing where that is `data` itself.
    pub(super) fn pass(&mut self, data: &[u8]) -> Option<Vec<u8>> {
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
    pub(super) fn rest(&mut self) -> Option<Vec<u8>> {
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

    #[test]
    fn a_persons_line_runs_in_the_folder_and_the_shell_of_scripts() {
        let run = |line: &str, shell: &str| {
            let output = std::process::Command::new(shell)
                .args(["-c", line])
                .output();
            let output = output.unwrap();
            assert!(output.stderr.is_empty(), "{output:?}");
            String::from_utf8(output.stdout).unwrap()
        };
        let program = "echo \"it's $PWD\" 'a  b'; echo $((6*7))";
        for is_agent in [true, false] {
            let of = |folder| run(&personal(is_agent, folder, Some(program)), "/bin/sh");
            assert_eq!(of(Some("/usr/bin")), "it's /usr/bin a  b\n42\n");
            let here = std::env::current_dir().unwrap();
            let here = format!("it's {} a  b\n42\n", here.display());
            // Missing, and one that a shell would not take for a name.
            assert_eq!(of(Some("/no/such/folder")), here);
            assert_eq!(of(Some("/usr/bin; echo x")), here);
            assert_eq!(of(None), here);
        }
        let shell = personal(true, None, None);
        assert_eq!(
            run(&format!("set -- x; {shell} -c 'echo $0'"), "/bin/bash"),
            "/bin/bash\n"
        );
    }
}
