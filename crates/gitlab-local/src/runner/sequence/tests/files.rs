//! Artifacts and caches, which real shells and the real tar collect and unpack.

use super::*;
use crate::transfer::Archive;

/// Each shell with the value of `FF_POSIXLY_CORRECT_ESCAPES` that it needs.
const SHELLS: [(&str, &str); 3] = [("bash", "false"), ("busybox sh", "false"), ("dash", "true")];

const MAKER: &str = r#"
job:
  artifacts:
    paths: [out, "$KIND/**/*.txt", missing]
    exclude: ["**/*.log"]
    reports: {dotenv: build.env}
  script:
    - mkdir -p out/deep/empty "text/a b"
    - echo one > out/one; echo two > "out/deep/t w o"; echo no > out/deep/no.log
    - ln -s one out/link; printf x > "$(printf 'out/new\nline')"
    - chmod 755 out/one; echo three > "text/a b/three.txt"; echo four > text/four.md
    - echo VERSION=1.2 > build.env; echo 'RAW=$HOME' >> build.env
"#;

const TAKER: &str = r#"
job:
  script:
    - find . -name '*line' -exec echo {} ';' | grep -c new; find . ! -name '*line' | sort
    - cat out/one out/link "out/deep/t w o" "text/a b/three.txt"; [ -x out/one ] && [ -L out/link ]
    - echo "version $VERSION, raw $RAW"
"#;

#[tokio::test]
async fn artifacts_reach_a_later_job_in_every_shell() {
    for (shell, posix) in SHELLS {
        let setup = Setup::new().before("shell", shell);
        let variables = [
            ("GIT_STRATEGY", "none"),
            ("FF_POSIXLY_CORRECT_ESCAPES", posix),
            ("KIND", "text"),
        ];
        let made = setup.run_with(MAKER, &variables).await;
        assert_eq!(made.result, Ok(()), "{shell}: {}", made.log);
        for line in [
            "Uploading artifacts for successful job\n",
            "out: found 7 matching artifact files and directories\n",
            "WARNING: missing: no matching files. Ensure that the artifact path is relative",
            "Uploading artifacts as \"archive\" to later jobs of this trial (",
            "build.env: found 1 matching artifact files and directories\n",
            "2 variables for later jobs\n",
        ] {
            assert!(
                made.log.contains(line),
                "{shell}: no {line:?} in {}",
                made.log
            );
        }
        assert!(!made.log.contains("BEGIN FILES"), "{shell}: {}", made.log);
        std::fs::remove_dir_all(setup.folder.path().join("builds")).unwrap();
        std::fs::remove_file(setup.folder.path().join("diary")).unwrap();

        let given = [("maker", &made.artifacts)];
        let taken = setup.run_after(TAKER, &variables, &given, None).await;
        assert_eq!(taken.result, Ok(()), "{shell}: {}", taken.log);
        assert_eq!(taken.diary[4], "download_artifacts running");
        assert!(
            taken.log.contains("\nDownloading artifacts for maker ("),
            "{}",
            taken.log
        );
        let files = "1\n.\n./out\n./out/deep\n./out/deep/empty\n./out/deep/t w o\n./out/link\n./out/one\n\
                     ./text\n./text/a b\n./text/a b/three.txt\n";
        assert!(taken.log.contains(files), "{shell}: {}", taken.log);
        assert!(
            taken.log.contains("\none\none\ntwo\nthree\n"),
            "{shell}: {}",
            taken.log
        );
        assert!(
            taken.log.contains("\nversion 1.2, raw \n"),
            "{shell}: {}",
            taken.log
        );
    }
}

#[tokio::test]
async fn the_end_of_the_script_decides_what_is_kept() {
    let job = |when: &str, script: &str| {
        format!("job: {{artifacts: {{paths: [f], when: {when}}}, script: ['touch f', '{script}']}}")
    };
    for (when, script, stage) in [
        (
            "on_success",
            "true",
            Some("upload_artifacts_on_success success"),
        ),
        ("on_success", "false", None),
        ("on_failure", "true", None),
        (
            "on_failure",
            "false",
            Some("upload_artifacts_on_failure failed"),
        ),
        (
            "always",
            "false",
            Some("upload_artifacts_on_failure failed"),
        ),
    ] {
        let outcome = Setup::new().run(&job(when, script)).await;
        let uploads = outcome.diary.iter().find(|line| line.starts_with("upload"));
        assert_eq!(uploads.map(String::as_str), stage, "{when} {script}");
        assert_eq!(
            outcome.artifacts.files.is_some(),
            stage.is_some(),
            "{when} {script}"
        );
        assert_eq!(outcome.result.is_ok(), script == "true", "{}", outcome.log);
    }
    let none = Setup::new()
        .run("job: {artifacts: {paths: [f]}, script: ['true']}")
        .await;
    assert_eq!(none.result, Ok(()));
    assert!(
        none.log.contains("ERROR: No files to upload\n"),
        "{}",
        none.log
    );
}

