//! GitLab Runner's `config.toml`.

use std::path::Path;

use super::super::catalog::{
    RUNNER_ARGUMENTS, RUNNER_CALLS, RUNNER_CONCURRENT, RUNNER_CONFIG, RUNNER_FOLDERS, RUNNER_LINT,
    RUNNER_OUTPUT, RUNNER_PROGRAMS, RUNNER_SHELL, RUNNER_TOKEN,
};
use super::super::check::Check;
use super::super::facts::{
    Executable, Facts, Lint, Runner, RunnerConfig, RunnerEntry, RunnerProgram, Stage,
};
use super::configuration::or_pass;
use super::runner_times;

/// KiB of a job's log by default (GitLab Runner: advanced configuration). Values up to 0 mean it.
const OUTPUT_LIMIT: i64 = 4096;

/// The first version that expands variables in `url` and `token` (by Go's os.ExpandEnv).
const EXPANDS_SINCE: (u32, u32) = (18, 10);

/// Judges GitLab Runner's configuration.
pub(in super::super) fn runner(facts: &Facts, program: &RunnerProgram) -> Vec<Check> {
    let runner = &facts.runner;
    let file = runner.file.display();
    let config = match &runner.config {
        Some(Ok(config)) => config,
        Some(Err(fault)) => {
            return vec![RUNNER_CONFIG.fail(
                format!("{file}: {fault}"),
                "Correct the file; GitLab Runner does not start with it.",
            )];
        }
        None if facts.pre => return vec![RUNNER_CONFIG.skip(format!("{file} is not there yet"))],
        None => {
            return vec![RUNNER_CONFIG.fail(
                format!("there is no {file}"),
                "Register GitLab Runner on this machine (docs/installation.md, step 4), or name the file with \
                 --runner-config.",
            )];
        }
    };
    let version = program.version();
    let version = version.map_or_else(String::new, |version| format!(", GitLab Runner {version}"));
    let mut checks = vec![RUNNER_CONFIG.pass(format!("{file}{version}"))];
    let ours: Vec<_> = runner.ours().collect();
    if ours.is_empty() {
        checks.push(calls_nothing_of_ours(config, &runner.file));
        return checks;
    }
    let names: Vec<_> = ours.iter().map(|entry| entry.name.as_str()).collect();
    checks.push(RUNNER_CALLS.pass(names.join(", ")));
    checks.extend(or_pass(
        ours.iter().flat_map(|entry| programs(entry)).collect(),
        || RUNNER_PROGRAMS.pass("all four can be run"),
    ));
    checks.extend(or_pass(
        ours.iter()
            .flat_map(|entry| arguments(entry, facts))
            .collect(),
        || RUNNER_ARGUMENTS.pass("all four fit"),
    ));
    checks.extend(or_pass(
        ours.iter().flat_map(|entry| folders(entry)).collect(),
        || RUNNER_FOLDERS.pass("set"),
    ));
    checks.extend(or_pass(
        ours.iter().filter_map(|entry| shell(entry)).collect(),
        || RUNNER_SHELL.pass("bash or sh"),
    ));
    checks.push(concurrent(config, runner));
    checks.extend(runner_times::times(config, &ours, facts));
    checks.extend(or_pass(
        ours.iter().filter_map(|entry| output(entry)).collect(),
        || RUNNER_OUTPUT.pass("enough"),
    ));
    checks.push(token(&ours, program));
    checks.push(lint(runner, program));
    checks
}

fn calls_nothing_of_ours(config: &RunnerConfig, file: &Path) -> Check {
    let found = match &config.runners[..] {
        [] => "it has no [[runners]]".to_owned(),
        entries => {
            let entries = entries.iter();
            let each =
                entries.map(|entry| format!("{} has executor {}", entry.name, entry.executor));
            format!("none does: {}", each.collect::<Vec<_>>().join(", "))
        }
    };
    RUNNER_CALLS.fail(
        found,
        format!(
            "Give an entry in {} executor = \"custom\" and the [runners.custom] of docs/installation.md, step 4.",
            file.display()
        ),
    )
}

