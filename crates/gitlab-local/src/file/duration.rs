//! Durations as people write them: `1h 30m`, `3 hours and 5 minutes` (GitLab's gem `chronic_duration`).

use std::time::Duration;

/// Units by their spellings, in seconds. A month has 30 days here, and a year 365.25.
const UNITS: &[(&[&str], u64)] = &[
    (&["seconds", "second", "secs", "sec", "s"], 1),
    (&["minutes", "minute", "mins", "min", "m"], 60),
    (&["hours", "hour", "hrs", "hr", "h"], 3_600),
    (&["days", "day", "dy", "d"], 86_400),
    (&["weeks", "week", "wks", "wk", "w"], 604_800),
    (&["months", "month", "mos", "mo"], 2_592_000),
    (&["years", "year", "yrs", "yr", "y"], 31_557_600),
];

/// Words between numbers that mean nothing.
const JOINING: &[&str] = &["and", "with", "plus"];

/// Numbers in words: the gem reads `one week` as `1 week`.
const NUMBERS: &[&str] = &[
    "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
    "twelve",
];

/// Reads a duration; none for a text that is none, and for zero. A number without a unit counts seconds.
pub(super) fn duration(text: &str) -> Option<Duration> {
    let text = text.to_lowercase();
    let seconds = match text.contains(':') {
        true => clock(text.trim())?,
        false => words(&text)?,
    };
    let duration = Duration::try_from_secs_f64(seconds).ok()?;
    (!duration.is_zero()).then_some(duration)
}

/// `1:30:00`, or `1:30` for minutes and seconds.
fn clock(text: &str) -> Option<f64> {
    let mut seconds = 0.0;
    let mut factor = 1.0;
    for part in text.rsplit(':') {
        seconds += part.parse::<u32>().ok().map(f64::from)? * factor;
        factor *= 60.0;
    }
    (factor <= 216_000.0).then_some(seconds)
}

fn words(text: &str) -> Option<f64> {
    let mut seconds = 0.0;
    // A unit at the beginning counts once: `hour`.
    let mut number = Some(1.0);
    let mut is_first = true;
    for word in split(text) {
        if let Some(next) = number_of(word) {
            if !is_first {
                seconds += number.unwrap_or(0.0);
            }
            number = Some(next);
        } else if let Some(unit) = unit(word) {
            seconds += number.take().unwrap_or(0.0) * unit as f64;
        } else if !JOINING.contains(&word) {
            return None;
        }
        is_first = false;
    }
    match is_first {
        true => None,
        false => Some(seconds + number.unwrap_or(0.0)),
    }
}

fn number_of(word: &str) -> Option<f64> {
    let mut spelt = NUMBERS.iter().zip(1..);
    let spelt = spelt.find_map(|(known, number)| (*known == word).then_some(f64::from(number)));
    word.parse().ok().or(spelt)
}

/// The numbers and words of a text: `1h30m` has four.
fn split(text: &str) -> impl Iterator<Item = &str> {
    let is_number = |c: char| c.is_ascii_digit() || c == '.';
    text.split([' ', '\t', '\n', ',']).flat_map(move |part| {
        let mut rest = part;
        std::iter::from_fn(move || {
            let first = rest.chars().next()?;
            let end = rest.find(|c| is_number(c) != is_number(first));
            let (word, after) = rest.split_at_checked(end.unwrap_or(rest.len()))?;
            rest = after;
            Some(word)
        })
    })
}

fn unit(word: &str) -> Option<u64> {
    let mut units = UNITS.iter();
    let (_, seconds) = units.find(|(spellings, _)| spellings.contains(&word))?;
    Some(*seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From the specification of the gem, and from GitLab's documentation of `timeout` and `expire_in`.
    #[test]
    fn durations_are_read_as_people_write_them() {
        for (text, seconds) in [
            ("42", Some(42)),
            ("1h 30m", Some(5_400)),
            ("1h30m", Some(5_400)),
            ("3 mins 4 sec", Some(184)),
            ("2 hrs 20 min", Some(8_400)),
            ("2h20min", Some(8_400)),
            ("1:20", Some(80)),
            ("1:20:30", Some(4_830)),
            ("4 minutes and 30 seconds", Some(270)),
            ("6 mos 1 day", Some(15_638_400)),
            ("1 year 6 mos 1 day", Some(47_196_000)),
            ("2.5 hrs", Some(9_000)),
            ("3 hours 30 minutes", Some(12_600)),
            ("3 weeks, plus 2 days", Some(1_987_200)),
            ("47 yrs 6 mos and 4d", Some(1_499_104_800)),
            ("1 Hour", Some(3_600)),
            ("hour", Some(3_600)),
            ("day 2h", Some(93_600)),
            ("4 min 30", Some(270)),
            ("one week", Some(604_800)),
            ("two hours and five minutes", Some(7_500)),
            ("never", None),
            ("soon", None),
            ("0", None),
            ("", None),
            ("-1h", None),
            ("2 hours foo", None),
            ("1:2:3:4", None),
            ("1.2.3h", None),
        ] {
            let read = duration(text).map(|duration| duration.as_secs());
            assert_eq!(read, seconds, "{text:?}");
        }
    }
}
