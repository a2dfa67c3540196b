//! AWS's view of this manager.

use std::net::IpAddr;
use std::time::SystemTime;

use super::super::catalog::{ACCOUNT, CLOCK, CREDENTIALS, INSTANCE};
use super::super::check::Check;
use super::super::facts::{Account, Facts};
use super::answers::skipped;
use super::configuration::or_pass;
use super::prerequisite::credentials;
use super::roles;
use crate::aws::{AwsError, Identity};
use crate::config::{Config, Mode};

/// Seconds by which the clock may be wrong before that is worth a word, and before AWS refuses signatures (five minutes
/// are sure to be refused by some services).
const WORTH_A_WORD: u64 = 60;
const REFUSED: u64 = 300;

/// Judges credentials, clock and account.
pub(in super::super) fn identity(facts: &Facts, account: &Account) -> Vec<Check> {
    let Some(answer) = &account.identity else {
        let reason = match facts.pre {
            true => "set AWS_REGION for this check",
            false => "the configuration names no Region",
        };
        return vec![CREDENTIALS.skip(reason)];
    };
    if let Some(fault) = credentials(account) {
        return vec![fault];
    }
    let mut checks = match answer {
        Ok(identity) => of_caller(identity, facts),
        Err(refusal) => unknown(refusal),
    };
    checks.extend(instance(facts, account));
    checks.extend(roles::roles(facts, account));
    checks
}

fn of_caller(identity: &Identity, facts: &Facts) -> Vec<Check> {
    let mut checks = vec![caller(identity)];
    checks.extend(identity.clocks.map(clock));
    if let Ok(config) = &facts.configuration.whole {
        let foreign = foreign(config, &identity.account);
        checks.extend(or_pass(foreign, || ACCOUNT.pass(identity.account.as_str())));
    }
    checks
}

/// ECS answers, and STS does not. Jobs with the role of an instance or a task never call it.
fn unknown(refusal: &AwsError) -> Vec<Check> {
    vec![
        CREDENTIALS.warn(
            format!("ECS takes them; whose they are is unknown: {refusal}"),
            "Let the manager reach STS (in a VPC without the internet by the endpoint sts), if doctor shall judge roles and \
             permissions. Jobs need it only where credentials come from it: AWS_WEB_IDENTITY_TOKEN_FILE, role_arn.",
        ),
        ACCOUNT.skip("STS did not tell it"),
    ]
}

/// The metadata of the machine, without which its role is out of reach. A container is one hop further away.
fn instance(facts: &Facts, account: &Account) -> Option<Check> {
    match (&account.instance, &facts.machine.instance_id) {
        (Some(instance), _) => {
            let told = |address: Option<IpAddr>| match address {
                Some(address) => address.to_string(),
                None => "none".to_owned(),
            };
            if let Err(refusal) = &instance.groups {
                return Some(skipped(refusal, &INSTANCE));
            }
            Some(INSTANCE.pass(format!(
                "{} in {}, private address {}, public address {}",
                instance.id,
                instance.vpc,
                told(instance.private_ip),
                told(instance.public_ip)
            )))
        }
        (None, Some(id)) => Some(INSTANCE.warn(
            format!("this is the instance {id}, and its metadata service does not answer"),
            format!(
                "In a container, give the service a hop more:\n$ aws ec2 modify-instance-metadata-options --region {} \
                 --instance-id {id} --http-put-response-hop-limit 2",
                // The machine's own Region is among what does not answer; most managers are in that of their tasks.
                facts.configuration.whole.as_ref().map_or("REGION", |config| config.fargate.region.as_str())
            ),
        )),
        (None, None) => None,
    }
}

fn caller(identity: &Identity) -> Check {
    let arn = identity.arn.as_str();
    match arn.ends_with(":root") {
        false => CREDENTIALS.pass(arn),
        true => CREDENTIALS.warn(
            format!("{arn}: the account's root user, who may do everything"),
            "Give the manager a role with the policy docs/iam/manager.json.",
        ),
    }
}

fn clock((theirs, ours): (SystemTime, SystemTime)) -> Check {
    let (off, direction) = match ours.duration_since(theirs) {
        Ok(ahead) => (ahead.as_secs(), "ahead of"),
        Err(behind) => (behind.duration().as_secs(), "behind"),
    };
    let found = format!("{off} s {direction} AWS's");
    let fix = "Run an NTP client on the manager:\n$ timedatectl set-ntp true";
    match off {
        REFUSED.. => CLOCK.fail(found, fix),
        WORTH_A_WORD.. => CLOCK.warn(found, fix),
        // AWS's clock is told to the second, and the answer has travelled.
        0..=2 => CLOCK.pass("as AWS's"),
        _ => CLOCK.pass(found),
    }
}

/// The names of another account in the configuration. Images and secrets may well be of another.
fn foreign(config: &Config, account: &str) -> Vec<Check> {
    let mut named = vec![("[Fargate] Cluster", Some(config.fargate.cluster.as_str()))];
    let definition;
    match &config.mode {
        Mode::TaskDefinition(name) => {
            definition = name.to_string();
            named.push(("[Fargate] TaskDefinition", Some(definition.as_str())));
        }
        Mode::JobImage(image) => {
            named.push(("[JobImage] ExecutionRole", image.execution_role.as_deref()));
            named.push(("[JobImage] TaskRole", image.task_role.as_deref()));
        }
    }
    named
        .into_iter()
        .filter_map(|(key, arn)| {
            let owner = arn?.strip_prefix("arn:")?.split(':').nth(3)?;
            (owner != account).then(|| {
                ACCOUNT.fail(
                    format!("{key} is of account {owner}, and the manager's credentials are of {account}"),
                    "Correct the ARN, or give the manager credentials of that account (AWS_PROFILE in the environment of GitLab \
                     Runner's service).",
                )
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operate::doctor::check::Status;

    #[test]
    fn an_instance_without_metadata_is_a_container_with_a_short_hop_limit() {
        let mut facts = Facts::of_machine(None, None, true);
        let account = Account::default();
        facts.machine.instance_id = None;
        assert!(instance(&facts, &account).is_none());
        facts.machine.instance_id = Some("i-0a1b2c3d4e5f60004".to_owned());
        let check = instance(&facts, &account).unwrap();
        assert_eq!(check.status, Status::Warn);
        let fix = check.fix.unwrap();
        assert!(fix.contains("--instance-id i-0a1b2c3d4e5f60004 --http-put-response-hop-limit 2"));
    }
}
