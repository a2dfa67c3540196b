//! `fargate agent push` to registries that want to know who pushes.

use testing::DockerRegistry;

use crate::program::binary;
use crate::{Desk, fails, succeeds};

#[test]
fn logins_are_found_where_docker_and_podman_leave_them() {
    let desk = Desk::new();
    let registry = DockerRegistry::closed(desk.folder.path());
    let program = desk.amd64();
    let host = registry.address.to_string();
    let destination = registry.name("agent");
    let mut arguments = vec!["push", &destination];
    arguments.extend(binary(&program));
    desk.write_login(".docker/config.json", &host, DockerRegistry::LOGIN);
    desk.write_login("docker/config.json", &host, DockerRegistry::LOGIN);
    desk.write_login("auth.json", &host, DockerRegistry::LOGIN);
    desk.write_login("wrong/config.json", &host, DockerRegistry::WRONG_LOGIN);

    succeeds(desk.agent(&arguments));
    let mut named = desk.agent(&arguments);
    named
        .env("HOME", "/nonexistent")
        .env("DOCKER_CONFIG", desk.path("docker"));
    succeeds(named);
    let mut closest = desk.agent(&arguments);
    closest
        .env("DOCKER_CONFIG", desk.path("wrong"))
        .env("REGISTRY_AUTH_FILE", desk.path("auth.json"));
    succeeds(closest);
}

#[test]
fn a_registry_that_lets_nobody_in_says_what_to_do() {
    let desk = Desk::new();
    let registry = DockerRegistry::closed(desk.folder.path());
    let program = desk.amd64();
    let host = registry.address.to_string();
    let destination = registry.name("agent");
    let mut arguments = vec!["push", &destination];
    arguments.extend(binary(&program));

    let errors = fails(desk.agent(&arguments), 1);
    assert!(errors.contains("authentication required"), "{errors}");
    assert!(
        errors.contains(&format!("There is no login for {host}")),
        "{errors}"
    );

    desk.write_login(".docker/config.json", &host, DockerRegistry::WRONG_LOGIN);
    let errors = fails(desk.agent(&arguments), 1);
    assert!(errors.contains("tried as \"pusher\""), "{errors}");
    assert!(errors.contains(".docker/config.json"), "{errors}");
    assert!(
        !errors.contains("wrong") && !errors.contains(DockerRegistry::WRONG_LOGIN),
        "the password is told: {errors}"
    );
}

#[test]
fn a_credential_helper_is_said_not_to_be_called() {
    let desk = Desk::new();
    let program = desk.amd64();
    std::fs::create_dir(desk.path(".docker")).unwrap();
    let text = r#"{ "credHelpers": { "registry.example.com": "ecr-login" } }"#;
    std::fs::write(desk.path(".docker/config.json"), text).unwrap();
    let mut arguments = vec!["push", "registry.example.com/agent"];
    arguments.extend(binary(&program));
    let errors = fails(desk.agent(&arguments), 1);
    assert!(
        errors.contains("credential helper \"ecr-login\""),
        "{errors}"
    );
    assert!(errors.contains("REGISTRY_AUTH_FILE"), "{errors}");
}
