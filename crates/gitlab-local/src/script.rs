//! The scripts of a job's stages, in the shape GitLab Runner 19.4 gives them.
//!
//! A driver must carry exactly this: one `eval` of one long quoted text in a subshell without standard input, every
//! variable exported in every stage, and the exit status of the failing command. Where the runner calls git, the
//! project's files travel behind the script instead, so that a job's environment needs no git and a local run no
//! server.

mod body;
mod quoting;

use std::collections::BTreeSet;
use std::io::{self, Write};

use self::body::Body;
pub(crate) use self::quoting::Quoting;
use crate::transfer::{Archive, Markers, files_follow, take_files};
use crate::variables::Variables;

/// The option of `tar` to pack folders without what is in them.
const ALONE: &str = "--no-recursion";

/// A script as a driver gets it.
#[derive(Debug)]
pub(crate) struct Script<'a> {
    text: String,
    /// What follows the text.
    files: Option<&'a Archive>,
}

impl Script<'_> {
    /// Writes it, with the files that follow it.
    ///
    /// # Errors
    ///
    /// When the files cannot be read or `into` cannot be written.
    pub(crate) fn write(&self, into: &mut impl Write) -> io::Result<()> {
        into.write_all(self.text.as_bytes())?;
        match self.files {
            Some(files) => {
                into.write_all(files_follow().as_bytes())?;
                files.encode(into)
            }
            None => Ok(()),
        }
    }
}

/// What `get_sources` does.
#[derive(Debug, Clone)]
pub(crate) enum Sources {
    /// Brings the files of the project's folder as they are now.
    Files(Archive),
    /// Brings a clone.
    Clone(Archive),
    /// Brings nothing: `GIT_CHECKOUT` is off, and there is no clone.
    NotCheckedOut,
    /// Brings nothing: `GIT_STRATEGY` is `none`.
    None,
    /// Makes an empty folder: `GIT_STRATEGY` is `empty`.
    Empty,
}

impl Sources {
    /// The files that it brings.
    pub(crate) fn archive(&self) -> Option<&Archive> {
        match self {
            Self::Files(archive) | Self::Clone(archive) => Some(archive),
            Self::NotCheckedOut | Self::None | Self::Empty => None,
        }
    }

    /// Whether the job has sources, even if it wants none of them checked out.
    fn are_wanted(&self) -> bool {
        !matches!(self, Self::None | Self::Empty)
    }

    /// The lines of the job log, the runner's own where it has them.
    fn notices(&self) -> &'static [&'static str] {
        match self {
            Self::Files(_) => &["Taking the files of the folder as they are now"],
            Self::Clone(_) => &["Taking a clone of the folder's repository"],
            Self::NotCheckedOut => &["Skipping Git checkout"],
            Self::None => &[
                "Skipping Git repository setup",
                "Skipping Git checkout",
                "Skipping Git submodules setup",
            ],
            Self::Empty => &[
                "Skipping Git repository setup and creating an empty build directory",
                "Skipping Git checkout",
                "Skipping Git submodules setup",
            ],
        }
    }
}

/// The scripts of one attempt, which have these in common.
#[derive(Debug)]
pub(crate) struct Scripts<'a> {
    /// The shell in the first line: `bash` or `sh`.
    pub(crate) shell: &'a str,
    /// The project's folder in the task.
    pub(crate) project: &'a str,
    /// All variables of the job, expanded.
    pub(crate) variables: &'a Variables,
    /// Whether commands and notices are coloured.
    pub(crate) colour: bool,
}

