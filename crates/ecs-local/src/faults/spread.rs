//! Times that differ from task to task.

use std::f64::consts::TAU;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::seconds::Seconds;

/// A time, or the distribution that each task's own is drawn from.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Spread {
    Fixed(Seconds),
    Drawn(Distribution),
}

/// A distribution of times.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Distribution {
    /// Each time between both is as likely as any other.
    Uniform([Seconds; 2]),
    /// The logarithm is normal, as of many times that people have measured: half of them are below the median, and a
    /// few far above.
    Lognormal { median: Seconds, sigma: f64 },
}

impl Spread {
    /// Whether times can be drawn from it.
    pub(super) fn check(&self) -> anyhow::Result<()> {
        match self {
            Self::Drawn(Distribution::Uniform([least, most])) => {
                anyhow::ensure!(
                    f64::from(*least) <= f64::from(*most),
                    "`uniform` has the smaller time first"
                );
            }
            Self::Drawn(Distribution::Lognormal { sigma, .. }) => anyhow::ensure!(
                (0.0..=5.0).contains(sigma),
                "`sigma` is {sigma}; it has to be between 0 and 5"
            ),
            Self::Fixed(_) => {}
        }
        Ok(())
    }

    /// A time of its own for a task.
    pub(super) fn draw(&self, random: &mut fastrand::Rng) -> Self {
        let seconds = match self {
            Self::Fixed(_) => return *self,
            Self::Drawn(Distribution::Uniform([least, most])) => {
                let (least, most) = (f64::from(*least), f64::from(*most));
                least + (most - least) * random.f64()
            }
            Self::Drawn(Distribution::Lognormal { median, sigma }) => {
                f64::from(*median) * (sigma * normal(random)).exp()
            }
        };
        Self::Fixed(Seconds::at_most_a_day(seconds))
    }

    /// The time that was drawn.
    pub(super) fn time(&self) -> Duration {
        match self {
            Self::Fixed(seconds) => (*seconds).into(),
            Self::Drawn(_) => Duration::ZERO,
        }
    }
}

/// A value of the standard normal distribution (Box and Muller, 1958).
fn normal(random: &mut fastrand::Rng) -> f64 {
    let (radius, angle) = (1.0 - random.f64(), random.f64());
    (-2.0 * radius.ln()).sqrt() * (TAU * angle).cos()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draws(spread: &str) -> Vec<f64> {
        let spread: Spread = serde_json::from_str(spread).unwrap();
        spread.check().unwrap();
        let mut random = fastrand::Rng::with_seed(7);
        let mut draws: Vec<_> = (0..2000)
            .map(|_| spread.draw(&mut random).time().as_secs_f64())
            .collect();
        draws.sort_by(f64::total_cmp);
        draws
    }

    #[test]
    fn times_have_their_distribution() {
        assert!(draws("35").iter().all(|time| *time == 35.0));
        let uniform = draws(r#"{"uniform": [10, 30]}"#);
        assert!(uniform[0] >= 10.0 && uniform[1999] <= 30.0);
        assert!((19.0..21.0).contains(&uniform[1000]), "{}", uniform[1000]);
        let lognormal = draws(r#"{"lognormal": {"median": 8, "sigma": 0.5}}"#);
        assert!((7.5..8.5).contains(&lognormal[1000]), "{}", lognormal[1000]);
        // 8 s × e^(0.5 × 1.645), which 95 % do not reach.
        assert!(
            (16.5..20.0).contains(&lognormal[1900]),
            "{}",
            lognormal[1900]
        );
        let long = draws(r#"{"lognormal": {"median": 86400, "sigma": 5}}"#);
        assert!(long.iter().all(|time| *time <= 86_400.0));
    }

    #[test]
    fn what_is_no_distribution_is_refused() {
        for spread in [
            r#"{"uniform": [30, 10]}"#,
            r#"{"lognormal": {"median": 8, "sigma": -1}}"#,
        ] {
            let spread: Spread = serde_json::from_str(spread).unwrap();
            assert!(spread.check().is_err(), "{spread:?}");
        }
        for spread in ["-1", "\"5\"", r#"{"normal": [1, 2]}"#] {
            assert!(serde_json::from_str::<Spread>(spread).is_err(), "{spread}");
        }
    }
}
