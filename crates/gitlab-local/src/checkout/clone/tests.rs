//! Repositories as people have them, cloned by the real git.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::*;

/// Runs `script` in `folder`, where `git` needs no settings of a person.
fn sh(folder: &Path, script: &str) -> String {
    let mut bash = Command::new("bash");
    bash.args(["-e", "-c", script]).current_dir(folder);
    for (key, value) in [
        ("GIT_AUTHOR_NAME", "A"),
        ("GIT_AUTHOR_EMAIL", "a@example.com"),
        ("GIT_COMMITTER_NAME", "A"),
        ("GIT_COMMITTER_EMAIL", "a@example.com"),
        ("GIT_CONFIG_COUNT", "1"),
        ("GIT_CONFIG_KEY_0", "protocol.file.allow"),
        ("GIT_CONFIG_VALUE_0", "always"),
    ] {
        bash.env(key, value);
    }
    let output = bash.output().unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{script}: {complaint}");
    String::from_utf8(output.stdout).unwrap()
}

/// A repository with four commits on `main`, of which the second has the tag v1, and a branch beside it.
fn repository() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    sh(
        folder.path(),
        "git init -q -b main 'my repo'; cd 'my repo'
         for n in 1 2 3 4; do echo $n > file; git add file; git commit -q -m $n; [ $n != 2 ] || git tag v1; done
         git branch side; echo changed > file",
    );
    folder
}

fn wish(depth: u32) -> CloneWish {
    CloneWish {
        depth,
        checkout: true,
        submodules: Submodules::None,
        submodule_depth: depth,
        submodule_paths: vec![],
    }
}

/// Clones `folder`, and unpacks the clone.
fn cloned(folder: &Path, wish: &CloneWish) -> Result<tempfile::TempDir, ProjectError> {
    let scratch = tempfile::tempdir().unwrap();
    let source = CloneSource {
        folder,
        url: "https://gitlab.invalid/local/repo.git",
        branch: Some("main"),
    };
    let mut text = Vec::new();
    clone(source, wish, scratch.path())?
        .encode(&mut text)
        .unwrap();
    assert_eq!(
        scratch.path().read_dir().unwrap().count(),
        0,
        "the clone is left"
    );
    text.retain(|byte| *byte != b'\n');
    let unpacked = tempfile::tempdir().unwrap();
    std::fs::write(unpacked.path().join("tar"), STANDARD.decode(text).unwrap()).unwrap();
    sh(
        unpacked.path(),
        "mkdir clone; tar -x -f tar -C clone; rm tar",
    );
    Ok(unpacked)
}

#[test]
fn a_clone_is_the_commit_with_as_much_history_as_the_job_wants() {
    let folder = repository();
    let folder = folder.path().join("my repo");
    assert!(has_uncommitted_changes(&folder));
    let clone = cloned(&folder, &wish(20)).unwrap();
    let seen = sh(
        clone.path(),
        "cd clone; cat file; git log --oneline | wc -l; git describe --tags; git status --porcelain
         git symbolic-ref -q HEAD || echo detached; git remote get-url origin; git branch -r",
    );
    assert!(seen.starts_with("4\n4\nv1-2-g"), "{seen}");
    let end = "\ndetached\nhttps://gitlab.invalid/local/repo.git\n  origin/main\n";
    assert!(seen.ends_with(end), "{seen}");
    let shallow = cloned(&folder, &wish(1)).unwrap();
    let seen = sh(
        shallow.path(),
        "cd clone; git log --oneline | wc -l; git tag",
    );
    assert_eq!(seen, "1\n");
    let all = cloned(&folder, &wish(0)).unwrap();
    let seen = sh(all.path(), "cd clone; git tag; git branch -r");
    assert_eq!(seen, "v1\n  origin/main\n  origin/side\n");
    let bare = CloneWish {
        checkout: false,
        ..wish(20)
    };
    let bare = cloned(&folder, &bare).unwrap();
    assert_eq!(sh(bare.path(), "ls -A clone"), ".git\n");
}

#[test]
fn a_clone_of_a_shallow_or_detached_repository_works() {
    let folder = repository();
    sh(
        folder.path(),
        "git clone -q --depth 2 'file://'\"$PWD\"'/my repo' shallow; cd shallow; git checkout -q --detach",
    );
    let clone = cloned(&folder.path().join("shallow"), &wish(20)).unwrap();
    assert_eq!(
        sh(
            clone.path(),
            "cd clone; git log --oneline | wc -l; cat file"
        ),
        "2\n4\n"
    );
}

#[test]
fn submodules_come_from_where_they_are_checked_out() {
    let folder = repository();
    sh(
        folder.path(),
        "git init -q -b main inner; (cd inner; echo i > i; git add i; git commit -q -m i)
         git init -q -b main lib; cd lib; git submodule -q add ../inner deep/inner; git commit -q -m l
         cd '../my repo'; git submodule -q add ../lib 'sub lib'; git commit -q -m s; rm -rf ../lib ../inner",
    );
    let folder = folder.path().join("my repo");
    let with = |submodules, paths: &[&str]| CloneWish {
        submodules,
        submodule_paths: paths.iter().map(|&path| path.to_owned()).collect(),
        ..wish(20)
    };
    let files = |wish: &CloneWish| {
        let clone = cloned(&folder, wish).unwrap();
        sh(
            clone.path(),
            "cd clone; find . -name .git -prune -o -type f -print | sort; git status --porcelain",
        )
    };
    let none = "./.gitmodules\n./file\n";
    assert_eq!(files(&with(Submodules::None, &[])), none);
    assert_eq!(
        files(&with(Submodules::Normal, &[":(exclude)sub lib"])),
        none
    );
    let normal = "./.gitmodules\n./file\n./sub lib/.gitmodules\n";
    assert_eq!(files(&with(Submodules::Normal, &[])), normal);
    // It was never checked out there.
    let error = cloned(&folder, &with(Submodules::Recursive, &[])).unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("sub lib/deep/inner is not checked out"),
        "{error}"
    );
    assert!(error.advice().unwrap().contains("git submodule update"));
}

#[test]
fn what_is_no_repository_cannot_be_cloned() {
    let folder = tempfile::tempdir().unwrap();
    let error = cloned(folder.path(), &wish(20)).unwrap_err();
    assert!(
        error.to_string().contains("not a git repository"),
        "{error}"
    );
    sh(folder.path(), "git init -q; mkdir inner; touch inner/x");
    let error = cloned(folder.path(), &wish(20)).unwrap_err();
    assert!(
        error.to_string().ends_with("its repository has no commit"),
        "{error}"
    );
    let error = cloned(&folder.path().join("inner"), &wish(20)).unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("it is not the top of its repository"),
        "{error}"
    );
}
