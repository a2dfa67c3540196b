//! Doctor names each misconfiguration of `misconfigurations.json` by its check, and says the fix.

use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::Value;

use crate::set_up::{Change, Manager};

/// A set-up that is wrong in one way.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Misconfiguration {
    /// In words.
    name: String,
    change: Change,
    /// Id of the check that names it.
    check: String,
    /// `fail` or `warn`.
    status: String,
    /// Words of what is found.
    found: String,
    /// Words of the fix.
    fix: String,
    /// Ids of checks that follow from it.
    #[serde(default)]
    also: Vec<String>,
}

/// Doctor's promise.
const BOUND: Duration = Duration::from_secs(5);

/// The folder of temporary files may be in a container's layer or in memory.
fn is_of_this_machine(check: &Value) -> bool {
    check["id"] == "metadata-filesystem"
}

#[test]
fn a_right_set_up_is_all_green_in_five_seconds() {
    let manager = Manager::with(&Change::default());
    let begun = Instant::now();
    let (checks, code) = manager.checks();
    assert!(begun.elapsed() < BOUND, "{:?}", begun.elapsed());
    let others: Vec<_> = checks
        .iter()
        .filter(|check| check["status"] != "pass" && !is_of_this_machine(check))
        .collect();
    assert!(others.is_empty(), "{others:#?}");
    assert_eq!(code, Some(0));
    assert!(checks.len() >= 46, "{}", checks.len());
}

