//! Where AWS's services are, as the settings of other AWS tools have it.

use testing::{ManagerHost, SshServer};

use crate::fargate;

/// A manager whose file names no endpoint, with tasks that have public addresses; and the account's endpoint.
pub(crate) fn without_endpoint() -> (ManagerHost, String) {
    let manager = manager_with_endpoint();
    let file = std::fs::read_to_string(manager.path("fargate.toml")).unwrap();
    let (endpoint, others): (Vec<_>, Vec<_>) =
        file.lines().partition(|line| line.starts_with("Endpoint"));
    manager.write_config(&others.join("\n"));
    let url = endpoint[0].split('"').nth(1).unwrap().to_owned();
    (manager, url)
}

fn manager_with_endpoint() -> ManagerHost {
    let manager = ManagerHost::new(fargate(), SshServer::Agent);
    manager.configure("EnablePublicIP = true\nStartTimeout = \"20s\"", "");
    manager
}

/// No server answers there.
const NOWHERE: &str = "http://127.0.0.1:9";

pub(crate) fn set(manager: &mut ManagerHost, variables: &[(&str, &str)]) {
    let variables = variables.iter();
    manager
        .variables
        .extend(variables.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
}

/// Both ECS, whose client is the SDK's, and EC2, whose client is ours.
pub(crate) fn prepares(manager: &ManagerHost) {
    manager.prepare();
    assert!(manager.aws.calls("RunTask") > 0);
    assert!(manager.aws.calls("DescribeNetworkInterfaces") > 0);
    manager.custom("cleanup").exits(0);
}

#[test]
fn the_environment_names_the_endpoint_of_each_service() {
    let (mut manager, here) = without_endpoint();
    set(
        &mut manager,
        &[
            ("AWS_ENDPOINT_URL", NOWHERE),
            ("AWS_ENDPOINT_URL_ECS", &here),
            ("AWS_ENDPOINT_URL_EC2", &here),
        ],
    );
    prepares(&manager);
}

#[test]
fn the_environment_names_the_endpoint_of_all_services() {
    let (mut manager, here) = without_endpoint();
    set(&mut manager, &[("AWS_ENDPOINT_URL", &here)]);
    prepares(&manager);
}

#[test]
fn the_profile_names_the_endpoint_of_each_service() {
    let (mut manager, here) = without_endpoint();
    let config = manager.path("aws-config");
    let text = format!(
        "[profile ci]\nservices = local\n[services local]\necs =\n  endpoint_url = {here}\nec2 =\n  endpoint_url = {here}\n"
    );
    std::fs::write(&config, text).unwrap();
    let config = config.to_str().unwrap().to_owned();
    set(
        &mut manager,
        &[("AWS_CONFIG_FILE", &config), ("AWS_PROFILE", "ci")],
    );
    prepares(&manager);
}

#[test]
fn fargate_toml_names_the_endpoint_over_all() {
    let mut manager = manager_with_endpoint();
    set(
        &mut manager,
        &[
            ("AWS_ENDPOINT_URL", NOWHERE),
            ("AWS_ENDPOINT_URL_ECS", NOWHERE),
            ("AWS_ENDPOINT_URL_EC2", NOWHERE),
        ],
    );
    prepares(&manager);
}
