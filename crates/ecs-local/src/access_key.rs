//! The access keys that sign calls.
//!
//! A stand-in without an access key takes any credentials, so everyone who can connect can run programs. With one it
//! takes what that key signed, or the keys of a role that it lent.

use std::collections::BTreeMap;
use std::fmt;

/// An access key, as AWS's clients know it.
#[derive(Clone)]
pub struct AccessKey {
    /// The key's ID, which requests show.
    pub id: String,
    /// The secret, which signs requests and is not part of them.
    pub secret: String,
}

impl AccessKey {
    /// A new random key in AWS's shape.
    #[must_use]
    pub fn random() -> Self {
        Self {
            id: format!("AKIA{:016X}", rand::random::<u64>()),
            secret: format!(
                "{:032x}{:08x}",
                rand::random::<u128>(),
                rand::random::<u32>()
            ),
        }
    }
}

impl fmt::Debug for AccessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, .. } = self;
        f.debug_struct("AccessKey")
            .field("id", id)
            .finish_non_exhaustive()
    }
}

/// The keys that a stand-in takes.
#[derive(Debug)]
pub(crate) enum AccessKeys {
    /// Any credentials; signatures are not checked.
    Any,
    /// These keys by their IDs.
    Only(BTreeMap<String, KnownKey>),
}

/// A key that the stand-in takes.
#[derive(Clone, Debug)]
pub(crate) struct KnownKey {
    pub(crate) key: AccessKey,
    /// The session token, which requests with a role's key show.
    pub(crate) token: Option<String>,
}

impl AccessKeys {
    /// Takes this key alone, or any.
    pub(crate) fn new(key: Option<AccessKey>) -> Self {
        let Some(key) = key else {
            return Self::Any;
        };
        let known = KnownKey {
            key: key.clone(),
            token: None,
        };
        Self::Only(BTreeMap::from([(key.id, known)]))
    }

    /// Takes a role's key, too.
    pub(crate) fn lend(&mut self, key: &AccessKey, token: &str) {
        if let Self::Only(keys) = self {
            let known = KnownKey {
                key: key.clone(),
                token: Some(token.to_owned()),
            };
            keys.insert(key.id.clone(), known);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_have_the_shape_of_aws_and_hide_their_secret() {
        let key = AccessKey::random();
        assert_eq!((key.id.len(), key.secret.len()), (20, 40));
        assert_ne!(key.secret, AccessKey::random().secret);
        assert!(!format!("{key:?}").contains(&key.secret));
    }
}
