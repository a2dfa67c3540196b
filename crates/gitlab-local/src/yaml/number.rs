//! Numbers as Ruby reads and prints them.

/// Digits of a binary, octal or hexadecimal number that are read. Its decimal digits cost quadratic time.
const MAX_RADIX_DIGITS: usize = 1000;

/// A decimal base that fits, squared, into 64 bits.
const LIMB: u64 = 1_000_000_000;

/// Digits of a whole number that Ruby prints without an exponent (C's `DBL_DIG`).
const MAX_WHOLE_DIGITS: usize = 15;

/// Ruby prints 0.0001 as that, and the tenth of it as `1.0e-05`.
const MIN_EXPONENT: i32 = -4;

/// An integer of `digits` in `radix` in decimal, without leading zeros. Nothing when there are no digits, or too many.
pub(super) fn decimal(negative: bool, digits: &str, radix: u32) -> Option<String> {
    if digits.is_empty() {
        return None;
    }
    let magnitude = match radix {
        10 => digits.trim_start_matches('0').to_owned(),
        _ => converted(digits, radix)?,
    };
    Some(match (magnitude.as_str(), negative) {
        ("", _) => "0".to_owned(),
        (_, true) => format!("-{magnitude}"),
        (_, false) => magnitude,
    })
}

/// `digits` of `radix` in decimal; empty for zero.
fn converted(digits: &str, radix: u32) -> Option<String> {
    if digits.len() > MAX_RADIX_DIGITS {
        return None;
    }
    // Limbs of nine decimal digits, the lowest first.
    let mut limbs: Vec<u64> = Vec::new();
    for digit in digits.chars() {
        let mut carry = u64::from(digit.to_digit(radix)?);
        for limb in &mut limbs {
            let value = *limb * u64::from(radix) + carry;
            *limb = value % LIMB;
            carry = value / LIMB;
        }
        if carry > 0 {
            limbs.push(carry);
        }
    }
    let (highest, others) = match limbs.split_last() {
        Some(split) => split,
        None => return Some(String::new()),
    };
    let others = others.iter().rev().map(|limb| format!("{limb:09}"));
    Some(highest.to_string() + &others.collect::<String>())
}

/// A float as Ruby's `to_s` prints it.
pub(crate) fn float(value: f64) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        let sign = if value < 0.0 { "-" } else { "" };
        return format!("{sign}Infinity");
    }
    let shortest = format!("{value:e}");
    let (mantissa, exponent) = shortest.split_once('e').unwrap_or((&shortest, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let digits = mantissa.chars().filter(char::is_ascii_digit).count();
    let fits = match usize::try_from(exponent) {
        Ok(exponent) => exponent + 1 < digits || exponent < MAX_WHOLE_DIGITS,
        Err(_) => exponent >= MIN_EXPONENT,
    };
    if !fits {
        let point = if mantissa.contains('.') { "" } else { ".0" };
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{mantissa}{point}e{sign}{:02}", exponent.abs());
    }
    let printed = value.to_string();
    let point = if printed.contains('.') { "" } else { ".0" };
    printed + point
}
