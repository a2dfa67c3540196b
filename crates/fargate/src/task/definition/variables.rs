//! The variables that a service gets, with their references replaced.
//!
//! They travel in the overrides of RunTask, which are short and readable by everybody who may describe tasks. So a
//! service gets the variables that the `.gitlab-ci.yml` sets for it and for the job, without GitLab's own and without
//! any that holds a secret.

use std::collections::{BTreeMap, BTreeSet};

use gitlab_variables::runner::expand;

use crate::gitlab::Variable;

/// The least length of a masked value that is looked for inside of others (GitLab: masked variables have 8
/// characters or more).
const SECRET_LENGTH: usize = 8;

/// The variables of one service.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct ServiceVariables {
    /// Those of its own entry in the `.gitlab-ci.yml`.
    pub(crate) own: BTreeMap<String, String>,
    /// Names of its own that hold a secret.
    pub(crate) secret: Vec<String>,
    /// Names of its own that refer to unknown variables, each with the name it refers to.
    pub(crate) unknown: Vec<(String, String)>,
}

/// The job's variables, for looking into them.
pub(crate) struct JobVariables<'a> {
    /// Each with its value, references in it replaced.
    variables: Vec<(&'a Variable, String)>,
    project_folder: Option<&'a str>,
}

impl<'a> JobVariables<'a> {
    pub(crate) fn new(variables: &'a [Variable], project_folder: Option<&'a str>) -> Self {
        let written = Self {
            variables: variables
                .iter()
                .map(|variable| (variable, variable.value.clone()))
                .collect(),
            project_folder,
        };
        // References are replaced once, by the values as written, as the runner does.
        let replaced = variables
            .iter()
            .map(|variable| (variable, written.replaced(variable)))
            .collect();
        Self {
            variables: replaced,
            project_folder,
        }
    }

    fn replaced(&self, variable: &Variable) -> String {
        if variable.raw {
            return variable.value.clone();
        }
        expand(&variable.value, |name| self.value(name).unwrap_or_default())
    }

    /// The variables of a service's own entry, references in them replaced.
    pub(crate) fn of_service(&self, own: &[Variable]) -> ServiceVariables {
        let mut given = ServiceVariables::default();
        for variable in own.iter().filter(|variable| is_name(&variable.key)) {
            let mut unknown = BTreeSet::new();
            let mut known = |name: &str| {
                self.value(name).unwrap_or_else(|| {
                    unknown.insert(name.to_owned());
                    String::new()
                })
            };
            let value = if variable.raw {
                variable.value.clone()
            } else {
                expand(&variable.value, |name| {
                    let mine = own.iter().rev().find(|other| other.key == name);
                    match mine.filter(|_| name != variable.key) {
                        Some(mine) if mine.raw => mine.value.clone(),
                        Some(mine) => expand(&mine.value, &mut known),
                        None => known(name),
                    }
                })
            };
            let unknown = unknown.into_iter();
            given
                .unknown
                .extend(unknown.map(|name| (variable.key.clone(), name)));
            if self.holds_secret(&value) {
                given.secret.push(variable.key.clone());
            }
            given.own.insert(variable.key.clone(), value);
        }
        given
    }

    /// The variables that every service gets: what the job's author set in the open.
    pub(crate) fn for_all(&self) -> BTreeMap<String, String> {
        let mut given = BTreeMap::new();
        for (variable, value) in &self.variables {
            let may_be_shown = variable.public
                && !variable.masked
                && !variable.file
                && is_name(&variable.key)
                && !is_predefined(&variable.key);
            // The last of several with the same name counts, whatever the earlier ones were.
            given.remove(&variable.key);
            if may_be_shown && !self.holds_secret(value) {
                given.insert(variable.key.clone(), value.clone());
            }
        }
        given
    }

    /// `text` with references replaced, as the runner does in names of images; unchanged where that would show a
    /// secret.
    pub(crate) fn named(&self, text: &str) -> String {
        let named = expand(text, |name| self.value(name).unwrap_or_default());
        if self.holds_secret(&named) {
            return text.to_owned();
        }
        named
    }

    /// What a reference stands for, if its name is known; for a file variable its path.
    fn value(&self, name: &str) -> Option<String> {
        let mut known = self.variables.iter().rev();
        match known.find(|(variable, _)| variable.key == name) {
            Some((variable, value)) if !variable.file => Some(value.clone()),
            Some(_) => {
                let path = |folder| format!("{folder}.tmp/{name}");
                Some(self.project_folder.map(path).unwrap_or_default())
            }
            None => self
                .project_folder
                .filter(|_| name == "CI_PROJECT_DIR")
                .map(str::to_owned),
        }
    }

