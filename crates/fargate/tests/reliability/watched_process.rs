//! A stage that is under way, or the process that plays its runner. None is waited for without a bound.

use std::io::Read;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use testing::process;

const PAUSE: Duration = Duration::from_millis(10);

/// Bytes of a stream's beginning and of its end that are kept. Scripts print much that nobody wants to see, and then
/// come the lines about the stages that follow.
const KEPT: usize = 50_000;

pub(crate) struct WatchedProcess {
    child: Child,
    begun: Instant,
    out: Stream,
    err: Stream,
}

/// How a stage ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) signal: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
    pub(crate) took: Duration,
}

impl WatchedProcess {
    pub(crate) fn start(mut command: Command) -> Self {
        let begun = Instant::now();
        let mut child = command.spawn().unwrap();
        Self {
            out: Stream::of(child.stdout.take().unwrap()),
            err: Stream::of(child.stderr.take().unwrap()),
            child,
            begun,
        }
    }

    pub(crate) fn id(&self) -> Pid {
        process::pid(&self.child)
    }

    /// Sends a signal; that the process is over already is no matter.
    pub(crate) fn signal(&self, signal: Signal) {
        // Not collected yet, so the number is still its own.
        kill(self.id(), signal).unwrap();
    }

    pub(crate) fn is_over(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Whether standard output holds `text` by now.
    pub(crate) fn has_said(&self, text: &str) -> bool {
        self.out.text().contains(text)
    }

    /// Waits until standard output holds `text`.
    pub(crate) fn says(&mut self, text: &str, bound: Duration) -> Result<(), String> {
        let deadline = Instant::now() + bound;
        loop {
            let over = self.is_over();
            if self.out.text().contains(text) {
                return Ok(());
            }
            if over || Instant::now() > deadline {
                let (out, err) = (self.out.text(), self.err.text());
                return Err(format!("it never said {text:?}\n{out}\n{err}"));
            }
            std::thread::sleep(PAUSE);
        }
    }

    /// Waits for its end. One that takes longer than `bound` is killed, and an error.
    pub(crate) fn end(mut self, bound: Duration) -> Result<Ended, String> {
        let status = self.wait(bound);
        let (out, err) = (self.out.finish(), self.err.finish());
        match status {
            Some(status) => Ok(Ended {
                code: status.code(),
                signal: status.signal(),
                out,
                err,
                took: self.begun.elapsed(),
            }),
            None => Err(format!(
                "it did not end within {} s\n{out}\n{err}",
                bound.as_secs()
            )),
        }
    }

    fn wait(&mut self, bound: Duration) -> Option<ExitStatus> {
        while self.begun.elapsed() < bound {
            if let Some(status) = self.child.try_wait().unwrap() {
                return Some(status);
            }
            std::thread::sleep(PAUSE);
        }
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        None
    }
}

impl Drop for WatchedProcess {
    fn drop(&mut self) {
        if !self.is_over() {
            drop(self.child.kill());
            drop(self.child.wait());
        }
    }
}

impl Ended {
    /// Everything there is to see of it.
    pub(crate) fn story(&self) -> String {
        let Self {
            code,
            signal,
            out,
            err,
            took,
        } = self;
        let took = took.as_secs_f64();
        format!("exit code {code:?}, signal {signal:?}, after {took:.1} s\n{out}{err}")
    }
}

/// What comes from a pipe, read by a thread.
struct Stream {
    read: Arc<Mutex<Vec<u8>>>,
    reader: Option<JoinHandle<()>>,
}

impl Stream {
    fn of(mut pipe: impl Read + Send + 'static) -> Self {
        let read = Arc::new(Mutex::new(Vec::new()));
        let kept = read.clone();
        let reader = std::thread::spawn(move || {
            let mut buffer = [0; 65536];
            while let Ok(length @ 1..) = pipe.read(&mut buffer) {
                let mut kept = kept.lock().unwrap();
                kept.extend_from_slice(&buffer[..length]);
                if let Some(excess @ 1..) = kept.len().checked_sub(2 * KEPT) {
                    kept.drain(KEPT..KEPT + excess);
                }
            }
        });
        Self {
            read,
            reader: Some(reader),
        }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.read.lock().unwrap()).into_owned()
    }

    fn finish(&mut self) -> String {
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
        self.text()
    }
}
