//! The variables that GitLab sends with a job, in its order (`Gitlab::Ci::Variables::Builder`): later ones win.

use crate::server::environment::{put_environment, put_persisted};
use crate::server::origin::JobOrigin;
use crate::server::predefined::predefined_variables;
use crate::variables::{Variable, Variables, VariablesError};

/// The variables of a job, after those of the reports that earlier jobs left.
///
/// # Errors
///
/// When the file's variables refer to each other in a circle: then GitLab makes no pipeline. Variables of reports that
/// close a circle leave all values as they are.
pub(crate) fn sent_variables(
    origin: &JobOrigin<'_>,
    reported: impl IntoIterator<Item = Variable>,
) -> Result<Variables, VariablesError> {
    let definition = origin.definition;
    // Within a file a job's variable takes the place of the file's.
    let mut written = Variables::default();
    written.extend(definition.variables.iter().cloned());
    let mut sent = predefined_variables(origin);
    let name = definition.environment.as_ref().map(|environment| {
        let mut known = sent.clone();
        known.extend(written.iter().cloned());
        (environment, known.expand(&environment.name))
    });
    if let Some((environment, name)) = &name {
        put_environment(&mut sent, environment, name);
    }
    sent.extend(written.iter().cloned());
    sent.completed()?;
    sent.extend(reported);
    if let Some((environment, name)) = &name {
        put_persisted(&mut sent, environment, name);
    }
    Ok(sent.completed().unwrap_or(sent))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkout::Checkout;
    use crate::file::JobDefinition;
    use crate::server::RunnerIdentity;

    fn sent(job: &str, reported: &[(&str, &str)]) -> Result<Variables, VariablesError> {
        let definition = JobDefinition::parse(job, None).unwrap();
        let checkout = Checkout {
            project: "acme/shop".into(),
            ..Checkout::default()
        };
        let origin = JobOrigin {
            id: 7,
            pipeline: 5,
            definition: &definition,
            checkout: &checkout,
            file: ".gitlab-ci.yml",
            runner: RunnerIdentity {
                description: "a runner",
                short_token: "token",
            },
        };
        let reported = reported.iter();
        sent_variables(
            &origin,
            reported.map(|(key, value)| Variable::new(key, *value)),
        )
    }

    fn value(job: &str, key: &str) -> String {
        sent(job, &[]).unwrap().value(key).to_owned()
    }

    #[test]
    fn later_kinds_of_variables_win() {
        let job = "
variables: {A: file, B: file, C: file, D: file, CI_JOB_NAME: file, SELF: file}
job:
  script: [a]
  parallel: {matrix: [{C: matrix, B: [matrix]}]}
  variables: {B: job, D: job, CI_REGISTRY_IMAGE: $CI_REGISTRY_IMAGE/part, SELF: $SELF-job}
  rules: [{when: on_success, variables: {D: rule, B: rule}}]
";
        let sent = sent(job, &[("A", "report"), ("CI_JOB_STAGE", "report")]).unwrap();
        for (key, expected) in [
            ("A", "report"),
            ("B", "rule"),
            ("C", "matrix"),
            ("D", "rule"),
            ("CI_JOB_NAME", "file"),
            ("CI_JOB_STAGE", "report"),
            // A variable may refer to the predefined one that it replaces, but not to the file's.
            (
                "CI_REGISTRY_IMAGE",
                "registry.gitlab.invalid/acme/shop/part",
            ),
            ("SELF", "$SELF-job"),
        ] {
            assert_eq!(sent.value(key), expected, "{key}");
        }
    }

    #[test]
    fn variables_in_a_circle_are_refused_unless_a_report_closes_it() {
        let error = sent("job: {script: [a], variables: {A: $B, B: $A}}", &[]).unwrap_err();
        assert_eq!(
            error,
            VariablesError::Circular(vec!["A".into(), "B".into()])
        );
        let sent = sent(
            "job: {script: [a], variables: {A: $B, C: $D, D: 1}}",
            &[("B", "$A")],
        );
        let sent = sent.unwrap();
        assert_eq!((sent.value("A"), sent.value("C")), ("$B", "$D"));
    }

    #[test]
    fn a_job_that_deploys_has_its_environments_variables() {
        let job = "
job:
  script: [a]
  variables: {A: One, CI_ENVIRONMENT_SLUG: own, HOST: $CI_ENVIRONMENT_SLUG.example}
  environment: {name: 'review/$A$CI_ENVIRONMENT_NAME$UNKNOWN', url: 'https://$HOST/$CI_ENVIRONMENT_NAME'}
";
        for (key, expected) in [
            ("CI_ENVIRONMENT_NAME", "review/One"),
            ("CI_ENVIRONMENT_SLUG", "review-one-r8htph"),
            ("CI_ENVIRONMENT_ACTION", "start"),
            ("CI_ENVIRONMENT_TIER", "development"),
            (
                "CI_ENVIRONMENT_URL",
                "https://review-one-r8htph.example/review/One",
            ),
        ] {
            assert_eq!(value(job, key), expected, "{key}");
        }
        let bare = sent(
            "job: {script: [a], environment: {name: x, deployment_tier: production}}",
            &[],
        );
        let bare = bare.unwrap();
        assert_eq!(bare.value("CI_ENVIRONMENT_TIER"), "production");
        assert_eq!(bare.get("CI_ENVIRONMENT_URL"), None);
    }
}