    fn holds_secret(&self, text: &str) -> bool {
        self.variables.iter().any(|(variable, value)| {
            variable.masked
                && [&variable.value, value]
                    .iter()
                    .any(|secret| secret.len() >= SECRET_LENGTH && text.contains(secret.as_str()))
        })
    }
}

fn is_name(key: &str) -> bool {
    !key.is_empty() && !key.contains(['=', '\0'])
}

/// Whether GitLab, the runner or this driver owns the variable. There are more of them than would fit.
fn is_predefined(key: &str) -> bool {
    matches!(key, "CI" | "GITLAB_CI")
        || [
            "CI_",
            "GITLAB_",
            "FF_",
            "GIT_",
            "RUNNER_",
            "FARGATE_",
            "KUBERNETES_",
            "DOCKER_AUTH_CONFIG",
        ]
        .iter()
        .any(|prefix| key.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn public(key: &str, value: &str) -> Variable {
        Variable {
            key: key.into(),
            value: value.into(),
            public: true,
            ..Variable::default()
        }
    }

    fn masked(key: &str, value: &str) -> Variable {
        Variable {
            masked: true,
            public: false,
            ..public(key, value)
        }
    }

    #[test]
    fn a_services_own_variables_see_the_jobs_and_their_own() {
        let file = Variable {
            file: true,
            ..public("CA", "PEM")
        };
        let job = [
            public("NAME", "shop"),
            public("A", "1"),
            public("A", "2"),
            file,
        ];
        let variables = JobVariables::new(&job, Some("/builds/acme/shop"));
        let raw = Variable {
            raw: true,
            ..public("RAW", "$NAME")
        };
        let own = [
            public("DB", "${NAME}_test$MISSING"),
            public("URL", "x://$DB/$A"),
            public("A", "$A!"),
            public("PEM", "$CA in $CI_PROJECT_DIR"),
            raw,
        ];
        let given = variables.of_service(&own);
        let unknown = [("DB", "MISSING"), ("URL", "MISSING")];
        assert_eq!(given.unknown, unknown.map(|(a, b)| (a.into(), b.into())));
        let expected = [
            ("A", "2!"),
            ("DB", "shop_test"),
            ("PEM", "/builds/acme/shop.tmp/CA in /builds/acme/shop"),
            ("RAW", "$NAME"),
            ("URL", "x://shop_test/2!"),
        ];
        let given: Vec<_> = given
            .own
            .iter()
            .map(|(k, v)| (k.as_str(), v.as_str()))
            .collect();
        assert_eq!(given, expected);
    }

    #[test]
    fn references_of_the_jobs_variables_are_replaced_once() {
        let raw = Variable {
            raw: true,
            ..public("RAW", "$DATA")
        };
        let job = [
            public("DATA", "$CI_PROJECT_DIR/data$NONE"),
            public("TWO", "$DATA"),
            raw,
        ];
        let variables = JobVariables::new(&job, Some("/builds/acme/shop"));
        let given = variables.for_all();
        assert_eq!(given["DATA"], "/builds/acme/shop/data");
        assert_eq!(given["TWO"], "$CI_PROJECT_DIR/data$NONE");
        assert_eq!(given["RAW"], "$DATA");
        let given = variables.of_service(&[public("AT", "$DATA"), public("R", "$RAW")]);
        assert_eq!(given.own["AT"], "/builds/acme/shop/data");
        assert_eq!(given.own["R"], "$DATA");
        assert_eq!(given.unknown, []);
    }

    #[test]
    fn secrets_do_not_pass() {
        let job = [
            masked("TOKEN", "glpat-12345678"),
            public("OPEN", "yes"),
            public("URL", "https://u:glpat-12345678@example.com"),
            public("CI_JOB_ID", "7"),
            Variable {
                public: false,
                ..public("SETTING", "x")
            },
            public("TWICE", "open"),
            masked("TWICE", "closed-and-masked"),
            public("BY_NAME", "$TOKEN"),
            masked("MADE", "made-of-$SETTING"),
            public("OF_IT", "made-of-x"),
        ];
        let variables = JobVariables::new(&job, None);
        let names: Vec<_> = variables.for_all().into_keys().collect();
        assert_eq!(names, ["OPEN"]);
        let given = variables.of_service(&[public("P", "a $TOKEN"), public("S", "$SETTING")]);
        assert_eq!(given.secret, ["P"]);
        assert_eq!(given.own["S"], "x");
    }

    #[test]
    fn what_names_a_secret_stays_as_it_is_written() {
        let job = [masked("TOKEN", "glpat-12345678"), public("UID", "1000")];
        let variables = JobVariables::new(&job, None);
        assert_eq!(variables.named("$UID:${UID}$NONE"), "1000:1000");
        assert_eq!(variables.named("$UID$TOKEN"), "$UID$TOKEN");
    }
}
