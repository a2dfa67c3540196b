//! `fargate try --list`: the jobs of a file as GitLab would have them.

use std::io::{self, IsTerminal, Write};
use std::os::fd::AsFd;

use gitlab_local::{AbsentFile, JobDefinition, Pipeline};

use crate::error::{Error, Result};
use crate::text::plain;

/// The width of a terminal that doesn't tell its own.
const TERMINAL_WIDTH: usize = 80;

/// Narrower than this no column is made.
const NARROWEST: usize = 8;

/// Between two columns.
const GAP: &str = "  ";

const HEADINGS: [&str; 5] = ["STAGE", "JOB", "WHEN", "IMAGE", "NEEDS"];

/// Columns that are cut to fit a terminal, the first one first. Names are never cut, because people copy them.
const CUT: [usize; 2] = [4, 3];

/// Prints the jobs in the order of their stages.
///
/// # Errors
///
/// When standard output cannot be written.
pub(super) fn print_list(pipeline: &Pipeline) -> Result<()> {
    let mut stdout = io::stdout().lock();
    let width = stdout.is_terminal().then(|| terminal_width(&stdout));
    let text = list(pipeline, width);
    match stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
    {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Error::system(format!("could not print the jobs: {error}")))
        }
        _ => Ok(()),
    }
}

fn terminal_width(terminal: &impl AsFd) -> usize {
    let size = rustix::termios::tcgetwinsize(terminal).ok();
    let width = size.map(|size| usize::from(size.ws_col));
    width.filter(|width| *width > 0).unwrap_or(TERMINAL_WIDTH)
}

fn list(pipeline: &Pipeline, width: Option<usize>) -> String {
    let jobs = pipeline.jobs();
    let usable: Vec<_> = jobs.iter().flatten().collect();
    let rows = usable.iter().map(|job| row(job, pipeline.image(job)));
    let rows: Vec<_> = rows.collect();
    let mut text = match rows.is_empty() {
        true => "no jobs that can run\n".to_owned(),
        false => table(&rows, width),
    };
    let mut line = |line: String| {
        text.push_str(&line);
        text.push('\n');
    };
    for broken in jobs.iter().filter_map(|job| job.as_ref().err()) {
        line(plain(&format!("not usable: {}", pipeline.told(broken))));
    }
    if !pipeline.absent().is_empty() {
        line(plain(&format!(
            "included files that are not here: {}. {}",
            AbsentFile::list(pipeline.absent()),
            AbsentFile::advice(pipeline.absent()).unwrap_or_default()
        )));
    }
    for (reason, names) in left_out(&usable) {
        line(note(
            &format!("not in this pipeline, {reason}"),
            &names,
            width,
        ));
    }
    let guesses = usable.iter().filter(|job| job.is_guess());
    let guesses: Vec<_> = guesses.map(|job| job.name()).collect();
    if !guesses.is_empty() {
        line(note(
            "depends on what is unknown here, such as `changes`",
            &guesses,
            width,
        ));
    }
    if let Some(decision) = pipeline.decision() {
        line(plain(decision));
    } else if !usable.is_empty() && usable.iter().all(|job| job.left_out().is_some()) {
        line("GitLab would make no pipeline here: it would run none of these jobs".to_owned());
    }
    for reason in pipeline.refusals() {
        line(plain(&format!("GitLab refuses this pipeline: {reason}")));
    }
    text
}

/// Reasons to leave jobs out, each with the names of the jobs.
fn left_out<'a>(jobs: &[&'a JobDefinition]) -> Vec<(&'a str, Vec<&'a str>)> {
    let mut reasons: Vec<(&str, Vec<&str>)> = Vec::new();
    for job in jobs {
        let Some(reason) = job.left_out() else {
            continue;
        };
        match reasons.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, names)) => names.push(job.name()),
            None => reasons.push((reason, vec![job.name()])),
        }
    }
    reasons
}

/// A remark on jobs: in one line where that fits, else with their names in lines below it.
fn note(remark: &str, names: &[&str], width: Option<usize>) -> String {
    let one_line = plain(&format!("{remark}: {}", names.join(", ")));
    let width = width.unwrap_or(usize::MAX);
    if one_line.chars().count() <= width {
        return one_line;
    }
    let mut lines = vec![plain(&format!("{remark}:"))];
    let mut line = String::new();
    for name in names.iter().map(|name| plain(name)) {
        let length = GAP.len() + line.chars().count() + ", ".len() + name.chars().count();
        if !line.is_empty() && length > width {
            lines.push(format!("{GAP}{line},"));
            line.clear();
        }
        let gap = if line.is_empty() { "" } else { ", " };
        line = format!("{line}{gap}{name}");
    }
    lines.push(format!("{GAP}{line}"));
    lines.join("\n")
}

