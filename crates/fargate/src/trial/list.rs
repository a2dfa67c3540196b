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
    let usable = jobs.iter().flatten();
    let rows: Vec<_> = usable.map(|job| row(job, pipeline.image(job))).collect();
    let mut text = match rows.is_empty() {
        true => "no jobs that can run\n".to_owned(),
        false => table(&rows, width),
    };
    let mut line = |line: String| {
        text.push_str(&plain(&line));
        text.push('\n');
    };
    for broken in jobs.iter().filter_map(|job| job.as_ref().err()) {
        line(format!("not usable: {}", broken.problem));
    }
    if !pipeline.absent().is_empty() {
        line(format!(
            "included files that are not here: {}. {}",
            AbsentFile::list(pipeline.absent()),
            AbsentFile::advice(pipeline.absent()).unwrap_or_default()
        ));
    }
    if let Some(decision) = pipeline.decision() {
        line(decision.to_owned());
    }
    text
}

fn row(job: &JobDefinition, image: Option<String>) -> [String; 5] {
    let needs = match job.needs() {
        None => "(stages before)".to_owned(),
        Some(needs) if needs.is_empty() => "-".to_owned(),
        Some(needs) => needs.join(", "),
    };
    let when = match job.allows_failure() {
        true => format!("{}, may fail", job.when()),
        false => job.when().to_owned(),
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
    fn nothing_is_cut_for_a_program() {
        let text = table(&rows(), None);
        assert!(
            text.contains("long/image:1") && text.contains("a third one"),
            "{text}"
        );
        assert!(text.starts_with("STAGE  JOB "), "{text}");
    }
}
