//! What the containers of a task have of each other: names and files, and no processes.

use serde_json::{Value, json};

use crate::git_server::GitServer;
use crate::images::{DEBIAN, GIT_USER, INIT, REDIS, USER};
use crate::job::{PROJECT, checkout, manager_with};
use crate::jobs::BY_BASH;

/// Asks Redis, and prints `:1` at the first time.
const VISIT: &str =
    "printf 'INCR visits\\r\\nQUIT\\r\\n' | ask cache 6379 | tr -d '\\r' | head -n 1\n";

fn visit() -> String {
    format!("{BY_BASH}{VISIT}")
}

fn cache(image: &str) -> Value {
    json!({ "name": image, "alias": "cache", "variables": [{ "key": "HEALTHCHECK_TCP_PORT", "value": "6379" }] })
}

#[test]
fn an_init_that_insists_on_being_the_first_process_is_it_in_jobs_and_services() {
    let manager = manager_with(&json!({}), "", "");
    manager.ask(&json!({ "image": { "name": INIT }, "services": [cache(INIT)] }));
    manager.prepare();
    let commands = format!("{}tr '\\0' ' ' < /proc/1/cmdline", visit());
    let run = manager.stage("build_script", &commands).exits(0);
    let said = run.out();
    assert!(
        said.ends_with(":1\n/bin/sh /init /.fargate/fargate-agent "),
        "{said}"
    );
    manager.clean_up();
}

#[test]
fn a_jobs_kill_of_everything_stays_in_its_container() {
    let manager = manager_with(&json!({}), "", "");
    manager.ask(&json!({ "image": { "name": DEBIAN }, "services": [cache(REDIS)] }));
    manager.prepare();
    let run = manager.stage("build_script", &format!("{}kill -9 -1", visit()));
    let said = run.exits(11).out();
    assert!(said.contains(":1\n"), "{said}");
    assert!(!said.contains("WARNING: service"), "{said}");
    // The agent is the first process there, which no process of its own can kill.
    let after = manager.stage("after_script", &visit()).exits(0);
    assert_eq!(after.out(), ":2\n");
    let helper = manager.stage("upload_artifacts_on_failure", "echo alive; kill -9 -1");
    assert!(helper.out().contains("alive\n"), "{}", helper.out());
    let again = manager.stage("cleanup_file_variables", "echo alive");
    assert_eq!(again.exits(0).out(), "alive\n");
    manager.clean_up();
}

/// A service that writes the addresses of names to a file that all containers see.
fn seeker() -> Value {
    let script = "cd /builds; until getent hosts cache build seeker > found; do sleep 0.1; done; \
        touch done; exec sleep 1000";
    json!({ "name": DEBIAN, "alias": "seeker", "entrypoint": ["/bin/sh", "-c"], "command": [script] })
}

/// Prints `HOST: ADDRESS` for each of them.
const FIND: &str = "for host in cache build seeker; do echo \"$host: $(getent hosts $host | cut -d ' ' -f 1)\"; done\n";
const FOUND: &str = "cache: 127.0.0.1\nbuild: 127.0.0.1\nseeker: 127.0.0.1\n";

#[test]
fn names_resolve_in_every_container_whoever_its_user_is() {
    for image in [DEBIAN, USER] {
        let manager = manager_with(&json!({}), "", "");
        manager.ask(&json!({ "image": { "name": image }, "services": [cache(REDIS), seeker()] }));
        let prepared = manager.prepare();
        assert!(!prepared.out().contains("WARNING"), "{}", prepared.out());
        let helper = manager.stage("get_sources", FIND).exits(0);
        assert_eq!(helper.out(), FOUND, "{image}");
        let wait = "until [ -e /builds/done ]; do sleep 0.1; done; cut -d ' ' -f 1 /builds/found";
        let run = manager.stage("build_script", &format!("{FIND}{wait}"));
        let said = run.exits(0).out();
        let found = format!("{FOUND}127.0.0.1\n127.0.0.1\n127.0.0.1\n");
        assert!(said.ends_with(&found), "{image}: {said}");
        assert!(!said.contains("WARNING"), "{said}");
        manager.clean_up();
    }
}

#[test]
fn where_the_hosts_file_is_not_shared_the_job_writes_its_own_or_says_so() {
    let apart =
        json!({ "faults": [{ "when": { "container": "ci-coordinator" }, "effect": "own_hosts" }] });
    let warning = "WARNING: the names fargate-test__redis, fargate-test-redis, cache, build do not resolve in the job's \
        container: ";
    for (image, missing) in [(DEBIAN, false), (USER, true)] {
        let manager = manager_with(&apart, "", "");
        manager.ask(&json!({ "image": { "name": image }, "services": [cache(REDIS)] }));
        let prepared = manager.prepare().out();
        let commands = format!(
            "{}getent hosts cache || echo nowhere",
            visit().replace("cache", "localhost")
        );
        let run = manager.stage("build_script", &commands).exits(0);
        let said = prepared + &run.out();
        assert_eq!(said.contains(warning), missing, "{image}: {said}");
        assert!(said.contains(":1\n"), "{said}");
        assert_eq!(said.ends_with("nowhere\n"), missing, "{said}");
        manager.clean_up();
    }
}

#[test]
fn git_trusts_the_checkout_in_an_image_of_another_user() {
    let server = GitServer::start();
    let manager = manager_with(&json!({}), "", "");
    manager.ask(&json!({ "image": { "name": GIT_USER } }));
    manager.prepare();
    let sources = checkout(&server.url(), "");
    manager.stage("get_sources", &sources).exits(0);
    let commands =
        format!("cd {PROJECT}\nstat -c %u .\nid -u\ngit status --short\ngit log --format=%s");
    let run = manager.stage("build_script", &commands).exits(0);
    assert!(
        run.out().ends_with("0\n1234\nSay something\n"),
        "{}",
        run.out()
    );
    assert_eq!(run.err(), "");
    manager.clean_up();
}
