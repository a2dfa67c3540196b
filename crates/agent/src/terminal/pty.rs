//! A pseudo-terminal, and the program on it.

use std::ffi::{CString, OsStr};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use nix::fcntl::OFlag;
use nix::pty::{PtyMaster, grantpt, posix_openpt, ptsname_r, unlockpt};
use nix::spawn::{PosixSpawnAttr, PosixSpawnFileActions, PosixSpawnFlags, posix_spawn};
use nix::sys::signal::{SigSet, Signal as NixSignal};
use nix::sys::stat::Mode;
use rustix::process::{Pid, Signal, kill_process_group};
use rustix::termios::{OptionalActions, Winsize, tcgetattr, tcgetpgrp, tcsetattr, tcsetwinsize};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use super::modes;
use super::request::{TerminalRequest, WindowSize};

/// Makes the program lead a session of its own (glibc's and musl's spawn.h: POSIX_SPAWN_SETSID).
const SETSID: PosixSpawnFlags = PosixSpawnFlags::from_bits_retain(0x80);

/// Signals that the agent may ignore, and a program on a terminal needs. An entry point may have started the agent in
/// the background, where shells ignore those of the keyboard.
const DEFAULTS: [NixSignal; 8] = [
    NixSignal::SIGHUP,
    NixSignal::SIGINT,
    NixSignal::SIGQUIT,
    NixSignal::SIGPIPE,
    NixSignal::SIGTERM,
    NixSignal::SIGTSTP,
    NixSignal::SIGTTIN,
    NixSignal::SIGTTOU,
];

/// Our end of a pseudo-terminal. Dropping it hangs the terminal up.
pub(super) struct Pty {
    master: AsyncFd<PtyMaster>,
    /// Path of the other end.
    path: String,
}

impl Pty {
    /// Opens one as the client asks for.
    pub(super) fn open(request: &TerminalRequest) -> io::Result<Self> {
        let flags = OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC | OFlag::O_NONBLOCK;
        let master = posix_openpt(flags)?;
        grantpt(&master)?;
        unlockpt(&master)?;
        let path = ptsname_r(&master)?;
        // Linux takes both ends for the same terminal here.
        let mut termios = tcgetattr(&master)?;
        modes::apply(&request.modes, &mut termios);
        tcsetattr(&master, OptionalActions::Now, &termios)?;
        #[expect(
            deprecated,
            reason = "its replacement is unsafe, for types that do not keep their descriptor; this one does"
        )]
        let master = AsyncFd::new(master)?;
        let pty = Self { master, path };
        pty.resize(request.size);
        Ok(pty)
    }

    /// Starts a program with the terminal as its standard streams. It leads a session that the terminal controls: the
    /// first one that its leader opens does.
    pub(super) fn spawn(
        &self,
        program: &Path,
        arguments: &[&[u8]],
        variables: &[Vec<u8>],
    ) -> io::Result<Pid> {
        let text = |bytes: &[u8]| CString::new(bytes).map_err(io::Error::other);
        let arguments: Vec<_> = arguments
            .iter()
            .map(|argument| text(argument))
            .collect::<Result<_, _>>()?;
        let variables: Vec<_> = variables
            .iter()
            .map(|variable| text(variable))
            .collect::<Result<_, _>>()?;
        let mut attributes = PosixSpawnAttr::init()?;
        attributes.set_flags(
            SETSID
                | PosixSpawnFlags::POSIX_SPAWN_SETSIGDEF
                | PosixSpawnFlags::POSIX_SPAWN_SETSIGMASK,
        )?;
        attributes.set_sigmask(&SigSet::empty())?;
        attributes.set_sigdefault(&DEFAULTS.into_iter().collect())?;
        let mut files = PosixSpawnFileActions::init()?;
        files.add_open(0, OsStr::new(&self.path), OFlag::O_RDWR, Mode::empty())?;
        for stream in [1, 2] {
            files.add_dup2(0, stream)?;
        }
        let program = text(program.as_os_str().as_bytes())?;
        let pid = posix_spawn(
            program.as_c_str(),
            &files,
            &attributes,
            &arguments,
            &variables,
        )?;
        Pid::from_raw(pid.as_raw()).ok_or_else(|| io::Error::other("it has no process id"))
    }

    /// Changes the size of the window; the kernel tells the processes in the foreground.
    pub(super) fn resize(&self, size: WindowSize) {
        let WindowSize {
            columns,
            rows,
            width,
            height,
        } = size;
        let size = Winsize {
            ws_row: rows,
            ws_col: columns,
            ws_xpixel: width,
            ws_ypixel: height,
        };
        // It fails only for a terminal that is gone.
        tcsetwinsize(self.master.get_ref().as_fd(), size).ok();
    }

    /// Sends a signal to the process group in the foreground; returns whether there is one.
    pub(super) fn signal(&self, signal: Signal) -> bool {
        let foreground = tcgetpgrp(self.master.get_ref().as_fd());
        foreground.is_ok_and(|group| kill_process_group(group, signal).is_ok())
    }

    /// Reads output; 0 when no process has the terminal open any more.
    pub(super) async fn read(&self, buffer: &mut [u8]) -> usize {
        let read = self.master.async_io(Interest::READABLE, |master| {
            Ok(rustix::io::read(master, &mut *buffer)?)
        });
        // Linux answers the last reader with an error.
        read.await.unwrap_or_default()
    }

    /// Writes all of `data`; returns whether the terminal took it.
    pub(super) async fn write_all(&self, mut data: &[u8]) -> bool {
        while !data.is_empty() {
            let written = self.master.async_io(Interest::WRITABLE, |master| {
                Ok(rustix::io::write(master, data)?)
            });
            match written.await {
                Ok(length) => data = data.get(length..).unwrap_or_default(),
                Err(_) => return false,
            }
        }
        true
    }
}
