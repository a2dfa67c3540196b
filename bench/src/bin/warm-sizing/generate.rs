//! Makes the traces, always the same ones: 2,000 jobs in 10 hours, of 8 kinds by Zipf's law with exponent 1, whose
//! lengths are lognormal with a median of 4 minutes and a sigma of 0.8.

use std::f64::consts::TAU;
use std::fmt::Write as _;
use std::path::Path;

use warm_policy::Job;

use crate::trace::HOUR;

/// Begins the random numbers of the traces in `bench/traces`.
const SEED: u64 = 20_261_129;

const JOBS: usize = 2000;
const KINDS: usize = 8;
const MEDIAN_MILLIS: f64 = 4.0 * 60.0 * 1000.0;
const SIGMA: f64 = 0.8;

/// Jobs of a burst, and how long it takes: the jobs of one stage of a pipeline, which GitLab hands out by and by.
const BURST: usize = 20;
const BURST_MILLIS: u64 = 10_000;

pub(crate) fn write(folder: &Path) -> std::io::Result<()> {
    for (file, text) in traces(SEED) {
        std::fs::write(folder.join(file), text)?;
    }
    Ok(())
}

/// Names and content of the files.
pub(crate) fn traces(seed: u64) -> [(&'static str, String); 4] {
    let whole = (0, 10 * HOUR);
    let mut random = Random(seed);
    let steady = random.spread(JOBS, whole);
    let mut bursts = random.spread(JOBS - JOBS / 10, whole);
    for _ in 0..JOBS / 10 / BURST {
        bursts.extend(random.burst(whole));
    }
    // From noon to noon, with 20 jobs from 18:00 to 08:00.
    let mut night = random.spread(JOBS * 6 / 10, (0, 6 * HOUR));
    night.extend(random.spread(20, (6 * HOUR, 20 * HOUR)));
    night.extend(random.spread(JOBS * 4 / 10, (20 * HOUR, 24 * HOUR)));
    // After five hours all jobs have other images.
    let mut change = random.spread(JOBS, whole);
    for job in change.iter_mut().filter(|job| job.at >= 5 * HOUR) {
        job.kind += KINDS;
    }
    [
        ("steady.txt", text("evenly over 10 hours", steady)),
        (
            "bursts.txt",
            text("over 10 hours, a tenth of them in bursts of 20", bursts),
        ),
        (
            "night.txt",
            text("by day, with a quiet night of 14 hours", night),
        ),
        (
            "change.txt",
            text("over 10 hours; after five all images are new", change),
        ),
    ]
}

fn text(about: &str, mut jobs: Vec<Job>) -> String {
    jobs.sort_by_key(|job| job.at);
    let mut text =
        format!("# Jobs {about}: when (ms), kind, length (ms). Made by `warm-sizing generate`.\n");
    for job in jobs {
        writeln!(text, "{} {} {}", job.at, job.kind, job.length).expect("a string takes all");
    }
    text
}

/// Random numbers by SplitMix64, which stay the same with every library.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0 to below 1.
    fn fraction(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn between(&mut self, (from, until): (u64, u64)) -> u64 {
        from + (self.fraction() * (until - from) as f64) as u64
    }

    /// A kind: the second is half as frequent as the first, the third a third.
    fn kind(&mut self) -> usize {
        let weight = |kind: usize| 1.0 / (kind + 1) as f64;
        let mut left = self.fraction() * (0..KINDS).map(weight).sum::<f64>();
        for kind in 0..KINDS {
            left -= weight(kind);
            if left < 0.0 {
                return kind;
            }
        }
        KINDS - 1
    }

    /// A lognormal length, by Box and Muller.
    fn length(&mut self) -> u64 {
        let radius = (-2.0 * (1.0 - self.fraction()).ln()).sqrt();
        let normal = radius * (TAU * self.fraction()).cos();
        (MEDIAN_MILLIS * (SIGMA * normal).exp()) as u64
    }

    /// Jobs that know nothing of each other.
    fn spread(&mut self, number: usize, span: (u64, u64)) -> Vec<Job> {
        let job = |random: &mut Self| Job {
            at: random.between(span),
            kind: random.kind(),
            length: random.length(),
            is_willing: true,
        };
        (0..number).map(|_| job(self)).collect()
    }

    /// Jobs of one kind, nearly at once.
    fn burst(&mut self, span: (u64, u64)) -> Vec<Job> {
        let (from, kind) = (self.between((span.0, span.1 - BURST_MILLIS)), self.kind());
        let mut jobs = self.spread(BURST, (from, from + BURST_MILLIS));
        for job in &mut jobs {
            job.kind = kind;
        }
        jobs
    }
}

#[test]
fn the_traces_are_as_they_were_made() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("traces");
    for (file, text) in traces(SEED) {
        assert!(
            std::fs::read_to_string(folder.join(file)).unwrap() == text,
            "{file} is another one"
        );
    }
}
