//! The variables by which a job steers its runner.

use super::*;

#[tokio::test]
async fn get_sources_is_tried_as_often_as_the_job_says() {
    let fail_once = "[ -f \"$here/failed\" ] || { touch \"$here/failed\"; exit 2; }";
    let variables = [
        ("GIT_STRATEGY", "empty"),
        ("GET_SOURCES_ATTEMPTS", "3"),
        ("FF_USE_EXPONENTIAL_BACKOFF_STAGE_RETRY", "false"),
    ];
    let outcome = Setup::new()
        .before("get_sources", fail_once)
        .run_with("job: {script: ['pwd']}", &variables)
        .await;
    assert_eq!(outcome.result, Ok(()), "{}", outcome.log);
    let expected = [
        "get_sources running",
        "clear_worktree running",
        "get_sources running",
        "build_script running",
    ];
    assert_eq!(outcome.diary[3..7], expected);
    assert!(
        outcome
            .log
            .contains("WARNING: get_sources failed: exit status 2. Next try in 1 s\n"),
        "{}",
        outcome.log
    );
    assert!(
        outcome.log.contains("/local/shop-empty\n"),
        "{}",
        outcome.log
    );
}

#[tokio::test]
async fn wrong_wishes_for_the_sources_fail_the_job_as_in_the_runner() {
    for (key, value, words) in [
        (
            "GIT_SUBMODULE_STRATEGY",
            "deep",
            "ERROR: Job failed (system failure): unknown GIT_SUBMODULE_STRATEGY\n",
        ),
        (
            "GIT_CLONE_PATH",
            "/elsewhere",
            "ERROR: Job failed: the GIT_CLONE_PATH=\"/elsewhere\" has to be within ",
        ),
    ] {
        let outcome = Setup::new()
            .run_with("job: {script: ['true']}", &[(key, value)])
            .await;
        assert!(outcome.result.is_err(), "{key}");
        assert!(outcome.log.contains(words), "{key}: {}", outcome.log);
        assert!(
            !outcome.diary.contains(&"build_script running".to_owned()),
            "{key}"
        );
    }
}

#[tokio::test]
async fn values_that_the_runner_cannot_read_change_nothing() {
    let variables = [("GIT_STRATEGY", "fech"), ("GET_SOURCES_ATTEMPTS", "11")];
    let outcome = Setup::new()
        .run_with("job: {script: [echo ran]}", &variables)
        .await;
    assert_eq!(outcome.result, Ok(()), "{}", outcome.log);
    let files = "Taking the files of the folder as they are now\n";
    assert!(outcome.log.contains(files), "{}", outcome.log);
}

#[tokio::test]
async fn hooks_run_only_where_there_are_sources() {
    let job = "job: {hooks: {pre_get_sources_script: [echo hooked]}, script: ['true']}";
    for (strategy, runs) in [("none", false), ("empty", false), ("fetch", true)] {
        let variables = [("GIT_STRATEGY", strategy)];
        let outcome = Setup::new().run_with(job, &variables).await;
        let has_run = outcome.log.contains("\nhooked\n");
        assert_eq!(has_run, runs, "{strategy}: {}", outcome.log);
    }
}

#[tokio::test]
async fn an_unknown_policy_of_a_cache_fails_the_job() {
    let setup = Setup::new();
    let caches = CacheFolder::new(&setup.folder.path().join("caches"), Path::new("/p/f"));
    let job = "job: {cache: {key: k, paths: [a], policy: $P}, script: ['true']}";
    let variables = [("GIT_STRATEGY", "none"), ("P", "pul")];
    let outcome = setup.run_after(job, &variables, &[], Some(&caches)).await;
    let words = "Job failed (system failure): unknown cache policy pul for k-non_protected\n";
    assert!(outcome.log.contains(words), "{}", outcome.log);
}

#[tokio::test]
async fn a_script_has_its_own_limit_after_which_the_job_goes_on() {
    let variables = [("GIT_STRATEGY", "none"), ("RUNNER_SCRIPT_TIMEOUT", "1s")];
    let outcome = Setup::new()
        .run_with(
            "job: {script: [sleep 600], after_script: ['true']}",
            &variables,
        )
        .await;
    let limit = Duration::from_secs(1);
    assert_eq!(outcome.result, Err(JobFailure::TimedOut(limit)));
    let expected = [
        "build_script running",
        "after_script timedout",
        "cleanup_file_variables timedout",
        "cleanup timedout",
    ];
    assert_eq!(outcome.diary[4..], expected);
}

#[tokio::test]
async fn an_after_script_may_fail_the_job_when_it_is_told_to() {
    let job = "job: {script: ['true'], after_script: [sleep 600]}";
    let limit = ("RUNNER_AFTER_SCRIPT_TIMEOUT", "1s");
    let strategy = ("GIT_STRATEGY", "none");
    let outcome = Setup::new().run_with(job, &[strategy, limit]).await;
    assert_eq!(outcome.result, Ok(()));
    assert!(
        outcome.log.contains(
            "WARNING: after_script failed, but job will continue unaffected: execution took longer than 1 seconds\n"
        ),
        "{}",
        outcome.log
    );
    let strict = ("AFTER_SCRIPT_IGNORE_ERRORS", "false");
    let outcome = Setup::new().run_with(job, &[strategy, limit, strict]).await;
    assert_eq!(
        outcome.result,
        Err(JobFailure::TimedOut(Duration::from_secs(1)))
    );
    let malformed = ("RUNNER_SCRIPT_TIMEOUT", "1200");
    let outcome = Setup::new()
        .run_with("job: {script: ['true']}", &[strategy, malformed])
        .await;
    assert!(
        outcome
            .log
            .contains("WARNING: Ignoring malformed RUNNER_SCRIPT_TIMEOUT timeout: 1200\n"),
        "{}",
        outcome.log
    );
}
