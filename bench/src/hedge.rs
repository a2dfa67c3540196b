//! Second tasks beside starts that lag: a thousand starts by the driver's decision alone, and real ones against the
//! stand-in. One start in ten spends 43 s instead of 8 s until it has an address (DESIGN.md, section 12).

mod real;
mod simulated;

use std::time::Duration;

/// Starts of which one is slow, and by how much.
const ONE_IN: f64 = 0.1;
const SLOWER: f64 = 35.0;

/// Seeds of what is drawn.
const SEED: u64 = 4711;

/// Measures both.
pub(crate) fn measure(starts: usize) {
    println!(
        "| starts | HedgeAfter | p50 | p95 | p99 | second tasks | ready first | more task seconds |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    simulated::measure();
    if starts > 0 {
        real::measure(starts);
    }
}

/// The figures of so many starts.
struct Figures {
    title: String,
    setting: String,
    /// Until each took scripts.
    starts: Vec<Duration>,
    hedges: u64,
    won: u64,
    /// Billed seconds of tasks that were behind, as a part of the others'.
    more: f64,
}

impl Figures {
    fn print(mut self) {
        self.starts.sort();
        let quantile = |part: f64| {
            let rank = (self.starts.len() as f64 * part).ceil() as usize;
            let at = rank.clamp(1, self.starts.len()) - 1;
            format!("{:.1} s", self.starts[at].as_secs_f64())
        };
        let [p50, p95, p99] = [0.5, 0.95, 0.99].map(quantile);
        let Self {
            title,
            setting,
            hedges,
            won,
            more,
            ..
        } = &self;
        let more = more * 100.0;
        println!(
            "| {title} | {setting} | {p50} | {p95} | {p99} | {hedges} | {won} | {more:.1} % |"
        );
    }
}
