//! Each row of the table of keywords is true: a probe shows what the keyword changes.
//!
//! A probe is a file without the keyword and the same file with it. What is followed changes the jobs, what is not
//! followed changes nothing but the warnings, or is an error.

use std::collections::BTreeMap;
use std::path::Path;

use crate::file::keywords::{KEYWORDS, Keyword, Treatment};
use crate::file::{AbsentFile, Pipeline, PipelineFacts};
use crate::variables::Variables;

/// A line for each keyword.
const PROBES: &str = include_str!("keyword_probes.txt");

/// Files that probes include.
const FILES: &[(&str, &str)] = &[
    ("project/local.yml", "local: {script: x}"),
    (
        "project/inputs.yml",
        "spec: {inputs: {name: {default: a}}}\n---\n'$[[ inputs.name ]]': {script: x}",
    ),
    ("others/acme/ci/a.yml", "of-project: {script: x}"),
    ("others/example.com/a.yml", "of-remote: {script: x}"),
    ("others/templates/A.yml", "of-template: {script: x}"),
    (
        "others/acme/ci/templates/part.yml",
        "of-component: {script: x}",
    ),
];

/// What a reader sees of a file.
#[derive(Debug, PartialEq)]
struct Seen {
    /// The jobs without their warnings, or what is wrong.
    jobs: String,
    warnings: String,
    is_refused: bool,
}

fn seen(folder: &Path, text: &str) -> Seen {
    let mut predefined = Variables::default();
    predefined.put("CI_COMMIT_BRANCH", "main");
    predefined.put("CI_COMMIT_REF_NAME", "main");
    predefined.put("CI_PIPELINE_SOURCE", "push");
    let facts = PipelineFacts {
        include_dir: Some(folder.join("others")),
        predefined,
        overrides: Vec::new(),
    };
    let pipeline = match Pipeline::parse(&folder.join("project/.gitlab-ci.yml"), text, facts) {
        Ok(pipeline) => pipeline,
        Err(problem) => {
            return Seen {
                jobs: problem.to_string(),
                warnings: String::new(),
                is_refused: true,
            };
        }
    };
    let mut warnings = AbsentFile::list(pipeline.absent());
    let mut is_refused = !pipeline.absent().is_empty();
    let mut jobs = String::new();
    for job in pipeline.jobs() {
        match job {
            Ok(job) => {
                let mut job = job.clone();
                warnings.extend(job.warnings.drain(..));
                jobs.push_str(&format!("{job:?}\n"));
            }
            Err(broken) => {
                is_refused = true;
                jobs.push_str(&broken.problem.to_string());
            }
        }
    }
    jobs.push_str(&format!("{:?}", pipeline.decision()));
    Seen {
        jobs,
        warnings,
        is_refused,
    }
}

/// What each keyword is tried with: the parts without it, and with it.
fn probes() -> BTreeMap<&'static str, (String, String)> {
    let lines = PROBES.lines().filter(|line| !line.starts_with("# "));
    let part = |part: &str| match part {
        "-" => String::new(),
        part => part.replace("\\n", "\n"),
    };
    let probes = lines.map(|line| {
        let [path, without, with] = line.split(" | ").collect::<Vec<_>>().try_into().unwrap();
        (path, (part(without), part(with)))
    });
    let count = probes.clone().count();
    let probes: BTreeMap<_, _> = probes.collect();
    assert_eq!(probes.len(), count, "a keyword is there twice");
    probes
}

/// A file with what the probe has of the top level, or of a job.
fn file(keyword: &Keyword, part: &str) -> String {
    match keyword.path.starts_with('^') {
        true => format!("{part}\njob: {{script: x}}\n"),
        false => {
            let script = match part.contains("script: ")
                || part.contains("run: ")
                || part.contains("trigger: ")
            {
                true => "",
                false => "script: x, ",
            };
            format!(
                "a: {{script: x}}\nb: {{stage: build, script: x}}\n.t: {{image: t}}\njob: {{{script}{part}}}\n"
            )
        }
    }
}

/// Says what is wrong with a row.
fn fault(keyword: &Keyword, without: &Seen, with: &Seen) -> Option<String> {
    let is_followed = without.jobs != with.jobs;
    let fault = match keyword.treatment {
        Treatment::Followed if with.is_refused && !keyword.effect.ends_with("is an error") => {
            "the probe is refused"
        }
        Treatment::Partly if with.is_refused => "the probe is refused",
        Treatment::Followed | Treatment::Partly if !is_followed => "it changes nothing",
        Treatment::NotFollowed if with.is_refused => return None,
        Treatment::NotFollowed | Treatment::Meaningless if is_followed => "it changes the jobs",
        Treatment::NotFollowed if !with.warnings.contains(keyword.effect) => "no warning says so",
        Treatment::Meaningless if with.warnings != without.warnings => "there is a warning",
        _ => return None,
    };
    let path = keyword.path;
    Some(format!(
        "{path}: {:?}, but {fault}: {with:#?}",
        keyword.treatment
    ))
}

#[test]
fn each_row_says_what_happens() {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in FILES {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let probes = probes();
    let rows: Vec<_> = KEYWORDS.iter().map(|keyword| keyword.path).collect();
    let lost = probes.keys().filter(|path| !rows.contains(path));
    let mut faults: Vec<_> = lost.map(|path| format!("{path}: no row")).collect();
    for keyword in KEYWORDS {
        let Some((without, with)) = probes.get(keyword.path) else {
            faults.push(format!("{}: no probe", keyword.path));
            continue;
        };
        let seen = |part: &str| seen(folder.path(), &file(keyword, part));
        let without = seen(without);
        if without.is_refused {
            faults.push(format!(
                "{}: the probe is refused without it: {without:#?}",
                keyword.path
            ));
        }
        faults.extend(fault(keyword, &without, &seen(with)));
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
