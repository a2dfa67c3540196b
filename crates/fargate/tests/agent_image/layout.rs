//! `fargate agent image`: what is written, and what cannot be.

use crate::program::binary;
use crate::{Desk, fails, inspect, succeeds, tree};

/// Writes an image of a program to `output`, and tells the digest it said.
fn written(desk: &Desk, program: &std::path::Path, output: &str) -> String {
    let mut arguments = vec!["image"];
    arguments.extend(binary(program));
    arguments.extend(["--output", output]);
    succeeds(desk.agent(&arguments))
}

#[test]
fn a_folder_and_a_tar_hold_an_image_of_the_program_alone() {
    let desk = Desk::new();
    let program = desk.amd64();
    let digest = written(&desk, &program, "layout");
    assert_eq!(written(&desk, &program, "layout.tar"), digest);
    for kind in ["oci", "oci-archive"] {
        let end = if kind == "oci" {
            "layout"
        } else {
            "layout.tar"
        };
        let name = format!("{kind}:{}", desk.path(end).display());
        let image = inspect(&name, &[]);
        assert_eq!(image["Digest"], digest.as_str());
        assert_eq!(
            (&image["Architecture"], &image["Os"]),
            (&"amd64".into(), &"linux".into())
        );
        assert_eq!(
            image["Labels"]["org.opencontainers.image.version"],
            env!("CARGO_PKG_VERSION")
        );
        let config = inspect(&name, &["--config"]);
        assert_eq!(
            config["config"]["Entrypoint"],
            serde_json::json!(["/fargate-agent"])
        );
    }

    // What a container gets to see, as another program unpacks it.
    let mut copy = std::process::Command::new("skopeo");
    copy.arg("copy")
        .arg(format!("oci-archive:{}", desk.path("layout.tar").display()))
        .arg(format!("dir:{}", desk.path("unpacked").display()));
    succeeds(copy);
    let layer =
        inspect(&format!("dir:{}", desk.path("unpacked").display()), &[])["Layers"][0].clone();
    let layer = desk
        .path("unpacked")
        .join(layer.as_str().unwrap().strip_prefix("sha256:").unwrap());
    let mut list = std::process::Command::new("tar");
    list.arg("--list")
        .arg("--verbose")
        .arg("--numeric-owner")
        .arg("--utc")
        .arg("--file")
        .arg(&layer);
    let listed = succeeds(list);
    assert!(listed.starts_with("-rwxr-xr-x 0/0"), "{listed}");
    assert!(
        listed.ends_with("1970-01-01 00:00 fargate-agent"),
        "{listed}"
    );
    let mut extract = std::process::Command::new("tar");
    extract
        .arg("--extract")
        .arg("--file")
        .arg(&layer)
        .current_dir(desk.folder.path());
    succeeds(extract);
    assert!(std::fs::read(desk.path("fargate-agent")).unwrap() == std::fs::read(&program).unwrap());
}

#[test]
fn the_same_program_gives_the_same_image_every_time() {
    let desk = Desk::new();
    let program = desk.amd64();
    let [one, two] = ["one", "two"].map(|name| {
        written(&desk, &program, name);
        written(&desk, &program, &format!("{name}.tar"));
        let folder = desk.path(name);
        let files: Vec<_> = tree(&folder)
            .into_iter()
            .map(|(path, content)| (path.strip_prefix(&folder).unwrap().to_owned(), content))
            .collect();
        (
            files,
            std::fs::read(desk.path(&format!("{name}.tar"))).unwrap(),
        )
    });
    assert!(one == two);
    let other = desk.program("other", &["-static", "-DOTHER", "-O2", "-g"]);
    assert_ne!(
        written(&desk, &program, "three"),
        written(&desk, &other, "four")
    );
}

