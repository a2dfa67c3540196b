//! Images from a registry.

use serde_json::json;
use testing::{DockerRegistry, busybox};

use crate::cluster::Cluster;
use crate::images::engine;

#[test]
fn images_are_pulled_and_local_ones_are_used_when_a_pull_fails() {
    let folder = tempfile::tempdir().unwrap();
    let registry = DockerRegistry::open(folder.path());
    let image = format!("{}/team/app:1", registry.address);
    let archive = folder.path().join("busybox.tar");
    std::fs::write(&archive, busybox::files()).unwrap();
    engine().publish(&image, &archive);
    let stand_in = Cluster::in_engine(
        engine().for_registry(registry.address, folder.path()),
        &json!([]),
    );
    let run = |image: &str| {
        stand_in.run(json!([{ "name": "build", "image": image, "command": ["/bin/echo", "ran"] }]))
    };

    let task = run(&image);
    let shown = task.stopped();
    assert_eq!(task.output("build"), "ran\n", "{}", shown.0);
    let digest = registry.digest("team/app", "1");
    assert_eq!(shown.container("build")["imageDigest"], digest);
    assert_eq!(shown.0["containers"][0]["image"], image);

    let unknown = run(&format!("{}/team/app:none", registry.address)).stopped();
    assert_eq!(unknown.stop_code(), "TaskFailedToStart");
    assert!(
        unknown.reason().starts_with("CannotPullContainerError: ")
            && unknown.reason().contains("manifest unknown"),
        "{}",
        unknown.reason()
    );

    drop(registry);
    let task = run(&image);
    let shown = task.stopped();
    assert_eq!(task.output("build"), "ran\n", "{}", shown.0);
    engine().run(&["rmi", &image]);
}
