//! Time zones, from the tz database of this machine.

use std::fmt;
use std::path::{Path, PathBuf};

use tz::TimeZone;

/// Where machines have the tz database, as the C library and others look for it.
const FOLDERS: [&str; 3] = ["/usr/share/zoneinfo", "/usr/lib/zoneinfo", "/etc/zoneinfo"];

/// Largest file of a zone that is read: the largest of the database has 4 KB.
const LARGEST: u64 = 1 << 20;

/// A time zone with its rules.
#[derive(Clone)]
pub(crate) struct Zone {
    name: String,
    rules: TimeZone,
}

impl Zone {
    /// The zone of this name.
    ///
    /// # Errors
    ///
    /// With the expected form, when there is none.
    pub(super) fn named(name: &str) -> Result<Self, String> {
        let rules = match name {
            "UTC" => Some(TimeZone::utc()),
            _ if is_name(name) => rules(name),
            _ => None,
        };
        let Some(rules) = rules else {
            return Err(
                match FOLDERS.iter().any(|folder| Path::new(folder).is_dir()) {
                    true => {
                        format!("{name:?} is no time zone; one is \"Europe/Berlin\" or \"UTC\"")
                    }
                    false => format!(
                        "the time zone {name:?} is unknown, as this machine has no tz database (package tzdata)"
                    ),
                },
            );
        };
        let name = name.to_owned();
        Ok(Self { name, rules })
    }

    /// Seconds by which the zone's clocks are ahead of UTC at this time, in seconds since 1970. A time before or after
    /// all calendars has the offset of UTC.
    pub(super) fn offset(&self, at: i64) -> i64 {
        let found = self.rules.find_local_time_type(at);
        found.map_or(0, |found| i64::from(found.ut_offset()))
    }
}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// Whether the text can be a name in the database, and no way out of it.
fn is_name(text: &str) -> bool {
    let is_part = |part: &str| {
        part.starts_with(|first: char| first.is_ascii_alphabetic())
            && part
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"_+-".contains(&byte))
    };
    text.len() <= 64 && text.split('/').all(is_part)
}

/// The rules of a zone, read from its own file only: the others of the database are not looked at.
fn rules(name: &str) -> Option<TimeZone> {
    let file = |folder: &&str| Some(PathBuf::from(folder).join(name)).filter(|file| file.is_file());
    let file = FOLDERS.iter().find_map(file)?;
    let is_small = std::fs::metadata(&file).is_ok_and(|metadata| metadata.len() <= LARGEST);
    let data = is_small.then(|| std::fs::read(&file).ok()).flatten()?;
    TimeZone::from_tz_data(&data).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_follow_the_rules_of_their_place() {
        let berlin = Zone::named("Europe/Berlin").unwrap();
        // 2026-03-29 01:00 UTC and 2026-10-25 01:00 UTC are when its clocks change.
        for (at, hours) in [
            (1_774_746_000 - 1, 1),
            (1_774_746_000, 2),
            (1_792_890_000 - 1, 2),
            (1_792_890_000, 1),
            // 2060-07-01, beyond the table of its file.
            (2_855_865_600, 2),
        ] {
            assert_eq!(berlin.offset(at), hours * 3600, "{at}");
        }
        assert_eq!(Zone::named("Asia/Kolkata").unwrap().offset(0), 19_800);
        assert_eq!(Zone::named("UTC").unwrap().offset(0), 0);
        for absurd in [i64::MIN, i64::MAX] {
            assert!(berlin.offset(absurd).abs() < 24 * 3600);
        }
    }

    #[test]
    fn names_are_those_of_the_database() {
        for bad in [
            "",
            "Europe",
            "Europe/Atlantis",
            "europe berlin",
            "../../etc/passwd",
            "/etc/passwd",
            "Europe/../UTC",
            "Europe//Berlin",
            "zone.tab",
            "+01:00",
        ] {
            assert!(Zone::named(bad).is_err(), "{bad:?} was accepted");
        }
    }
}
