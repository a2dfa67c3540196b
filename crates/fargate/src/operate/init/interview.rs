//! The questions whose answers are missing, each with what AWS offers and what doctor thinks of it.

use std::path::Path;

use super::answers::{Answers, Images, Jobs};
use super::fargate_toml;
use super::offer::Offer;
use super::terminal::{Choice, Terminal};
use crate::aws::{Aws, Subnet};
use crate::config::Config;
use crate::error::Result;
use crate::operate::doctor::{Draft, Host, Opinion, Status};
use crate::output::progress;

/// Asks for the answers that are missing, in the order in which they build on each other.
///
/// # Errors
///
/// When the terminal is gone or a signal came; when answers do not make a configuration.
pub(super) async fn ask(
    terminal: &mut Terminal<'_>,
    mut answers: Answers,
    host: Host,
    metadata: &Path,
) -> Result<Answers> {
    if answers.region.is_none() {
        terminal.step("Region")?;
        answers.region = Some(
            terminal
                .text("The Region of the tasks, like eu-west-1", None)
                .await?,
        );
    }
    let region = answers.region.clone().unwrap_or_default();
    let aws = Aws::connect(&region, None).await;
    jobs(terminal, &mut answers, &aws).await?;
    if !answers.missing().is_empty() {
        terminal.say(&format!("\nLooking at {region} …\n"))?;
        let mut offer = progress("Asking AWS", Offer::of(&aws)).await;
        for refusal in &offer.refusals {
            terminal.say(&format!("  {refusal}\n"))?;
        }
        vpc(terminal, &answers, &mut offer, &aws).await?;
        let mut draft = draft(&answers, &offer, host, metadata).await?;
        cluster(terminal, &mut answers, &offer, &mut draft).await?;
        subnets(terminal, &mut answers, &offer, &mut draft).await?;
        groups(terminal, &mut answers, &offer, &mut draft).await?;
    }
    Ok(answers)
}

/// Whose images jobs run in, and what they need then.
async fn jobs(terminal: &mut Terminal<'_>, answers: &mut Answers, aws: &Aws) -> Result<()> {
    if answers.jobs.is_none() {
        terminal.step("Images of jobs")?;
        let own = "Do jobs bring their own images (image: in .gitlab-ci.yml)?";
        answers.jobs = Some(match terminal.agrees(own, true).await? {
            true => Jobs::OwnImage,
            false => {
                Jobs::TaskDefinition(terminal.text("The task definition of jobs", None).await?)
            }
        });
    }
    if answers.jobs != Some(Jobs::OwnImage) {
        return Ok(());
    }
    if answers.lacks_registry() {
        terminal.step("Registry")?;
        let secret = answers.images.registry_secret.as_deref();
        let question = format!(
            "The host of the registry whose login is in {}",
            secret.unwrap_or_default()
        );
        let host = terminal.text(&question, None).await?;
        let host = host.trim_start_matches("https://").trim_end_matches('/');
        answers.images.registry = Some(host.to_owned());
    }
    let images = &mut answers.images;
    if images.agent.is_some() && images.execution_role.is_some() {
        return Ok(());
    }
    terminal.step("Agent, roles, logs")?;
    own_images(terminal, images, aws).await
}

async fn own_images(terminal: &Terminal<'_>, images: &mut Images, aws: &Aws) -> Result<()> {
    let identity = progress("Asking AWS", aws.identity()).await.ok();
    let account = identity.as_ref().map(|identity| identity.account.as_str());
    if images.agent.is_none() {
        let version = env!("CARGO_PKG_VERSION");
        let usual = account.map(|account| {
            let registry = aws.registry_host(account);
            format!("{registry}/fargate-agent:{version}")
        });
        images.agent = Some(terminal.text("The agent's image", usual.as_deref()).await?);
    }
    if images.execution_role.is_none() {
        let usual = identity
            .as_ref()
            .map(|identity| identity.role("ci-execution"));
        let question = "The execution role, by which ECS pulls images";
        images.execution_role = Some(terminal.text(question, usual.as_deref()).await?);
    }
    if images.log_group.is_none() {
        images.log_group = terminal
            .optional("A log group for the containers' output")
            .await?;
    }
    Ok(())
}

