//! Other users of the machine while a trial runs: they can connect to its stand-in, and read the arguments of its
//! processes.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Command, Stdio};

use nix::sys::signal::{Signal, kill};
use serde_json::json;
use testing::{LocalAws, Project, process};

use crate::fargate;

/// The value of a variable in an environment of the kernel's form.
fn variable(environment: &[u8], name: &str) -> Option<String> {
    let environment = String::from_utf8_lossy(environment);
    let mut variables = environment.split('\0');
    variables.find_map(|variable| {
        let value = variable.strip_prefix(name)?.strip_prefix('=')?;
        Some(value.to_owned())
    })
}

/// The address of the trial's stand-in, which other users find among the listening sockets.
fn stand_in(project: &Project) -> LocalAws {
    let folder = project.path("tmp").read_dir().unwrap().next().unwrap();
    let config = folder.unwrap().path().join("fargate.toml");
    let config = std::fs::read_to_string(config).unwrap();
    let (_, rest) = config.split_once("http://").unwrap();
    let (address, _) = rest.split_once('"').unwrap();
    LocalAws::at(address.parse().unwrap())
}

/// RunTask with a command, for the definition that `fargate try` makes.
fn run_task(local: &LocalAws) -> (u16, String) {
    let command = json!([{ "name": "ci-coordinator", "command": ["sh", "-c", "id"] }]);
    let request = json!({ "cluster": "try", "taskDefinition": "try", "launchType": "FARGATE",
        "overrides": { "containerOverrides": command },
        "networkConfiguration": { "awsvpcConfiguration": { "subnets": [ecs_local::SUBNET_A] } } });
    let reply = local.ecs("RunTask", &request).unwrap();
    (reply.status, reply.json()["__type"].to_string())
}

#[test]
fn a_stranger_runs_nothing_in_a_trial() {
    let project = Project::new(fargate(), "job: {script: [echo started, sleep 1000]}");
    let mut running = project.start(&[]);
    running.read_until("\nstarted\n");
    let local = stand_in(&project);
    let refused = "\"UnrecognizedClientException\"".to_owned();
    assert_eq!(run_task(&local), (403, refused));
    for path in ["/_local/tasks", "/_local/stats", "/_local/faults"] {
        assert_eq!(local.get(path).status, 403, "{path}");
    }
    assert_eq!(local.put_faults("{}").status, 403);
    assert_eq!(local.try_strike("arn/task", &json!({})).status, 403);

    // The secret is in no arguments, which everybody can read, but in environments, which only this user can.
    let processes = project.processes();
    let environments = processes.iter().map(|pid| {
        let environment = std::fs::read(format!("/proc/{pid}/environ"));
        environment.unwrap_or_default()
    });
    let mut secrets = environments
        .filter_map(|environment| variable(&environment, "AWS_SECRET_ACCESS_KEY"))
        // The user's own, which the command itself has.
        .filter(|secret| secret != "secret-aws-key");
    let secret = secrets.next().expect("a stage has the key of its trial");
    for pid in &processes {
        let arguments = process::command_line(*pid);
        assert!(!arguments.contains(&secret), "{arguments}");
    }
    running.interrupt();
    running.finish().exits(130);
    project.left_nothing();
}

#[test]
fn local_serve_answers_only_its_access_key() {
    let mut server = Command::new(fargate())
        .args(["local", "serve", "--access-key", "--listen", "127.0.0.1:0"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(server.stdout.take().unwrap()).lines();
    let mut line = || said.next().unwrap().unwrap();
    let (first, second) = (line(), line());
    let (_, rest) = first.split_once("http://").unwrap();
    let address: SocketAddr = rest.split(' ').next().unwrap().parse().unwrap();
    assert!(first.ends_with("with this access key only)."), "{first}");
    let words = second.strip_prefix("export ").unwrap().split(' ');
    let key: Vec<_> = words.map(|word| word.split_once('=').unwrap()).collect();
    let names = [key[0].0, key[1].0];
    assert_eq!(names, ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]);

    let local = LocalAws::at(address);
    assert_eq!(run_task(&local).0, 403);
    assert_eq!(local.get("/_local/tasks").status, 403);

    // The driver signs as AWS's SDK does.
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("fargate.toml");
    let text = format!(
        "[TaskMetadata]\nDirectory = {:?}\n[Fargate]\nCluster = \"c\"\nRegion = \"eu-west-1\"\nSubnet = \"{}\"\n\
         SecurityGroup = \"{}\"\nTaskDefinition = \"t\"\nEndpoint = \"http://{address}\"\n[SSH]\nUsername = \"root\"\n",
        folder.path().join("metadata"),
        ecs_local::SUBNET_A,
        ecs_local::SECURITY_GROUP,
    );
    std::fs::write(&config, text).unwrap();
    let reap = |secret: &str| {
        let mut reap = Command::new(fargate());
        reap.arg("--config").arg(&config).arg("reap");
        reap.env(names[0], key[0].1).env(names[1], secret);
        let output = reap.output().unwrap();
        String::from_utf8(output.stderr).unwrap()
    };
    let known = reap(key[1].1);
    assert!(known.contains("ClusterNotFoundException"), "{known}");
    let unknown = reap("another");
    assert!(unknown.contains("InvalidSignatureException"), "{unknown}");
    kill(process::pid(&server), Signal::SIGTERM).unwrap();
    assert!(server.wait().unwrap().success());
}
