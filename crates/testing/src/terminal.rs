//! A program on a pseudo-terminal of the test's own, typed into as a person does.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use nix::pty::{Winsize, openpty};
use nix::sys::termios::{Termios, tcgetattr};
use rustix::termios::tcsetwinsize;

/// How long anything may take to be shown.
const PATIENCE: Duration = Duration::from_secs(30);

/// A terminal, and the program that it controls; killed when dropped.
pub struct Terminal {
    child: Child,
    master: File,
    /// The program's end, which shows the state that it leaves.
    slave: File,
    output: Receiver<Vec<u8>>,
    /// What it has shown and nobody has looked for.
    pub shown: String,
}

impl Terminal {
    /// Starts a program on a terminal of this size.
    pub fn start(command: &Command, columns: u16, rows: u16) -> Self {
        let size = Winsize {
            ws_row: rows,
            ws_col: columns,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        let ends = openpty(Some(&size), None).unwrap();
        let (master, slave) = (File::from(ends.master), File::from(ends.slave));
        let end = || Stdio::from(slave.try_clone().unwrap());
        // It leads a session that the terminal controls, so it hears of the window's size (setsid(1)).
        let mut session = Command::new("setsid");
        session
            .args(["--ctty", "--wait"])
            .arg(command.get_program())
            .args(command.get_args());
        session.env_clear().env("TERM", "xterm");
        session.envs(
            command
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        );
        if let Some(folder) = command.get_current_dir() {
            session.current_dir(folder);
        }
        let child = session
            .stdin(end())
            .stdout(end())
            .stderr(end())
            .spawn()
            .unwrap();
        let (sender, output) = channel();
        let mut reader = master.try_clone().unwrap();
        std::thread::spawn(move || {
            let mut piece = [0; 4096];
            while let Ok(length @ 1..) = reader.read(&mut piece) {
                if sender.send(piece[..length].to_vec()).is_err() {
                    break;
                }
            }
        });
        Self {
            child,
            master,
            slave,
            output,
            shown: String::new(),
        }
    }

    /// Types text.
    pub fn types(&mut self, text: &str) {
        self.master.write_all(text.as_bytes()).unwrap();
    }

    /// Waits until the program has shown `text`; returns what came before.
    #[track_caller]
    pub fn shows(&mut self, text: &str) -> String {
        loop {
            if let Some((before, after)) = self.shown.split_once(text) {
                let (before, after) = (before.to_owned(), after.to_owned());
                self.shown = after;
                return before;
            }
            match self.output.recv_timeout(PATIENCE) {
                Ok(piece) => self.shown.push_str(&String::from_utf8_lossy(&piece)),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                    panic!("no {text:?} in {:?}", self.shown)
                }
            }
        }
    }

    /// Gives the window another size.
    pub fn resize(&self, columns: u16, rows: u16) {
        let size = rustix::termios::Winsize {
            ws_row: rows,
            ws_col: columns,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        tcsetwinsize(self.master.as_fd(), size).unwrap();
    }

    /// The terminal's state.
    pub fn state(&self) -> Termios {
        tcgetattr(&self.slave).unwrap()
    }

    /// Processes of the program's session, the first one among them.
    pub fn child(&self) -> &Child {
        &self.child
    }

    /// Waits for the program's end; returns its exit code, or nothing after a signal.
    #[track_caller]
    pub fn ends(&mut self) -> Option<i32> {
        let ended = crate::eventually("the program ends", || self.child.try_wait().unwrap());
        while let Ok(piece) = self.output.recv_timeout(Duration::from_millis(100)) {
            self.shown.push_str(&String::from_utf8_lossy(&piece));
        }
        ended.code()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
