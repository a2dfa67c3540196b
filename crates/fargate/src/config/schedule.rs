//! Hours of the week, like `Mon-Fri 07:30-19:00 Europe/Berlin`.
//!
//! The clock on the wall there decides. A window in an hour that a change of clocks leaves out does not open; one in an
//! hour that comes twice opens twice.

use super::zone::Zone;

/// Minutes of a day.
const DAY: i64 = 24 * 60;

/// Short names of days, in their order. 1970-01-01 was a Thursday.
const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const THURSDAY: i64 = 3;

/// Hours of the week, in one or more windows.
#[derive(Debug, Clone, Default)]
pub(crate) struct Schedule {
    /// None for always.
    windows: Vec<Window>,
}

/// A stretch of some days.
#[derive(Debug, Clone)]
struct Window {
    /// Whether it begins on a day of the week, from Monday on.
    days: [bool; 7],
    /// When it begins, in minutes of the day.
    from: i64,
    /// When it ends; on the day after where that is not later than the beginning.
    to: i64,
    zone: Zone,
}

impl Schedule {
    /// Reads windows, which `;` separates. One without a time zone has that of the next one that names its own.
    ///
    /// # Errors
    ///
    /// With the expected form, and the first problem from the end.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut windows = Vec::new();
        let mut zone = None;
        for part in text.split(';').rev() {
            let window = window(part, zone.as_ref()).map_err(|problem| {
                format!("hours like \"Mon-Fri 07:30-19:00 Europe/Berlin\": {problem}")
            })?;
            zone = Some(window.zone.clone());
            windows.push(window);
        }
        windows.reverse();
        Ok(Self { windows })
    }

    /// The hours of all these schedules together.
    pub(super) fn together(schedules: Vec<Self>) -> Self {
        let windows = schedules
            .into_iter()
            .flat_map(|schedule| schedule.windows)
            .collect();
        Self { windows }
    }

    /// Whether this time is within one of its windows, in seconds since 1970.
    pub(crate) fn is_open(&self, at: i64) -> bool {
        self.windows.is_empty() || self.windows.iter().any(|window| window.is_open(at))
    }

    /// Whether it is open at all times.
    pub(crate) fn is_always(&self) -> bool {
        self.windows.is_empty()
    }
}

impl Window {
    fn is_open(&self, at: i64) -> bool {
        let minutes = at.saturating_add(self.zone.offset(at)).div_euclid(60);
        let (day, minute) = (minutes.div_euclid(DAY), minutes.rem_euclid(DAY));
        let begins = |day: i64| {
            let weekday = usize::try_from((day + THURSDAY).rem_euclid(7));
            weekday.is_ok_and(|weekday| self.days.get(weekday) == Some(&true))
        };
        match self.from < self.to {
            true => begins(day) && (self.from..self.to).contains(&minute),
            false => (begins(day) && minute >= self.from) || (begins(day - 1) && minute < self.to),
        }
    }
}

/// Reads `[DAYS] HH:MM-HH:MM [ZONE]`.
fn window(text: &str, next_zone: Option<&Zone>) -> Result<Window, String> {
    let mut words = text.split_whitespace().peekable();
    let is_days = |word: &&str| !word.starts_with(|first: char| first.is_ascii_digit());
    let days = match words.next_if(is_days) {
        Some(text) => days(text).ok_or_else(|| {
            format!("{text:?} are no days; write \"Mon-Fri\", \"Sat\" or \"Mon,Wed\"")
        })?,
        None => [true; 7],
    };
    let Some(hours) = words.next() else {
        return Err(format!("{:?} has no hours", text.trim()));
    };
    let (from, to) = hours
        .split_once('-')
        .and_then(|(from, to)| minute(from).zip(minute(to)))
        .filter(|(from, to)| from != to && *from < DAY)
        .ok_or_else(|| format!("{hours:?} is not a stretch of hours; write \"07:30-19:00\""))?;
    let zone = match (words.next(), next_zone) {
        (Some(name), _) => Zone::named(name)?,
        (None, Some(zone)) => zone.clone(),
        (None, None) => {
            return Err(format!(
                "{:?} has no time zone; add one, such as \"UTC\"",
                text.trim()
            ));
        }
    };
    match words.next() {
        Some(word) => Err(format!(
            "{word:?} follows the time zone; \";\" separates windows"
        )),
        None => Ok(Window {
            days,
            from,
            to,
            zone,
        }),
    }
}

/// Days and ranges of days, which commas separate.
fn days(text: &str) -> Option<[bool; 7]> {
    let mut days = [false; 7];
    for part in text.split(',') {
        let (first, last) = match part.split_once('-') {
            Some((first, last)) => (weekday(first)?, weekday(last)?),
            None => (weekday(part)?, weekday(part)?),
        };
        let length = (last + 7 - first) % 7;
        for day in (first..=first + length).map(|day| day % 7) {
            *days.get_mut(day)? = true;
        }
    }
    Some(days)
}

/// The number of a day, from Monday on: `Mon`, in any case.
fn weekday(text: &str) -> Option<usize> {
    DAYS.iter().position(|day| day.eq_ignore_ascii_case(text))
}

