//! The account that the stand-in plays: its network, and the identity of every caller.

/// The account every resource belongs to.
pub const ACCOUNT: &str = "000000000000";

/// The VPC of the account's network.
pub const VPC: &str = "vpc-0a1b2c3d4e5f60000";
/// Its first subnet, in zone `a`.
pub const SUBNET_A: &str = "subnet-0a1b2c3d4e5f60001";
/// Its second subnet, in zone `b`.
pub const SUBNET_B: &str = "subnet-0a1b2c3d4e5f60002";
/// Its security group, which lets SSH in.
pub const SECURITY_GROUP: &str = "sg-0a1b2c3d4e5f60003";

/// The caller's ARN, whatever the credentials are.
pub(crate) const CALLER_ARN: &str =
    "arn:aws:sts::000000000000:assumed-role/ci-manager/i-0a1b2c3d4e5f60004";

/// The caller's user ID.
pub(crate) const CALLER_ID: &str = "AROA0A1B2C3D4E5F60004:i-0a1b2c3d4e5f60004";