impl Scripts<'_> {
    /// `prepare_script`; `hostname` is the one from the driver's `config`.
    pub(crate) fn prepare(&self, hostname: &str) -> Script<'static> {
        let mut body = self.body();
        let hostname = body.quoting.word(hostname);
        body.line(&format!(
            "printf 'Running on %s via %s...\\n' \"$(hostname)\" {hostname}"
        ));
        body.remove(self.passed_on());
        self.wrap(body)
    }

    /// `get_sources`; the commands of `hook` (`pre_get_sources_script`) run first, where there are sources to get.
    pub(crate) fn get_sources<'a>(&self, sources: &'a Sources, hook: &[String]) -> Script<'a> {
        let mut body = self.body();
        body.exports(self.variables, &self.temporary());
        let project = body.quoting.word(self.project);
        if sources.are_wanted() {
            body.commands(self.variables, "pre_clone_script", hook);
        }
        for notice in sources.notices() {
            body.notice(notice);
        }
        let Some(files) = sources.archive() else {
            if matches!(sources, Sources::Empty) {
                body.line(&format!("rm -r -f {project}"));
            }
            body.line(&format!("mkdir -p {project}"));
            return self.wrap(body);
        };
        body.require(&["base64", "tar"], "the sources cannot be unpacked");
        body.line(&format!("mkdir -p {project}"));
        let stage = self.stage(&body);
        // Owner, modes and modification times are those of a checkout made here, as with git. Only long options leave
        // modes to the umask for root.
        let unpack = format!(
            "modes=--no-same-permissions\n\
             tar $modes -c -f /dev/null /dev/null 2> /dev/null || modes=\n\
             base64 -d | tar -x -o -m $modes -f - -C {project}"
        );
        Script {
            text: format!("{}{stage}{}", self.head(), take_files(&unpack, "")),
            files: Some(files),
        }
    }

    /// Unpacks `files`, artifacts, in the project's folder.
    pub(crate) fn unpack<'a>(&self, files: &'a Archive) -> Script<'a> {
        self.unpacked_by(files, |unpack, _| unpack.to_owned())
    }

    /// Unpacks `files`, a cache, in the project's folder, and says whether that worked. A failure is none of the job.
    pub(crate) fn unpack_cache<'a>(&self, files: &'a Archive) -> Script<'a> {
        self.unpacked_by(files, |unpack, body| {
            let success = body.notice_command("Successfully extracted cache");
            format!(
                "if {unpack}; then {success}; else echo 'WARNING: Failed to extract cache' >&2; fi"
            )
        })
    }

    fn unpacked_by<'a>(
        &self,
        files: &'a Archive,
        command: impl FnOnce(&str, &Body) -> String,
    ) -> Script<'a> {
        let mut body = self.body();
        body.exports(self.variables, &self.temporary());
        body.require(&["base64", "tar"], "the files cannot be unpacked");
        let project = body.quoting.word(self.project);
        body.line(&format!("mkdir -p {project}"));
        // For root with their owners, too, as the runner's archives.
        let unpack = format!("base64 -d | tar -x -p -f - -C {project}");
        let unpack = command(&unpack, &body);
        let stage = self.stage(&body);
        Script {
            text: format!("{}{stage}{}", self.head(), take_files(&unpack, "")),
            files: Some(files),
        }
    }

    /// Prints the folders below `roots` of the project's folder, and then the files and links, each name ended by a
    /// NUL; at last whether `tar` can pack a folder without what is in it.
    pub(crate) fn list(&self, markers: &Markers, roots: &BTreeSet<String>) -> Script<'static> {
        let mut body = self.body();
        body.exports(self.variables, &self.temporary());
        body.require(
            &["base64", "find", "tar", "xargs"],
            "the files cannot be collected",
        );
        self.enter(&mut body);
        let roots = roots
            .iter()
            .map(|root| body.quoting.word(&format!("./{root}")));
        let roots = roots.collect::<Vec<_>>().join(" ");
        // As the runner's archives, these have no pipes, sockets and devices.
        for kind in ["-type d", "\\( -type f -o -type l \\)"] {
            body.line(&markers.print(&format!(
                "for root in {roots}; do if [ -e \"$root\" ] || [ -L \"$root\" ]; then \
                 find \"$root\" {kind} -print0 || true; fi; done"
            )));
        }
        body.line(&markers.print(&format!(
            "if tar {ALONE} -c -f /dev/null /dev/null 2> /dev/null; then echo yes; fi"
        )));
        self.wrap(body)
    }

    /// Prints a tar file with the members of the project's folder that `names` lists, each ended by a NUL. With `alone`
    /// a folder comes without what is in it.
    pub(crate) fn pack<'a>(
        &self,
        markers: &Markers,
        names: &'a Archive,
        alone: bool,
    ) -> Script<'a> {
        let mut body = self.body();
        body.exports(self.variables, &self.temporary());
        let project = body.quoting.word(self.project);
        let alone = if alone { ALONE } else { "" };
        let print = markers.print(&format!("base64 -d | xargs -0 tar {alone} -c -f -"));
        let take = take_files(&format!("cd {project}\n{print}"), "");
        Script {
            text: format!("{}{}{take}", self.head(), self.stage(&body)),
            files: Some(names),
        }
    }

    /// `clear_worktree`, before `get_sources` is tried again.
    pub(crate) fn clear_worktree(&self) -> Script<'static> {
        let mut body = self.body();
        body.notice("Deleting tracked and untracked files...");
        body.line(&format!("rm -r -f {}", body.quoting.word(self.project)));
        self.wrap(body)
    }

    /// `build_script`: the user's commands, each shown before it runs.
    pub(crate) fn build(&self, commands: &[String]) -> Script<'static> {
        let mut body = self.body();
        body.exports(self.variables, &self.temporary());
        self.enter(&mut body);
        body.commands(self.variables, "script_step", commands);
        self.wrap(body)
    }

    /// `after_script`: a separate shell, which has only files and `GITLAB_ENV` in common with the script before.
    pub(crate) fn after(&self, commands: &[String]) -> Script<'static> {
        let mut body = self.body();
        body.exports(self.variables, &self.temporary());
        body.notice("Running after script...");
        self.enter(&mut body);
        body.commands(self.variables, "after_script_step", commands);
        self.wrap(body)
    }

    /// `cleanup_file_variables`.
    pub(crate) fn cleanup_file_variables(&self) -> Script<'static> {
        let mut body = self.body();
        body.remove(self.passed_on());
        self.wrap(body)
    }

    fn body(&self) -> Body {
        let quoting = match self.variables.is_on("FF_POSIXLY_CORRECT_ESCAPES") {
            true => Quoting::Posix,
            false => Quoting::AnsiC,
        };
        Body {
            text: String::new(),
            quoting,
            colour: self.colour,
        }
    }

    fn enter(&self, body: &mut Body) {
        body.line(&format!("cd {}", body.quoting.word(self.project)));
    }

    /// `RUNNER_TEMP_PROJECT_DIR`
    fn temporary(&self) -> String {
        format!("{}.tmp", self.project)
    }

    /// The files that stages pass on to later ones.
    fn passed_on(&self) -> [String; 2] {
        ["gitlab_runner_env", "masking.db"].map(|name| format!("{}/{name}", self.temporary()))
    }

    fn wrap(&self, body: Body) -> Script<'static> {
        let stage = self.stage(&body);
        Script {
            text: format!("{}{stage}exit 0\n", self.head()),
            files: None,
        }
    }

    /// The lines before the stage.
    fn head(&self) -> String {
        let Self { shell, .. } = self;
        let xtrace = if self.variables.is_on("CI_DEBUG_TRACE") {
            "set -o xtrace\n"
        } else {
            ""
        };
        format!(
            "#!/usr/bin/env {shell}\n\n\
             trap 'exit 1' TERM\n\
             {xtrace}\
             if (set -o pipefail) 2> /dev/null; then set -o pipefail; fi\n\
             set -o errexit\n\
             set +o noclobber\n"
        )
    }

    /// The line that is the stage.
    fn stage(&self, body: &Body) -> String {
        let stage = body.quoting.word(&body.text);
        match self.variables.is_on("FF_USE_LEGACY_BASH_EVAL") {
            true => format!(": | eval {stage}\n"),
            false => format!("(trap 'exit 1' TERM; eval {stage}) < /dev/null\n"),
        }
    }
}

#[cfg(test)]
mod tests;
