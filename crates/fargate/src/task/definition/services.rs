//! The services of a job: image, command, host names and ports of each.

use std::collections::BTreeMap;

use super::names::{host_names, label};
use super::ports::{PORT_VARIABLE, Ports, is_docker_daemon};
use super::reference;
use super::variables::JobVariables;
use crate::config::{Globs, image};
use crate::error::{Error, Result};
use crate::gitlab::Image;
use crate::task::job_container::ServiceContainer;

/// A service, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Service {
    /// The part that the job's record keeps.
    pub(crate) known: ServiceContainer,
    pub(crate) image: String,
    /// Whether the job's author named its ports.
    declares_ports: bool,
    pub(crate) entrypoint: Option<Vec<String>>,
    pub(crate) command: Option<Vec<String>>,
    pub(crate) user: Option<String>,
    /// Host names that lead to it.
    pub(crate) names: Vec<String>,
    /// Its own variables.
    pub(crate) variables: BTreeMap<String, String>,
}

/// Checks the services in their order. Warnings are added to `notes`.
///
/// # Errors
///
/// [`crate::error::Blame::Job`] for the first invalid service.
pub(crate) fn services(
    asked: &[Image],
    allowed: Option<&Globs>,
    job: &JobVariables<'_>,
    notes: &mut Vec<String>,
) -> Result<Vec<Service>> {
    let mut services: Vec<Service> = Vec::new();
    for wish in asked {
        let service = service(wish, services.len(), allowed, job, notes)?;
        let is_taken = |name: &String| {
            services.iter().any(|other| {
                other
                    .names
                    .iter()
                    .any(|taken| taken.eq_ignore_ascii_case(name))
            })
        };
        if service.names.iter().all(is_taken) {
            notes.push(format!(
                "WARNING: service {} is not started: an earlier service has all of its names. Give it an alias of its own.",
                service.image
            ));
            continue;
        }
        for other in &services {
            notes.extend(clash(other, &service)?);
        }
        services.push(service);
    }
    Ok(services)
}

/// A warning about two services that may be in each other's way.
///
/// # Errors
///
/// [`crate::error::Blame::Job`] when the job says of both that they listen on the same port.
fn clash(one: &Service, other: &Service) -> Result<Option<String>> {
    let (first, second) = (&one.known.label, &other.known.label);
    let port = one
        .known
        .ports
        .iter()
        .find(|port| other.known.ports.contains(port));
    match port {
        Some(port) if one.declares_ports && other.declares_ports => Err(Error::job(format!(
            "the services {first} and {second} both listen on port {port}, and the containers of a Fargate task share one \
             network"
        ))
        .advise(format!("Make one of them listen on another port, and say it in its {PORT_VARIABLE}."))),
        Some(port) => Ok(Some(format!(
            "WARNING: the services {first} and {second} both usually listen on port {port}, and the containers of a Fargate \
             task share one network: one of them will fail. Make it listen on another port, and say it in its {PORT_VARIABLE}."
        ))),
        None => {
            let is_unknown = one.known.ports.is_empty() || other.known.ports.is_empty();
            let alike = is_unknown && one.image == other.image && one.command == other.command;
            Ok(alike.then(|| {
                format!(
                    "WARNING: the services {first} and {second} are the same image; if both listen on the same port, one of \
                     them will fail: the containers of a Fargate task share one network."
                )
            }))
        }
    }
}

/// What the job's script waits for, and what not, for the job log.
pub(super) fn waiting_note(services: &[Service]) -> Option<String> {
    let (known, unknown): (Vec<_>, Vec<_>) = services
        .iter()
        .map(|service| &service.known)
        .partition(|service| !service.ports.is_empty());
    let known: Vec<_> = known
        .into_iter()
        .map(|service| service.on_ports(&service.ports))
        .collect();
    let unknown: Vec<_> = unknown
        .iter()
        .map(|service| service.label.as_str())
        .collect();
    let unknown = unknown.join(", ");
    match (known.join("; "), unknown.is_empty()) {
        (known, true) if known.is_empty() => None,
        (known, true) => Some(format!("The job's script waits for its services: {known}")),
        (known, false) if known.is_empty() => Some(format!(
            "The job's script does not wait for {unknown}: {PORT_VARIABLE} names no port"
        )),
        (known, false) => Some(format!(
            "The job's script waits for its services: {known}; not for {unknown}: {PORT_VARIABLE} names no port"
        )),
    }
}

