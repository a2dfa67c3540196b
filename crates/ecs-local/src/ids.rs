//! Identifiers in AWS's shapes, and the ARNs made of them.
//!
//! They have to be distinct. The ID of a task is also the path of its metadata, so nobody may guess it.

use crate::account::ACCOUNT;

/// `n` lowercase hexadecimal digits, at most 32.
fn hex(n: usize) -> String {
    let digits = format!("{:032x}", rand::random::<u128>());
    digits.chars().take(n).collect()
}

/// A task ID: 32 hexadecimal digits.
pub(crate) fn task() -> String {
    hex(32)
}

/// A random UUID, the form of the IDs of requests, containers and attachments.
pub(crate) fn uuid() -> String {
    let bits = fastrand::u128(..);
    // Version 4 and its variant, RFC 9562.
    let bits = (bits & !(0xf << 76) | (0x4 << 76)) & !(0x3 << 62) | (0x2 << 62);
    let digits = format!("{bits:032x}");
    let mut out = String::with_capacity(36);
    for (at, digit) in digits.chars().enumerate() {
        if matches!(at, 8 | 12 | 16 | 20) {
            out.push('-');
        }
        out.push(digit);
    }
    out
}

/// A resource ID of EC2: prefix and 17 hexadecimal digits.
pub(crate) fn ec2(prefix: &str) -> String {
    format!("{prefix}-0{}", hex(16))
}

/// A locally administered MAC address.
pub(crate) fn mac() -> String {
    let [_, rest @ ..] = fastrand::u64(..).to_be_bytes();
    let [a, b, c, d, e, ..] = rest;
    format!("0e:{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}")
}

/// An invented image digest, for containers that are processes and have no image.
pub(crate) fn image_digest() -> String {
    format!("sha256:{}{}", hex(32), hex(32))
}

/// A container's runtime ID, in Fargate's form.
pub(crate) fn runtime(task: &str) -> String {
    format!("{task}-{:010}", fastrand::u32(..))
}

/// `arn:aws:ecs:<region>:<account>:<resource>`.
pub(crate) fn arn(region: &str, resource: &str) -> String {
    format!("arn:aws:ecs:{region}:{ACCOUNT}:{resource}")
}

/// The resource part of an ECS ARN, if the ARN is of this account and region.
pub(crate) fn resource<'a>(region: &str, arn: &'a str) -> Option<&'a str> {
    let mut parts = arn.splitn(6, ':');
    let head = [
        parts.next()?,
        parts.next()?,
        parts.next()?,
        parts.next()?,
        parts.next()?,
    ];
    let resource = parts.next()?;
    let [a, partition, service, at, account] = head;
    let ours = a == "arn"
        && partition.starts_with("aws")
        && service == "ecs"
        && at == region
        && account == ACCOUNT;
    ours.then_some(resource)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uuids_are_of_version_4() {
        for _ in 0..100 {
            let id = uuid();
            assert_eq!(id.len(), 36);
            assert_eq!(id.as_bytes()[14], b'4', "{id}");
            assert!(b"89ab".contains(&id.as_bytes()[19]), "{id}");
        }
    }

    #[test]
    fn an_arn_of_another_region_or_account_is_not_ours() {
        let ours = arn("eu-west-1", "cluster/ci");
        assert_eq!(resource("eu-west-1", &ours), Some("cluster/ci"));
        assert_eq!(resource("eu-west-2", &ours), None);
        assert_eq!(
            resource("eu-west-1", &ours.replace(ACCOUNT, "111122223333")),
            None
        );
    }
}
