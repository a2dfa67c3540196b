//! The private folder of an attempt. Only this user can read it: scripts and job data hold secrets.

use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, BufWriter, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::script::Script;

/// A private folder, which is the working directory of the driver. It is removed when it is dropped.
#[derive(Debug)]
pub(crate) struct AttemptFolder(TempDir);

impl AttemptFolder {
    /// Makes the folder in `parent`, with the job response in it.
    pub(crate) fn new(parent: &Path, response: &[u8]) -> io::Result<Self> {
        let folder = Self(private("custom-executor").tempdir_in(parent)?);
        write_new(&folder.response_file(), 0o600, response)?;
        Ok(folder)
    }

    /// The folder's path.
    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// `JOB_RESPONSE_FILE`
    pub(crate) fn response_file(&self) -> PathBuf {
        self.path().join("response.json")
    }

    /// `BUILD_EXIT_CODE_FILE`
    pub(crate) fn exit_code_file(&self) -> PathBuf {
        self.path().join("build_exit_code")
    }

    /// Writes a script in a folder of its own, as the runner does.
    pub(crate) fn write_script(&self, script: &Script<'_>) -> io::Result<PathBuf> {
        let path = private("script")
            .tempdir_in(self.path())?
            .keep()
            .join("script");
        let mut file = BufWriter::new(new(&path, 0o700)?);
        script.write(&mut file)?;
        file.flush()?;
        Ok(path)
    }

    /// Writes the program `name`.
    pub(crate) fn write_program(&self, name: &str, text: &str) -> io::Result<PathBuf> {
        let file = self.path().join(name);
        write_new(&file, 0o700, text.as_bytes())?;
        Ok(file)
    }

    /// Leaves the folder on disk.
    pub(crate) fn keep(mut self) {
        self.0.disable_cleanup(true);
    }
}

fn private<'a>(prefix: &'a str) -> tempfile::Builder<'a, 'static> {
    let mut builder = tempfile::Builder::new();
    builder
        .prefix(prefix)
        .permissions(Permissions::from_mode(0o700));
    builder
}

fn write_new(path: &Path, mode: u32, content: &[u8]) -> io::Result<()> {
    new(path, mode)?.write_all(content)
}

fn new(path: &Path, mode: u32) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(mode).open(path)
}