fn row(job: &JobDefinition, image: Option<String>) -> [String; 5] {
    let needs = match job.needs() {
        None => "(stages before)".to_owned(),
        Some(needs) if needs.is_empty() => "-".to_owned(),
        Some(needs) => needs.join(", "),
    };
    let codes: Vec<_> = job
        .allowed_exit_codes()
        .iter()
        .map(i64::to_string)
        .collect();
    let when = match (job.allows_failure(), codes.is_empty()) {
        (true, _) => format!("{}, may fail", job.when()),
        (false, false) => format!("{}, may fail with {}", job.when(), codes.join(", ")),
        (false, true) => job.when().to_owned(),
    };
    let image = match job.is_trigger() {
        true => Some("(starts a pipeline)".to_owned()),
        false => image,
    };
    [
        job.stage().to_owned(),
        job.name().to_owned(),
        when,
        image.unwrap_or_else(|| "-".to_owned()),
        needs,
    ]
    .map(|cell| plain(&cell))
}

fn table(rows: &[[String; 5]], width: Option<usize>) -> String {
    let headings = HEADINGS.map(str::to_owned);
    let length = |text: &String| text.chars().count();
    let mut widths = [0; 5];
    for row in rows.iter().chain([&headings]) {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(length(cell));
        }
    }
    if let Some(available) = width {
        fit(&mut widths, available);
    }
    let mut text = String::new();
    for row in [&headings].into_iter().chain(rows) {
        let cells = row.iter().zip(widths);
        let cells: Vec<_> = cells.map(|(cell, width)| padded(cell, width)).collect();
        text.push_str(cells.join(GAP).trim_end());
        text.push('\n');
    }
    text
}

/// Makes columns narrower until they fit, as far as that is possible.
fn fit(widths: &mut [usize; 5], available: usize) {
    let gaps = GAP.len() * (widths.len() - 1);
    for column in CUT {
        let total: usize = widths.iter().sum::<usize>() + gaps;
        if let Some(width) = widths.get_mut(column) {
            let excess = total.saturating_sub(available);
            *width = width.saturating_sub(excess).max(NARROWEST.min(*width));
        }
    }
}

fn padded(cell: &str, width: usize) -> String {
    let length = cell.chars().count();
    if length <= width {
        return format!("{cell}{}", " ".repeat(width - length));
    }
    let cut: String = cell.chars().take(width.saturating_sub(1)).collect();
    format!("{cut}…")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Vec<[String; 5]> {
        let row = |cells: [&str; 5]| cells.map(str::to_owned);
        vec![
            row([
                "build",
                "compile",
                "on_success",
                "registry.example.com/a/very/long/image:1",
                "-",
            ]),
            row([
                "test",
                "unit: [a, b]",
                "manual, may fail",
                "-",
                "compile, another, and a third one",
            ]),
        ]
    }

    #[test]
    fn a_table_fits_the_terminal_and_keeps_names_whole() {
        let text = table(&rows(), Some(80));
        assert!(
            text.lines().all(|line| line.chars().count() <= 80),
            "{text}"
        );
        assert!(
            text.contains("unit: [a, b]") && text.contains('…'),
            "{text}"
        );
        let narrow = table(&rows(), Some(20));
        assert!(narrow.contains("unit: [a, b]"), "{narrow}");
    }

    #[test]
    fn a_remark_is_broken_between_names() {
        let names = ["unit: [a, b]", "lint", "a-long-name"];
        let whole = "none matches: unit: [a, b], lint, a-long-name";
        assert_eq!(note("none matches", &names, None), whole);
        assert_eq!(note("none matches", &names, Some(45)), whole);
        assert_eq!(
            note("none matches", &names, Some(22)),
            "none matches:\n  unit: [a, b], lint,\n  a-long-name"
        );
    }

    #[test]
    fn nothing_is_cut_for_a_program() {
        let text = table(&rows(), None);
        assert!(
            text.contains("long/image:1") && text.contains("a third one"),
            "{text}"
        );
        assert!(text.starts_with("STAGE  JOB "), "{text}");
    }
}
