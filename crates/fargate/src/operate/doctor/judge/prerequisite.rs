//! The bases of checks of AWS's resources: a configuration, and credentials.

use super::super::catalog::CREDENTIALS;
use super::super::check::{Check, Subject};
use super::super::facts::{Account, Facts, Named};
use crate::aws::AwsError;
use crate::config::Config;

/// The configuration and what AWS shows of it, or a skipped check that says why there is nothing.
pub(super) fn named<'a>(
    facts: &'a Facts,
    account: &'a Account,
    subject: &'static Subject,
) -> Result<(&'a Config, &'a Named), Check> {
    let reason = match (&facts.configuration.whole, &account.named) {
        (Ok(config), Some(named)) => return Ok((config, named)),
        (Err(_), _) => without_configuration(facts),
        (Ok(_), None) => match &account.identity {
            Some(Err(refusal)) => format!("there are no credentials that AWS takes: {refusal}"),
            _ => "there are no credentials that AWS takes".to_owned(),
        },
    };
    Err(subject.skip(reason))
}

/// Why there is no configuration.
fn without_configuration(facts: &Facts) -> String {
    let file = facts.configuration.file.display();
    match facts.pre && !facts.configuration.exists {
        true => format!("{file} is not there yet"),
        false => format!("{file} cannot be used"),
    }
}

/// Why AWS's resources cannot be judged at all: no credentials, or no answer of STS and ECS. Jobs call ECS, and not
/// always STS.
pub(in super::super) fn credentials(account: &Account) -> Option<Check> {
    let of_identity = account
        .identity
        .as_ref()
        .and_then(|answer| answer.as_ref().err());
    let of_ecs = account
        .ecs
        .as_ref()
        .and_then(|answer| answer.as_ref().err());
    let answers = account.ecs.is_some() && of_ecs.is_none_or(AwsError::is_answer);
    let mut refusals = [of_identity, of_ecs].into_iter().flatten();
    let refusal = refusals.find(|refusal| refusal.is_about_credentials());
    let refusal = refusal.or(of_identity.filter(|_| !answers))?;
    let advice = refusal.advice();
    let advice = advice
        .as_deref()
        .unwrap_or("Let the manager reach AWS's ECS.");
    Some(CREDENTIALS.fail(refusal.to_string(), advice))
}
