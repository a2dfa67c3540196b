//! Rules of security groups: what they are about.

use std::net::IpAddr;

use crate::aws::Rule;

/// Whether a rule is about TCP and this port.
pub(super) fn is_about(rule: &Rule, port: u16) -> bool {
    let port = i32::from(port);
    match rule.protocol.as_str() {
        "-1" => true,
        "tcp" | "6" => {
            rule.from_port.is_none_or(|from| from <= port)
                && rule.to_port.is_none_or(|to| port <= to)
        }
        _ => false,
    }
}

/// Whether a range is of all addresses.
pub(super) fn is_everyone(range: &str) -> bool {
    matches!(range, "0.0.0.0/0" | "::/0")
}

/// Whether a range in CIDR notation contains the address.
pub(super) fn contains(range: &str, address: IpAddr) -> bool {
    let Some((network, bits)) = range.split_once('/') else {
        return false;
    };
    let (Ok(network), Ok(bits)) = (network.parse::<IpAddr>(), bits.parse::<u32>()) else {
        return false;
    };
    match (network, address) {
        (IpAddr::V4(network), IpAddr::V4(address)) => {
            let mask = u32::MAX
                .checked_shl(32u32.saturating_sub(bits))
                .unwrap_or_default();
            network.to_bits() & mask == address.to_bits() & mask
        }
        (IpAddr::V6(network), IpAddr::V6(address)) => {
            let mask = u128::MAX
                .checked_shl(128u32.saturating_sub(bits))
                .unwrap_or_default();
            network.to_bits() & mask == address.to_bits() & mask
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_contain_addresses() {
        for (range, address, expected) in [
            ("10.0.0.0/8", "10.1.2.3", true),
            ("10.0.0.0/8", "11.1.2.3", false),
            ("10.1.2.3/32", "10.1.2.3", true),
            ("0.0.0.0/0", "203.0.113.7", true),
            ("2001:db8::/32", "2001:db8::7", true),
            ("2001:db8::/32", "2001:db9::7", false),
            ("10.0.0.0/8", "2001:db8::7", false),
            ("nonsense", "10.1.2.3", false),
        ] {
            assert_eq!(
                contains(range, address.parse().unwrap()),
                expected,
                "{range} {address}"
            );
        }
    }
}