/// Keeps the subnets of one VPC: the manager's, or the one that is chosen.
async fn vpc(
    terminal: &mut Terminal<'_>,
    answers: &Answers,
    offer: &mut Offer,
    aws: &Aws,
) -> Result<()> {
    let named = offer
        .subnets
        .iter()
        .find(|subnet| answers.subnets.contains(&subnet.id));
    let vpc = match (named, offer.vpcs().as_slice()) {
        (Some(subnet), _) => Some(subnet.vpc_id.clone()),
        (None, []) => None,
        (None, [only]) => Some(only.clone()),
        (None, several) => {
            terminal.step("VPC")?;
            let own = offer.own_vpc.as_deref();
            let choices: Vec<_> = several
                .iter()
                .map(|vpc| {
                    let count = offer
                        .subnets
                        .iter()
                        .filter(|subnet| subnet.vpc_id == *vpc)
                        .count();
                    let note = if own == Some(vpc.as_str()) {
                        ", this manager's"
                    } else {
                        ""
                    };
                    choice(vpc, &format!("{count} subnets{note}"))
                })
                .collect();
            let default = several.iter().position(|vpc| own == Some(vpc.as_str()));
            let default: Vec<_> = default.into_iter().collect();
            let chosen = terminal
                .choose("The VPC of the tasks", &choices, &default)
                .await?;
            chosen.into_iter().next()
        }
    };
    if let Some(vpc) = vpc {
        progress("Asking AWS", offer.keep(&vpc, aws)).await;
    }
    Ok(())
}

/// A configuration that names all that is on offer, with AWS's view of it.
async fn draft(answers: &Answers, offer: &Offer, host: Host, metadata: &Path) -> Result<Draft> {
    let or = |mine: &[String], ids: Vec<String>, placeholder: &str| match (
        mine.is_empty(),
        ids.is_empty(),
    ) {
        (false, _) => mine.to_vec(),
        (true, false) => ids,
        (true, true) => vec![placeholder.to_owned()],
    };
    let all_groups: Vec<_> = offer.groups.iter().map(|group| group.id.clone()).collect();
    let all = Answers {
        cluster: answers
            .cluster
            .clone()
            .or_else(|| Some("default".to_owned())),
        subnets: or(
            &answers.subnets,
            offer
                .subnets
                .iter()
                .map(|subnet| subnet.id.clone())
                .collect(),
            "subnet-0",
        ),
        security_groups: vec!["sg-0".to_owned()],
        ..answers.clone()
    };
    let text = fargate_toml::text(&all, metadata);
    let mut config = Config::parse(&text, Path::new("/"))?;
    // More than a task may have.
    config.fargate.security_groups = or(&answers.security_groups, all_groups, "sg-0");
    Ok(progress("Asking AWS", host.draft(config)).await)
}

async fn cluster(
    terminal: &mut Terminal<'_>,
    answers: &mut Answers,
    offer: &Offer,
    draft: &mut Draft,
) -> Result<()> {
    if answers.cluster.is_some() {
        return Ok(());
    }
    terminal.step("Cluster")?;
    if offer.clusters.is_empty() {
        answers.cluster = Some(terminal.text("The ECS cluster", None).await?);
        return Ok(());
    }
    let choices: Vec<_> = offer
        .clusters
        .iter()
        .map(|(name, cluster)| Choice {
            name: name.clone(),
            about: cluster.status.clone(),
            opinion: draft.cluster(name, cluster),
        })
        .collect();
    let best = best(&choices).into_iter().take(1).collect::<Vec<_>>();
    let chosen = terminal
        .choose("The cluster of the tasks", &choices, &best)
        .await?;
    answers.cluster = chosen.into_iter().next();
    Ok(())
}

