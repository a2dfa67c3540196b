//! The host names of services, as GitLab's Docker executor gives them.

use super::reference::service_name;

/// Longest host name (RFC 1035).
const LIMIT: usize = 253;

/// The names of a service: those made of its image, with `/` as `__` and as `-`, then its aliases. Each once.
/// Names derived from the image that are not valid host names are left out.
///
/// # Errors
///
/// The first alias that is not a host name.
pub(crate) fn host_names(image: &str, aliases: Option<&str>) -> Result<Vec<String>, String> {
    let name = service_name(image);
    let mut names: Vec<String> = Vec::new();
    for derived in [name.replace('/', "__"), name.replace('/', "-")] {
        if is_host_name(&derived) {
            add(&mut names, &derived);
        }
    }
    for alias in split(aliases.unwrap_or_default()) {
        if !is_host_name(alias) {
            return Err(alias.to_owned());
        }
        add(&mut names, alias);
    }
    Ok(names)
}

/// The service's name in the job log: its first alias, or else its first host name.
pub(crate) fn label(names: &[String], aliases: Option<&str>) -> String {
    let alias = split(aliases.unwrap_or_default()).next();
    alias
        .or(names.first().map(String::as_str))
        .unwrap_or("service")
        .to_owned()
}

/// GitLab separates several aliases by commas or blanks.
fn split(aliases: &str) -> impl Iterator<Item = &str> {
    aliases
        .split(|character: char| character == ',' || character.is_whitespace())
        .filter(|alias| !alias.is_empty())
}

fn add(names: &mut Vec<String>, name: &str) {
    if !names.iter().any(|known| known.eq_ignore_ascii_case(name)) {
        names.push(name.to_owned());
    }
}

/// Whether a hosts file can hold the name and a resolver looks it up. `_` is allowed, unlike in DNS.
fn is_host_name(name: &str) -> bool {
    let edge = |byte: &u8| byte.is_ascii_alphanumeric();
    let bytes = name.as_bytes();
    name.len() <= LIMIT
        && bytes.first().is_some_and(edge)
        && bytes
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_are_those_of_the_docker_executor() {
        for (image, aliases, names) in [
            ("postgres:16", None, vec!["postgres"]),
            (
                "valkey/valkey:latest",
                None,
                vec!["valkey__valkey", "valkey-valkey"],
            ),
            (
                "registry.example.com:4999/team/db:1",
                Some("db,pg  main"),
                vec![
                    "registry.example.com__team__db",
                    "registry.example.com-team-db",
                    "db",
                    "pg",
                    "main",
                ],
            ),
            ("postgres", Some("postgres, Postgres"), vec!["postgres"]),
        ] {
            assert_eq!(host_names(image, aliases).unwrap(), names, "{image}");
        }
        assert_eq!(
            host_names("postgres", Some("db,x y/z")),
            Err("y/z".to_owned())
        );
        assert_eq!(host_names("postgres", Some("-x")), Err("-x".to_owned()));
        let names = host_names("postgres:16", Some("db")).unwrap();
        assert_eq!(label(&names, Some("db")), "db");
        assert_eq!(label(&names, None), "postgres");
    }

    proptest! {
        #[test]
        fn names_can_always_stand_in_a_hosts_file(image in "[!-~]{1,60}", aliases in "[ -~\\n\\t]{0,40}") {
            for name in host_names(&image, Some(&aliases)).unwrap_or_default() {
                prop_assert!(!name.is_empty() && name.len() <= 253);
                prop_assert!(name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)), "{}", name);
            }
        }
    }
}
