//! Questions and answers in a real terminal, which `script` (of every Linux) makes.

use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::set_up::SetUp;
use crate::{TOKEN, fargate};

/// A dialogue. What was shown so far is kept.
struct Dialogue {
    child: Child,
    shown: String,
}

impl Dialogue {
    fn start(set_up: &SetUp) -> Self {
        Self::with(set_up, "")
    }

    /// One with more options.
    fn with(set_up: &SetUp, options: &str) -> Self {
        let line = format!(
            "{} --config {} init --runner-config {} --metadata-dir {} {options}",
            fargate(),
            set_up.path("fargate.toml").display(),
            set_up.path("config.toml").display(),
            set_up.path("metadata").display()
        );
        // Questions that nobody answers end after a minute.
        let mut command = Command::new("timeout");
        command.args([
            "--foreground",
            "60",
            "script",
            "--quiet",
            "--return",
            "--command",
            &line,
            "/dev/null",
        ]);
        set_up.environment(&mut command);
        command
            .env("NO_COLOR", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        Self {
            child: command.spawn().unwrap(),
            shown: String::new(),
        }
    }

    /// Waits for a question and types the answer.
    #[track_caller]
    fn answer(&mut self, question: &str, answer: &str) {
        let stdout = self.child.stdout.as_mut().unwrap();
        let mut bytes = Vec::new();
        loop {
            let mut byte = [0];
            let count = stdout.read(&mut byte).unwrap();
            assert_eq!(
                count,
                1,
                "no {question:?} in:\n{}{}",
                self.shown,
                String::from_utf8_lossy(&bytes)
            );
            bytes.push(byte[0]);
            let text = String::from_utf8_lossy(&bytes);
            // A prompt is not followed by anything.
            if text.contains(question) && (text.ends_with(": ") || text.ends_with("] ")) {
                self.shown.push_str(&text);
                break;
            }
        }
        self.child
            .stdin
            .as_mut()
            .unwrap()
            .write_all(format!("{answer}\n").as_bytes())
            .unwrap();
    }

    /// The exit code, and all that was shown.
    fn finish(mut self) -> (Option<i32>, String) {
        let mut rest = String::new();
        self.child
            .stdout
            .as_mut()
            .unwrap()
            .read_to_string(&mut rest)
            .unwrap();
        let code = self.child.wait().unwrap().code();
        (code, (self.shown + &rest).replace("\r\n", "\n"))
    }
}

/// A manager on EC2, which may connect to the task's ports, and a subnet without a way out.
fn resources() -> Value {
    json!({
        "instance": {
            "dynamic/instance-identity/document":
                "{\"accountId\": \"000000000000\", \"instanceId\": \"i-1\", \"region\": \"eu-west-1\", \"privateIp\": \"10.0.0.10\"}",
            "meta-data/mac": "0a:1b",
            "meta-data/network/interfaces/macs/0a:1b/security-group-ids": "sg-0000000000000aaaa",
            "meta-data/network/interfaces/macs/0a:1b/vpc-id": ecs_local::VPC,
        },
        "subnets": { ecs_local::SUBNET_B: { "availableIpAddressCount": 0, "tagSet": [{ "key": "Name", "value": "full" }] } },
    })
}

#[test]
fn answers_become_files_and_each_offer_comes_with_doctors_opinion() {
    let set_up = SetUp::new(&resources());
    let mut dialogue = Dialogue::start(&set_up);
    // The Region is that of the machine.
    dialogue.answer("own images", "n");
    dialogue.answer("task definition of jobs", "jobs");
    dialogue.answer("The cluster of the tasks [1]", "");
    dialogue.answer("The subnets of the tasks [1]", "");
    dialogue.answer("public addresses", "");
    dialogue.answer("The security groups of the tasks [1]", "7");
    dialogue.answer("The security groups of the tasks [1]", "");
    dialogue.answer(
        "The address of GitLab [https://gitlab.com]",
        "https://gitlab.example.com",
    );
    dialogue.answer("The runner's token", TOKEN);
    let (code, shown) = dialogue.finish();
    assert_eq!(code, Some(0), "{shown}");
    for part in [
        "1. Images of jobs",
        "✓ test-cluster  ACTIVE",
        "eu-west-1a, public, ",
        "full, eu-west-1b, public, 0 addresses free: none is free",
        "There is no 7.",
        "What doctor says",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    assert!(!shown.contains(TOKEN), "{shown}");
    assert!(set_up.read("config.toml").contains(TOKEN));
    assert!(
        set_up
            .read("fargate.toml")
            .contains("EnablePublicIP = true\n  UsePublicIP = false")
    );
}

#[test]
fn the_host_of_a_registry_is_that_of_gitlab_com_or_asked_for() {
    let secret = "arn:aws:secretsmanager:eu-west-1:000000000000:secret:login-AbCdEf";
    let options = format!(
        "--region eu-west-1 --cluster {} --subnet {} --security-group {} --public-ip --job-image --agent-image \
         000000000000.dkr.ecr.eu-west-1.amazonaws.com/fargate-agent:1 --execution-role \
         arn:aws:iam::000000000000:role/ci-execution --registry-secret {secret}",
        testing::CLUSTER,
        ecs_local::SUBNET_A,
        ecs_local::SECURITY_GROUP
    );
    for (url, registry) in [
        ("https://gitlab.com/", None),
        (
            "https://gitlab.example.com",
            Some("https://registry.example.com/"),
        ),
    ] {
        let set_up = SetUp::new(&resources());
        let mut dialogue = Dialogue::with(&set_up, &options);
        dialogue.answer("The address of GitLab", url);
        if let Some(registry) = registry {
            dialogue.answer("The host of the registry whose login is in arn:", registry);
        }
        dialogue.answer("The runner's token", "");
        let (_, shown) = dialogue.finish();
        let host = match registry {
            None => "registry.gitlab.com",
            Some(_) => "registry.example.com",
        };
        let line = format!("\"{host}\" = \"{secret}\"");
        let text = set_up.read("fargate.toml");
        assert!(text.contains(&line), "{text}{shown}");
    }
}

#[test]
fn init_shows_that_it_waits_for_aws() {
    let set_up = SetUp::new(&resources());
    let slow = json!({ "when": { "operation": "GetCallerIdentity" }, "effect": { "slow_reply": { "seconds": 2.2 } } });
    set_up.aws.faults(&json!({ "faults": [slow] }));
    let mut options = SetUp::options().to_vec();
    let token = set_up.path("token");
    options.extend(["--token-file", token.to_str().unwrap()]);
    let mut terminal = testing::Terminal::start(&set_up.command(&options), 100, 60);
    terminal.shows("Asking AWS … 1 s");
    terminal.shows("What doctor says of it");
    terminal.ends();
}

#[test]
fn nothing_is_written_after_ctrl_c() {
    let set_up = SetUp::new(&resources());
    let mut dialogue = Dialogue::start(&set_up);
    dialogue.answer("own images", "n");
    dialogue.answer("task definition of jobs", "\u{3}");
    let (code, shown) = dialogue.finish();
    assert_eq!(code, Some(130), "{shown}");
    assert!(!set_up.path("fargate.toml").exists(), "{shown}");
}