fn programs(entry: &RunnerEntry) -> Vec<Check> {
    let name = &entry.name;
    let stages = entry.custom.stages();
    let found = stages.iter().zip(&entry.custom.found);
    found
        .filter_map(|(Stage { name: stage, program, .. }, found)| {
            let (problem, fix) = match found {
                _ if program.is_empty() => (
                    "is not set".to_owned(),
                    format!("Set {stage}_exec to the path of fargate in [runners.custom] of {name}."),
                ),
                _ if !program.starts_with('/') => (
                    format!("is {program}, which is no absolute path"),
                    format!("Set {stage}_exec to the whole path of fargate in [runners.custom] of {name}."),
                ),
                Executable::Usable => return None,
                Executable::Missing => (
                    format!("is {program}, which is not there"),
                    format!("Copy fargate there, or correct {stage}_exec in [runners.custom] of {name}."),
                ),
                Executable::Forbidden => {
                    (format!("is {program}, which nobody may run"), format!("$ chmod 755 {program}"))
                }
            };
            Some(RUNNER_PROGRAMS.fail(format!("{name}: {stage}_exec {problem}"), fix))
        })
        .collect()
}

fn arguments(entry: &RunnerEntry, facts: &Facts) -> Vec<Check> {
    let stages = entry.custom.stages();
    let wrong = stages.iter().filter(|stage| !stage.program.is_empty());
    wrong
        .filter_map(|stage| argument(entry, stage, facts))
        .collect()
}

fn argument(entry: &RunnerEntry, stage: &Stage<'_>, facts: &Facts) -> Option<Check> {
    let (runner, name) = (&entry.name, stage.name);
    let file = &facts.configuration.file;
    let absolute = std::path::absolute(file).unwrap_or_else(|_| file.clone());
    let right = format!(
        "Write it so in [runners.custom] of {runner}:\n$ {name}_args = [\"--config\", \"{}\", \"custom\", \"{name}\"]",
        absolute.display()
    );
    let mut after = stage
        .arguments
        .iter()
        .skip_while(|word| !is_custom(word))
        .skip(1);
    let problem = match (after.next(), stage.configuration()) {
        (None, _) => "names no stage of fargate".to_owned(),
        (Some(called), _) if !is_stage(called, name) => {
            format!("calls the stage {called}")
        }
        (_, None) => {
            "has no --config, so fargate reads config.toml in a temporary folder".to_owned()
        }
        (_, Some(named)) if !named.starts_with('/') => {
            format!(
                "has the relative path {named}, and the runner calls fargate in a temporary folder"
            )
        }
        (_, Some(named)) if facts.configuration.exists && !is_same(Path::new(named), file) => {
            format!(
                "has the configuration {named}, and this check is about {}",
                file.display()
            )
        }
        _ => return None,
    };
    Some(RUNNER_ARGUMENTS.fail(format!("{runner}: {name}_args {problem}"), right))
}

/// The names of commands that the driver's command line has, with their aliases.
fn is_custom(word: &str) -> bool {
    matches!(word, "custom" | "c")
}

fn is_stage(word: &str, stage: &str) -> bool {
    word == stage
        || matches!(
            (word, stage),
            ("co", "config") | ("p", "prepare") | ("r", "run") | ("cl", "cleanup")
        )
}

/// Whether two paths are of one file, as far as the names tell.
fn is_same(one: &Path, other: &Path) -> bool {
    let whole = |path: &Path| std::path::absolute(path).ok();
    whole(one) == whole(other)
}

fn folders(entry: &RunnerEntry) -> Vec<Check> {
    let folders = [
        ("builds_dir", &entry.builds_dir, "/builds"),
        ("cache_dir", &entry.cache_dir, "/cache"),
    ];
    let missing = folders
        .into_iter()
        .filter(|(_, folder, _)| !folder.starts_with('/'));
    missing
        .map(|(key, folder, usual)| {
            let found = match folder.is_empty() {
                true => format!("{}: {key} is not set", entry.name),
                false => format!("{}: {key} is {folder}, which is no absolute path", entry.name),
            };
            let fix = format!(
                "Name a folder of tasks in [[runners]] of {}; the custom executor has no default:\n$ {key} = \"{usual}\"",
                entry.name
            );
            RUNNER_FOLDERS.fail(found, fix)
        })
        .collect()
}

