//! The scripts of a job's stages, in the shape GitLab Runner 19.4 gives them.
//!
//! A driver must carry exactly this: one `eval` of one long quoted text in a subshell without standard input, every
//! variable exported in every stage, and the exit status of the failing command. Where the runner calls git, the
//! project's files travel inside the script instead, so that a job's environment needs no git and a local run no
//! server.

mod quoting;

pub(crate) use self::quoting::Quoting;
use crate::variables::Variables;

const GREEN: &str = "\u{1b}[32;1m";
const RESET: &str = "\u{1b}[0;m";

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
    pub(crate) fn prepare(&self, hostname: &str) -> String {
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

    /// `get_sources`; `tar` holds them, in base64.
    pub(crate) fn get_sources(&self, tar: Option<&str>) -> String {
        let mut body = self.body();
        body.exports(self);
        let project = body.quoting.word(self.project);
        match tar {
            Some(tar) => {
                body.notice("Taking the files of the folder as they are now");
                body.line(
                    "for tool in base64 tar; do command -v $tool > /dev/null || { \
                     echo \"the sources cannot be unpacked: no $tool in the task\" >&2; exit 1; }; done",
                );
                body.line(&format!("mkdir -p {project}"));
                // Owner and modification times are those of a checkout made here, as with git.
                body.line(&format!(
                    "printf %s {tar} | base64 -d | tar -x -o -m -f - -C {project}"
                ));
            }
            None => {
                body.notice("Skipping Git repository setup");
                body.line(&format!("mkdir -p {project}"));
            }
        }
        self.wrap(body)
    }

    /// `build_script`: the user's commands, each shown before it runs.
    pub(crate) fn build(&self, commands: &[String]) -> String {
        let mut body = self.body();
        body.exports(self);
        body.commands(self.project, commands);
        self.wrap(body)
    }

    /// `after_script`: a separate shell, which has only files and `GITLAB_ENV` in common with the script before.
    pub(crate) fn after(&self, commands: &[String]) -> String {
        let mut body = self.body();
        body.exports(self);
        body.notice("Running after script...");
        body.commands(self.project, commands);
        self.wrap(body)
    }

    /// `cleanup_file_variables`.
    pub(crate) fn cleanup_file_variables(&self) -> String {
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

    fn wrap(&self, body: Body) -> String {
        let Self { shell, .. } = self;
        let xtrace = if self.variables.is_on("CI_DEBUG_TRACE") {
            "set -o xtrace\n"
        } else {
            ""
        };
        let stage = body.quoting.word(&body.text);
        format!(
            "#!/usr/bin/env {shell}\n\n\
             trap 'exit 1' TERM\n\
             {xtrace}\
             if (set -o pipefail) 2> /dev/null; then set -o pipefail; fi\n\
             set -o errexit\n\
             set +o noclobber\n\
             (trap 'exit 1' TERM; eval {stage}) < /dev/null\n\
             exit 0\n"
        )
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
