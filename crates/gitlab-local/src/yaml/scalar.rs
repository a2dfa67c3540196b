//! What a plain scalar means: the rules of `Psych::ScalarScanner`, in its order.

use crate::yaml::node::Value;
use crate::yaml::number::{decimal, float};

/// What Psych makes of a plain scalar.
///
/// # Errors
///
/// With Psych's message, when it makes a value that GitLab does not permit, or fails.
pub(super) fn resolve(text: &str) -> Result<Value, String> {
    if text.is_empty() {
        return Ok(Value::Null);
    }
    if is_word(text) || text.contains('\n') {
        return Ok(word(text));
    }
    if is_time(text) {
        return Err(unloadable("Time"));
    }
    if is_date(text) {
        return Err(unloadable("Date"));
    }
    if let Some(value) = special_float(text) {
        return Ok(Value::Number(float(value).into()));
    }
    if let Some(name) = symbol(text) {
        return Ok(Value::Text(name.into()));
    }
    if let Some(number) = sexagesimal(text) {
        return Ok(Value::Number(number.into()));
    }
    if let Some(digits) = float_digits(text) {
        return match digits.parse() {
            Ok(value) => Ok(Value::Number(float(value).into())),
            Err(_) => Err(format!("invalid value for Float(): {digits:?}")),
        };
    }
    Ok(match integer(text) {
        Some(number) => Value::Number(number.into()),
        None => Value::Text(text.into()),
    })
}

/// GitLab permits no class beside symbols and its own tags.
pub(super) fn unloadable(class: &str) -> String {
    let advice = match class {
        "Date" | "Time" => " (quote it, so that it is a text)",
        _ => "",
    };
    format!("Tried to load unspecified class: {class}{advice}")
}

/// Any character but a digit, `.`, `:` or `-`, if at all, and then one that words have.
fn is_word(text: &str) -> bool {
    let mut chars = text.chars();
    let of_word =
        |c: char| c.is_alphabetic() || "_ \t\r\n\x0b\x0c!@#$%^&*(){}<>|/\\~;=".contains(c);
    match chars.next() {
        Some(first) if of_word(first) => true,
        Some(first) if first.is_ascii_digit() || ".:-".contains(first) => false,
        _ => chars.next().is_some_and(of_word),
    }
}

/// A word is null, a boolean or a text. Ruby's `^` and `$` are the ends of any line.
fn word(text: &str) -> Value {
    let any_line = |words: &[&str]| {
        let mut lines = text.split('\n');
        lines.any(|line| words.iter().any(|word| line.eq_ignore_ascii_case(word)))
    };
    let other_first =
        |line: &str| !line.starts_with(|c: char| "ytonf~".contains(c.to_ascii_lowercase()));
    let long = text.chars().nth(5).is_some();
    if long || text.split('\n').any(other_first) {
        Value::Text(text.into())
    } else if text == "~" || any_line(&["null"]) {
        Value::Null
    } else if any_line(&["yes", "true", "on"]) {
        Value::Bool(true)
    } else if any_line(&["no", "false", "off"]) {
        Value::Bool(false)
    } else {
        Value::Text(text.into())
    }
}

/// Takes a run of characters off the front of `text`.
fn run<'a>(text: &mut &'a str, of_run: impl Fn(char) -> bool) -> &'a str {
    let rest = text.trim_start_matches(of_run);
    let run = text.strip_suffix(rest).unwrap_or_default();
    *text = rest;
    run
}

/// Takes a run of digits off the front of `text`, if its length is one of `lengths`.
fn digits(text: &mut &str, lengths: std::ops::RangeInclusive<usize>) -> bool {
    lengths.contains(&run(text, |c| c.is_ascii_digit()).len())
}

/// Takes `sign` off the front of `text`.
fn takes(text: &mut &str, sign: &[char]) -> bool {
    match text.strip_prefix(sign) {
        Some(rest) => {
            *text = rest;
            true
        }
        None => false,
    }
}