fn service(
    wish: &Image,
    number: usize,
    allowed: Option<&Globs>,
    job: &JobVariables<'_>,
    notes: &mut Vec<String>,
) -> Result<Service> {
    let name = service_image(wish, allowed)?;
    let names = host_names(&name, wish.alias.as_deref()).map_err(|alias| {
        Error::job(format!(
            "the alias {alias:?} of service {name} is no host name"
        ))
        .advise("Use letters, digits, - and dots in aliases in the .gitlab-ci.yml.")
    })?;
    let label = label(&names, wish.alias.as_deref());
    let given = job.of_service(&wish.variables);
    if !given.secret.is_empty() {
        return Err(Error::job(format!(
            "{} of service {label} would show a masked variable's value to everybody who can read tasks in AWS",
            given.secret.join(", ")
        ))
        .advise(
            "A service's variables travel in the overrides of ECS RunTask, which are no place for secrets. Give the \
             service a value of its own that protects nothing.",
        ));
    }
    notes.extend(given.unknown.iter().map(|(variable, unknown)| {
        format!(
            "WARNING: {unknown}, to which {variable} of service {label} refers, is empty there: what GitLab's secrets: and the \
             runner itself add to a job's variables is not known here."
        )
    }));
    let ports = Ports::new(&name, &given.own).map_err(|value| {
        Error::job(format!(
            "{PORT_VARIABLE} of service {label} is {value:?}, which is no TCP port"
        ))
        .advise("Correct it in the .gitlab-ci.yml.")
    })?;
    let user = user(wish, &format!("service {label}"), job)?;
    Ok(Service {
        known: ServiceContainer {
            container: format!("service-{number}"),
            label,
            ports: ports.numbers,
        },
        image: name,
        declares_ports: ports.declared,
        entrypoint: wish.entrypoint.clone().filter(|words| !words.is_empty()),
        command: wish.command.clone().filter(|words| !words.is_empty()),
        user,
        names,
        variables: given.own,
    })
}

/// The image of a service, checked against what the operator allows and Fargate can run.
fn service_image(wish: &Image, allowed: Option<&Globs>) -> Result<String> {
    let name = image(&wish.name).map_err(|expected| {
        Error::job(format!(
            "a service's image is {:?}, but must be {expected}",
            wish.name
        ))
        .advise("Correct services: in the .gitlab-ci.yml.")
    })?;
    let other_names = reference::other_names(&name);
    if let Some(globs) = allowed.filter(|globs| !globs.allow_named(&name, &other_names)) {
        return Err(Error::job(format!(
            "the service image {name} is not allowed here; this runner allows {globs}"
        ))
        .advise("Choose an allowed image in the .gitlab-ci.yml, or ask the runner's operators ([JobImage] AllowedServices in fargate.toml)."));
    }
    if is_docker_daemon(&name) {
        return Err(Error::job(format!(
            "the service {name} cannot run on Fargate: Docker's daemon needs a privileged container, and Fargate has none"
        ))
        .advise(
            "Leave it out. Build images with kaniko (ghcr.io/osscontainertools/kaniko) or on a BuildKit server elsewhere.",
        ));
    }
    Ok(name)
}

/// The user that an image's processes run as. As in the runner, a reference to nothing counts as absent.
///
/// # Errors
///
/// [`crate::error::Blame::Job`] when it is not a valid user, or is a secret.
pub(crate) fn user(image: &Image, whose: &str, job: &JobVariables<'_>) -> Result<Option<String>> {
    let user = image.user().map(|user| job.named(&user));
    match user.filter(|user| !user.is_empty()) {
        Some(user) if !is_user(&user) => Err(Error::job(format!(
            "the user {user:?} of {whose} is no user or user:group"
        ))
        .advise("Correct docker: user: in the .gitlab-ci.yml.")),
        user => Ok(user),
    }
}