/// The minutes of `HH:MM`, up to `24:00`.
fn minute(text: &str) -> Option<i64> {
    let (hours, minutes) = text.split_once(':')?;
    let number = |text: &str, digits| {
        let is_number = digits == text.len() && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<i64>().ok().filter(|_| is_number)
    };
    let (hours, minutes) = (number(hours, 2)?, number(minutes, 2)?);
    Some(hours * 60 + minutes).filter(|whole| minutes < 60 && *whole <= DAY)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-30 00:00 UTC, a Monday.
    const MONDAY: i64 = 1_795_996_800;
    const HOUR: i64 = 3600;

    /// Whether a schedule is open at a day after that Monday, and an hour of it, by UTC.
    fn open(schedule: &str, day: i64, hour: f64) -> bool {
        let schedule = Schedule::parse(schedule).unwrap();
        schedule.is_open(MONDAY + day * 24 * HOUR + (hour * HOUR as f64) as i64)
    }

    #[test]
    fn a_window_is_open_on_its_days_from_its_first_minute_to_its_last() {
        let office = "Mon-Fri 07:30-19:00 Europe/Berlin";
        for (day, hour, expected) in [
            (0, 6.49, false),
            (0, 6.5, true),
            (4, 17.99, true),
            (4, 18.0, false),
            (5, 12.0, false),
            (6, 12.0, false),
            (7, 12.0, true),
        ] {
            assert_eq!(open(office, day, hour), expected, "day {day} at {hour}");
        }
    }

    #[test]
    fn a_window_that_ends_the_next_day_belongs_to_the_day_it_begins_on() {
        let night = "fri 22:00-06:00 UTC";
        for (day, hour, expected) in [
            (4, 5.0, false),
            (4, 21.9, false),
            (4, 22.0, true),
            (5, 5.9, true),
            (5, 6.0, false),
            (5, 23.0, false),
        ] {
            assert_eq!(open(night, day, hour), expected, "day {day} at {hour}");
        }
        assert!(open("Sun 22:00-06:00 UTC", 7, 1.0));
    }

    #[test]
    fn windows_add_up_and_share_the_zone_that_follows() {
        let two = "Mon-Fri 07:00-12:00; Mon-Fri 13:00-19:00 Europe/Berlin";
        assert!(open(two, 0, 6.0) && open(two, 0, 12.0) && !open(two, 0, 11.5));
        let lists = Schedule::together(vec![
            Schedule::parse("Sat 00:00-24:00 UTC").unwrap(),
            Schedule::parse("Mon,Wed-Thu 10:00-11:00 UTC").unwrap(),
        ]);
        let at = |day: i64, hour: i64| lists.is_open(MONDAY + (day * 24 + hour) * HOUR);
        assert!(at(5, 0) && at(5, 23) && !at(6, 0));
        assert!(at(0, 10) && !at(1, 10) && at(2, 10) && at(3, 10) && !at(4, 10));
        assert!(open("Sat-Mon 10:00-11:00 UTC", 0, 10.0));
        assert!(!open("Sat-Mon 10:00-11:00 UTC", 1, 10.0));
        assert!(open("10:00-11:00 UTC", 3, 10.0));
        assert!(Schedule::default().is_open(0) && Schedule::default().is_always());
    }

    #[test]
    fn the_clock_on_the_wall_decides_when_clocks_change() {
        // Sunday 2026-10-25: 02:00 to 03:00 comes twice in Berlin, from 00:00 and from 01:00 UTC.
        let midnight = 1_792_886_400;
        let early = Schedule::parse("Sun 02:00-02:30 Europe/Berlin").unwrap();
        let open = |minutes: i64| early.is_open(midnight + minutes * 60);
        assert_eq!(
            [-1, 0, 29, 30, 60, 89, 90].map(open),
            [false, true, true, false, true, true, false]
        );
        // Sunday 2026-03-29: it is left out.
        let spring = 1_774_742_400;
        assert!((0..180).all(|minutes| !early.is_open(spring + minutes * 60)));
    }

    #[test]
    fn what_is_wrong_is_said() {
        let problem = |text: &str| Schedule::parse(text).unwrap_err();
        for (text, part) in [
            ("", "has no hours"),
            ("Mon-Fri", "has no hours"),
            ("Mon-Fri 07:30-19:00", "has no time zone"),
            ("weekdays 07:30-19:00 UTC", "\"weekdays\" are no days"),
            ("Mon- 07:30-19:00 UTC", "are no days"),
            ("Mon 7:30-19:00 UTC", "\"7:30-19:00\" is not a stretch"),
            ("Mon 07:30-07:30 UTC", "is not a stretch"),
            ("Mon 24:00-01:00 UTC", "is not a stretch"),
            ("Mon 07:60-09:00 UTC", "is not a stretch"),
            ("Mon 07:30 UTC", "is not a stretch"),
            ("Mon 07:30-24:01 UTC", "is not a stretch"),
            ("Mon 07:30-19:00 Europe/Atlantis", "is no time zone"),
            ("Mon 07:30-19:00 UTC Tue", "\"Tue\" follows the time zone"),
            ("Mon 07:30-19:00 UTC;", "has no hours"),
        ] {
            let said = problem(text);
            assert!(said.contains(part), "{text:?}: {said}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_and_any_time_are_taken_or_refused(
            text in "(Mon|Fri-Mon|,|-|;| |[0-9]{2}:[0-9]{2}|UTC|Europe/Berlin|ü){0,12}", at: i64,
        ) {
            if let Ok(schedule) = Schedule::parse(&text) {
                let _open = schedule.is_open(at);
            }
        }

        #[test]
        fn a_window_and_the_rest_of_the_day_make_a_day(from in 0..1440_i64, to in 0..1440_i64, at in 0..5_000_000_000_i64) {
            proptest::prop_assume!(from != to);
            let time = |minute: i64| format!("{:02}:{:02}", minute / 60, minute % 60);
            let window = |from, to| Schedule::parse(&format!("{}-{} Europe/Berlin", time(from), time(to))).unwrap();
            proptest::prop_assert_ne!(window(from, to).is_open(at), window(to, from).is_open(at));
        }
    }
}
