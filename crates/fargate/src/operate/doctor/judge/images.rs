//! Images in ECR, log groups, secrets for registries.

use super::super::catalog::{AGENT_VERSION, ARCHITECTURE, IMAGES, LOG_GROUPS, REGISTRY_SECRETS};
use super::super::check::Check;
use super::super::facts::{Account, Facts, Named};
use super::answers::read;
use super::prerequisite::named;
use super::pulls::pulls;
use super::start_timeout::start_timeout;
use crate::aws::{Image, ImageName};
use crate::config::{Config, Mode};

/// Judges what tasks are made from.
pub(in super::super) fn images(facts: &Facts, account: &Account) -> Vec<Check> {
    let (config, named) = match named(facts, account, &IMAGES) {
        Ok(known) => known,
        Err(skipped) => return vec![skipped],
    };
    let mut checks = Vec::new();
    let mut is_foreign = named.images.is_empty();
    for (image, name, answer) in &named.images {
        match read(answer, &IMAGES) {
            Err(skipped) => checks.push(skipped),
            Ok(Err(words)) => {
                checks.push(missing(image, name, words, config));
            }
            Ok(Ok(found)) => checks.extend(of_image(image, found, config, named)),
        }
    }
    if let Mode::JobImage(of_jobs) = &config.mode {
        is_foreign |= ImageName::parse(&of_jobs.agent_image).is_none();
        checks.extend(version(&of_jobs.agent_image));
    }
    if is_foreign {
        checks.push(IMAGES.skip("doctor looks into ECR only; fargate try shows whether tasks can pull from other registries"));
    }
    checks.extend(log_groups(config, named));
    checks.extend(secrets(named));
    let (starts, fargate) = (&facts.machine.pulls, &config.fargate);
    checks.extend(pulls(starts, &fargate.region));
    checks.extend(start_timeout(starts, fargate.start_timeout));
    checks
}

/// An image that ECR does not have. The images of the driver itself are pushed; a pull-through cache may bring others.
fn missing(image: &str, name: &ImageName, words: &str, config: &Config) -> Check {
    let found = format!("{image}: {words}");
    let create = format!(
        "aws ecr create-repository --region {} --repository-name {}",
        name.region, name.repository
    );
    let push = match &config.mode {
        Mode::JobImage(of_jobs) if of_jobs.agent_image == image => {
            format!("fargate agent push {image}")
        }
        Mode::JobImage(of_jobs) if of_jobs.helper_image == image => format!("docker push {image}"),
        _ => {
            return IMAGES.warn(
                format!("{found}. A pull-through cache would bring it at the first pull; otherwise jobs fail"),
                format!(
                    "Nothing, if the repository is one of a pull-through cache. Otherwise correct the name, or make the \
                     repository ({create}) and push the image:\n$ docker push {image}"
                ),
            );
        }
    };
    IMAGES.fail(
        found,
        format!("Correct the name, or push the image; the repository is made once:\n$ {create}\n$ {push}"),
    )
}

fn of_image(image: &str, found: &Image, config: &Config, named: &Named) -> Vec<Check> {
    if found.status != "ACTIVE" {
        return vec![IMAGES.fail(
            format!("{image} is {}, so it cannot be pulled", found.status),
            "Restore the image in ECR, or push it anew.",
        )];
    }
    let mib = found.bytes >> 20;
    let mut checks = vec![IMAGES.pass(format!("{image}, {mib} MiB"))];
    let wanted = match &config.mode {
        Mode::JobImage(of_jobs) => of_jobs.architecture.as_str(),
        Mode::TaskDefinition(_) => {
            let definition = named
                .definition
                .as_ref()
                .and_then(|answer| answer.as_ref().ok());
            let definition = definition.and_then(Option::as_ref);
            definition.map_or("X86_64", |definition| definition.architecture.as_str())
        }
    };
    // The names of OCI's image specification.
    let name = match wanted {
        "ARM64" => "arm64",
        _ => "amd64",
    };
    let has = &found.architectures;
    if !has.is_empty() && !has.iter().any(|one| one == name) {
        checks.push(ARCHITECTURE.fail(
            format!("{image} is for {}, and tasks are {wanted}", has.join(", ")),
            format!("Push an image that has {name}, or change the task's architecture (CPUArchitecture)."),
        ));
    } else if !has.is_empty() {
        checks.push(ARCHITECTURE.pass(format!("{image} has {name}")));
    }
    checks
}

/// Whether the agent is of this driver's version, as far as the image's tag tells.
fn version(image: &str) -> Option<Check> {
    let own = env!("CARGO_PKG_VERSION");
    let (_, tag) = image
        .rsplit_once(':')
        .filter(|(_, tag)| !tag.contains('/'))?;
    let is_version =
        tag.split('.').count() == 3 && tag.starts_with(|first: char| first.is_ascii_digit());
    if !is_version {
        return None;
    }
    Some(match tag == own {
        true => AGENT_VERSION.pass(tag),
        false => AGENT_VERSION.warn(
            format!("AgentImage has version {tag}, and this driver {own}"),
            format!("Push the agent of this version, and name it in [JobImage] AgentImage:\n$ fargate agent push {}", image.trim_end_matches(tag).trim_end_matches(':')),
        ),
    })
}

fn log_groups(config: &Config, named: &Named) -> Vec<Check> {
    let region = &config.fargate.region;
    let groups = named.log_groups.iter().map(|(name, answer)| match read(answer, &LOG_GROUPS) {
        Err(skipped) => skipped,
        Ok(None) => LOG_GROUPS.fail(
            format!("there is no log group {name} in {region}, so no task starts"),
            format!("Make it:\n$ aws logs create-log-group --region {region} --log-group-name {name}"),
        ),
        Ok(Some(group)) => match group.class.as_deref().unwrap_or("STANDARD") {
            "STANDARD" | "INFREQUENT_ACCESS" => LOG_GROUPS.pass(name.as_str()),
            class => LOG_GROUPS.warn(
                format!("{name} has class {class}, into which ECS may not write"),
                "Name a group of class STANDARD.",
            ),
        },
    });
    groups.collect()
}

fn secrets(named: &Named) -> Vec<Check> {
    // A secret may be of another Region than tasks.
    let region = |arn: &str| arn.split(':').nth(3).unwrap_or("REGION").to_owned();
    let secrets = named.secrets.iter().map(|(arn, answer)| match read(answer, &REGISTRY_SECRETS) {
        Err(skipped) => skipped,
        Ok(None) => REGISTRY_SECRETS.fail(
            format!("there is no secret {arn}"),
            "Make the secret with {\"username\": …, \"password\": …}, and name its ARN in [JobImage.RegistryCredentials].",
        ),
        Ok(Some(secret)) if secret.is_deleted() => REGISTRY_SECRETS.fail(
            format!("{arn} is going to be deleted, so no task can read it"),
            format!("$ aws secretsmanager restore-secret --region {} --secret-id {arn}", region(arn)),
        ),
        Ok(Some(secret)) if !secret.has_value() => REGISTRY_SECRETS.fail(
            format!("{arn} has no value"),
            format!(
                "Give it one, from a file that nobody else reads:\n$ aws secretsmanager put-secret-value --region {} --secret-id \
                 {arn} --secret-string file://FILE",
                region(arn)
            ),
        ),
        Ok(Some(_)) => REGISTRY_SECRETS.pass(arn.as_str()),
    });
    secrets.collect()
}
