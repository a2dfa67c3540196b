//! `fargate manager image` and `fargate manager push`, on a base in a real registry.

use std::path::{Path, PathBuf};
use std::process::Command;

use testing::DockerRegistry;

use crate::program::binary;
use crate::{Desk, fails, inspect, succeeds};

const VERSION: &str = env!("CARGO_PKG_VERSION");

impl Desk {
    /// `fargate manager` with these arguments.
    fn manager(&self, arguments: &[&str]) -> Command {
        let mut command = self.fargate("manager");
        command.args(arguments);
        command
    }

    /// A folder with both programs for an architecture, which nothing here runs.
    fn programs(&self, name: &str, program: &Path) -> PathBuf {
        let folder = self.path(name);
        std::fs::create_dir(&folder).unwrap();
        for file in ["fargate", "fargate-agent"] {
            std::fs::copy(program, folder.join(file)).unwrap();
        }
        folder
    }

    /// A base for both architectures in the registry; any image will do, so it is the agent's.
    fn base(&self, registry: &DockerRegistry) -> String {
        let (amd64, arm64) = (self.amd64(), self.arm64());
        let name = registry.name("ci/base:1");
        let mut arguments = vec!["push"];
        arguments.extend(binary(&amd64));
        arguments.extend(binary(&arm64));
        arguments.push(&name);
        succeeds(self.agent(&arguments))
    }
}

#[test]
fn the_managers_image_is_the_base_and_a_layer() {
    let desk = Desk::new();
    let registry = DockerRegistry::open(desk.folder.path());
    let by_digest = desk.base(&registry);
    let amd64 = desk.programs("amd64", &desk.path("agent-amd64"));
    let arm64 = desk.programs("arm64", &desk.path("agent-arm64"));
    let destination = registry.name("ci/manager");
    let programs = |base: &str| -> Vec<String> {
        let (amd64, arm64) = (amd64.to_str().unwrap(), arm64.to_str().unwrap());
        ["--base", base, "--programs", amd64, "--programs", arm64]
            .map(str::to_owned)
            .to_vec()
    };
    let call = |command: &str, base: &str, more: &[&str]| {
        let mut call = desk.manager(&[command]);
        call.args(programs(base)).args(more);
        succeeds(call)
    };
    let reference = call("push", &registry.name("ci/base:1"), &[&destination]);
    let (_, digest) = reference.split_once('@').unwrap();
    // By tag or by digest, into a registry or a file: the same bytes.
    let written = call("image", &by_digest, &["--output", "manager.tar"]);
    assert_eq!(written, digest);

    for architecture in ["amd64", "arm64"] {
        let layers = |name: &str| {
            let name = format!("docker://{}", registry.name(name));
            let image = inspect(
                &name,
                &["--tls-verify=false", "--override-arch", architecture],
            );
            image["Layers"].as_array().unwrap().clone()
        };
        let manager = layers(&format!("ci/manager:{VERSION}"));
        assert_eq!(manager.len(), 2);
        assert_eq!(manager[0], layers("ci/base:1")[0]);
    }
    let config = inspect(
        "oci-archive:manager.tar"
            .replace("manager", desk.path("manager").to_str().unwrap())
            .as_str(),
        &["--config"],
    );
    let run = &config["config"];
    assert_eq!(
        run["Entrypoint"],
        serde_json::json!(["/usr/bin/fargate", "manager", "run"])
    );
    assert_eq!(run["StopSignal"], "SIGQUIT");
    // Each has both agents, for the image that the entry point pushes.
    let archive = std::fs::read(desk.path("manager.tar")).unwrap();
    for name in ["aarch64", "x86_64"] {
        let agent = format!("usr/lib/fargate/fargate-agent-{name}");
        let found = archive
            .windows(agent.len())
            .filter(|part| *part == agent.as_bytes());
        assert_eq!(found.count(), 1, "{agent}");
    }

    // Blobs that the registry has are not sent again.
    let mut again = desk.manager(&["push"]);
    again.args(programs(&by_digest)).arg(&destination);
    let said = String::from_utf8(again.output().unwrap().stderr).unwrap();
    assert!(said.contains("(0 bytes sent)"), "{said}");
}

#[test]
fn a_base_that_cannot_be_used_is_told() {
    let desk = Desk::new();
    let registry = DockerRegistry::open(desk.folder.path());
    let amd64 = desk.programs("amd64", &desk.amd64());
    let arm64 = desk.programs("arm64", &desk.arm64());
    let name = registry.name("ci/base:1");
    let mut push = vec!["push"];
    let program = desk.path("agent-amd64");
    push.extend(binary(&program));
    push.push(&name);
    succeeds(desk.agent(&push));
    let refused = |base: &str, folder: &Path| {
        let programs = ["image", "--output", "out.tar", "--base", base, "--programs"];
        let mut call = desk.manager(&programs);
        call.arg(folder);
        fails(call, 1)
    };
    let errors = refused(&name, &arm64);
    assert!(errors.contains("is not for arm64"), "{errors}");
    let errors = refused(&registry.name("ci/base:none"), &amd64);
    assert!(errors.contains("could not pull from"), "{errors}");
    // A program that needs a C library would not start on every base.
    let dynamic = desk.programs("dynamic", &desk.program("dynamic-program", &[]));
    let errors = refused(&name, &dynamic);
    assert!(
        errors.contains("cannot be in the manager's image: it is linked dynamically"),
        "{errors}"
    );
    assert!(!desk.path("out.tar").exists());
}
