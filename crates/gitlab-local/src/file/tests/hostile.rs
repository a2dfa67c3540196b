//! Files of a megabyte that would keep a careless reader busy for hours, or use up its stack.

use std::fmt::Write;
use std::time::{Duration, Instant};

use super::pipeline;

/// The time that a file of 1 MB may take. Tests are not optimised, and run beside others.
const LIMIT: Duration = Duration::from_secs(20);

/// Lists all jobs of a file, and reads one, within the limit.
#[track_caller]
fn ends_in_time(text: &str) {
    assert!(text.len() <= 1 << 20, "{} bytes", text.len());
    let start = Instant::now();
    if let Ok(pipeline) = pipeline(text) {
        let _jobs = pipeline.jobs();
        let _refusals = pipeline.refusals();
        let _job = pipeline.job(Some("job"));
    }
    let took = start.elapsed();
    assert!(took < LIMIT, "{took:?}");
}

fn lines(count: usize, line: impl Fn(usize) -> String) -> String {
    (0..count).fold(String::new(), |mut text, index| {
        writeln!(text, "{}", line(index)).unwrap();
        text
    })
}

#[test]
fn many_variables() {
    let all = lines(12_000, |index| format!("  V{index}: '$V{}'", index + 1));
    ends_in_time(&format!(
        "variables:\n{all}job: {{script: x, rules: [{{if: $V1}}]}}"
    ));
}

#[test]
fn variables_that_multiply() {
    let all = lines(60, |index| {
        format!("  V{index}: $V{0}$V{0}$V{0}", index + 1)
    });
    ends_in_time(&format!(
        "variables:\n{all}job: {{script: x, rules: [{{if: $V0}}]}}"
    ));
}

#[test]
fn many_jobs_with_many_variables_each() {
    let variables = lines(1000, |index| format!("  V{index}: x"));
    let jobs = lines(10_000, |index| {
        format!("j{index}: {{script: x, rules: [{{if: $V1}}]}}")
    });
    ends_in_time(&format!("variables:\n{variables}{jobs}"));
}

#[test]
fn many_jobs_that_extend_one_large_template() {
    let keys = lines(10_000, |index| format!("    V{index}: x"));
    let jobs = lines(10_000, |index| {
        format!("j{index}: {{extends: [.t, .t], script: x}}")
    });
    ends_in_time(&format!(".t:\n  variables:\n{keys}{jobs}"));
}

#[test]
fn wide_extends_at_each_level() {
    let level = |level: usize| {
        let names = (0..2000).map(|_| format!(".l{}", level - 1));
        format!(
            ".l{level}: {{extends: [{}]}}\n",
            names.collect::<Vec<_>>().join(",")
        )
    };
    let levels: String = (1..11).map(level).collect();
    ends_in_time(&format!(
        ".l0: {{script: x}}\n{levels}job: {{extends: .l10}}\n"
    ));
}

#[test]
fn a_long_chain_of_references() {
    let chain = lines(15_000, |index| {
        format!(".r{index}: {{s: [[!reference [.r{}, s]]]}}", index + 1)
    });
    ends_in_time(&format!("{chain}job: {{script: !reference [.r0, s]}}\n"));
}

#[test]
fn jobs_that_meet_the_same_broken_chain() {
    let chain = lines(400, |index| {
        format!(".r{index}: {{s: !reference [.r{}, s]}}", index + 1)
    });
    let jobs = lines(15_000, |index| {
        format!("j{index}: {{script: !reference [.r0, s]}}")
    });
    ends_in_time(&format!("{chain}{jobs}"));
}

#[test]
fn many_large_matrices() {
    let values = vec!["x"; 200].join(",");
    let jobs = lines(1500, |index| {
        format!("j{index}: {{script: x, parallel: {{matrix: [{{A: [{values}]}}]}}}}")
    });
    ends_in_time(&jobs);
}

#[test]
fn patterns_that_grow() {
    let rules = lines(200, |_| {
        "    - if: $A =~ /(((a{50}){50}){50}){50}/".to_owned()
    });
    ends_in_time(&format!("job:\n  script: x\n  rules:\n{rules}"));
    let rules = lines(100, |_| {
        "    - if: $A =~ /(x+x+)+y|[a-z]{1,900}/".to_owned()
    });
    let text = "x".repeat(100_000);
    ends_in_time(&format!(
        "variables: {{A: {text}}}\njob:\n  script: x\n  rules:\n{rules}"
    ));
}

#[test]
fn many_stages_and_needs() {
    let stages = lines(40_000, |index| format!("  - s{index}"));
    ends_in_time(&format!("stages:\n{stages}job: {{script: x, stage: none}}"));
    let needs = lines(40_000, |index| format!("    - j{index}"));
    ends_in_time(&format!("job:\n  script: x\n  needs:\n{needs}"));
}

/// Jobs that share a long script, and the first fault of one.
fn jobs_with_a_long_script(commands: usize, jobs: usize) -> (usize, Option<String>) {
    let commands = lines(commands, |index| format!("    - echo {index}"));
    let text = format!(
        "default:\n  before_script:\n{commands}{}",
        lines(jobs, |index| format!("j{index}: {{script: x}}"))
    );
    let pipeline = pipeline(&text).unwrap();
    let jobs = pipeline.jobs();
    let fault = jobs.iter().find_map(|job| job.as_ref().err());
    (jobs.len(), fault.map(|broken| broken.problem.to_string()))
}

#[test]
fn jobs_that_are_too_large_together_are_refused() {
    let (jobs, fault) = jobs_with_a_long_script(8000, 4000);
    assert_eq!(jobs, 4000);
    let fault = fault.unwrap();
    assert!(fault.contains("too large together"), "{fault}");
    assert_eq!(jobs_with_a_long_script(1000, 1000), (1000, None));
}

#[test]
fn instances_count_against_the_size_of_all_jobs() {
    let commands = lines(8000, |index| format!("    - echo {index}"));
    let jobs = lines(20, |index| {
        format!("j{index}:\n  parallel: 200\n  script: !reference [.t, script]")
    });
    let pipeline = pipeline(&format!(".t:\n  script:\n{commands}{jobs}")).unwrap();
    let jobs = pipeline.jobs();
    let refused = jobs.iter().filter(|job| job.is_err()).count();
    assert!((1..20).contains(&refused), "{refused}");
}

#[test]
fn thousands_of_instances_that_need_thousands() {
    let needed = lines(40, |index| {
        format!("a{index}: {{script: x, parallel: 200}}")
    });
    let needs: Vec<_> = (0..40).map(|index| format!("a{index}")).collect();
    let needs = needs.join(", ");
    let jobs = lines(60, |index| {
        format!("j{index}: {{stage: deploy, script: x, parallel: 200, needs: [{needs}]}}")
    });
    ends_in_time(&format!("{needed}{jobs}"));
}
