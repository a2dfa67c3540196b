//! The steps that are left after the files are made.

use std::path::Path;

/// What is left, as far as init knows.
#[derive(Debug)]
pub(super) struct Left<'a> {
    /// `fargate.toml`.
    pub(super) config: &'a Path,
    pub(super) url: &'a str,
    pub(super) name: &'a str,
    /// The runner's file, where other commands do not look for it by themselves.
    pub(super) config_toml: Option<&'a Path>,
    /// Whether the runner's token is missing.
    pub(super) needs_token: bool,
    /// The part to be added to a `config.toml`, and that file.
    pub(super) part: Option<(&'a Path, &'a Path)>,
    /// The agent's image, where jobs bring their own images.
    pub(super) agent_image: Option<&'a str>,
    /// Where policies are that nobody has given to a role yet.
    pub(super) policies: Option<Policies<'a>>,
}

/// Policies and the roles they are for.
#[derive(Debug)]
pub(super) struct Policies<'a> {
    pub(super) folder: &'a Path,
    /// Name of the manager's role.
    pub(super) manager_role: Option<&'a str>,
    /// Name of the execution role, in JobImage mode.
    pub(super) execution_role: Option<&'a str>,
}

impl Left<'_> {
    /// A command with the options that lead it to the same files.
    fn command(&self, name: &str) -> String {
        let runner = self
            .config_toml
            .map(|file| format!(" --runner-config {}", file.display()));
        format!(
            "fargate --config {} {name}{}",
            self.config.display(),
            runner.unwrap_or_default()
        )
    }
}

/// The steps, numbered.
pub(super) fn text(left: &Left<'_>) -> String {
    let mut steps = Vec::new();
    steps.extend(left.policies.as_ref().map(permissions));
    steps.extend(left.agent_image.map(|image| {
        format!("Push the agent's image, unless it is there:\n$ fargate agent push {image}")
    }));
    if left.needs_token {
        steps.push(token(left));
    }
    steps.extend(left.part.map(|(part, file)| {
        format!(
            "Add the runner to GitLab Runner's configuration, and take the part away:\n$ cat {0} >> {1} && rm {0}",
            part.display(),
            file.display()
        )
    }));
    let doctor = left.command("doctor");
    steps.push(format!(
        "Check again, and run a job in a real task:\n$ {doctor}\n$ {doctor} --start --only start"
    ));
    let numbered = (1..).zip(&steps).map(|(number, step)| {
        let mut lines = step.lines();
        let first = lines.next().unwrap_or_default();
        let rest: String = lines.map(|line| format!("     {line}\n")).collect();
        format!("  {number}. {first}\n{rest}")
    });
    format!("What is left to do:\n{}", numbered.collect::<String>())
}

fn permissions(policies: &Policies<'_>) -> String {
    let file = |name: &str| format!("file://{}", policies.folder.join(name).display());
    let put = |role: &str, policy: &str, name: &str| {
        format!(
            "\n$ aws iam put-role-policy --role-name {role} --policy-name {policy} --policy-document {}",
            file(name)
        )
    };
    let manager = policies.manager_role.unwrap_or("MANAGERS_ROLE");
    let mut text = String::from("Give the roles their policies; doctor says which are missing:");
    text.push_str(&put(manager, "fargate", "manager.json"));
    text.push_str(&put(manager, "fargate-doctor", "doctor.json"));
    if let Some(role) = policies.execution_role {
        text.push_str(&format!(
            "\n$ aws iam create-role --role-name {role} --assume-role-policy-document {}",
            file("tasks-trust.json")
        ));
        text.push_str(&put(role, "fargate", "execution-role.json"));
    }
    text
}

/// How a runner is created. The access token is in a file, for everybody on the machine sees arguments.
fn token(left: &Left<'_>) -> String {
    let Left { url, name, .. } = left;
    let url = url.trim_end_matches('/');
    let again = left.command("init");
    format!(
        "Create the runner in GitLab (New project runner, group runner or instance runner), and put the token\n\
         that GitLab shows into a file of your own, runner-token. Or by GitLab's API, with the line\n\
         \"PRIVATE-TOKEN: glpat-…\" of an access token (scope create_runner) in the file gitlab-header:\n\
         $ umask 077; curl --fail --silent --show-error --header @gitlab-header --data runner_type=project_type \
         --data project_id=PROJECT --data run_untagged=true --data description={name} {url}/api/v4/user/runners | \
         jq --raw-output .token > runner-token\n\
         Then:\n$ {again} --url {url} --token-file runner-token"
    )
}
