//! Durations as a `.gitlab-ci.yml` writes them: `3 hours 30 minutes`, `1h 30m`, `90 min`, or plain seconds.

use std::time::Duration;

/// A year; anything longer is taken for a slip of the pen.
const LONGEST: f64 = 366.0 * 24.0 * 3600.0;

/// Parses a duration, or says nothing when the text is none or is longer than a year.
pub(super) fn parse(text: &str) -> Option<Duration> {
    let mut seconds = 0.0;
    let mut rest = text.trim();
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let number_end = rest
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(rest.len());
        let (number, after) = rest.split_at(number_end);
        let after = after.trim_start();
        let unit_end = after
            .find(|c: char| !c.is_ascii_alphabetic())
            .unwrap_or(after.len());
        let (unit, after) = after.split_at(unit_end);
        seconds += number.parse::<f64>().ok()? * unit_seconds(unit)?;
        rest = after.trim_start();
    }
    (seconds <= LONGEST).then(|| Duration::from_secs_f64(seconds))
}

fn unit_seconds(unit: &str) -> Option<f64> {
    Some(match unit.to_ascii_lowercase().as_str() {
        "" | "s" | "sec" | "secs" | "second" | "seconds" => 1.0,
        "m" | "min" | "mins" | "minute" | "minutes" => 60.0,
        "h" | "hr" | "hrs" | "hour" | "hours" => 3600.0,
        "d" | "day" | "days" => 24.0 * 3600.0,
        "w" | "week" | "weeks" => 7.0 * 24.0 * 3600.0,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_gitlab_documents_is_understood() {
        for (text, seconds) in [
            ("3600", 3600),
            ("3600 seconds", 3600),
            ("60 minutes", 3600),
            ("one hour", 0),
            ("1 hour", 3600),
            ("3 hours 30 minutes", 12_600),
            ("1h30m", 5400),
            ("1h 30m", 5400),
            ("1.5h", 5400),
            ("45m", 2700),
            ("1 week", 604_800),
            ("", 0),
            ("10 parsecs", 0),
            ("h", 0),
            ("-5m", 0),
            ("1..5h", 0),
            ("9999999999 weeks", 0),
        ] {
            let expected = (seconds > 0).then(|| Duration::from_secs(seconds));
            assert_eq!(parse(text), expected, "{text:?}");
        }
    }
}
