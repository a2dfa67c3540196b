//! The jobs that the command line asks for.

use gitlab_local::{Error, JobDefinition, Pipeline, Plan, Project, ReceivedJob, RunnerIdentity};

use crate::cli::Try;

/// The runner that jobs see.
pub(super) const RUNNER: RunnerIdentity<'_> = RunnerIdentity {
    description: "fargate try",
    short_token: "fargatetry",
};

/// What is to run.
pub(super) enum Wanted {
    /// One job alone.
    Job(Box<JobDefinition>),
    /// Several, in order.
    Plan {
        /// The jobs that run.
        plan: Plan,
        /// Jobs of the pipeline that cannot run, each in a line.
        left_out: Vec<String>,
    },
}

impl Wanted {
    /// What `request` asks for, with the image that it sets.
    ///
    /// # Errors
    ///
    /// When the pipeline does not have the job, or one that it needs.
    pub(super) fn of(request: &Try, pipeline: &Pipeline) -> Result<Self, Error> {
        let set_image = |job: &mut JobDefinition| {
            if let Some(image) = &request.image {
                job.set_image(image);
            }
        };
        if !request.all && !request.needs {
            let mut job = pipeline.job(request.job.as_deref())?;
            set_image(&mut job);
            return Ok(Self::Job(Box::new(job)));
        }
        let mut jobs = Vec::new();
        let mut left_out = Vec::new();
        for job in pipeline.jobs() {
            match job {
                Ok(job) => jobs.push(job.clone()),
                Err(broken) => left_out.push(format!("left out: {}", pipeline.told(broken))),
            }
        }
        let mut plan = match &request.job {
            Some(name) => {
                // Where the job needs one of them, the plan says so.
                left_out.clear();
                Plan::with_needs(jobs, pipeline.job(Some(name))?.name())?
            }
            None => Plan::all(jobs)?,
        };
        plan.for_each(set_image);
        Ok(Self::Plan { plan, left_out })
    }

    /// The single job, with its files.
    ///
    /// # Errors
    ///
    /// When the files of the project cannot be packed.
    pub(super) fn received(&self, project: &Project) -> Result<Option<ReceivedJob>, Error> {
        match self {
            Self::Job(definition) => {
                let definition = (**definition).clone();
                Ok(Some(ReceivedJob::new(definition, project, RUNNER, &[])?))
            }
            Self::Plan { .. } => Ok(None),
        }
    }

    /// The jobs in words.
    pub(super) fn title(&self) -> String {
        match self {
            Self::Job(job) => format!("job {}", job.name()),
            Self::Plan { plan, .. } => match plan.definitions().count() {
                1 => "1 job".to_owned(),
                count => format!("{count} jobs"),
            },
        }
    }

    /// Jobs of the pipeline that cannot run, each in a line.
    pub(super) fn left_out(&self) -> &[String] {
        match self {
            Self::Job(_) => &[],
            Self::Plan { left_out, .. } => left_out,
        }
    }

    /// Whether one of them names an image or services.
    pub(super) fn names_images(&self) -> bool {
        match self {
            Self::Job(job) => job.names_images(),
            Self::Plan { plan, .. } => plan.definitions().any(JobDefinition::names_images),
        }
    }
}