#[test]
fn several_architectures_make_one_image() {
    let desk = Desk::new();
    let (amd64, arm64) = (desk.amd64(), desk.arm64());
    let digests = [[&amd64, &arm64], [&arm64, &amd64]].map(|[first, second]| {
        let mut arguments = vec!["image"];
        arguments.extend(binary(first));
        arguments.extend(binary(second));
        arguments.extend(["--output", "image.tar"]);
        succeeds(desk.agent(&arguments))
    });
    assert_eq!(digests[0], digests[1], "the order does not matter");
    let name = format!("oci-archive:{}", desk.path("image.tar").display());
    let index = inspect(&name, &["--raw"]);
    assert_eq!(index["manifests"][1]["platform"]["architecture"], "arm64");
    for architecture in ["amd64", "arm64"] {
        let mut skopeo = std::process::Command::new("skopeo");
        skopeo.args([
            "--override-arch",
            architecture,
            "inspect",
            "--config",
            &name,
        ]);
        let config: serde_json::Value = serde_json::from_str(&succeeds(skopeo)).unwrap();
        assert_eq!(config["architecture"], architecture);
    }
}

#[test]
fn a_program_that_would_not_run_everywhere_is_refused() {
    let desk = Desk::new();
    let text = desk.path("script");
    std::fs::write(&text, "#!/bin/sh\n").unwrap();
    let refusals = [
        (desk.program("dynamic", &[]), "linked dynamically"),
        (
            desk.program("library", &["-shared", "-fPIC"]),
            "a library or an object file",
        ),
        (text, "not an ELF program"),
        (desk.path("nothing"), "No such file"),
    ];
    for (program, reason) in refusals {
        let mut arguments = vec!["image", "--output", "image.tar"];
        arguments.extend(binary(&program));
        let errors = fails(desk.agent(&arguments), 1);
        assert!(errors.contains(reason), "{errors}");
        assert!(
            errors.contains("fargate-agent"),
            "says what to do: {errors}"
        );
        assert!(!desk.path("image.tar").exists());
    }
    let relocatable = desk.program("static-pie", &["-static-pie"]);
    written(&desk, &relocatable, "image.tar");
}

#[test]
fn places_that_cannot_be_written_to_are_said() {
    let desk = Desk::new();
    let program = desk.amd64();
    let write_to = |output: &str| {
        let mut arguments = vec!["image", "--output", output];
        arguments.extend(binary(&program));
        fails(desk.agent(&arguments), 1)
    };
    std::fs::create_dir(desk.path("full")).unwrap();
    std::fs::write(desk.path("full/file"), "").unwrap();
    let errors = write_to("full");
    assert!(errors.contains("full is not empty"), "{errors}");
    assert_eq!(tree(&desk.path("full")).len(), 1);
    for output in ["nowhere/image.tar", "full/file/layout"] {
        let errors = write_to(output);
        assert!(
            errors.contains(&format!("could not write {output}")),
            "{errors}"
        );
    }
}

#[test]
fn one_architecture_is_given_once() {
    let desk = Desk::new();
    let program = desk.amd64();
    let mut arguments = vec!["image", "--output", "image.tar"];
    arguments.extend(binary(&program));
    arguments.extend(binary(&program));
    let errors = fails(desk.agent(&arguments), 2);
    assert!(
        errors.contains("two of the programs are for amd64"),
        "{errors}"
    );
}

#[test]
fn the_agent_of_another_architecture_beside_the_driver_is_packed_too() {
    let desk = Desk::new();
    let folder = desk.path("bin");
    std::fs::create_dir(&folder).unwrap();
    let driver = folder.join("fargate");
    std::fs::copy(env!("CARGO_BIN_EXE_fargate"), &driver).unwrap();
    let (own, other) = (desk.amd64(), desk.arm64());
    std::fs::copy(&own, folder.join("fargate-agent")).unwrap();
    let image = |output: &str| {
        let mut command = std::process::Command::new(&driver);
        command.args(["agent", "image", "--output", output]);
        command.current_dir(desk.folder.path());
        succeeds(command)
    };
    assert_eq!(image("one.tar"), written(&desk, &own, "own.tar"));
    std::fs::copy(&other, folder.join("fargate-agent-aarch64")).unwrap();
    let mut both = vec!["image"];
    both.extend(
        [&own, &other]
            .into_iter()
            .flat_map(|program| binary(program)),
    );
    both.extend(["--output", "both.tar"]);
    assert_eq!(image("two.tar"), succeeds(desk.agent(&both)));
}
