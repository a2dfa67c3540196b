//! A project of a test's own, and the command in it.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

use crate::aws::wait_until;

/// A folder with a project in it, and one for temporary files, in which nothing may be left.
pub(crate) struct Project {
    folder: TempDir,
}

impl Project {
    /// A project with this `.gitlab-ci.yml`.
    pub(crate) fn new(pipeline: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let project = Self { folder };
        for name in ["project", "tmp"] {
            std::fs::create_dir(project.path(name)).unwrap();
        }
        std::fs::write(project.path("project/.gitlab-ci.yml"), pipeline).unwrap();
        project
    }

    /// An example of this repository.
    pub(crate) fn example(name: &str) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../../examples")
            .join(name);
        let pipeline = std::fs::read_to_string(folder.join(".gitlab-ci.yml")).unwrap();
        let project = Self::new(&pipeline);
        for file in folder.read_dir().unwrap() {
            let file = file.unwrap();
            std::fs::copy(file.path(), project.path("project").join(file.file_name())).unwrap();
        }
        project
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// `fargate try` in the project's folder.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(crate::fargate());
        command
            .arg("try")
            .args(arguments)
            .current_dir(self.path("project"))
            .env("TMPDIR", self.path("tmp"))
            .env("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
            .env("AWS_SECRET_ACCESS_KEY", "secret-aws-key")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    pub(crate) fn start(&self, arguments: &[&str]) -> Running {
        Running::of(&mut self.command(arguments))
    }

    /// Runs it, and checks that nothing is left of it.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        let ended = self.start(arguments).finish();
        self.left_nothing();
        ended
    }

    /// Checks that no file and no process is left.
    #[track_caller]
    pub(crate) fn left_nothing(&self) {
        let files: Vec<_> = self.path("tmp").read_dir().unwrap().collect();
        assert!(files.is_empty(), "files were left: {files:?}");
        wait_until("every process of the trial has ended", || {
            self.processes().is_empty()
        });
    }

    /// The processes of a trial: their environment names the project's folder, the driver's stages' by TMPDIR,
    /// that of a task in the command's own stand-in by HOME.
    pub(crate) fn processes(&self) -> Vec<PathBuf> {
        processes_of(self.folder.path())
    }
}

fn processes_of(folder: &Path) -> Vec<PathBuf> {
    use std::os::unix::ffi::OsStrExt;
    let name = folder.as_os_str().as_bytes();
    let processes = Path::new("/proc").read_dir().unwrap();
    let paths = processes.map(|process| process.unwrap().path());
    let named = paths.filter(|process| {
        // One that has ended, or is a thread of the kernel, has none.
        let environment = std::fs::read(process.join("environ")).unwrap_or_default();
        environment.windows(name.len()).any(|part| part == name)
    });
    named.collect()
}

/// A command that is under way.
pub(crate) struct Running {
    child: Option<Child>,
    read: Vec<u8>,
}

impl Running {
    pub(crate) fn of(command: &mut Command) -> Self {
        Self {
            child: Some(command.spawn().unwrap()),
            read: Vec::new(),
        }
    }

    fn child(&mut self) -> &mut Child {
        self.child.as_mut().unwrap()
    }

    /// Reads on until the log so far holds `text`, and returns all of it.
    pub(crate) fn read_until(&mut self, text: &str) -> String {
        loop {
            let log = String::from_utf8_lossy(&self.read).into_owned();
            if log.contains(text) {
                return log;
            }
            let mut piece = [0; 1024];
            let stdout = self.child().stdout.as_mut().unwrap();
            let count = stdout.read(&mut piece).unwrap();
            assert_ne!(count, 0, "no {text:?} in:\n{log}");
            self.read.extend_from_slice(&piece[..count]);
        }
    }

    /// What Ctrl-C does.
    pub(crate) fn interrupt(&mut self) {
        self.signal(Signal::SIGINT);
    }

    pub(crate) fn signal(&mut self, signal: Signal) {
        let id = i32::try_from(self.child().id()).unwrap();
        kill(Pid::from_raw(id), signal).unwrap();
    }

    pub(crate) fn finish(mut self) -> Ended {
        let output = self.child.take().unwrap().wait_with_output().unwrap();
        self.read.extend_from_slice(&output.stdout);
        Ended {
            code: output.status.code(),
            log: String::from_utf8(std::mem::take(&mut self.read)).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            drop(child.kill());
            drop(child.wait());
        }
    }
}

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) log: String,
    pub(crate) stderr: String,
}

impl Ended {
    /// Checks the exit code, showing all there is when it is another.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        let Self { log, stderr, .. } = &self;
        assert_eq!(self.code, Some(code), "{log}\n{stderr}");
        self
    }

    /// Checks that the log holds each of `parts`, in this order.
    #[track_caller]
    pub(crate) fn logs(self, parts: &[&str]) -> Self {
        let mut rest = self.log.as_str();
        for part in parts {
            let found = rest.split_once(part);
            rest = found
                .unwrap_or_else(|| panic!("no {part:?} where it should be in:\n{}", self.log))
                .1;
        }
        self
    }
}
