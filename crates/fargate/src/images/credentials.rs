//! Logins to registries that `docker login` and `podman login` stored, read as they read them.

use std::collections::BTreeMap;
use std::env;
use std::fmt;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use crate::error::{Error, Result, json_fault};

/// A user, a password, and the place they come from.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Login {
    pub(super) user: String,
    pub(super) password: String,
    pub(super) from: String,
}

/// Without the password.
impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Login({} from {})", self.user, self.from)
    }
}

/// A registry's file of logins (docker-config-json).
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Logins {
    auths: BTreeMap<String, Entry>,
    cred_helpers: BTreeMap<String, String>,
    creds_store: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Entry {
    auth: Option<String>,
    username: Option<String>,
    password: Option<String>,
    identitytoken: Option<String>,
}

/// The login for a repository, if a file has one.
///
/// # Errors
///
/// When the file or the login in it is unusable.
pub(super) fn find(registry: &str, repository: &str) -> Result<Option<Login>> {
    let Some(path) = file() else {
        return Ok(None);
    };
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            let message = format!("could not read the logins in {}: {error}", path.display());
            return Err(Error::system(message));
        }
    };
    choose(&text, &path, registry, repository)
}

/// The file that podman's variable names, the one in Docker's folder, or the user's own.
fn file() -> Option<PathBuf> {
    let named = |name| env::var_os(name).filter(|value| !value.is_empty());
    named("REGISTRY_AUTH_FILE")
        .map(PathBuf::from)
        .or_else(|| Some(Path::new(&named("DOCKER_CONFIG")?).join("config.json")))
        .or_else(|| Some(Path::new(&named("HOME")?).join(".docker/config.json")))
}

/// The pure part of [`find`].
fn choose(text: &str, path: &Path, registry: &str, repository: &str) -> Result<Option<Login>> {
    let from = path.display();
    let logins: Logins = serde_json::from_str(text).map_err(|error| {
        let fault = json_fault(&error);
        Error::system(format!("the logins in {from} do not parse: {fault}"))
    })?;
    let entry = entry(&logins.auths, registry, repository);
    if let Some(entry) = entry
        && let Some((user, password)) = entry.login().map_err(|reason| {
            Error::system(format!(
                "the login for {registry} in {from} is unusable: {reason}"
            ))
            .advise(another_file(registry))
        })?
    {
        return Ok(Some(Login {
            user,
            password,
            from: from.to_string(),
        }));
    }
    // Docker leaves an empty entry for a login that it gave to a store.
    let helper = logins.cred_helpers.get(registry);
    match helper.or(logins.creds_store.as_ref().filter(|_| entry.is_some())) {
        None => Ok(None),
        Some(helper) => {
            let message = format!(
                "{from} leaves the login for {registry} to the credential helper {helper:?}, which fargate does not call"
            );
            Err(Error::system(message).advise(another_file(registry)))
        }
    }
}

fn another_file(registry: &str) -> String {
    format!(
        "Log in to another file, with podman login --authfile FILE {registry}, and set REGISTRY_AUTH_FILE=FILE."
    )
}

/// The most specific entry for the repository.
///
/// Podman's files may name parts of a registry. Older files of Docker have addresses for names.
fn entry<'a>(
    auths: &'a BTreeMap<String, Entry>,
    registry: &str,
    repository: &str,
) -> Option<&'a Entry> {
    let mut name = format!("{registry}/{repository}");
    loop {
        let found = auths.iter().find(|(key, _)| bare(key) == name);
        if let Some((_, entry)) = found {
            return Some(entry);
        }
        let (shorter, _) = name.rsplit_once('/')?;
        name = shorter.to_owned();
    }
}

/// A key without the parts of an address.
fn bare(key: &str) -> &str {
    let key = key
        .strip_prefix("https://")
        .or_else(|| key.strip_prefix("http://"))
        .unwrap_or(key);
    let key = key.trim_end_matches('/');
    let key = key
        .strip_suffix("/v1")
        .or_else(|| key.strip_suffix("/v2"))
        .unwrap_or(key);
    // Docker Hub has another name in images.
    if key == "index.docker.io" {
        "docker.io"
    } else {
        key
    }
}

impl Entry {
    /// User and password; nothing where the entry is empty.
    fn login(&self) -> Result<Option<(String, String)>, String> {
        let given = |value: &Option<String>| value.clone().filter(|value| !value.is_empty());
        if given(&self.identitytoken).is_some() {
            return Err("it is an identity token, not a password".to_owned());
        }
        match (
            given(&self.auth),
            given(&self.username),
            given(&self.password),
        ) {
            (Some(auth), _, _) => decode(&auth).map(Some),
            (None, Some(user), Some(password)) => Ok(Some((user, password))),
            _ => Ok(None),
        }
    }
}

/// User and password from the Base64 of `user:password`.
pub(super) fn decode(token: &str) -> Result<(String, String), String> {
    let bytes = STANDARD
        .decode(token.trim())
        .map_err(|error| format!("its Base64 does not decode: {error}"))?;
    let text = String::from_utf8(bytes).map_err(|_| "it is not text".to_owned())?;
    text.split_once(':')
        .map(|(user, password)| (user.to_owned(), password.to_owned()))
        .ok_or_else(|| "it holds no colon between user and password".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(text: &str, registry: &str, repository: &str) -> Result<Option<String>> {
        choose(text, Path::new("config.json"), registry, repository)
            .map(|login| login.map(|login| format!("{}:{}", login.user, login.password)))
    }

    #[test]
    fn the_closest_entry_is_taken() {
        // Base64 of a:1, b:2 and c:3.
        let text = r#"{ "auths": { "registry.example.com": { "auth": "YTox" }, "registry.example.com/team": { "auth": "Yjoy" },
            "https://index.docker.io/v1/": { "auth": "Yzoz" }, "plain.example.com": { "username": "d", "password": "4:4" } } }"#;
        for (registry, repository, login) in [
            ("registry.example.com", "agent", Some("a:1")),
            ("registry.example.com", "team/agent", Some("b:2")),
            ("registry.example.com", "teams/agent", Some("a:1")),
            ("docker.io", "me/agent", Some("c:3")),
            ("plain.example.com", "agent", Some("d:4:4")),
            ("example.com", "agent", None),
        ] {
            let found = chosen(text, registry, repository).unwrap();
            assert_eq!(found.as_deref(), login, "{registry}/{repository}");
        }
    }

    #[test]
    fn unusable_logins_are_reported() {
        for (text, reason) in [
            (
                r#"{ "auths": { "r.example.com": {} }, "credsStore": "desktop" }"#,
                "\"desktop\"",
            ),
            (
                r#"{ "credHelpers": { "r.example.com": "gcloud" } }"#,
                "\"gcloud\"",
            ),
            (
                r#"{ "auths": { "r.example.com": { "auth": "%" } } }"#,
                "Base64",
            ),
            (
                r#"{ "auths": { "r.example.com": { "auth": "YQ==" } } }"#,
                "colon",
            ),
            (
                r#"{ "auths": { "r.example.com": { "identitytoken": "t" } } }"#,
                "identity token",
            ),
            ("{ auths", "do not parse"),
        ] {
            let error = chosen(text, "r.example.com", "agent").unwrap_err();
            assert!(error.to_string().contains(reason), "{error}");
        }
        // A store that was never given a login for this registry has none.
        let store = r#"{ "auths": { "other.example.com": {} }, "credsStore": "desktop" }"#;
        assert_eq!(chosen(store, "r.example.com", "agent").unwrap(), None);
    }
}
