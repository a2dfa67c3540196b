//! What a job finds in its project's folder.

use std::path::Path;
use std::process::Command;

use testing::Project;

use crate::fargate;

/// Runs `script` in the project's folder.
fn in_project(project: &Project, script: &str) {
    let mut bash = Command::new("bash");
    bash.args(["-e", "-c", script])
        .current_dir(project.path("project"));
    for (key, value) in [
        ("GIT_AUTHOR_NAME", "A"),
        ("GIT_AUTHOR_EMAIL", "a@example.com"),
        ("GIT_COMMITTER_NAME", "A"),
        ("GIT_COMMITTER_EMAIL", "a@example.com"),
    ] {
        bash.env(key, value);
    }
    assert!(bash.status().unwrap().success());
}

#[test]
fn large_files_arrive_whole() {
    let project = Project::new(fargate(), "job: {script: ['cksum < big', 'ls -A']}");
    in_project(&project, "head -c 9000001 /dev/urandom > big");
    let big = std::fs::File::open(project.path("project/big")).unwrap();
    let cksum = Command::new("cksum").stdin(big).output().unwrap();
    let cksum = String::from_utf8(cksum.stdout).unwrap();
    project
        .run(&[])
        .exits(0)
        .logs(&[&cksum, ".gitlab-ci.yml\nbig\n"]);
}

#[test]
fn with_git_the_job_has_a_clone_with_its_history() {
    let project = Project::new(
        fargate(),
        "job: {script: ['git describe --tags', 'git log --oneline | wc -l', 'cat f', 'echo $CI_COMMIT_BRANCH']}",
    );
    in_project(
        &project,
        "git init -q -b trunk; git add .gitlab-ci.yml
         for n in 1 2 3; do echo $n > f; git add f; git commit -q -m $n; [ $n != 1 ] || git tag v1; done
         echo changed > f",
    );
    project.run(&["--git"]).exits(0).logs(&[
        "WARNING: the folder has changes that no commit has: the clone is without them\n",
        "Taking a clone of the folder's repository\n",
        "\nv1-2-g",
        "\n3\n",
        "$ cat f\n3\n",
        "\ntrunk\n",
    ]);
    // Without it, there are the files and no history.
    let ended = project.run(&["--variable", "GIT_DEPTH=5"]).exits(1);
    let hint =
        "`GIT_DEPTH` is not followed: the job gets files without history; --git brings a clone";
    assert!(ended.out().contains(hint), "{}", ended.out());
}

#[test]
fn a_folder_that_is_no_repository_cannot_be_cloned() {
    let ended = Project::new(fargate(), "job: {script: x}")
        .run(&["--git"])
        .exits(2);
    assert!(ended.err().contains("could not clone "), "{}", ended.err());
    assert!(ended.err().contains("Leave --git out"), "{}", ended.err());
    assert_eq!(ended.out(), "");
}

#[test]
fn a_job_may_choose_its_folder_below_the_builds() {
    let project = Project::new(
        fargate(),
        "job: {variables: {GIT_CLONE_PATH: $CI_BUILDS_DIR/go/src/shop}, script: ['pwd; echo $CI_PROJECT_DIR; ls -A']}",
    );
    let ended = project.run(&[]).exits(0);
    let folder = "/builds/go/src/shop\n";
    assert_eq!(ended.out().matches(folder).count(), 2, "{}", ended.out());
    assert!(
        ended.out().contains("\n.gitlab-ci.yml\n"),
        "{}",
        ended.out()
    );
    let outside = project
        .run(&["--variable", "GIT_CLONE_PATH=/elsewhere"])
        .exits(1);
    let refused = "ERROR: Job failed: the GIT_CLONE_PATH=\"/elsewhere\" has to be within ";
    assert!(outside.out().contains(refused), "{}", outside.out());
    assert!(!Path::new("/elsewhere").exists());
}