fn shell(entry: &RunnerEntry) -> Option<Check> {
    // GitLab Runner 19.4: shells/; empty is bash.
    let is_ours = matches!(entry.shell.as_str(), "" | "bash" | "sh");
    (!is_ours).then(|| {
        RUNNER_SHELL.fail(
            format!("{}: shell is {}", entry.name, entry.shell),
            format!(
                "Remove shell from [[runners]] of {}, or set it to bash.",
                entry.name
            ),
        )
    })
}

fn concurrent(config: &RunnerConfig, runner: &Runner) -> Check {
    match (config.concurrent, runner.jobs_at_once()) {
        (Some(..=0), _) => RUNNER_CONCURRENT.fail(
            "concurrent is 0, with which GitLab Runner does not start",
            "Set the number of jobs at once at the top of config.toml:\n$ concurrent = 20",
        ),
        (None, _) => RUNNER_CONCURRENT.warn(
            "concurrent is not set, so one job runs at a time",
            "Set the number of jobs at once at the top of config.toml:\n$ concurrent = 20",
        ),
        (Some(all), jobs) => {
            let jobs = jobs.unwrap_or_default();
            let limited = match jobs.to_string() == all.to_string() {
                true => String::new(),
                false => format!(" of {all}, by limit"),
            };
            RUNNER_CONCURRENT.pass(format!("{jobs}{limited}"))
        }
    }
}

/// GitLab Runner drops what goes beyond, the driver's own last words with it (GitLab Runner: advanced configuration).
fn output(entry: &RunnerEntry) -> Option<Check> {
    let limit = entry
        .output_limit
        .filter(|limit| (1..OUTPUT_LIMIT).contains(limit))?;
    let name = &entry.name;
    Some(RUNNER_OUTPUT.warn(
        format!("{name}: output_limit is {limit} KiB; a job that prints more ends without the reason in its log"),
        format!("Raise it in [[runners]] of {name}, or remove it:\n$ output_limit = {OUTPUT_LIMIT}"),
    ))
}

/// Variables in `url` and `token`, which older versions take by their letters.
fn token(ours: &[&RunnerEntry], program: &RunnerProgram) -> Check {
    let mut expanded = ours
        .iter()
        .filter(|entry| entry.is_url_expanded || entry.is_token_expanded);
    let Some(entry) = expanded.next() else {
        return RUNNER_TOKEN.pass("written out");
    };
    let key = match entry.is_token_expanded {
        true => "token",
        false => "url",
    };
    let name = &entry.name;
    match program.version() {
        None => RUNNER_TOKEN.skip(format!(
            "{name}: {key} names a variable, and the version of GitLab Runner is unknown; 18.10 expands it"
        )),
        Some(version) if program.is_older(EXPANDS_SINCE) => RUNNER_TOKEN.fail(
            format!("{name}: {key} names a variable, which GitLab Runner {version} does not expand"),
            format!("Update GitLab Runner to 18.10 or later, or write {key} out in [[runners]] of {name}."),
        ),
        Some(_) => RUNNER_TOKEN.pass("of the environment"),
    }
}

fn lint(runner: &Runner, program: &RunnerProgram) -> Check {
    let lint = match program {
        RunnerProgram::Answers(answers) => &answers.lint,
        RunnerProgram::Missing => return RUNNER_LINT.skip("gitlab-runner is not on the path"),
        RunnerProgram::Silent(why) => return RUNNER_LINT.skip(why.as_str()),
    };
    match lint {
        Lint::Unknown(why) => RUNNER_LINT.skip(why.as_str()),
        Lint::Clean => RUNNER_LINT.pass("finds nothing"),
        Lint::Faults(words) => RUNNER_LINT.fail(
            words.replace('\n', " "),
            format!(
                "Correct the file, and try:\n$ gitlab-runner lint --config {}",
                runner.file.display()
            ),
        ),
    }
}
