//! A project of a test's own, and `fargate try` in it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nix::unistd::Pid;
use tempfile::TempDir;

use crate::command::{Outcome, RunningCommand};
use crate::process;
use crate::wait::wait_until;

/// A folder with a project in it, and one for temporary files, in which nothing may be left.
pub struct Project {
    folder: TempDir,
    driver: String,
}

impl Project {
    /// A project with this `.gitlab-ci.yml`, for the driver at this path.
    pub fn new(driver: &str, pipeline: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let driver = driver.to_owned();
        let project = Self { folder, driver };
        for name in ["project", "tmp"] {
            std::fs::create_dir(project.path(name)).unwrap();
        }
        std::fs::write(project.path("project/.gitlab-ci.yml"), pipeline).unwrap();
        project
    }

    /// An example of this repository.
    pub fn example(driver: &str, name: &str) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../../examples")
            .join(name);
        let pipeline = std::fs::read_to_string(folder.join(".gitlab-ci.yml")).unwrap();
        let project = Self::new(driver, &pipeline);
        for file in folder.read_dir().unwrap() {
            let file = file.unwrap();
            std::fs::copy(file.path(), project.path("project").join(file.file_name())).unwrap();
        }
        project
    }

    /// A path in the test's folder; the project is in `project`.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// `fargate try` in the project's folder.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.driver);
        command
            .arg("try")
            .args(arguments)
            .current_dir(self.path("project"))
            .env("TMPDIR", self.path("tmp"))
            .env("XDG_CACHE_HOME", self.path("caches"))
            .env("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
            .env("AWS_SECRET_ACCESS_KEY", "secret-aws-key")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Starts the command.
    pub fn start(&self, arguments: &[&str]) -> RunningCommand {
        RunningCommand::start(&mut self.command(arguments))
    }

    /// Runs the command, and checks that nothing is left of it.
    #[track_caller]
    pub fn run(&self, arguments: &[&str]) -> Outcome {
        let outcome = self.start(arguments).finish();
        self.left_nothing();
        outcome
    }

    /// Checks that no file and no process is left.
    #[track_caller]
    pub fn left_nothing(&self) {
        let files: Vec<_> = self.path("tmp").read_dir().unwrap().collect();
        assert!(files.is_empty(), "files were left: {files:?}");
        wait_until("every process of the trial has ended", || {
            self.processes().is_empty()
        });
    }

    /// The processes of a trial: their environment names the project's folder, that of the driver's stages in TMPDIR,
    /// that of a task in the command's own stand-in in HOME.
    pub fn processes(&self) -> Vec<Pid> {
        use std::os::unix::ffi::OsStrExt;
        let folder = self.folder.path().as_os_str().as_bytes();
        process::with_environment(|environment| {
            environment.windows(folder.len()).any(|part| part == folder)
        })
    }
}
