//! Images that no job can run in.

use serde_json::json;
use testing::{DockerRegistry, Outcome, busybox};

use crate::images::{ENDS, NO_SHELL, OTHER_ARCHITECTURE, engine};
use crate::job::{ContainerHost, manager_at, manager_with};

#[test]
fn an_image_without_a_shell() {
    let manager = manager_with(&json!({}), "", "");
    manager.ask(&json!({ "image": { "name": NO_SHELL } }));
    manager.prepare();
    manager
        .stage("build_script", "true")
        .exits(11)
        .complains(&["shell not found; the image needs one of /usr/local/bin/bash,"]);
    manager.clean_up();
}

/// How the job fails: in prepare, as the runner explains a failure of its own first script by the profiles of shells.
fn failure(manager: &ContainerHost) -> Outcome {
    let outcome = manager.custom("prepare").exits(11);
    assert_eq!(manager.exit_code_file(), None, "no script has failed");
    outcome
}

#[test]
fn an_image_whose_entry_point_ends_at_once() {
    let manager = manager_with(&json!({}), "", "");
    manager.ask(&json!({ "image": { "name": ENDS } }));
    failure(&manager).complains(&[
        "Essential container in task exited",
        "the job's container exited with status 3",
        "entrypoint: [\"\"] takes it away",
    ]);
    manager.clean_up();
}

#[test]
fn an_image_that_cannot_be_pulled() {
    let folder = tempfile::tempdir().unwrap();
    let registry = DockerRegistry::open(folder.path());
    let archive = folder.path().join("busybox.tar");
    std::fs::write(&archive, busybox::files()).unwrap();
    engine().publish(&format!("{}/team/app:1", registry.address), &archive);
    let socket = engine().for_registry(registry.address, folder.path());
    let manager = manager_at(socket, &json!({}), "", "");
    let image = format!("{}/team/app:none", registry.address);
    manager.ask(&json!({ "image": { "name": image } }));
    failure(&manager).complains(&[
        "CannotPullContainerError: pull image manifest has been retried",
        &image,
        "manifest unknown",
        "Check image: and services: in the .gitlab-ci.yml",
    ]);
    manager.clean_up();
}

#[test]
fn an_image_for_another_architecture() {
    let manager = manager_with(&json!({}), "", "");
    manager.ask(&json!({ "image": { "name": OTHER_ARCHITECTURE } }));
    failure(&manager).complains(&[
        "image Manifest does not contain descriptor matching platform 'linux/",
        "not made for the task's processors",
    ]);
    manager.clean_up();
}

/// Docker's and Podman's words for it differ.
#[test]
fn an_image_whose_entry_point_does_not_exist() {
    let manager = manager_with(&json!({}), "", "");
    manager.ask(&json!({ "image": { "name": NO_SHELL, "entrypoint": ["/no/such/program"] } }));
    failure(&manager).complains(&["CannotStartContainerError: ", "entry point"]);
    manager.clean_up();
}
