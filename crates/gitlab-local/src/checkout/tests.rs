//! Folders as people have them, packed by the real tar and git.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::archive::SIZE_LIMIT;
use super::*;
use crate::transfer::as_input;

fn write(folder: &Path, name: &str, content: &str) {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, content).unwrap();
}

fn git(folder: &Path, arguments: &[&str]) {
    let mut git = Command::new("git");
    git.arg("-C").arg(folder);
    git.args([
        "-c",
        "user.name=A Name",
        "-c",
        "user.email=a@example.com",
        "-c",
        "commit.gpgsign=false",
    ]);
    let done = git.args(arguments).output().unwrap();
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
}

/// Packs `folder` and unpacks that again.
fn packed(folder: &Path) -> tempfile::TempDir {
    let unpacked = tempfile::tempdir().unwrap();
    let mut text = Vec::new();
    pack(folder, false).unwrap().encode(&mut text).unwrap();
    text.retain(|byte| *byte != b'\n');
    let tar = STANDARD.decode(text).unwrap();
    let mut command = Command::new("tar");
    command
        .arg("-C")
        .arg(unpacked.path())
        .arg("-x")
        .stdin(as_input(&tar).unwrap());
    assert!(command.status().unwrap().success());
    unpacked
}

fn names(folder: &Path) -> Vec<String> {
    let list = Command::new("find")
        .arg(".")
        .current_dir(folder)
        .output()
        .unwrap();
    let list = String::from_utf8(list.stdout).unwrap();
    let mut names: Vec<_> = list
        .lines()
        .filter_map(|name| name.strip_prefix("./"))
        .map(str::to_owned)
        .collect();
    names.sort();
    names
}

fn sample() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "README", "hello");
    write(folder.path(), "bin/run me", "#!/bin/sh");
    let executable = PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(folder.path().join("bin/run me"), executable).unwrap();
    write(folder.path(), "target/big", "x");
    std::os::unix::fs::symlink("README", folder.path().join("link")).unwrap();
    folder
}

#[test]
fn a_folder_outside_git_is_taken_whole() {
    let (folder, checkout) = (sample(), Checkout::read(sample().path()));
    assert!(checkout.project.starts_with("local/tmp"), "{checkout:?}");
    assert_eq!(checkout.commit, None);
    let copy = packed(folder.path());
    assert_eq!(
        names(copy.path()),
        [
            "README",
            "bin",
            "bin/run me",
            "link",
            "target",
            "target/big"
        ]
    );
    let mode = copy
        .path()
        .join("bin/run me")
        .metadata()
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o111, 0o111);
    assert!(copy.path().join("link").is_symlink());
}

#[test]
fn in_a_work_tree_git_decides() {
    let folder = sample();
    write(folder.path(), ".gitignore", "target/\n");
    write(folder.path(), "gone", "x");
    git(folder.path(), &["init", "-q", "-b", "topic/one"]);
    git(folder.path(), &["add", "README", "gone"]);
    assert_eq!(Checkout::read(folder.path()).commit, None);
    git(
        folder.path(),
        &["commit", "-q", "-m", "Title\n\nMore of it"],
    );
    std::fs::remove_file(folder.path().join("gone")).unwrap();
    assert_eq!(
        names(packed(folder.path()).path()),
        [".gitignore", "README", "bin", "bin/run me", "link"]
    );
    // A folder within is its own project.
    assert_eq!(names(packed(&folder.path().join("bin")).path()), ["run me"]);

    let checkout = Checkout::read(folder.path());
    let commit = checkout.commit.unwrap();
    assert_eq!(
        (checkout.reference.as_str(), commit.sha.len()),
        ("topic/one", 40)
    );
    assert_eq!(commit.author, "A Name <a@example.com>");
    assert_eq!(commit.message, "Title\n\nMore of it");
}

#[test]
fn too_much_is_refused_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    // Sparse: it takes no room on disk.
    let file = std::fs::File::create(folder.path().join("big")).unwrap();
    file.set_len(SIZE_LIMIT + 1).unwrap();
    let error = pack(folder.path(), false).unwrap_err();
    assert!(error.to_string().contains("more than 32 MiB"), "{error}");
    assert!(error.advice().unwrap().contains(".gitignore"));
}
