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

    /// The quantile in seconds by the nearest rank, off by one percent of itself at most: the smallest duration that so
    /// large a part of all does not exceed. Nothing where there is no duration.
    pub(super) fn quantile(&self, quantile: f64) -> Option<f64> {
        let count = self.count() as f64;
        // Less than a rank, more than what a product of two floats is off.
        let rank = (quantile * count - 1e-6).ceil().max(1.0);
        // The sketch takes the one before which `floor(part * (count - 1))` others are.
        let part = ((rank - 0.5) / (count - 1.0).max(0.1)).min(1.0);
        self.0.quantile(part).ok().flatten()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn of_few_durations_the_slowest_is_the_95th_percentile() {
        for count in 1..20_u64 {
            let mut sketch = Sketch::default();
            (1..=count).for_each(|second| sketch.add(second * 1000));
            assert_eq!(sketch.quantile(0.95), Some(count as f64));
        }
        assert_eq!(Sketch::default().quantile(0.95), None);
    }

    proptest! {
        #[test]
        fn quantiles_are_off_by_a_hundredth_at_most(mut millis in prop::collection::vec(0..10_000_000_u64, 1..500)) {
            let mut sketch = Sketch::default();
            for one in &millis {
                sketch.add(*one);
            }
            millis.sort_unstable();
            for (quantile, percent) in [(0.5, 50), (0.95, 95)] {
                let rank = (millis.len() * percent).div_ceil(100);
                let exact = millis[rank - 1] as f64 / 1000.0;
                let told = sketch.quantile(quantile).unwrap();
                prop_assert!((told - exact).abs() <= exact * ERROR + 0.001, "{} is not {}", told, exact);
            }
        }
    }
}
