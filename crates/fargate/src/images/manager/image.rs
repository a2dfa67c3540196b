//! The manager's image for one architecture: a base, and our programs as its topmost layer.

use serde_json::{Value, json};

use super::super::elf::Architecture;
use super::super::image::{CREATED, VERSION, Variant, layer};
use super::super::pull::Base;
use crate::error::{Error, Result};

/// The image's name.
pub(super) const NAME: &str = "fargate-manager";

/// Places of our programs, those of packages.
const DRIVER: &str = "usr/bin/fargate";
const AGENT: &str = "usr/lib/fargate/fargate-agent";

/// Both programs for one architecture.
pub(super) struct Programs {
    pub(super) architecture: Architecture,
    pub(super) driver: Vec<u8>,
    pub(super) agent: Vec<u8>,
}

/// Puts the programs on the base, with the agents of `others` beside, which the entry point pushes, too.
///
/// # Errors
///
/// When the base's configuration has another form than OCI's.
pub(super) fn variant<'a>(
    base: Base,
    own: &'a Programs,
    others: impl Iterator<Item = &'a Programs>,
) -> Result<Variant> {
    let Base {
        mut config,
        mut layers,
    } = base;
    let others: Vec<_> = others
        .map(|other| {
            let name = format!("{AGENT}-{}", other.architecture.machine());
            (name, other.agent.as_slice())
        })
        .collect();
    let mut files = vec![
        (DRIVER, own.driver.as_slice(), 0o755),
        (AGENT, own.agent.as_slice(), 0o755),
    ];
    files.extend(
        others
            .iter()
            .map(|(name, agent)| (name.as_str(), *agent, 0o755)),
    );
    let layer = layer(&files)?;
    configure(&mut config, &layer.digest)
        .ok_or_else(|| Error::system("the base's configuration is not that of an image"))?;
    layers.push(layer);
    Ok(Variant::new(own.architecture, layers, &config))
}

/// Changes the base's configuration (OCI image-spec, image configuration) to the manager's; nothing where it has
/// another form.
fn configure(config: &mut Value, layer: &str) -> Option<()> {
    let contents = config.pointer_mut("/rootfs/diff_ids")?.as_array_mut()?;
    contents.push(json!(layer));
    let image = config.as_object_mut()?;
    image.insert("created".to_owned(), json!(CREATED));
    let history = image.entry("history").or_insert_with(|| json!([]));
    history.as_array_mut()?.push(
        json!({ "created": CREATED, "created_by": format!("fargate manager image ({VERSION})") }),
    );
    let run = image.entry("config").or_insert_with(|| json!({}));
    let run = run.as_object_mut()?;
    run.remove("Cmd");
    run.insert(
        "Entrypoint".to_owned(),
        json!([format!("/{DRIVER}"), "manager", "run"]),
    );
    run.insert("StopSignal".to_owned(), json!("SIGQUIT"));
    // Docker's member, in nanoseconds. ECS does not read it, and has its own.
    let health = json!({
        "Test": ["CMD", format!("/{DRIVER}"), "manager", "health"],
        "Interval": 30_000_000_000_u64, "Timeout": 5_000_000_000_u64, "StartPeriod": 60_000_000_000_u64, "Retries": 3,
    });
    run.insert("Healthcheck".to_owned(), health);
    let labels = run.entry("Labels").or_insert_with(|| json!({}));
    if labels.is_null() {
        *labels = json!({});
    }
    let labels = labels.as_object_mut()?;
    labels.insert("org.opencontainers.image.title".to_owned(), json!(NAME));
    labels.insert(
        "org.opencontainers.image.version".to_owned(),
        json!(VERSION),
    );
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_base_keeps_what_the_manager_does_not_change() {
        // The members that GitLab's last Dockerfile in the runner's repository sets (dockerfiles/runner, 2024-12).
        let mut config = json!({
            "architecture": "amd64", "os": "linux", "rootfs": { "type": "layers", "diff_ids": ["sha256:1"] },
            "config": { "Env": ["PATH=/usr/bin"], "Entrypoint": ["/usr/bin/dumb-init", "/entrypoint"],
                "Cmd": ["run", "--user=gitlab-runner"], "StopSignal": "SIGQUIT", "Volumes": { "/etc/gitlab-runner": {} },
                "Labels": null },
        });
        configure(&mut config, "sha256:2").unwrap();
        assert_eq!(
            config["rootfs"]["diff_ids"],
            json!(["sha256:1", "sha256:2"])
        );
        let run = &config["config"];
        assert_eq!(
            run["Entrypoint"],
            json!(["/usr/bin/fargate", "manager", "run"])
        );
        assert_eq!(run["Env"], json!(["PATH=/usr/bin"]));
        assert!(run.get("Cmd").is_none());
        assert_eq!(run["Labels"]["org.opencontainers.image.title"], NAME);
        assert_eq!(configure(&mut json!({ "rootfs": {} }), "sha256:2"), None);
    }
}
