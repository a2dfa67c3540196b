//! The scripts of a job's stages, in the shape GitLab Runner 19.4 gives them.
//!
//! A driver must carry exactly this: one `eval` of one long quoted text in a subshell without standard input, every
//! variable exported in every stage, and the exit status of the failing command. Where the runner calls git, the
//! project's files travel behind the script instead, so that a job's environment needs no git and a local run no
//! server.

mod quoting;

use std::io::{self, Write};

pub(crate) use self::quoting::Quoting;
use crate::transfer::{Archive, files_follow, take_files};
use crate::variables::Variables;

const GREEN: &str = "\u{1b}[32;1m";
const RESET: &str = "\u{1b}[0;m";

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
        body.remove([
            self.temporary("gitlab_runner_env"),
            self.temporary("masking.db"),
        ]);
        self.wrap(body)
    }

    /// `get_sources`; `files` are the project's.
    pub(crate) fn get_sources<'a>(&self, files: Option<&'a Archive>) -> Script<'a> {
        let mut body = self.body();
        body.exports(self);
        let project = body.quoting.word(self.project);
        let Some(files) = files else {
            body.notice("Skipping Git repository setup");
            body.line(&format!("mkdir -p {project}"));
            return self.wrap(body);
        };
        body.notice("Taking the files of the folder as they are now");
        body.line(
            "for tool in base64 tar; do command -v $tool > /dev/null || { \
             echo \"the sources cannot be unpacked: no $tool in the task\" >&2; exit 1; }; done",
        );
        body.line(&format!("mkdir -p {project}"));
        let stage = self.stage(&body);
        // Owner and modification times are those of a checkout made here, as with git.
        let unpack = format!("base64 -d | tar -x -o -m -f - -C {project}");
        Script {
            text: format!("{}{stage}{}", self.head(), take_files(&unpack, "")),
            files: Some(files),
        }
    }

    /// `build_script`: the user's commands, each shown before it runs.
    pub(crate) fn build(&self, commands: &[String]) -> Script<'static> {
        let mut body = self.body();
        body.exports(self);
        body.commands(self.project, commands);
        self.wrap(body)
    }

    /// `after_script`: a separate shell, which has only files and `GITLAB_ENV` in common with the script before.
    pub(crate) fn after(&self, commands: &[String]) -> Script<'static> {
        let mut body = self.body();
        body.exports(self);
        body.notice("Running after script...");
        body.commands(self.project, commands);
        self.wrap(body)
    }

    /// `cleanup_file_variables`.
    pub(crate) fn cleanup_file_variables(&self) -> Script<'static> {
        let mut body = self.body();
        body.remove([
            self.temporary("gitlab_runner_env"),
            self.temporary("masking.db"),
        ]);
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

    fn temporary(&self, name: &str) -> String {
        format!("{}.tmp/{name}", self.project)
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
        format!("(trap 'exit 1' TERM; eval {stage}) < /dev/null\n")
    }
}

/// The text of a stage before it is quoted as a whole.
struct Body {
    text: String,
    quoting: Quoting,
    colour: bool,
}

impl Body {
    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn remove(&mut self, files: impl IntoIterator<Item = String>) {
        for file in files {
            self.line(&format!("rm -f {}", self.quoting.word(&file)));
        }
    }

    fn notice(&mut self, text: &str) {
        let text = if self.colour {
            format!("{GREEN}{text}{RESET}")
        } else {
            text.to_owned()
        };
        self.line(&format!("printf '%s\\n' {}", self.quoting.word(&text)));
    }

    /// Exports every variable, and those that earlier stages wrote to `GITLAB_ENV`.
    fn exports(&mut self, scripts: &Scripts<'_>) {
        let folder = self.quoting.word(&format!("{}.tmp", scripts.project));
        self.line(&format!("mkdir -p {folder}"));
        for variable in scripts.variables.iter() {
            let value = self.quoting.word(&variable.value);
            self.line(&format!("export {}={value}", variable.key));
        }
        let passed_on = self.quoting.word(&scripts.temporary("gitlab_runner_env"));
        self.line(&format!("export GITLAB_ENV={passed_on}"));
        self.line(&format!("touch {passed_on}"));
        self.line(&format!(
            "while read -r line || [ -n \"$line\" ]; do [ -z \"$line\" ] || export \"$line\"; done < {passed_on}"
        ));
    }

    fn commands(&mut self, project: &str, commands: &[String]) {
        self.line(&format!("cd {}", self.quoting.word(project)));
        for command in commands {
            let command = command.trim_end();
            match command.split_once('\n') {
                Some((first, _)) => {
                    self.notice(&format!("$ {first} # collapsed multi-line command"))
                }
                None => self.notice(&format!("$ {command}")),
            }
            self.line(command);
        }
    }
}

#[cfg(test)]
mod tests;
