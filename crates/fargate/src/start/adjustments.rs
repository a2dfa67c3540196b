//! Adjustments of a request that AWS has refused for a reason that the job can do without.
//!
//! A cluster without a default strategy gets the launch type, refused tags are left out, and a definition that somebody
//! deregistered is replaced. Each adjustment is made once, and makes another request: it has a client token, and so a
//! start in the record, of its own.

use std::collections::BTreeMap;

use tokio::time::Instant;

use super::register::{self, Registered};
use super::tags::tags;
use crate::aws::{Aws, AwsError, NAME_A_STRATEGY};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::output::say;
use crate::state::launch_type;
use crate::task::definition::TaskDefinition;

/// Most definitions that are replaced in one launch.
const REPLACEMENTS: u32 = 3;

/// The parts of a request that depend on AWS's refusals so far.
pub(super) struct Adjustments<'a> {
    aws: &'a Aws,
    context: &'a Context<'a>,
    /// The job's own definition, if it has one.
    composed: Option<&'a TaskDefinition>,
    /// Whether neither the configuration nor the job names a strategy.
    may_use_launch_type: bool,
    /// AWS's refusal of the request without launch type, in this launch.
    looked_for_ec2: Option<AwsError>,
    replacements: u32,
    pub(super) definition: Registered,
    pub(super) by_launch_type: bool,
    pub(super) tags: BTreeMap<String, String>,
}

impl<'a> Adjustments<'a> {
    pub(super) fn new(
        aws: &'a Aws,
        context: &'a Context<'a>,
        definition: Registered,
        composed: Option<&'a TaskDefinition>,
        may_use_launch_type: bool,
    ) -> Self {
        let fargate = &context.config.fargate;
        let by_launch_type = may_use_launch_type
            && launch_type::is_needed(&context.config.metadata_directory, fargate);
        if by_launch_type {
            say_launch_type(&fargate.cluster);
        }
        Self {
            aws,
            context,
            composed,
            may_use_launch_type,
            looked_for_ec2: None,
            replacements: 0,
            definition,
            by_launch_type,
            tags: tags(&context.job, &fargate.tags),
        }
    }

    /// The same for a task that has no job yet: with the operator's tags alone.
    pub(super) fn without_job(mut self) -> Self {
        self.tags.clone_from(&self.context.config.fargate.tags);
        self
    }

    /// The end of the client token of a request with these adjustments. Other parameters need another token (AWS:
    /// ensuring idempotency).
    pub(super) fn mark(&self) -> String {
        let mut mark = String::new();
        if self.replacements > 0 {
            mark.push_str(&format!("-r{}", self.replacements));
        }
        if self.by_launch_type {
            mark.push_str("-fargate");
        }
        if self.tags.is_empty() {
            mark.push_str("-untagged");
        }
        mark
    }

    /// Whether AWS may not know the definition everywhere yet.
    pub(super) fn definition_may_appear(&self) -> bool {
        self.composed.is_some() && self.definition.is_fresh
    }

    /// Takes note of a request that AWS took.
    pub(super) fn accepted(&mut self) {
        if self.looked_for_ec2.take().is_some() {
            let config = self.context.config;
            launch_type::note(&config.metadata_directory, &config.fargate);
        }
    }

    /// Adjusts the request after a refusal.
    ///
    /// # Errors
    ///
    /// With the refusal, if nothing that the job can do without is the reason.
    pub(super) async fn adjust(&mut self, refusal: AwsError, deadline: Instant) -> Result<()> {
        if refusal.refuses_tags() && !self.tags.is_empty() {
            tracing::warn!("starting tasks without tags: {refusal}");
            self.tags.clear();
            return Ok(());
        }
        if refusal.looked_for_ec2() && self.may_use_launch_type && !self.by_launch_type {
            say_launch_type(&self.context.config.fargate.cluster);
            self.by_launch_type = true;
            self.looked_for_ec2 = Some(refusal);
            return Ok(());
        }
        match self.composed {
            Some(definition)
                if refusal.knows_no_definition()
                    && !self.definition.is_fresh
                    && self.replacements < REPLACEMENTS =>
            {
                self.replace(definition, deadline).await
            }
            _ => Err(self.failure(refusal)),
        }
    }

    /// Looks the definition up again: another job found it, and somebody may have deregistered it since.
    async fn replace(&mut self, definition: &TaskDefinition, deadline: Instant) -> Result<()> {
        let gone = self.definition.arn.clone();
        let finding =
            register::registered(self.aws, self.context, definition, Some(&gone), deadline);
        self.definition = self.context.shutdown.or(finding).await?;
        if self.definition.arn != gone {
            self.replacements += 1;
            say(&format!(
                "Task definition {} is no longer active; using {}",
                revision(&gone),
                revision(&self.definition.arn)
            ));
        }
        Ok(())
    }

    /// The failure of the launch by this refusal. Where AWS refuses the launch type, too, a strategy is the remedy.
    fn failure(&self, refusal: AwsError) -> Error {
        let own = refusal.advice();
        // A permission that is missing for the launch type is missing at its first use.
        let is_denied = refusal.is_denied() && self.looked_for_ec2.is_some();
        let is_of_launch_type = own.is_none() || is_denied || refusal.looked_for_ec2();
        let error = if self.by_launch_type && is_of_launch_type {
            let text = match &self.looked_for_ec2 {
                Some(first) => format!("{first}; with launch type FARGATE: {refusal}"),
                None => refusal.to_string(),
            };
            Error::system(text).advise(match own {
                Some(own) if is_denied => format!("{NAME_A_STRATEGY} Or: {own}"),
                _ => NAME_A_STRATEGY.to_owned(),
            })
        } else {
            Error::from(refusal)
        };
        error.context("could not start the job's task")
    }
}

fn say_launch_type(cluster: &str) {
    say(&format!(
        "Cluster {cluster} has no default capacity provider strategy: asking for launch type FARGATE"
    ));
}

/// `family:revision` of an ARN.
fn revision(arn: &str) -> &str {
    arn.rsplit_once('/').map_or(arn, |(_, name)| name)
}