/// Four digits, and two times `-` with one or two.
fn takes_date(text: &mut &str) -> bool {
    digits(text, 4..=4)
        && takes(text, &['-'])
        && digits(text, 1..=2)
        && takes(text, &['-'])
        && digits(text, 1..=2)
}

/// A date, a time of day, and perhaps a time zone.
fn is_time(text: &str) -> bool {
    let mut rest = text;
    takes(&mut rest, &['-']);
    let blank = |c: char| matches!(c, ' ' | '\t' | '\r' | '\x0b' | '\x0c');
    let day = takes_date(&mut rest)
        && (takes(&mut rest, &['T', 't']) || !run(&mut rest, blank).is_empty())
        && digits(&mut rest, 1..=2)
        && takes(&mut rest, &[':'])
        && digits(&mut rest, 2..=2)
        && takes(&mut rest, &[':'])
        && digits(&mut rest, 2..=2);
    if !day {
        return false;
    }
    if takes(&mut rest, &['.']) {
        run(&mut rest, |c| c.is_ascii_digit());
    }
    if rest.is_empty() {
        return true;
    }
    run(&mut rest, blank);
    rest == "Z" || is_zone(rest)
}

/// `+1`, `+01`, `+0130`, `+01:`, `+01:30`.
fn is_zone(text: &str) -> bool {
    let mut rest = text;
    if !takes(&mut rest, &['+', '-']) {
        return false;
    }
    let hours = run(&mut rest, |c| c.is_ascii_digit()).len();
    match rest.strip_prefix(':') {
        Some("") => (1..=2).contains(&hours),
        Some(mut minutes) => {
            (1..=2).contains(&hours) && digits(&mut minutes, 2..=2) && minutes.is_empty()
        }
        None => (1..=4).contains(&hours) && rest.is_empty(),
    }
}

/// A date with a month and a day that exist in some year.
fn is_date(text: &str) -> bool {
    let mut rest = text;
    if !takes_date(&mut rest) || !rest.is_empty() {
        return false;
    }
    let mut parts = text.split('-').skip(1).map(|part| part.parse::<u32>());
    let in_range =
        |part: Option<Result<u32, _>>, highest| matches!(part, Some(Ok(value)) if value <= highest);
    in_range(parts.next(), 12) && in_range(parts.next(), 31)
}

fn special_float(text: &str) -> Option<f64> {
    match text.to_ascii_lowercase().as_str() {
        ".inf" | "+.inf" => Some(f64::INFINITY),
        "-.inf" => Some(f64::NEG_INFINITY),
        ".nan" => Some(f64::NAN),
        _ => None,
    }
}

/// `:name`, `:"name"`. In quotes a colon of its own is taken off, too.
fn symbol(text: &str) -> Option<&str> {
    let name = text.strip_prefix(':').filter(|name| !name.is_empty())?;
    let quoted = ['"', '\''].into_iter().find_map(|quote| {
        let (quoted, _) = name.strip_prefix(quote)?.rsplit_once(quote)?;
        Some(quoted.strip_prefix(':').unwrap_or(quoted))
    });
    Some(quoted.unwrap_or(name))
}

/// `1:30` and `1:30:15` are seconds: the first number counts hours, in both. `1:30.5` is a float.
fn sexagesimal(text: &str) -> Option<String> {
    let (whole, fraction) = match text.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (text, None),
    };
    let mut parts = whole.split(':');
    let first = parts.next()?;
    let unsigned = first.strip_prefix(['+', '-']).unwrap_or(first);
    let of_number = |c: char| c.is_ascii_digit() || c == '_';
    if !unsigned.starts_with(|c: char| c.is_ascii_digit()) || !unsigned.chars().all(of_number) {
        return None;
    }
    let lower: Vec<&str> = parts.collect();
    let below_sixty = |part: &&str| match part.as_bytes() {
        [digit] => digit.is_ascii_digit(),
        [tens, digit] => (b'0'..=b'5').contains(tens) && digit.is_ascii_digit(),
        _ => false,
    };
    if !(1..=2).contains(&lower.len()) || !lower.iter().all(below_sixty) {
        return None;
    }
    match fraction {
        None => whole_seconds(first, &lower),
        Some(fraction) if fraction.chars().all(of_number) => {
            fractional_seconds(first, &lower, fraction)
        }
        Some(_) => None,
    }
}

