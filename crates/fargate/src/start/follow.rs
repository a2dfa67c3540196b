//! Notes what jobs ask for, so that `fargate warm keep` may keep a task ready for the next one.

use crate::config::Globs;
use crate::context::Context;
use crate::error::Result;
use crate::gitlab::Wish;
use crate::start::plan::StartPlan;
use crate::start::request::{TaskRequest, TaskSource};
use crate::start::start_hash::StartHash;
use crate::state::wanted::WantedStarts;
use crate::task::definition::{ComposedTask, ContainerEnvironment};

/// Notes the start of this job, where the operator follows such starts. Nothing depends on it, so a failure is not the
/// job's.
pub(crate) fn note(context: &Context<'_>, request: &TaskRequest<'_>, plan: &StartPlan) {
    let follow = &context.config.warm.follow;
    let images = follow.images.as_ref();
    if follow.max_tasks == 0 || request.cold.is_some() || !may_be_old(request, plan, images) {
        return;
    }
    let hash = kind(context, request, plan.composed.as_ref(), &plan.environments);
    let wish = || wish(context, &hash);
    let noted = WantedStarts::of(&context.records).note(&hash, &plan.title, wish);
    if let Err(error) = noted {
        tracing::debug!("this start is not noted: {error}");
    }
}

/// What this job asks for in the open, if that leads to the same start: secrets and settings may be a part of it.
fn wish(context: &Context<'_>, hash: &str) -> Result<Option<Wish>> {
    let wish = Wish::of_this_job();
    let again = TaskRequest::of(context, wish.overrides.clone(), wish.payload.clone())?;
    let composed = match &again.source {
        TaskSource::Definition(_) => None,
        TaskSource::JobImage(by_image) => Some(by_image.compose("", 0)?),
    };
    let environments = composed.as_ref().map(|task| task.environments.as_slice());
    let same = kind(
        context,
        &again,
        composed.as_ref(),
        environments.unwrap_or_default(),
    ) == hash;
    if !same {
        tracing::debug!(
            "the next job like this is not followed: its start depends on secrets or settings"
        );
    }
    Ok(same.then_some(wish))
}

/// The hash of such starts, for which the definition may be unknown to AWS still.
fn kind(
    context: &Context<'_>,
    request: &TaskRequest<'_>,
    composed: Option<&ComposedTask>,
    environments: &[ContainerEnvironment],
) -> String {
    let definition = match (composed, &request.source) {
        (Some(composed), _) => composed.definition.family(),
        (None, TaskSource::Definition(definition)) => definition.to_string(),
        (None, TaskSource::JobImage(_)) => String::new(),
    };
    StartHash {
        fargate: &context.config.fargate,
        definition: &definition,
        platform_version: request.platform_version.as_deref(),
        strategy: request.strategy.as_deref(),
        // Those of the operator's definition are the key alone.
        environments: if composed.is_some() {
            environments
        } else {
            &[]
        },
        overrides: &request.overrides,
        version: env!("CARGO_PKG_VERSION"),
    }
    .hash()
}

/// Whether all images of a start may be a little old: those with a digest never change.
fn may_be_old(request: &TaskRequest<'_>, plan: &StartPlan, images: Option<&Globs>) -> bool {
    let (TaskSource::JobImage(by_image), Some(composed)) = (&request.source, &plan.composed) else {
        return true;
    };
    let services = by_image.payload.services().iter();
    let mut names = services
        .map(|service| service.name.as_str())
        .chain([composed.image.as_str()]);
    names.all(|name| name.contains("@sha256:") || images.is_some_and(|globs| globs.allow(name)))
}
