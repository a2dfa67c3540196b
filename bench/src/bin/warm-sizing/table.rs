//! The table of `docs/warm-sizing.md`.

use std::fmt::Write as _;

use crate::compare::{self, Compared, Row};

/// `MaxTasks` on other days.
const OTHERS: [usize; 3] = [5, 10, 15];

/// What was hoped for, in percent.
const HOPE_HITS: f64 = 90.0;
const HOPE_IDLE: f64 = 15.0;

pub(crate) fn text(compared: &[Compared]) -> String {
    let mut text = String::from(
        "| trace | tasks that wait | hits | start: median / p95 | idle cost | best stocks at these hits, the rates known |\n\
         |---|---|---|---|---|---|\n",
    );
    for trace in compared {
        for row in &trace.rows {
            writeln!(text, "{}", line(trace.trace, row)).expect("a string takes all");
        }
    }
    if let Some(steady) = compared.first() {
        writeln!(text, "\n{}", limit(steady)).expect("a string takes all");
    }
    text
}

/// How `Follow` does on other days: on average, and on the worst of them.
pub(crate) fn of_other_days() -> String {
    let mut text = String::from("| trace |");
    for tasks in OTHERS {
        write!(text, " `MaxTasks = {tasks}` |").expect("a string takes all");
    }
    text += "\n|---|---|---|---|\n";
    for (trace, ratios) in compare::ratios_of_other_days(&OTHERS) {
        write!(text, "| {trace} |").expect("a string takes all");
        for ratios in ratios {
            let mean = ratios.iter().sum::<f64>() / ratios.len() as f64;
            let most = ratios.iter().copied().fold(0.0, f64::max);
            write!(text, " {mean:.2} ({most:.2}) |").expect("a string takes all");
        }
        text += "\n";
    }
    text
}

/// What nobody can do better.
fn limit(steady: &Compared) -> String {
    let points = || steady.unknowing.iter();
    let dear = points().find(|(_, hits)| *hits >= HOPE_HITS);
    let cheap = points().rfind(|(idle, _)| *idle <= HOPE_IDLE);
    let (dear, cheap) = dear.zip(cheap).expect("the curve has all hits");
    format!(
        "Without knowing the future nobody has {HOPE_HITS} % hits of jobs like those of the steady trace for less than {:.1} %\nidle cost on average, or more than {} % hits for {HOPE_IDLE} %.",
        dear.0, cheap.1
    )
}

fn line(trace: &str, row: &Row) -> String {
    let percent_of_own = |millis: f64| millis / row.own as f64 * 100.0;
    let best = match row.hits {
        0 => "-".to_owned(),
        _ => format!(
            "{:.1} %; {:.2} times that",
            percent_of_own(row.best),
            row.ratio()
        ),
    };
    format!(
        "| {trace} | {} | {:.1} % | {} s / {} s | {:.1} % | {best} |",
        row.way,
        row.hit_percent(),
        row.start(50),
        row.start(95),
        row.idle_percent(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_book_has_these_figures() {
        let page = include_str!("../../../../docs/warm-sizing.md");
        let text = text(&compare::all()) + &of_other_days();
        for line in text.lines() {
            assert!(page.contains(line), "docs/warm-sizing.md lacks {line}");
        }
    }
}
