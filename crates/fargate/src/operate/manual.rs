//! `fargate completions` and `fargate man`: both are made of the definitions of the command line.

use std::io::{self, Write};
use std::path::Path;

use clap::CommandFactory;
use clap_complete::Shell;
use clap_mangen::Man;

use crate::cli::Cli;
use crate::error::{Blame, Error, Result};

/// Prints the completions of `shell`.
///
/// # Errors
///
/// When standard output does not take them.
pub(crate) fn completions(shell: Shell) -> Result<()> {
    let mut text = Vec::new();
    let mut command = Cli::command();
    let name = command.get_name().to_owned();
    clap_complete::generate(shell, &mut command, name, &mut text);
    print(&text)
}

/// Prints the page of the program, or writes the pages of all its commands into `folder`.
///
/// # Errors
///
/// When standard output or the folder does not take them.
pub(crate) fn pages(folder: Option<&Path>) -> Result<()> {
    let command = Cli::command();
    let Some(folder) = folder else {
        let mut text = Vec::new();
        let rendered = Man::new(command).render(&mut text);
        rendered.map_err(|error| Error::system(format!("could not make the page: {error}")))?;
        return print(&text);
    };
    std::fs::create_dir_all(folder)
        .and_then(|()| clap_mangen::generate_to(command, folder))
        .map_err(|error| {
            let message = format!(
                "could not write manual pages to {}: {error}",
                folder.display()
            );
            Error::new(Blame::Usage, message)
        })
}

/// Writes to standard output. A reader that has seen enough is no failure.
fn print(text: &[u8]) -> Result<()> {
    match io::stdout().write_all(text) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Error::system(format!(
            "could not write to standard output: {error}"
        ))),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The visible commands, at any depth, that do something themselves.
    fn leaves(command: &clap::Command) -> Vec<&clap::Command> {
        let inner = command
            .get_subcommands()
            .filter(|inner| !inner.is_hide_set());
        let inner: Vec<_> = inner.flat_map(leaves).collect();
        match inner.is_empty() {
            true => vec![command],
            false => inner,
        }
    }

    #[test]
    fn each_command_has_a_page_and_bash_accepts_its_completions() {
        let folder = tempfile::tempdir().unwrap();
        pages(Some(&folder.path().join("man1"))).unwrap();
        for page in ["fargate.1", "fargate-reap.1", "fargate-custom-run.1"] {
            let text = std::fs::read_to_string(folder.path().join("man1").join(page)).unwrap();
            assert!(text.contains(".TH fargate"), "{page}: {text}");
        }
        let file = folder.path().join("fargate");
        let mut command = Cli::command();
        let mut script = std::fs::File::create(&file).unwrap();
        clap_complete::generate(Shell::Bash, &mut command, "fargate", &mut script);
        // The words that complete `fargate rea`.
        let ask = ". \"$1\"; COMP_WORDS=(fargate rea); COMP_CWORD=1; _fargate fargate rea fargate; echo ${COMPREPLY[*]}";
        let answer = std::process::Command::new("bash")
            .args(["-c", ask, "bash"])
            .arg(&file)
            .output()
            .unwrap();
        assert_eq!(String::from_utf8_lossy(&answer.stdout), "reap\n");
    }

    #[test]
    fn the_help_of_each_command_has_an_example() {
        let cli = Cli::command();
        let custom = cli.find_subcommand("custom").unwrap();
        let mut without = leaves(&cli);
        // Operators do not call the stages: `custom` has the part of config.toml.
        let stages: Vec<_> = custom
            .get_subcommands()
            .map(clap::Command::get_name)
            .collect();
        without.retain(|command| !stages.contains(&command.get_name()));
        without.extend([&cli, custom]);
        without.retain(|command| {
            let help = command.get_after_help().map(ToString::to_string);
            !help.is_some_and(|help| help.contains("fargate"))
        });
        let without: Vec<_> = without.iter().map(|command| command.get_name()).collect();
        assert!(without.is_empty(), "no example: {without:?}");
    }
}
