//! The checks that the operations of ECS share.

use crate::error::ApiError;

/// Refuses a task definition.
pub(super) fn refuse<T>(message: impl Into<String>) -> Result<T, ApiError> {
    Err(ApiError::client(message))
}

/// Checks that `value` is one of the model's enum values.
pub(super) fn check_enum(
    member: &str,
    value: Option<&str>,
    values: &[&str],
) -> Result<(), ApiError> {
    match value {
        Some(value) if !values.contains(&value) => Err(ApiError::invalid_parameter(format!(
            "Value '{value}' at '{member}' failed to satisfy constraint: Member must satisfy enum value set: [{}]",
            values.join(", ")
        ))),
        _ => Ok(()),
    }
}

/// Whether this can be the name of a cluster, family, container or volume: up to 255 letters, digits, `-` and `_`.
pub(super) fn is_name(name: &str) -> bool {
    (1..=255).contains(&name.len())
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

/// The requested page of a list, and the token of the next page.
///
/// A token names the last item of its page, so that no page repeats items when new ones appear.
pub(super) fn page(
    mut items: Vec<String>,
    max_results: Option<i64>,
    token: Option<&str>,
) -> Result<(Vec<String>, Option<String>), ApiError> {
    let most = match max_results {
        None => 100,
        Some(n @ 1..=100) => usize::try_from(n).unwrap_or(100),
        Some(_) => {
            return Err(ApiError::invalid_parameter(
                "maxResults must be between 1 and 100.",
            ));
        }
    };
    if let Some(token) = token {
        let after = token
            .strip_prefix("after:")
            .ok_or_else(|| ApiError::invalid_parameter("Invalid token"))?;
        let start = items
            .iter()
            .position(|item| item == after)
            .map_or(items.len(), |at| at + 1);
        items.drain(..start);
    }
    let more = items.len() > most;
    items.truncate(most);
    let next = items
        .last()
        .filter(|_| more)
        .map(|last| format!("after:{last}"));
    Ok((items, next))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_cover_a_list_once() {
        let items: Vec<String> = (0..250).map(|n| format!("{n:03}")).collect();
        let mut seen = Vec::new();
        let mut token = None;
        loop {
            let (mut some, next) = page(items.clone(), None, token.as_deref()).unwrap();
            seen.append(&mut some);
            if next.is_none() {
                break;
            }
            token = next;
        }
        assert_eq!(seen, items);
        assert!(page(items.clone(), Some(0), None).is_err());
        assert!(page(items, None, Some("forged")).is_err());
    }
}
