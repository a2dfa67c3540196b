//! What ends a job, or one of its scripts, early.

use std::time::Duration;

use tokio::time::Instant;

use crate::cancellation::Cancellation;
use crate::runner::failure::JobFailure;
use crate::variables::Variables;

/// The limits of a job.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits<'a> {
    pub(crate) cancellation: &'a Cancellation,
    /// The end of the job's timeout.
    pub(crate) deadline: Instant,
    /// The job's timeout.
    pub(crate) timeout: Duration,
}

impl Limits<'_> {
    /// Returns when the job is cancelled, or its time is over.
    pub(crate) async fn interruption(&self) -> JobFailure {
        self.ended_by(self.cancellation.canceling()).await
    }

    /// As [`Self::interruption`], after the user's script: then only a second request counts.
    pub(crate) async fn abort(&self) -> JobFailure {
        self.ended_by(self.cancellation.aborted()).await
    }

    /// Whether the job's time is over.
    pub(crate) fn are_over(&self) -> bool {
        Instant::now() >= self.deadline
    }

    async fn ended_by(&self, request: impl Future) -> JobFailure {
        tokio::select! {
            biased;
            _ = request => JobFailure::Canceled,
            () = tokio::time::sleep_until(self.deadline) => JobFailure::TimedOut(self.timeout),
        }
    }

    /// The limit that variable `key` sets for one script, else `default`, and the runner's words for a value that it
    /// does not follow.
    pub(crate) fn of_script(
        &self,
        variables: &Variables,
        key: &str,
        default: Option<Duration>,
    ) -> (Option<Duration>, Option<String>) {
        let value = variables.value(key);
        let left = self.deadline.saturating_duration_since(Instant::now());
        match go_duration(value) {
            _ if value.trim().is_empty() => (default, None),
            None => (
                default,
                Some(format!("Ignoring malformed {key} timeout: {value}")),
            ),
            Some(GoDuration::Negative) => (
                default,
                Some(format!("Ignoring relative {key} timeout: {value}")),
            ),
            Some(GoDuration::Positive(limit)) if limit > left => {
                let longer = "is longer than job timeout. Setting to job timeout";
                (default, Some(format!("{key} timeout: {value} {longer}")))
            }
            Some(GoDuration::Positive(limit)) if limit.is_zero() => (default, None),
            Some(GoDuration::Positive(limit)) => (Some(limit), None),
        }
    }
}

/// Returns `TimedOut(limit)` after `limit`; without one it never does.
pub(crate) async fn after(limit: Option<Duration>) -> JobFailure {
    match limit {
        Some(limit) => {
            tokio::time::sleep(limit).await;
            JobFailure::TimedOut(limit)
        }
        None => std::future::pending().await,
    }
}

/// A duration of Go's `time.ParseDuration`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum GoDuration {
    Positive(Duration),
    Negative,
}

/// Reads a duration such as `1h20m`, `1.5h` or `300ms`; only `0` needs no unit.
fn go_duration(text: &str) -> Option<GoDuration> {
    let (negative, number) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let total = match number {
        "" => return None,
        "0" => 0.0,
        number => seconds(number)?,
    };
    match negative && total > 0.0 {
        true => Some(GoDuration::Negative),
        false => Duration::try_from_secs_f64(total)
            .ok()
            .map(GoDuration::Positive),
    }
}

/// The sum of numbers, each with its unit, in seconds.
fn seconds(mut text: &str) -> Option<f64> {
    let mut total = 0.0;
    while !text.is_empty() {
        let end = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, rest) = text.split_at_checked(end)?;
        let end = rest
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(rest.len());
        let (unit, rest) = rest.split_at_checked(end)?;
        let unit = match unit {
            "ns" => 1e-9,
            "us" | "µs" | "μs" => 1e-6,
            "ms" => 1e-3,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            _ => return None,
        };
        if !number.contains(|c: char| c.is_ascii_digit()) {
            return None;
        }
        // `.5` and `5.` are numbers to Go and to Rust.
        total += number.parse::<f64>().ok()? * unit;
        text = rest;
    }
    Some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_in_go() {
        // Made with Go's `time.ParseDuration`: `tests/durations.go`.
        let table: Vec<serde_json::Value> =
            serde_json::from_str(include_str!("../../tests/durations.json")).unwrap();
        assert!(table.len() > 40);
        for row in table {
            let text = row["text"].as_str().unwrap();
            let read = match go_duration(text) {
                None => serde_json::Value::Null,
                Some(GoDuration::Negative) => "negative".into(),
                Some(GoDuration::Positive(duration)) => (duration.as_micros() as u64).into(),
            };
            assert_eq!(read, row["microseconds"], "{text:?}");
        }
    }

    #[test]
    fn a_scripts_limit_is_followed_or_the_runners_words_say_why_not() {
        let (_canceler, cancellation) = Cancellation::new();
        let timeout = Duration::from_secs(60);
        let limits = Limits {
            cancellation: &cancellation,
            deadline: Instant::now() + timeout,
            timeout,
        };
        let default = Some(Duration::from_secs(5));
        for (value, limit, words) in [
            ("", default, None),
            ("0", default, None),
            ("30s", Some(Duration::from_secs(30)), None),
            ("1200", default, Some("Ignoring malformed A timeout: 1200")),
            ("-5m", default, Some("Ignoring relative A timeout: -5m")),
            (
                "2m",
                default,
                Some("A timeout: 2m is longer than job timeout. Setting to job timeout"),
            ),
        ] {
            let mut variables = Variables::default();
            variables.put("A", value);
            let read = limits.of_script(&variables, "A", default);
            assert_eq!(read, (limit, words.map(str::to_owned)), "{value:?}");
        }
    }
}
