//! `when:` of jobs and rules.

/// When a job runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum When {
    #[default]
    OnSuccess,
    OnFailure,
    Always,
    Manual,
    Delayed,
    Never,
}

impl When {
    /// Values that a job's own keyword takes (`Entry::Job::ALLOWED_WHEN`).
    pub(in crate::file) const OF_JOB: &[Self] = &[
        Self::OnSuccess,
        Self::OnFailure,
        Self::Always,
        Self::Manual,
        Self::Delayed,
    ];

    /// Values of a job's rule (`Entry::Processable`).
    pub(super) const OF_RULE: &[Self] = &[
        Self::OnSuccess,
        Self::OnFailure,
        Self::Always,
        Self::Never,
        Self::Manual,
        Self::Delayed,
    ];

    /// Values of a rule of the workflow or of an include (`Entry::Workflow`, `Entry::Include::Rules::Rule`).
    pub(super) const OF_PIPELINE: &[Self] = &[Self::Always, Self::Never];

    /// Reads the keyword's value, which is one of `allowed`.
    ///
    /// # Errors
    ///
    /// With the fault, which follows the keyword.
    pub(in crate::file) fn parse(text: &str, allowed: &[Self]) -> Result<Self, String> {
        let known = allowed.iter().find(|when| when.text() == text);
        known.copied().ok_or_else(|| {
            let allowed: Vec<_> = allowed.iter().map(|when| when.text()).collect();
            format!("should be one of: {}", allowed.join(", "))
        })
    }

    /// The keyword's value.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::OnSuccess => "on_success",
            Self::OnFailure => "on_failure",
            Self::Always => "always",
            Self::Manual => "manual",
            Self::Delayed => "delayed",
            Self::Never => "never",
        }
    }
}