#[test]
fn a_right_set_up_for_jobs_images_is_all_green_but_for_registries_that_doctor_cannot_see() {
    let change = serde_json::from_str(r#"{"job_image": true}"#).unwrap();
    let (checks, code) = Manager::with(&change).checks();
    let others: Vec<_> = checks
        .iter()
        .filter(|check| check["status"] != "pass" && !is_of_this_machine(check))
        .collect();
    assert!(others.is_empty(), "{others:#?}");
    assert_eq!(code, Some(0));
}

#[test]
fn without_doctors_own_permissions_it_judges_what_it_can_and_says_what_it_cannot() {
    let policy: Value =
        serde_json::from_str(include_str!("../../../../docs/iam/doctor.json")).unwrap();
    let statements = policy["Statement"].as_array().unwrap().iter();
    let actions = statements.flat_map(|statement| match &statement["Action"] {
        Value::Array(actions) => actions.clone(),
        one => vec![one.clone()],
    });
    let denied: Vec<_> = actions.collect();
    assert!(denied.len() >= 14, "{denied:?}");
    // Jobs need this one, too, where they bring their image.
    let change = serde_json::from_value(serde_json::json!({ "resources": { "denied": denied } }));
    let (checks, code) = Manager::with(&change.unwrap()).checks();
    assert_eq!(code, Some(0), "{checks:#?}");
    let status = |wanted: &str| {
        let checks = checks.iter();
        checks.filter(|check| check["status"] == wanted).count()
    };
    assert!(status("fail") == 0 && status("pass") >= 20, "{checks:#?}");
    let skipped = checks.iter().filter(|check| check["status"] == "skip");
    let reasons: Vec<_> = skipped
        .map(|check| check["found"].as_str().unwrap())
        .collect();
    let names = |action: &str| reasons.iter().any(|reason| reason.contains(action));
    for action in [
        "ecs:DescribeClusters",
        "ecs:DescribeTaskDefinition",
        "ec2:DescribeSubnets",
        "ec2:DescribeSecurityGroups",
        "servicequotas:GetServiceQuota",
        "cloudwatch:GetMetricData",
        "iam:GetRole",
        "iam:SimulatePrincipalPolicy",
    ] {
        assert!(names(action), "{action}: {reasons:#?}");
    }
}

#[test]
fn calls_that_show_permissions_change_nothing() {
    for change in [
        r#"{"arguments": ["--probe"]}"#,
        r#"{"arguments": ["--probe"], "job_image": true}"#,
        // IAM cannot simulate the permissions of this user.
        r#"{"arguments": ["--probe"], "resources": {"callerArn": "arn:aws:iam::000000000000:user/ci"}}"#,
    ] {
        let manager = Manager::with(&serde_json::from_str(change).unwrap());
        let definitions = manager.definitions();
        let (checks, code) = manager.checks();
        let permissions: Vec<_> = checks
            .iter()
            .filter(|check| check["id"] == "permissions")
            .collect();
        assert_eq!(permissions.len(), 1, "{permissions:#?}");
        assert_eq!(permissions[0]["status"], "pass", "{permissions:#?}");
        let found = permissions[0]["found"].as_str().unwrap();
        assert!(
            found.contains("by calls that cannot do anything"),
            "{found}"
        );
        assert_eq!((manager.tasks(), code), (0, Some(0)));
        assert_eq!(manager.definitions(), definitions);
    }
}

#[test]
fn a_manager_that_is_an_ecs_task_is_known_by_its_interface() {
    // It reaches tasks by their private addresses, and its own group is let in.
    let rule = serde_json::json!({ "ipProtocol": "tcp", "fromPort": 22, "toPort": 22, "ipRanges": [], "ipv6Ranges": [],
        "groups": [{ "groupId": "sg-0a1b2c3d4e5f60003", "userId": "000000000000" }], "prefixListIds": [] });
    let checks = |denied: &[&str]| {
        let change = serde_json::json!({
            "as_task": true, "fargate": [["EnablePublicIP = true", "EnablePublicIP = true\nUsePublicIP = false"]],
            "resources": { "denied": denied, "securityGroups": { "sg-0a1b2c3d4e5f60003": { "ipPermissions": [rule] } } },
        });
        let (checks, code) = Manager::with(&serde_json::from_value(change).unwrap()).checks();
        assert_eq!(code, Some(0), "{checks:#?}");
        move |id: &str| {
            let check = checks.iter().find(|check| check["id"] == id).unwrap();
            let found = check["found"].as_str().unwrap().to_owned();
            (check["status"].as_str().unwrap().to_owned(), found)
        }
    };
    let seen = checks(&[]);
    let (status, found) = seen("instance");
    assert_eq!(status, "pass", "{found}");
    assert!(found.starts_with("task/"), "{found}");
    assert!(
        found.contains(" in vpc-0a1b2c3d4e5f60000, private address 127."),
        "{found}"
    );
    assert_eq!(seen("ssh-in").0, "pass");
    // Without a look at its interface, its groups are not known, and nothing fails.
    let unseen = checks(&["ec2:DescribeNetworkInterfaces"]);
    for id in ["instance", "ssh-in"] {
        let (status, found) = unseen(id);
        assert_eq!(status, "skip", "{found}");
        assert!(found.contains("ec2:DescribeNetworkInterfaces"), "{found}");
    }
}

#[test]
fn networks_that_are_right_or_out_of_sight_do_not_fail() {
    let endpoint_of_no_task = serde_json::json!({
        "vpcs": { "vpc-0a1b2c3d4e5f60000": { "enableDnsSupport": true, "enableDnsHostnames": false } },
        "vpcEndpoints": [{
            "vpcEndpointId": "vpce-0a1b2c3d4e5f60007", "vpcEndpointType": "Interface", "vpcId": "vpc-0a1b2c3d4e5f60000",
            "serviceName": "com.amazonaws.eu-west-1.ssm", "state": "available", "privateDnsEnabled": true,
            "routeTableIdSet": [], "subnetIdSet": ["subnet-0a1b2c3d4e5f60001"], "groupSet": [], "ownerId": "000000000000",
        }],
    });
    let no_table_in_sight = serde_json::json!({ "routeTables": [] });
    let rule = serde_json::json!({ "ipProtocol": "tcp", "fromPort": 22, "toPort": 22, "groups": [], "ipRanges": [],
        "ipv6Ranges": [], "prefixListIds": [{ "prefixListId": "pl-1" }] });
    let by_prefix_list = |denied: &[&str]| {
        serde_json::json!({
            "denied": denied, "prefixLists": { "pl-1": ["198.51.100.0/24", "203.0.113.0/24"] },
            "securityGroups": { "sg-0a1b2c3d4e5f60003": { "ipPermissions": [rule] } },
        })
    };
    for (resources, id, status) in [
        (endpoint_of_no_task, "vpc-dns", "pass"),
        (no_table_in_sight, "way-out", "skip"),
        (by_prefix_list(&[]), "ssh-in", "pass"),
        (
            by_prefix_list(&["ec2:GetManagedPrefixListEntries"]),
            "ssh-in",
            "skip",
        ),
        // Without metadata, doctor does not know where the manager is.
        (serde_json::json!({ "instance": null }), "ssh-in", "skip"),
    ] {
        let change = serde_json::from_value(serde_json::json!({ "resources": resources }));
        let (checks, code) = Manager::with(&change.unwrap()).checks();
        let check = checks.iter().find(|check| check["id"] == id).unwrap();
        assert_eq!(check["status"], status, "{check:#}");
        assert_eq!(code, Some(0), "{checks:#?}");
    }
}

#[test]
fn every_misconfiguration_is_named_with_its_fix() {
    let cases: Vec<Misconfiguration> =
        serde_json::from_str(include_str!("misconfigurations.json")).unwrap();
    let mut missed = String::new();
    for case in &cases {
        let (checks, code) = Manager::with(&case.change).checks();
        let others: Vec<_> = checks
            .iter()
            .filter(|check| check["status"] == "fail" || check["status"] == "warn")
            .filter(|check| !is_of_this_machine(check) || case.check == "metadata-filesystem")
            .collect();
        let says = |check: &Value, member: &str, words: &str| {
            check[member]
                .as_str()
                .is_some_and(|text| text.contains(words))
        };
        let is_named = others.iter().any(|check| {
            check["id"] == *case.check
                && check["status"] == *case.status
                && says(check, "found", &case.found)
                && says(check, "fix", &case.fix)
        });
        let failed = checks.iter().any(|check| check["status"] == "fail");
        // Nothing else may be wrong with it.
        let is_alone = others.iter().all(|check| {
            let id = check["id"].as_str().unwrap();
            id == case.check || case.also.iter().any(|also| also == id)
        });
        if !is_named || !is_alone || code != Some(i32::from(failed)) {
            missed += &format!("{}: exit code {code:?}\n{others:#?}\n", case.name);
        }
    }
    assert_eq!(missed, "");
    assert!(cases.len() >= 100, "{}", cases.len());
}

#[test]
fn images_whose_pull_is_most_of_their_starts_are_named() {
    let starts = serde_json::json!([
        { "image": "large:1", "count": 5, "pull": 60, "whole": 84 },
        { "image": "seldom:1", "count": 4, "pull": 60, "whole": 84 },
        { "image": "small:1", "count": 11, "pull": 3, "whole": 27 },
    ]);
    let change = serde_json::from_value(serde_json::json!({ "starts": starts }));
    let (checks, _) = Manager::with(&change.unwrap()).checks();
    let found = |id: &str| {
        let check = checks.iter().find(|check| check["id"] == id).unwrap();
        (check["status"].clone(), check["found"].as_str().unwrap())
    };
    let pulls = "most of a start with large:1: 60 of 84 s (median of 5)";
    assert_eq!(found("image-pulls"), ("warn".into(), pulls));
    let (status, starts) = found("start-timeout");
    assert_eq!(status, "pass", "{starts}");
    assert!(starts.ends_with("starts took 1m24s at most"), "{starts}");
}

/// A start is slow by chance, or because AWS had no room: neither is the image's.
#[test]
fn slow_starts_that_are_not_the_images_leave_start_timeout_alone() {
    let starts = serde_json::json!([
        { "image": "ci:1", "count": 1, "pull": 3, "whole": 800 },
        { "image": "ci:1", "count": 40, "pull": 3, "whole": 30 },
        { "image": "other:1", "count": 5, "queued": 800, "pull": 3, "whole": 30 },
    ]);
    let change = serde_json::from_value(serde_json::json!({ "starts": starts }));
    let (checks, _) = Manager::with(&change.unwrap()).checks();
    let check = checks.iter().find(|check| check["id"] == "start-timeout");
    assert_eq!(check.unwrap()["status"], "pass", "{check:#?}");
}
