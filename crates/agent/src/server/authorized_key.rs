//! The one key that may log in.
//!
//! It is text from outside: a task's environment, perhaps typed by a person. Each possible mistake therefore has its
//! own message. Messages never repeat the text, because it might be a private key, put there by mistake.

use anyhow::{Context, Result, bail};
use fargate_wire::PUBLIC_KEY_VARIABLE;
use russh::keys::ssh_key::public::KeyData;
use russh::keys::{Algorithm, HashAlg, PublicKey};

/// An Ed25519 public key: the only kind the driver makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AuthorizedKey(KeyData);

impl AuthorizedKey {
    /// Reads the key from [`PUBLIC_KEY_VARIABLE`].
    ///
    /// # Errors
    /// When the variable is not set, or [`AuthorizedKey::parse`] fails.
    pub(crate) fn from_environment() -> Result<Self> {
        let Some(line) = std::env::var_os(PUBLIC_KEY_VARIABLE) else {
            bail!(
                "{PUBLIC_KEY_VARIABLE} is not set; set it to the public key that may log in, a line like \
                 \"ssh-ed25519 AAAA…\""
            );
        };
        let line = line
            .to_str()
            .with_context(|| format!("{PUBLIC_KEY_VARIABLE} is not valid UTF-8"))?;
        Self::parse(line).with_context(|| format!("{PUBLIC_KEY_VARIABLE} cannot be used"))
    }

    /// Parses a line of OpenSSH's `authorized_keys`: `ssh-ed25519`, the key, and perhaps a comment.
    ///
    /// White space around it does not matter. Options before the key are refused rather than ignored, because they
    /// would restrict the key.
    ///
    /// # Errors
    /// When the text is not exactly one Ed25519 public key.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let line = text.trim();
        if line.is_empty() {
            bail!("it is empty; it must be one line like \"ssh-ed25519 AAAA…\"");
        }
        if line.contains("PRIVATE KEY") {
            bail!(
                "it is a private key; set the public key, and replace the pair, since it was exposed"
            );
        }
        if line.lines().nth(1).is_some() {
            bail!("it has several lines; exactly one key may log in");
        }
        let kind = line.split_whitespace().next().unwrap_or_default();
        if kind != Algorithm::Ed25519.as_str() {
            if kind
                .parse::<Algorithm>()
                .is_ok_and(|a| !matches!(a, Algorithm::Other(_)))
            {
                bail!(
                    "it is a key of type {kind}; only ssh-ed25519 is supported (ssh-keygen -t ed25519)"
                );
            }
            bail!(
                "it does not begin with ssh-ed25519; neither options before the key nor other types of key are \
                 supported"
            );
        }
        let key = PublicKey::from_openssh(line)
            .context("it begins like an Ed25519 public key, but is damaged or incomplete")?;
        Ok(Self(key.key_data().clone()))
    }

    /// The key's SHA-256 fingerprint, which is unique to it.
    pub(crate) fn fingerprint(&self) -> String {
        self.0.fingerprint(HashAlg::Sha256).to_string()
    }

    /// Whether `offered` is this key. Comments are not compared.
    pub(crate) fn is(&self, offered: &PublicKey) -> bool {
        self.0 == *offered.key_data()
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::{Index, select};

    use super::*;

    const KEY: &str =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ";
    const RSA: &str = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQ==";

    #[test]
    fn surroundings_and_comment_do_not_matter() {
        let plain = AuthorizedKey::parse(KEY).unwrap();
        for text in [
            format!("{KEY}\n"),
            format!("\n  {KEY} job 1234 of a b\r\n\n"),
            format!("{KEY} me@host"),
        ] {
            assert_eq!(AuthorizedKey::parse(&text).unwrap(), plain, "{text:?}");
        }
    }

    #[test]
    fn anything_else_is_refused_with_its_reason_and_without_its_text() {
        let (shorter, _) = KEY.split_at(KEY.len() - 5);
        for (text, reason) in [
            (" \n".to_owned(), "empty"),
            (RSA.to_owned(), "type ssh-rsa"),
            (format!("no-pty {KEY}"), "options"),
            (format!("{KEY}\n{KEY}"), "several lines"),
            (shorter.to_owned(), "damaged"),
            ("ssh-ed25519".to_owned(), "damaged"),
            ("SECRET".to_owned(), "does not begin"),
            (
                "-----BEGIN OPENSSH PRIVATE KEY-----\nSECRET".to_owned(),
                "private key",
            ),
        ] {
            let error = format!("{:#}", AuthorizedKey::parse(&text).unwrap_err());
            assert!(error.contains(reason), "{text:?}: {error}");
            assert!(
                !error.contains("SECRET") && !error.contains("AAAAB3"),
                "{error}"
            );
        }
    }

    /// Lines with all kinds of keys, and with common mistakes.
    const LINES: [&str; 5] = [
        KEY,
        RSA,
        "no-pty,command=\"x\" ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ me",
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ me\nssh-ed25519 AAAA",
        "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAA\n-----END OPENSSH PRIVATE KEY-----",
    ];

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2048))]

        #[test]
        fn a_line_that_is_nearly_right_is_a_key_or_is_refused_without_its_text(
            line in select(LINES.to_vec()),
            edits in vec((any::<Index>(), 0..4_u8, any::<u8>()), 0..4),
        ) {
            let mut bytes = line.as_bytes().to_vec();
            for (at, what, byte) in edits {
                let place = at.index(bytes.len() + 1);
                match what {
                    0 => bytes.insert(place, byte),
                    1 => bytes.truncate(place),
                    _ if place == bytes.len() => {}
                    2 => drop(bytes.remove(place)),
                    _ => bytes[place] = byte,
                }
            }
            let text = String::from_utf8_lossy(&bytes);
            match AuthorizedKey::parse(&text) {
                Ok(key) => {
                    let line = PublicKey::from_openssh(text.trim()).unwrap();
                    prop_assert!(key.is(&line) && line.algorithm() == Algorithm::Ed25519);
                    // The key parses its own text, without the comment.
                    let alone = PublicKey::from(key.0.clone()).to_openssh().unwrap();
                    prop_assert_eq!(AuthorizedKey::parse(&alone).unwrap(), key);
                }
                Err(error) => {
                    let message = format!("{error:#}");
                    let piece = text.split_whitespace().find(|word| word.len() > 16 && message.contains(word));
                    prop_assert!(piece.is_none(), "{:?} in {}", piece, message);
                }
            }
        }
    }
}
