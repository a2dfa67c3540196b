//! Jobs in images that have little in common but a shell: their files, their services, what they leave.

use serde_json::{Value, json};

use crate::git_server::GitServer;
use crate::images::{BUSYBOX, DEBIAN, POSTGRES, REDIS, SHELL_ENTRY, USER};
use crate::job::{ContainerHost, PROJECT, checkout, manager_with};

/// `ask HOST PORT`: sends its input, and prints what comes back.
pub(crate) const BY_BASH: &str =
    "ask() { exec 3<> /dev/tcp/$1/$2; cat >&3; cat <&3; exec 3<&- 3>&-; }\n";
const BY_BUSYBOX: &str = "ask() { nc $1 $2; }\n";

fn services() -> Value {
    json!([
        { "name": REDIS, "alias": "cache", "variables": [{ "key": "HEALTHCHECK_TCP_PORT", "value": "6379" }] },
        { "name": POSTGRES, "alias": "db,main", "variables": [
            { "key": "POSTGRES_DB", "value": "shop" },
            { "key": "POSTGRES_HOST_AUTH_METHOD", "value": "trust" },
            { "key": "HEALTHCHECK_TCP_PORT", "value": "5432" },
        ] },
    ])
}

/// What a job does of which each part needs another part of the mode.
fn build(ask: &str) -> String {
    // PostgreSQL's protocol, version 3: the start-up message, a query, the goodbye.
    let query = "\\0\\0\\0\\045\\0\\003\\0\\0user\\0postgres\\0database\\0shop\\0\\0Q\\0\\0\\0\\036SELECT current_database()\\0X\\0\\0\\0\\004";
    format!(
        "{ask}cd {PROJECT}\n./bin/greet\n\
         for host in cache fargate-test__redis fargate-test-redis; do\n\
         printf 'INCR visits\\r\\nQUIT\\r\\n' | ask $host 6379 | tr -d '\\r' | head -n 1; done\n\
         for host in db main fargate-test__postgres; do\n\
         printf '{query}' | ask $host 5432 | tr -cd '[:alnum:]_' | grep -o 'current_database.*' | grep -o shop; done\n\
         mkdir out\necho \"built by $(id -u)\" > out/result\necho changed > greeting\necho \"$QUOTES\""
    )
}

/// Runs a job as the runner would, from `config` to `cleanup`.
fn job(image: Value, ask: &str, user: u32) -> ContainerHost {
    let server = GitServer::start();
    let manager = manager_with(&json!({}), "", "");
    manager.ask(&json!({ "image": image, "services": services() }));
    let config: Value = serde_json::from_slice(&manager.custom("config").exits(0).stdout).unwrap();
    assert_eq!(config["builds_dir"], "/builds");
    manager.prepare();
    let run = |stage: &str, commands: &str| {
        let outcome = manager.stage(stage, commands).exits(0);
        assert_eq!(outcome.err(), "", "{stage}");
        outcome.out()
    };
    run("prepare_script", "echo \"Running on $(hostname)...\"");
    let said = run("get_sources", &checkout(&server.url(), ""));
    assert!(said.contains("Checked out "), "{said}");
    let said = run(
        "download_artifacts",
        "gitlab-runner --version > /dev/null\ngitlab-runner artifacts-downloader --id 1",
    );
    assert!(
        said.starts_with("gitlab-runner artifacts-downloader --id 1 in "),
        "{said}"
    );
    assert!(said.ends_with(", umask 0000\n"), "{said}");

    let said = run("build_script", &build(ask));
    let wanted = "from the repository\n:1\n:2\n:3\nshop\nshop\nshop\n\"a\" \\\n";
    assert!(said.ends_with(wanted), "{said}");
    let said = run(
        "after_script",
        &format!("cd {PROJECT}\ncat out/result greeting"),
    );
    assert_eq!(said, format!("built by {user}\nchanged\n"));
    let said = run(
        "upload_artifacts_on_success",
        &format!("cd {PROJECT}\ncat out/result\ngit status --short"),
    );
    assert_eq!(said, format!("built by {user}\n M greeting\n?? out/\n"));
    manager.clean_up();
    manager
}

#[test]
fn a_plain_debian_is_a_job_image() {
    let manager = job(json!({ "name": DEBIAN }), BY_BASH, 0);
    // Once more: AWS is told nothing new. The first registration is the test's own.
    let again = manager.prepare();
    assert!(!again.out().contains("Registered"), "{}", again.out());
    manager.clean_up();
    assert_eq!(manager.aws.calls("RegisterTaskDefinition") - 1, 1);
}

#[test]
fn busybox_alone_is_a_job_image() {
    job(json!({ "name": BUSYBOX }), BY_BUSYBOX, 0);
}

#[test]
fn an_image_of_another_user_is_a_job_image() {
    job(json!({ "name": USER }), BY_BASH, 1234);
}

/// The Docker executor makes do with it, too.
#[test]
fn an_image_whose_entry_point_is_a_shell_is_a_job_image() {
    let manager = manager_with(&json!({}), "", "");
    manager.ask(&json!({ "image": { "name": SHELL_ENTRY } }));
    manager.prepare();
    let run = manager.stage("build_script", "echo here; exit 6").exits(11);
    assert!(run.out().ends_with("here\n"), "{}", run.out());
    assert_eq!(manager.exit_code_file().unwrap(), "6\n");
    manager.clean_up();
}
