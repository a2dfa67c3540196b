//! From options to files, which are never overwritten.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use serde_json::{Value, json};

use crate::TOKEN;
use crate::set_up::SetUp;

#[test]
fn missing_options_are_named_together() {
    let set_up = SetUp::new(&json!({}));
    set_up.init(&[]).exits(2).complains(&[
        "these options are missing: --region, --cluster, --subnet, --security-group, --task-definition or --job-image, --url",
        "run fargate init in a terminal",
    ]);
    set_up
        .init(&["--region", "eu-west-1", "--job-image"])
        .exits(2)
        .complains(&[
            "--cluster, --subnet, --security-group, --agent-image, --execution-role, --url",
        ]);
    assert!(!set_up.path("fargate.toml").exists());
}

#[test]
fn the_token_may_come_later_and_doctor_is_green() {
    let set_up = SetUp::new(&json!({}));
    set_up.init(&SetUp::options()).exits(0).logs(&[
        "Made      ",
        "fargate.toml\n",
        "iam/manager.json\n",
        "--role-name ci-manager --policy-name fargate --policy-document file://",
        "https://gitlab.example.com/api/v4/user/runners",
        "--token-file runner-token",
        "What doctor says",
        "config.toml is not there yet",
    ]);
    assert_eq!(set_up.mode("fargate.toml"), 0o644);
    assert!(!set_up.path("config.toml").exists());
    let manager: Value = serde_json::from_str(&set_up.read("iam/manager.json")).unwrap();
    let statements = manager["Statement"].as_array().unwrap();
    let passed = statements
        .iter()
        .find(|one| one["Action"] == "iam:PassRole")
        .unwrap();
    assert_eq!(
        passed["Resource"],
        "arn:aws:iam::000000000000:role/ci-execution"
    );
    // The second call keeps what the first made.
    let before = set_up.read("fargate.toml");
    let token = set_up.path("token");
    let more = [
        "--url",
        "https://gitlab.example.com",
        "--token-file",
        token.to_str().unwrap(),
    ];
    set_up.init(&more).exits(0).logs(&[
        "Kept ",
        "fargate.toml",
        "Made ",
        "config.toml",
        "runners that call fargate",
    ]);
    assert_eq!(set_up.read("fargate.toml"), before);
    assert_eq!(set_up.mode("config.toml"), 0o600);
    let config = set_up.read("config.toml");
    assert!(config.contains(&format!("token = \"{TOKEN}\"")), "{config}");
    // A third has nothing to do, and needs no address.
    let third = set_up.init(&[]).exits(0).out();
    assert!(
        third.contains("Kept ") && !third.contains("Made "),
        "{third}"
    );
    assert_eq!(set_up.read("config.toml"), config);
}

#[test]
fn nothing_is_overwritten_without_force() {
    let set_up = SetUp::new(&json!({}));
    fs::write(set_up.path("fargate.toml"), "# mine").unwrap();
    set_up.init(&SetUp::options()).exits(2).complains(&[
        "fargate.toml exists with another content; nothing was written",
        "--force",
    ]);
    assert_eq!(set_up.read("fargate.toml"), "# mine");
    assert!(!set_up.path("iam").exists());
    let mut options = SetUp::options().to_vec();
    options.push("--force");
    set_up
        .init(&options)
        .exits(0)
        .logs(&["Replaced ", "fargate.toml"]);
}

#[test]
fn a_login_without_its_registry_is_refused() {
    let set_up = SetUp::new(&json!({}));
    let secret = "arn:aws:secretsmanager:eu-west-1:000000000000:secret:login-AbCdEf";
    let own = [
        "--region",
        "eu-west-1",
        "--cluster",
        "test-cluster",
        "--subnet",
        "subnet-1",
        "--security-group",
        "sg-1",
        "--job-image",
        "--agent-image",
        "agent:1",
        "--execution-role",
        "arn:aws:iam::000000000000:role/ci-execution",
    ];
    let url = ["--url", "https://gitlab.example.com"];
    let with = |more: &[&str]| set_up.init(&[&own[..], &url, more].concat()).exits(2);
    with(&["--registry-secret", secret]).complains(&["these options are missing: --registry"]);
    with(&["--registry", "registry.example.com"])
        .complains(&["--registry has no effect without a login to it"]);
    let mut options = SetUp::options().to_vec();
    options.extend(["--registry-secret", secret, "--log-group", "/ci"]);
    set_up.init(&options).exits(2).complains(&[
        "these options have no effect with a task definition: --log-group, --registry-secret",
    ]);
    assert!(!set_up.path("fargate.toml").exists());
}

