//! The text of a stage before it is quoted as a whole.

use crate::script::quoting::Quoting;
use crate::variables::Variables;

const GREEN: &str = "\u{1b}[32;1m";
const RESET: &str = "\u{1b}[0;m";

/// The seconds since 1970, as the runner has a script print them.
const SECONDS: &str = "\"$(awk 'BEGIN{srand(); print srand()}')\"";

/// With `FF_ENABLE_BASH_EXIT_CODE_CHECK` after each command.
const EXIT_CODE_CHECK: &str = "_runner_exit_code=$?; \
    if [ $_runner_exit_code -ne 0 ]; then exit $_runner_exit_code; fi";

/// The text of a stage.
pub(super) struct Body {
    pub(super) text: String,
    pub(super) quoting: Quoting,
    pub(super) colour: bool,
}

impl Body {
    pub(super) fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    pub(super) fn remove(&mut self, files: impl IntoIterator<Item = String>) {
        for file in files {
            self.line(&format!("rm -f {}", self.quoting.word(&file)));
        }
    }

    pub(super) fn notice(&mut self, text: &str) {
        self.line(&self.notice_command(text));
    }

    /// The command that prints a notice.
    pub(super) fn notice_command(&self, text: &str) -> String {
        let text = if self.colour {
            format!("{GREEN}{text}{RESET}")
        } else {
            text.to_owned()
        };
        format!("printf '%s\\n' {}", self.quoting.word(&text))
    }

    /// Ends the stage where a tool is missing, with what cannot be done.
    pub(super) fn require(&mut self, tools: &[&str], consequence: &str) {
        self.line(&format!(
            "for tool in {}; do command -v $tool > /dev/null || {{ \
             echo \"{consequence}: no $tool in the task\" >&2; exit 1; }}; done",
            tools.join(" ")
        ));
    }

    /// Exports every variable, and those that earlier stages wrote to `GITLAB_ENV`, a file in `temporary`.
    pub(super) fn exports(&mut self, variables: &Variables, temporary: &str) {
        self.line(&format!("mkdir -p {}", self.quoting.word(temporary)));
        for variable in variables.iter() {
            let value = self.quoting.word(&variable.value);
            self.line(&format!("export {}={value}", variable.key));
        }
        let passed_on = format!("{temporary}/gitlab_runner_env");
        let passed_on = self.quoting.word(&passed_on);
        self.line(&format!("export GITLAB_ENV={passed_on}"));
        self.line(&format!("touch {passed_on}"));
        // As in the runner: an empty line is an error of the shell, and a last line without its end is lost.
        self.line(&format!(
            "while read -r line; do export \"$line\"; done < {passed_on}"
        ));
    }

    /// The user's commands, each shown before it runs. `step` names the sections of `FF_SCRIPT_SECTIONS`.
    pub(super) fn commands(&mut self, variables: &Variables, step: &str, commands: &[String]) {
        let sections = variables.is_on("FF_SCRIPT_SECTIONS");
        let checked = variables.is_on("FF_ENABLE_BASH_EXIT_CODE_CHECK");
        for (index, command) in commands.iter().enumerate() {
            let command = command.trim();
            let section = format!("section_{step}_{index}");
            let lines = command.split_once('\n');
            match lines {
                _ if command.is_empty() => self.line("echo"),
                None => self.notice(&format!("$ {command}")),
                Some(_) if sections => {
                    // The section has the text of the command alone, not what it prints.
                    let options = "[hide_duration=true,collapsed=true]";
                    self.section("start", &format!("{section}{options}"), "");
                    self.notice(&format!("$ {command}"));
                    self.section("end", &section, "\\n");
                }
                Some((first, _)) => {
                    self.notice(&format!("$ {first} # collapsed multi-line command"));
                }
            }
            self.line(command);
            if checked {
                self.line(EXIT_CODE_CHECK);
            }
        }
    }

    /// A section's beginning or end in the job log, which a terminal does not show.
    fn section(&mut self, end: &str, name: &str, line_end: &str) {
        let mark = format!("'section_{end}:%s:{name}\\r\\033[0K{line_end}'");
        self.line(&format!("printf {mark} {SECONDS}"));
    }
}
