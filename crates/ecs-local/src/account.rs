//! The account that the stand-in plays, and the identity of every caller.

/// The account every resource belongs to.
pub const ACCOUNT: &str = "000000000000";

/// The caller's ARN, whatever the credentials are.
pub(crate) const CALLER_ARN: &str =
    "arn:aws:sts::000000000000:assumed-role/ci-manager/i-0a1b2c3d4e5f60004";

/// The caller's user ID.
pub(crate) const CALLER_ID: &str = "AROA0A1B2C3D4E5F60004:i-0a1b2c3d4e5f60004";