#[tokio::test]
async fn a_report_that_gitlab_refuses_fails_the_job() {
    let outcome = Setup::new()
        .run("job: {artifacts: {reports: {dotenv: e}}, script: ['echo a-b=1 > e']}")
        .await;
    let words =
        "ERROR: Job failed: the dotenv report is refused: Invalid Format: \"a-b\" is not a name";
    assert!(outcome.log.contains(words), "{}", outcome.log);
    let outcome = Setup::new()
        .run("job: {artifacts: {reports: {dotenv: e}}, script: ['head -c 9000 /dev/urandom | base64 > e']}")
        .await;
    assert!(
        outcome.log.contains("Dotenv Artifact Too Big"),
        "{}",
        outcome.log
    );
}

#[tokio::test]
async fn untracked_files_are_those_that_did_not_come_along() {
    let setup = Setup::new();
    std::fs::create_dir(setup.folder.path().join("shop")).unwrap();
    std::fs::write(setup.folder.path().join("shop/given"), "x").unwrap();
    let outcome = setup
        .run_with(
            "job: {artifacts: {untracked: true}, script: ['touch made; echo y > given']}",
            &[],
        )
        .await;
    assert!(
        outcome.log.contains("\nuntracked: found 1 files\n"),
        "{}",
        outcome.log
    );
    let names = outcome.artifacts.files.unwrap().names().unwrap();
    assert_eq!(names, [b"made".to_vec()].into());
}

#[tokio::test]
async fn a_cache_waits_for_the_next_run() {
    let setup = Setup::new();
    let caches = CacheFolder::new(&setup.folder.path().join("caches"), Path::new("/p/f"));
    let job = |policy: &str, key: &str| {
        format!(
            "job: {{cache: {{key: '{key}', paths: [kept], policy: {policy}, fallback_keys: [old]}}, \
             script: ['cat kept/n || true; mkdir -p kept; echo x >> kept/n']}}"
        )
    };
    let builds = setup.folder.path().join("builds");
    for (policy, key, said) in [
        (
            "pull-push",
            "old",
            "Checking cache for old-non_protected...\nNo such cache yet\n",
        ),
        (
            "pull",
            "old",
            "\nx\n(T s)\nSaving cache for successful job\nNot uploading cache old-non_protected due to policy\n",
        ),
        (
            "pull-push",
            "new",
            "\nx\n(T s)\nSaving cache for successful job\nCreating cache new-non_protected...\n",
        ),
        (
            "push",
            "new",
            "Not downloading cache new-non_protected due to policy\n",
        ),
        ("pull", "new", "\nx\n(T s)\nSaving"),
    ] {
        let variables = [("GIT_STRATEGY", "none")];
        let outcome = setup
            .run_after(&job(policy, key), &variables, &[], Some(&caches))
            .await;
        assert_eq!(outcome.result, Ok(()), "{}", outcome.log);
        let log = without_times(&outcome.log);
        assert!(log.contains(said), "{policy} {key}: no {said:?} in {log}");
        std::fs::remove_dir_all(&builds).unwrap();
    }
}

/// GitLab asks for reports with `when: always` (`BuildRunnerPresenter#create_reports`).
#[tokio::test]
async fn a_report_comes_after_every_end() {
    for (when, script) in [("on_success", "false"), ("on_failure", "true")] {
        let outcome = Setup::new()
            .run(&format!(
                "job: {{artifacts: {{paths: [e], when: {when}, reports: {{dotenv: e}}}}, \
                 script: ['echo A=1 > e', '{script}']}}"
            ))
            .await;
        assert!(outcome.artifacts.files.is_none(), "{when} {script}");
        let variables = &outcome.artifacts.variables;
        assert_eq!(variables.len(), 1, "{when} {script}: {}", outcome.log);
        assert!(
            outcome.log.contains("\n1 variable for later jobs\n"),
            "{}",
            outcome.log
        );
    }
}

#[tokio::test]
async fn a_broken_cache_does_not_spoil_the_others() {
    let setup = Setup::new();
    let caches = CacheFolder::new(&setup.folder.path().join("caches"), Path::new("/p/f"));
    let made = setup
        .run("job: {artifacts: {paths: [kept]}, script: ['echo x > kept']}")
        .await;
    let whole = made.artifacts.files.unwrap();
    let broken = Archive::copied(&[b'x'; 2000][..], u64::MAX)
        .unwrap()
        .unwrap();
    caches.keep("good-non_protected", &whole, 1 << 20).unwrap();
    caches.keep("bad-non_protected", &broken, 1 << 20).unwrap();
    std::fs::remove_dir_all(setup.folder.path().join("builds")).unwrap();
    let job =
        "job: {cache: [{key: bad, paths: [a]}, {key: good, paths: [kept]}], script: ['cat kept']}";
    let variables = [("GIT_STRATEGY", "none")];
    let outcome = setup.run_after(job, &variables, &[], Some(&caches)).await;
    assert_eq!(outcome.result, Ok(()), "{}", outcome.log);
    let warning = "WARNING: Failed to extract cache bad-non_protected: ";
    assert!(outcome.log.contains(warning), "{}", outcome.log);
}
