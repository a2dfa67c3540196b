//! Rules of ARCHITECTURE.md that can be read off the source.

#![cfg(test)]

mod imports;
mod keys;
mod links;
mod rooms;
mod said;
mod schemas;
mod troubleshooting;

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .unwrap()
}

/// The Rust files below a folder of the workspace, as path relative to it and content.
fn sources(folder: &str) -> Vec<(String, String)> {
    let base = root().join(folder);
    let mut found = Vec::new();
    let mut folders = vec![base.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "rs") {
                let name = path
                    .strip_prefix(&base)
                    .unwrap()
                    .to_string_lossy()
                    .into_owned();
                found.push((name, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    assert!(!found.is_empty(), "no sources in {folder}");
    found
}

/// Files of `folder` outside of `home` that hold one of `words`.
fn strays(folder: &str, home: &[&str], words: &[&str]) -> Vec<String> {
    let at_home = |file: &str| home.iter().any(|home| file.starts_with(home));
    sources(folder)
        .into_iter()
        .filter(|(file, text)| !at_home(file) && words.iter().any(|word| text.contains(word)))
        .map(|(file, _)| file)
        .collect()
}

#[test]
fn one_place_knows_the_aws_sdk() {
    assert_eq!(
        strays(
            "crates/fargate/src",
            &["aws/"],
            &[
                "aws_sdk_",
                "aws_config",
                "aws_runtime",
                "aws_smithy",
                "aws_types"
            ]
        ),
        [""; 0]
    );
}

#[test]
fn one_place_knows_the_ssh_library() {
    assert_eq!(strays("crates/fargate/src", &["ssh/"], &["russh"]), [""; 0]);
}

#[test]
fn one_place_knows_the_registry_client() {
    assert_eq!(
        strays("crates/fargate/src", &["images/"], &["oci_client"]),
        [""; 0]
    );
    assert_eq!(
        strays(
            "crates/fargate/src",
            &["images/", "aws/trust.rs"],
            &["rustls::"]
        ),
        [""; 0]
    );
}

#[test]
fn one_place_knows_the_container_engine() {
    assert_eq!(
        strays("crates/ecs-local/src", &["engine/"], &["bollard"]),
        [""; 0]
    );
}

#[test]
fn one_file_reads_the_runners_environment() {
    let names = [
        "CUSTOM_ENV_CI_",
        "JOB_RESPONSE_FILE",
        "BUILD_EXIT_CODE_FILE",
        "SYSTEM_FAILURE_EXIT_CODE",
    ];
    assert_eq!(strays("crates/fargate/src", &["gitlab/"], &names), [""; 0]);
}

#[test]
fn the_stand_in_knows_nothing_of_gitlab_or_the_driver() {
    let manifest = fs::read_to_string(root().join("crates/ecs-local/Cargo.toml")).unwrap();
    assert!(
        !manifest.contains("fargate-") && !manifest.contains("fargate ="),
        "it depends on the driver's crates"
    );
    for (file, text) in sources("crates/ecs-local/src") {
        assert!(
            !text.to_lowercase().contains("gitlab"),
            "{file} knows GitLab"
        );
    }
}

#[test]
fn the_local_gitlab_knows_nothing_of_aws_or_the_driver() {
    let manifest = fs::read_to_string(root().join("crates/gitlab-local/Cargo.toml")).unwrap();
    assert!(
        !manifest.contains("fargate") && !manifest.contains("ecs-local"),
        "it depends on the driver's crates or on the stand-in for AWS"
    );
    let words = ["AWS", "ECS", "ecs_local", "fargate_", "fargate try"];
    assert_eq!(strays("crates/gitlab-local/src", &[], &words), [""; 0]);
}

#[test]
fn nothing_is_left_to_be_done() {
    let words: Vec<String> = ["TO", "FIX"]
        .iter()
        .zip(["DO", "ME"])
        .map(|(a, b)| format!("{a}{b}"))
        .collect();
    for (file, text) in sources("crates") {
        for word in &words {
            assert!(!text.contains(word), "{file} holds {word}");
        }
        let ignored = format!("#[{}", "ignore");
        assert!(!text.contains(&ignored), "{file} has an ignored test");
    }
}

#[test]
fn every_promise_of_reliability_is_held_by_a_test() {
    let page: String = ["reliability", "migration"]
        .iter()
        .map(|page| fs::read_to_string(root().join(format!("docs/{page}.md"))).unwrap())
        .collect();
    let code: String = sources("crates")
        .into_iter()
        .map(|(_, text)| text)
        .collect();
    let mut promises = 0;
    let mut inside = false;
    for line in page.lines() {
        inside = line.ends_with("| held by |") || (inside && line.starts_with('|'));
        let Some((_, tests)) = line.trim_end_matches('|').rsplit_once('|') else {
            continue;
        };
        if !inside || line.ends_with("| held by |") || line.starts_with("|---") {
            continue;
        }
        promises += 1;
        let tests: Vec<_> = tests.split('`').skip(1).step_by(2).collect();
        assert!(!tests.is_empty(), "no test holds it: {line}");
        for test in tests {
            assert!(code.contains(&format!("fn {test}(")), "no test {test}");
        }
    }
    assert!(promises > 50, "only {promises} promises");
}

#[test]
fn what_the_security_page_points_to_is_there() {
    let page = fs::read_to_string(root().join("docs/security.md")).unwrap();
    let source: String = sources("crates")
        .into_iter()
        .map(|(_, text)| text)
        .collect();
    // Names of tests are the only long words with that many underscores.
    let is_test = |word: &&str| {
        word.matches('_').count() >= 2
            && word
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
    };
    let tests: Vec<_> = page.split('`').filter(is_test).collect();
    assert!(tests.len() > 20, "{tests:?}");
    for test in tests {
        assert!(
            source.contains(&format!("fn {test}(")),
            "there is no test {test}"
        );
    }
}

/// The pages that people read.
fn pages() -> Vec<PathBuf> {
    let mut pages = [
        "README.md",
        "ARCHITECTURE.md",
        "CHANGELOG.md",
        "images/README.md",
        "deploy/terraform/README.md",
    ]
    .map(|page| root().join(page))
    .to_vec();
    for entry in fs::read_dir(root().join("docs")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|end| end == "md") {
            pages.push(path);
        }
    }
    pages
}

#[test]
fn prose_fits_the_screen() {
    let mut wide = Vec::new();
    for page in pages() {
        let mut in_code = false;
        for (number, line) in fs::read_to_string(&page).unwrap().lines().enumerate() {
            in_code ^= line.trim_start().starts_with("```");
            // Rows of tables and code cannot be wrapped.
            let is_prose = !in_code && !line.starts_with('|') && !line.starts_with("    ");
            if is_prose && line.chars().count() > 120 {
                wide.push(format!("{}:{}", page.display(), number + 1));
            }
        }
    }
    assert_eq!(wide, [""; 0]);
}
