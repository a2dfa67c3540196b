//! What an account has, as far as `fargate doctor` reads it. No job needs any of this.

mod identity;

pub(crate) use self::identity::Identity;