/// The first part may be negative; the others are added.
fn whole_seconds(first: &str, lower: &[&str]) -> Option<String> {
    let hours: i128 = ruby_prefix(first).parse().ok()?;
    let mut seconds = hours.checked_mul(3600)?;
    for (part, unit) in lower.iter().zip([60, 1]) {
        seconds = seconds.checked_add(part.parse::<i128>().ok()? * unit)?;
    }
    Some(seconds.to_string())
}

fn fractional_seconds(first: &str, lower: &[&str], fraction: &str) -> Option<String> {
    let mut seconds = ruby_prefix(first).parse::<f64>().ok()? * 3600.0;
    for (index, (part, unit)) in lower.iter().zip([60.0, 1.0]).enumerate() {
        let value = match index + 1 == lower.len() {
            true => format!("{part}.{}", ruby_prefix(fraction)),
            false => (*part).to_owned(),
        };
        seconds += value.parse::<f64>().ok()? * unit;
    }
    Some(float(seconds))
}

/// The digits that Ruby's `to_i` and `to_f` read: single underscores are skipped. Two end the number, and so does one
/// at its beginning.
fn ruby_prefix(text: &str) -> String {
    let end = match text.starts_with('_') {
        true => 0,
        false => text.find("__").unwrap_or(text.len()),
    };
    text.get(..end).unwrap_or_default().replace('_', "")
}

/// The digits of a float with a point, as they are given to Ruby's `Float()`: an exponent needs its sign.
fn float_digits(text: &str) -> Option<String> {
    let mut rest = text;
    let sign = if takes(&mut rest, &['-']) { "-" } else { "" };
    if sign.is_empty() {
        takes(&mut rest, &['+']);
    }
    if rest.starts_with(['_', ',']) || rest == "." {
        return None;
    }
    let whole = run(&mut rest, |c| c.is_ascii_digit() || c == '_' || c == ',');
    if !takes(&mut rest, &['.']) {
        return None;
    }
    let fraction = run(&mut rest, |c| c.is_ascii_digit());
    let exponent = rest;
    if !exponent.is_empty() {
        let signed = takes(&mut rest, &['e', 'E']) && takes(&mut rest, &['+', '-']);
        if !signed || !digits(&mut rest, 1..=usize::MAX) || !rest.is_empty() {
            return None;
        }
    }
    let whole: String = whole.chars().filter(char::is_ascii_digit).collect();
    Some(match fraction {
        "" => format!("{sign}{whole}{exponent}"),
        _ => format!("{sign}{whole}.{fraction}{exponent}"),
    })
}

/// Binary, octal, decimal and hexadecimal numbers, with underscores and commas.
fn integer(text: &str) -> Option<String> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let negative = text.starts_with('-');
    let of_radix = |digits: &str, radix: u32| {
        let known = digits
            .chars()
            .all(|c| c.is_digit(radix) || c == '_' || c == ',');
        let digits: String = digits.chars().filter(|c| c.is_digit(radix)).collect();
        if known {
            decimal(negative, &digits, radix)
        } else {
            None
        }
    };
    if let Some(digits) = unsigned.strip_prefix("0b") {
        return of_radix(digits, 2);
    }
    if let Some(digits) = unsigned.strip_prefix("0x") {
        return of_radix(digits, 16);
    }
    if unsigned.starts_with('0') {
        return of_radix(unsigned, 8);
    }
    // Between decimal digits stands one underscore or comma at a time.
    let alone = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_digit());
    if unsigned.split(['_', ',']).all(alone) {
        return of_radix(unsigned, 10);
    }
    None
}
