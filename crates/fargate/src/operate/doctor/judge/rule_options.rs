//! Rules of security groups as options of the AWS CLI.

/// Protocol and ports of a rule as options of the AWS CLI.
pub(super) fn options(protocol: &str, from: Option<i32>, to: Option<i32>) -> String {
    match (protocol, from, to) {
        ("-1", ..) => "--protocol all".to_owned(),
        (_, Some(from), Some(to)) if from != to => {
            format!("--protocol {protocol} --port {from}-{to}")
        }
        (_, Some(port), _) => format!("--protocol {protocol} --port {port}"),
        (_, None, _) => format!("--protocol {protocol}"),
    }
}

/// A rule about a range as options of the AWS CLI, whose `--cidr` takes IPv4 alone.
pub(super) fn of_range(protocol: &str, from: Option<i32>, to: Option<i32>, range: &str) -> String {
    if !range.contains(':') {
        return format!("{} --cidr {range}", options(protocol, from, to));
    }
    let ports = match (protocol, from, to) {
        ("-1", ..) | (_, None, _) | (_, _, None) => String::new(),
        (_, Some(from), Some(to)) => format!("FromPort={from},ToPort={to},"),
    };
    format!("--ip-permissions 'IpProtocol={protocol},{ports}Ipv6Ranges=[{{CidrIpv6={range}}}]'")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_told_by_its_own_protocol_and_ports() {
        for (protocol, from, to, range, expected) in [
            (
                "tcp",
                Some(22),
                Some(22),
                "0.0.0.0/0",
                "--protocol tcp --port 22 --cidr 0.0.0.0/0",
            ),
            (
                "tcp",
                Some(7022),
                Some(7023),
                "0.0.0.0/0",
                "--protocol tcp --port 7022-7023 --cidr 0.0.0.0/0",
            ),
            (
                "-1",
                None,
                None,
                "0.0.0.0/0",
                "--protocol all --cidr 0.0.0.0/0",
            ),
            (
                "-1",
                None,
                None,
                "::/0",
                "--ip-permissions 'IpProtocol=-1,Ipv6Ranges=[{CidrIpv6=::/0}]'",
            ),
            (
                "tcp",
                Some(0),
                Some(65535),
                "::/0",
                "--ip-permissions 'IpProtocol=tcp,FromPort=0,ToPort=65535,Ipv6Ranges=[{CidrIpv6=::/0}]'",
            ),
        ] {
            assert_eq!(of_range(protocol, from, to, range), expected);
        }
    }
}