#[test]
fn files_that_are_replaced_keep_their_owner_group_and_mode() {
    let set_up = SetUp::new(&json!({}));
    let token = set_up.path("token");
    let (config, other) = (set_up.path("config.toml"), set_up.path("fargate.toml"));
    for (file, mode) in [(&config, 0o640), (&other, 0o660)] {
        fs::write(file, "concurrent = 4\nshutdown_timeout = 120\n").unwrap();
        fs::set_permissions(file, fs::Permissions::from_mode(mode)).unwrap();
        // Tests do not always run as root.
        std::os::unix::fs::chown(file, Some(998), Some(997)).ok();
    }
    let owner = |file| {
        let found = fs::metadata(file).unwrap();
        (found.uid(), found.gid(), found.mode() & 0o7777)
    };
    let before = (owner(&config), owner(&other));
    let mut options = SetUp::options().to_vec();
    options.extend(["--token-file", token.to_str().unwrap(), "--force"]);
    set_up.init(&options).logs(&["Replaced ", "Extended "]);
    assert_eq!((owner(&config), owner(&other)), before);
    assert_eq!((before.0.2, before.1.2), (0o640, 0o660));
    assert!(set_up.read("config.toml").contains(TOKEN));
}

#[test]
fn a_config_toml_of_other_runners_is_not_touched_and_by_force_extended() {
    let set_up = SetUp::new(&json!({}));
    let others = "concurrent = 4\nshutdown_timeout = 120\n\n[[runners]]\n  name = \"other\"\n  executor = \"shell\"\n";
    fs::write(set_up.path("config.toml"), others).unwrap();
    let token = set_up.path("token");
    let mut options = SetUp::options().to_vec();
    options.extend(["--token-file", token.to_str().unwrap()]);
    // Nothing calls the driver yet, as doctor says.
    set_up.init(&options).exits(1).logs(&[
        "fargate-runner.toml",
        "$ cat ",
        "fargate-runner.toml >> ",
        "config.toml",
    ]);
    assert_eq!(set_up.read("config.toml"), others);
    assert_eq!(set_up.mode("fargate-runner.toml"), 0o600);
    options.push("--force");
    set_up
        .init(&options)
        .exits(0)
        .logs(&["Extended ", "config.toml"]);
    let extended = set_up.read("config.toml");
    assert!(
        extended.starts_with(others.trim_end()) && extended.contains(TOKEN),
        "{extended}"
    );
}

#[test]
fn wrong_answers_and_tokens_are_refused_before_anything_is_written() {
    let set_up = SetUp::new(&json!({}));
    let mut options = SetUp::options().to_vec();
    options[3] = "no such name";
    set_up
        .init(&options)
        .exits(2)
        .complains(&["these answers do not make a configuration", "Cluster"]);
    fs::write(set_up.path("token"), "GR1348941secret").unwrap();
    let token = set_up.path("token");
    let mut options = SetUp::options().to_vec();
    options.extend(["--token-file", token.to_str().unwrap()]);
    set_up
        .init(&options)
        .exits(2)
        .complains(&["a registration token, which GitLab has replaced"]);
    assert!(!set_up.path("fargate.toml").exists());
}

#[test]
fn without_an_account_there_are_no_policies_and_the_rest_is_made() {
    let set_up = SetUp::new(&json!({}));
    let output = set_up
        .command(&SetUp::options())
        .env("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        text.contains("No IAM policies, for AWS did not say which account this is"),
        "{text}"
    );
    assert!(set_up.path("fargate.toml").exists() && !set_up.path("iam").exists());
}
