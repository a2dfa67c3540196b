//! The jobs as a table, for people.

use std::fmt::Write;
use std::time::Duration;

use super::columns;
use super::facts::Facts;
use super::job::{Job, Phase};
use crate::operate::cost::Prices;
use crate::operate::table::Look;
use crate::state::waiting::Waiting;
use crate::task::{self, Task};
use crate::teardown::orphan::Verdict;
use crate::teardown::sweep::waiting::what;
use crate::teardown::sweep::{Done, Finding};
use crate::text::plain;

/// Characters of a task's id that tell it from the others; `fargate logs` takes them for the whole id.
const SHORT_ID: usize = 8;

/// Characters of an image's digest.
const SHORT_DIGEST: usize = 12;

/// Everything that is known.
pub(super) fn text(
    facts: &Facts,
    prices: &Prices,
    now: u64,
    look: Look,
    with_links: bool,
) -> String {
    let jobs: Vec<_> = facts
        .jobs
        .iter()
        .map(|facts| Job::of(facts, prices, now))
        .collect();
    let mut text = String::new();
    if jobs.is_empty() {
        line(
            &mut text,
            &format!(
                "No job of this manager has a record in {}.",
                facts.folder.display()
            ),
        );
    } else {
        table(&mut text, &jobs, now, look);
    }
    if with_links {
        links(&mut text, &jobs);
    }
    second_tasks(&mut text, &jobs);
    losses(&mut text, &jobs);
    sweep(&mut text, facts, &jobs, look);
    for (file, why) in &facts.damaged {
        let file = file.display();
        line(
            &mut text,
            &format!("damaged record {file}: {why}; remove it if it is not yours"),
        );
    }
    for unasked in &facts.unasked {
        line(&mut text, &format!("not known: {}", plain(unasked)));
    }
    text
}

fn line(text: &mut String, line: &str) {
    text.push_str(line);
    text.push('\n');
}

fn table(text: &mut String, jobs: &[Job], now: u64, look: Look) {
    let rows = jobs.iter().map(|job| row(job, now)).collect();
    let columns = columns::fitted(rows, look.width);
    let titles: Vec<_> = columns.iter().map(|column| column.title).collect();
    let cells = |number| {
        let cells = columns.iter().filter_map(|column| column.cells.get(number));
        cells.cloned().collect()
    };
    let rows = (0..jobs.len()).map(cells).collect();
    for words in look.table(&titles, rows) {
        line(text, &linked(&words, jobs, look));
    }
}

/// The cells of a job.
fn row(job: &Job, now: u64) -> [String; columns::COUNT] {
    let or_none = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    let started = job.started_at.map(|at| age(now.saturating_sub(at.0)));
    let cost = job.cost.usd + job.cost.spot_usd_estimate;
    let mark = if job.cost.is_complete { "" } else { "+" };
    [
        job.job_id.to_string(),
        plain(&job.project),
        or_none(started),
        activity(job, now),
        format!("{cost:.2}{mark}"),
        or_none(job.size()),
        or_none(job.provider.as_deref().map(plain)),
        or_none(job.image.as_deref().map(short_image)),
        or_none(job.task_arn.as_deref().map(short_id)),
    ]
}

/// The phase, and how long a kept task stays.
fn activity(job: &Job, now: u64) -> String {
    let phase = plain(job.activity());
    match job.kept_until.filter(|_| job.phase == Phase::Kept) {
        Some(until) => format!("{phase} {}", age(until.0.saturating_sub(now))),
        None => phase,
    }
}

/// A line of the table whose job and task lead to their pages.
fn linked(line: &str, jobs: &[Job], look: Look) -> String {
    let id = line.split_whitespace().next().unwrap_or_default();
    let Some(job) = jobs.iter().find(|job| job.job_id.to_string() == id) else {
        return line.to_owned();
    };
    let line = line.replacen(id, &look.link(id, job.job_url.as_deref()), 1);
    let Some(task) = job.task_arn.as_deref().map(short_id) else {
        return line;
    };
    match line.rsplit_once(&task) {
        Some((before, after)) => {
            let task = look.link(&task, job.task_url.as_deref());
            format!("{before}{task}{after}")
        }
        None => line,
    }
}

fn links(text: &mut String, jobs: &[Job]) {
    for job in jobs {
        let pages = [&job.job_url, &job.task_url].into_iter().flatten();
        for (number, page) in pages.enumerate() {
            if number == 0 {
                line(text, &format!("\n{}", plain(&job.title())));
            }
            line(text, &format!("  {page}"));
        }
    }
}

/// The tasks that start beside others.
fn second_tasks(text: &mut String, jobs: &[Job]) {
    for job in jobs {
        if let Some(second) = &job.second_task {
            let (title, phase) = (plain(&job.title()), second.phase.name());
            let task = short_id(&second.task_arn);
            line(text, &format!("second task of {title}: {phase}, {task}"));
        }
    }
}

/// The tasks that AWS ends, with its reasons.
fn losses(text: &mut String, jobs: &[Job]) {
    for job in jobs {
        if let Some(reason) = &job.stop_reason {
            line(
                text,
                &format!(
                    "lost: the task of {}: {}",
                    plain(&job.title()),
                    plain(reason)
                ),
            );
        }
    }
}

/// What a sweep would end, waiting tasks among it, and the tasks that no record names, in the words of a sweep.
fn sweep(text: &mut String, facts: &Facts, jobs: &[Job], look: Look) {
    let of_job = jobs
        .iter()
        .filter(|job| job.sweep.ends)
        .map(|job| finding(job.title(), Verdict::End(job.sweep.why.clone())));
    let of_task =
        |(task, verdict): &(Task, Verdict)| finding(format!("task {}", task.id()), verdict.clone());
    let waits = |(task, why): &(Waiting, String)| finding(what(task), Verdict::End(why.clone()));
    let beside = facts.tasks.iter().map(of_task);
    let beside = beside.chain(facts.waiting.iter().map(waits));
    let findings: Vec<_> = of_job.chain(beside).collect();
    if findings.is_empty() {
        return;
    }
    line(text, "");
    line(text, &look.title("The next sweep (fargate reap)"));
    for finding in findings {
        line(text, &plain(&finding.to_string()));
    }
}

fn finding(what: String, verdict: Verdict) -> Finding {
    let (why, done) = match verdict {
        Verdict::Keep(why) => (why, Done::Kept),
        Verdict::End(why) => (why, Done::Spared),
    };
    Finding { what, why, done }
}

fn short_id(arn: &str) -> String {
    task::id(arn).chars().take(SHORT_ID).collect()
}

/// An image's name without the most of its digest.
fn short_image(image: &str) -> String {
    let name = plain(image);
    match name.split_once("@sha256:") {
        Some((before, digest)) => {
            let digest: String = digest.chars().take(SHORT_DIGEST).collect();
            format!("{before}@{digest}…")
        }
        None => name,
    }
}

/// An age in the two largest units.
fn age(millis: u64) -> String {
    let seconds = millis / 1000;
    let rounded = match seconds {
        0..=3599 => seconds,
        3600..=86_399 => seconds / 60 * 60,
        _ => seconds / 3600 * 3600,
    };
    let mut text = String::new();
    // A String takes all that is written.
    let _infallible = write!(
        text,
        "{}",
        humantime::format_duration(Duration::from_secs(rounded))
    );
    text
}
