//! Quantiles of durations from a stream, in little memory.

use sketches_ddsketch::{Config, DDSketch};

/// How far a quantile may be off, as a part of itself.
pub(super) const ERROR: f64 = 0.01;

/// Buckets at most: with this error they reach from a millisecond over a year, and cost memory only when used.
const BUCKETS: u32 = 2048;

/// The durations of a phase.
pub(super) struct Sketch(DDSketch);

impl Default for Sketch {
    fn default() -> Self {
        Self(DDSketch::new(Config::new(ERROR, BUCKETS, 0.001)))
    }
}

impl Sketch {
    /// Adds a duration in milliseconds.
    pub(super) fn add(&mut self, millis: u64) {
        self.0.add(millis as f64 / 1000.0);
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.0.count()
    }

    /// The quantile in seconds, off by one percent of itself at most; nothing where there is no duration.
    pub(super) fn quantile(&self, quantile: f64) -> Option<f64> {
        self.0.quantile(quantile).ok().flatten()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn quantiles_are_off_by_a_hundredth_at_most(mut millis in prop::collection::vec(0..10_000_000_u64, 1..500)) {
            let mut sketch = Sketch::default();
            for one in &millis {
                sketch.add(*one);
            }
            millis.sort_unstable();
            for quantile in [0.5, 0.95] {
                let exact = millis[((millis.len() - 1) as f64 * quantile) as usize] as f64 / 1000.0;
                let told = sketch.quantile(quantile).unwrap();
                prop_assert!((told - exact).abs() <= exact * ERROR + 0.001, "{} is not {}", told, exact);
            }
        }
    }
}