async fn subnets(
    terminal: &mut Terminal<'_>,
    answers: &mut Answers,
    offer: &Offer,
    draft: &mut Draft,
) -> Result<()> {
    if answers.subnets.is_empty() {
        terminal.step("Subnets")?;
        if offer.subnets.is_empty() {
            let ids = terminal
                .text("The subnets of the tasks, separated by commas", None)
                .await?;
            answers.subnets = ids.split(',').map(|id| id.trim().to_owned()).collect();
        } else {
            let choices: Vec<_> = offer
                .subnets
                .iter()
                .map(|subnet| of_subnet(subnet, draft))
                .collect();
            let question = "The subnets of the tasks";
            answers.subnets = terminal
                .choose(question, &choices, &best_subnets(&choices, offer, draft))
                .await?;
        }
    }
    if answers.public_ip.is_none() {
        let mut chosen = offer
            .subnets
            .iter()
            .filter(|subnet| answers.subnets.contains(&subnet.id));
        let public = chosen.any(|subnet| draft.is_public(subnet));
        let question = "Do tasks get public addresses, their way out by an internet gateway?";
        answers.public_ip = Some(terminal.agrees(question, public).await?);
    }
    Ok(())
}

fn of_subnet(subnet: &Subnet, draft: &mut Draft) -> Choice {
    let kind = if draft.is_public(subnet) {
        "public"
    } else {
        "private"
    };
    let named = subnet
        .name()
        .map(|name| format!("{name}, "))
        .unwrap_or_default();
    Choice {
        name: subnet.id.clone(),
        about: format!(
            "{named}{}, {kind}, {} addresses free",
            subnet.zone, subnet.free_addresses
        ),
        opinion: draft.subnet(subnet),
    }
}

/// The positions of the best subnets of one kind: private ones with a way out, which need no public addresses, or else
/// public ones.
fn best_subnets(choices: &[Choice], offer: &Offer, draft: &Draft) -> Vec<usize> {
    let best = best(choices);
    let of_kind = |public: bool| -> Vec<usize> {
        let positions = best.iter().copied();
        let is_of_kind = |at: &usize| {
            offer
                .subnets
                .get(*at)
                .is_some_and(|subnet| draft.is_public(subnet) == public)
        };
        positions.filter(is_of_kind).collect()
    };
    let private = of_kind(false);
    if private.is_empty() {
        of_kind(true)
    } else {
        private
    }
}

async fn groups(
    terminal: &mut Terminal<'_>,
    answers: &mut Answers,
    offer: &Offer,
    draft: &mut Draft,
) -> Result<()> {
    if !answers.security_groups.is_empty() {
        return Ok(());
    }
    terminal.step("Security groups")?;
    if offer.groups.is_empty() {
        let ids = terminal
            .text(
                "The security groups of the tasks, separated by commas",
                None,
            )
            .await?;
        answers.security_groups = ids.split(',').map(|id| id.trim().to_owned()).collect();
        return Ok(());
    }
    let choices: Vec<_> = offer
        .groups
        .iter()
        .map(|group| Choice {
            name: group.id.clone(),
            about: group.name.clone(),
            opinion: draft.group(group),
        })
        .collect();
    let best = best(&choices).into_iter().take(1).collect::<Vec<_>>();
    answers.security_groups = terminal
        .choose("The security groups of the tasks", &choices, &best)
        .await?;
    Ok(())
}

/// The positions of the choices that doctor likes best, and nothing where it likes none.
fn best(choices: &[Choice]) -> Vec<usize> {
    let of = |status: Status| -> Vec<usize> {
        let all = choices.iter().enumerate();
        let liked = all.filter(|(_, choice)| choice.opinion.status == status);
        liked.map(|(at, _)| at).collect()
    };
    let mut lists = [Status::Pass, Status::Skip, Status::Warn]
        .map(of)
        .into_iter();
    lists.find(|list| !list.is_empty()).unwrap_or_default()
}

/// A choice of which doctor has no opinion.
fn choice(name: &str, about: &str) -> Choice {
    Choice {
        name: name.to_owned(),
        about: about.to_owned(),
        opinion: Opinion {
            status: Status::Pass,
            found: String::new(),
        },
    }
}