/// Whether ECS takes it as a container's user (AWS: ContainerDefinition).
///
/// A `$` remains of a reference that could not be replaced; no user's name has one.
pub(crate) fn is_user(user: &str) -> bool {
    let part = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
    };
    let (name, group) = match user.split_once(':') {
        Some((name, group)) => (name, Some(group)),
        None => (user, None),
    };
    user.len() <= 128 && part(name) && group.is_none_or(part)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gitlab::Variable;

    fn wish(name: &str, alias: &str, port: &str) -> Image {
        let mut image = Image::default();
        image.name = name.into();
        image.alias = Some(alias.into());
        if !port.is_empty() {
            image.variables = vec![Variable {
                key: "healthcheck_tcp_port".into(),
                value: port.into(),
                ..Variable::default()
            }];
        }
        image
    }

    fn check(asked: &[Image]) -> (Result<Vec<Service>>, Vec<String>) {
        let mut notes = Vec::new();
        let checked = services(asked, None, &JobVariables::new(&[], None), &mut notes);
        (checked, notes)
    }

    #[test]
    fn ports_that_cannot_both_be_are_an_error() {
        let (checked, _) = check(&[
            wish("postgres:15", "old", "5432"),
            wish("postgres:16", "new", "5433,5432"),
        ]);
        let error = checked.unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("the services old and new both listen on port 5432"),
            "{error}"
        );
        let (checked, notes) = check(&[
            wish("postgres:15", "old", "5432"),
            wish("postgres:16", "new", "5433"),
        ]);
        assert_eq!((checked.unwrap().len(), notes.len()), (2, 0));
        assert!(check(&[wish("postgres", "", "0")]).0.is_err());
        assert!(check(&[wish("postgres", "", "a")]).0.is_err());
    }

    #[test]
    fn two_databases_on_one_port_are_warned_of() {
        for (second, port) in [
            ("postgres:16", ""),
            ("postgis/postgis", ""),
            ("timescale", "5432"),
        ] {
            let (checked, notes) =
                check(&[wish("postgres:15", "old", ""), wish(second, "new", port)]);
            assert_eq!(checked.unwrap().len(), 2);
            let warning = "WARNING: the services old and new both usually listen on port 5432";
            assert!(
                notes[0].starts_with(warning) && notes.len() == 1,
                "{notes:?}"
            );
        }
        let (_, notes) = check(&[
            wish("postgres:15", "old", ""),
            wish("postgres:16", "new", "5433"),
        ]);
        assert_eq!(notes, [""; 0]);
    }

    #[test]
    fn the_job_log_says_what_is_waited_for_and_what_not() {
        let note = |asked: &[Image]| waiting_note(&check(asked).0.unwrap());
        let (db, cache) = (
            wish("postgres:16", "db", ""),
            wish("redis", "", "6379,6380"),
        );
        let (worker, other) = (
            wish("example.com/worker", "worker", ""),
            wish("a/b", "other", ""),
        );
        let mut silent = wish("nginx", "silent", "80");
        silent.variables[0].value = String::new();
        let say = |text: &str| Some(text.to_owned());
        assert_eq!(note(&[]), None);
        assert_eq!(
            note(&[db.clone(), cache]),
            say(
                "The job's script waits for its services: db on port 5432; redis on ports 6379, 6380"
            )
        );
        assert_eq!(
            note(&[db, worker.clone(), silent]),
            say(
                "The job's script waits for its services: db on port 5432; not for worker, silent: HEALTHCHECK_TCP_PORT \
                names no port"
            )
        );
        assert_eq!(
            note(&[worker, other]),
            say(
                "The job's script does not wait for worker, other: HEALTHCHECK_TCP_PORT names no port"
            )
        );
    }

    #[test]
    fn dockers_daemon_is_refused_with_what_works() {
        let error = check(&[wish("docker:27-dind", "docker", "")])
            .0
            .unwrap_err();
        let said = format!("{error} {}", error.advice().unwrap_or_default());
        for part in [
            "the service docker:27-dind cannot run on Fargate",
            "privileged",
            "kaniko",
            "BuildKit",
        ] {
            assert!(said.contains(part), "{said}");
        }
    }

    #[test]
    fn the_same_image_twice_is_warned_of_and_without_another_name_left_out() {
        let (checked, notes) = check(&[
            wish("app", "one", ""),
            wish("app", "two", ""),
            wish("app", "", ""),
        ]);
        let names: Vec<_> = checked
            .unwrap()
            .into_iter()
            .map(|service| service.known.container)
            .collect();
        assert_eq!(names, ["service-0", "service-1"]);
        assert!(
            notes[0].contains("services one and two are the same image"),
            "{notes:?}"
        );
        assert!(notes[1].contains("service app is not started"), "{notes:?}");
    }

    #[test]
    fn users_are_what_ecs_takes() {
        for good in ["root", "1000", "1000:1000", "www-data:www-data"] {
            assert!(is_user(good), "{good}");
        }
        for bad in ["", "a b", ":1", "1:", "a:b:c", "a;b", "$UID"] {
            assert!(!is_user(bad), "{bad}");
        }
    }
}
