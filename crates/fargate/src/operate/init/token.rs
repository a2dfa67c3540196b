//! The runner's token. It is never shown, and no Debug shows it.

use std::path::Path;

use crate::error::{Blame, Error, Result};

/// A runner's authentication token (GitLab: `glrt-…`).
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Token(String);

/// The beginning of registration tokens (GitLab: token overview), which GitLab has replaced.
const REGISTRATION: &str = "GR1348941";

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token")
    }
}

impl Token {
    /// A token from `place`, which errors name.
    ///
    /// # Errors
    ///
    /// When it cannot be one. The error does not quote it.
    pub(super) fn parse(text: &str, place: &str) -> Result<Self> {
        let text = text.trim();
        let fault = if text.is_empty() {
            "is empty"
        } else if text
            .contains(|character: char| character.is_whitespace() || character.is_control())
        {
            "is more than one word"
        } else if text.starts_with(REGISTRATION) {
            "is a registration token, which GitLab has replaced"
        } else {
            return Ok(Self(text.to_owned()));
        };
        Err(Error::new(
            Blame::Usage,
            format!("the runner's token in {place} {fault}"),
        )
        .advise("Create a runner in GitLab, which shows its authentication token (glrt-…) once."))
    }

    /// The token in a file.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, or has no token.
    pub(super) fn read(file: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(file).map_err(|error| {
            Error::new(
                Blame::Usage,
                format!("could not read the token in {}: {error}", file.display()),
            )
        })?;
        Self::parse(&text, &file.display().to_string())
    }

    /// Secret.
    pub(super) fn expose(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_tokens_that_may_work_are_taken_and_none_is_quoted() {
        assert_eq!(
            Token::parse(" glrt-abc\n", "f").unwrap().expose(),
            "glrt-abc"
        );
        for wrong in ["", "glrt-a glrt-b", "GR1348941secret", "glrt-a\nb"] {
            let error = Token::parse(wrong, "f").unwrap_err().to_string();
            assert!(error.contains("in f is"), "{error}");
            assert!(wrong.is_empty() || !error.contains(wrong), "{error}");
        }
        assert_eq!(format!("{:?}", Token("glrt-abc".into())), "Token");
    }
}
