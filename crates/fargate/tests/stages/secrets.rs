//! What must not be seen is not, wherever a person or AWS can look.

use serde_json::{Value, json};
use testing::{ManagerHost, Outcome, SshServer};

use crate::fargate;

#[test]
fn no_secret_is_shown_anywhere() {
    for server in [SshServer::Agent, SshServer::OpenSsh] {
        let mut manager = ManagerHost::new(fargate(), server);
        let variable = (
            "CUSTOM_ENV_DEPLOY_KEY".to_owned(),
            "secret-variable".to_owned(),
        );
        manager.variables.push(variable);
        manager.ask(&json!({ "variables": [{ "key": "DEPLOY_KEY", "value": "secret-variable", "masked": true }] }));
        let log = manager.path("debug.log");
        let flags = ["--debug", "--log-file", log.to_str().unwrap(), "custom"];
        let call = |arguments: &[&str]| manager.start(&[&flags, arguments].concat());

        let all = |outcome: Outcome| outcome.out() + &outcome.err();
        let mut shown = all(call(&["prepare"]).finish().exits(0));
        let record = std::fs::read(manager.records().pop().unwrap()).unwrap();
        let record: Value = serde_json::from_slice(&record).unwrap();

        let script = manager.path("script");
        std::fs::write(
            &script,
            "DEPLOY_KEY=secret-script; echo begun; sleep 0.3; exit 3",
        )
        .unwrap();
        let mut run = call(&["run", script.to_str().unwrap(), "build_script"]);
        run.read_until("begun\n");
        // Every process of a machine may read these, those of the job among them.
        shown.push_str(&arguments_of_descendants());
        shown.push_str(&all(run.finish().exits(11)));
        shown.push_str(&Value::from(manager.aws.running()).to_string());
        shown.push_str(&all(call(&["cleanup"]).finish().exits(0)));
        shown.push_str(&Value::from(manager.aws.stopped()).to_string());
        let definition = json!({ "taskDefinition": "test-task" });
        shown.push_str(
            &manager
                .aws
                .call("DescribeTaskDefinition", &definition)
                .to_string(),
        );
        let logged = std::fs::read_to_string(&log).unwrap();
        assert!(logged.contains("running build_script"), "{logged}");
        shown.push_str(&logged);

        let key = record["login"]["private_key"].as_str().unwrap();
        let secrets = [
            "secret-aws-key",
            "secret-job-token",
            "secret-variable",
            "secret-script",
            "PRIVATE KEY",
        ];
        for secret in secrets
            .into_iter()
            .chain(key.lines().filter(|line| !line.is_empty()))
        {
            assert!(!shown.contains(secret), "{secret} is shown");
        }
        // They were looked for where they could have been.
        assert!(
            shown.contains("SSH_PUBLIC_KEY") && shown.contains("fargate/"),
            "{shown}"
        );
        manager.left_nothing();
    }
}

/// The command lines of all processes that come of this one: driver, servers and scripts.
fn arguments_of_descendants() -> String {
    let read =
        |id: u32, file: &str| std::fs::read(format!("/proc/{id}/{file}")).unwrap_or_default();
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let parents: Vec<(u32, u32)> = processes
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter_map(|id| {
            let stat = String::from_utf8_lossy(&read(id, "stat")).into_owned();
            let parent = stat
                .rsplit(')')
                .next()?
                .split_whitespace()
                .nth(1)?
                .parse()
                .ok()?;
            Some((id, parent))
        })
        .collect();
    let mut found = vec![std::process::id()];
    let mut at = 0;
    while let Some(parent) = found.get(at).copied() {
        found.extend(
            parents
                .iter()
                .filter(|(_, other)| *other == parent)
                .map(|(id, _)| *id),
        );
        at += 1;
    }
    let arguments: Vec<_> = found.iter().flat_map(|id| read(*id, "cmdline")).collect();
    String::from_utf8_lossy(&arguments).into_owned()
}
