//! The agent in the containers of a task: its installation, and its work for the other containers.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use crate::harness::{Agent, text};
use crate::root_folders::{put, put_agent};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[test]
fn it_installs_itself_and_one_host_key_for_all() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    put_agent(root);
    fs::create_dir(root.join("proc")).unwrap();
    let script =
        r#"mount -t proc none "$ROOT/proc"; exec chroot "$ROOT" /fargate-agent install /.fargate"#;
    let status = Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount", "--pid", "--fork"])
        .args(["sh", "-c", script])
        .env("ROOT", root)
        .status();
    assert!(status.unwrap().success());
    let installed = root.join(".fargate/fargate-agent");
    assert_eq!(mode(&installed), 0o755);
    assert!(fs::read(&installed).unwrap() == fs::read(root.join("fargate-agent")).unwrap());
    assert_eq!(mode(&root.join("builds")), 0o777);
    assert_eq!(mode(&root.join("cache")), 0o777);
    let key = root.join(".fargate/host_key");
    assert_eq!(mode(&key), 0o644);
    assert_eq!(fs::read_dir(root.join(".fargate")).unwrap().count(), 2);

    let known = russh::keys::PrivateKey::read_openssh_file(&key).unwrap();
    let known = known.public_key().to_openssh().unwrap();
    for _ in 0..2 {
        let agent = Agent::start_with(&["--host-key", key.to_str().unwrap()], |_| ());
        let hosts = agent.path("known_hosts");
        let line = format!("[127.0.0.1]:{} {known}\n", agent.address.port());
        fs::write(&hosts, line).unwrap();
        let file = format!("UserKnownHostsFile={}", hosts.display());
        // ssh uses the first value of an option.
        let mut ssh = Command::new("ssh");
        ssh.args(["-o", "StrictHostKeyChecking=yes", "-o", &file]);
        let rest = agent.ssh(&[]);
        let output = ssh
            .args(rest.get_args())
            .arg("echo known")
            .output()
            .unwrap();
        assert_eq!(text(&output.stdout), "known\n", "{}", text(&output.stderr));
    }
}

#[test]
fn a_host_key_that_cannot_be_read_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key");
    fs::write(&key, "no key").unwrap();
    let output = Command::new(crate::harness::binary())
        .args(["serve", "--listen=127.0.0.1:0", "--host-key"])
        .arg(&key)
        .env(
            "SSH_PUBLIC_KEY",
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ",
        )
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let message = text(&output.stderr);
    assert!(
        message.contains(&format!("cannot use {} as the host key", key.display())),
        "{message}"
    );
}

#[test]
fn the_helper_has_what_gitlabs_scripts_need() {
    let programs = tempfile::tempdir().unwrap();
    let program = programs.path().join("gitlab-runner-helper");
    fs::write(&program, "#!/bin/sh\necho helper $*\n").unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:/usr/bin:/bin", programs.path().display());
    let script = "gitlab-runner cache-extractor 1; umask; git config --get-all safe.directory; git config a.b";
    let equip = |command: &mut Command| {
        command
            .env("PATH", &path)
            .env("GIT_CONFIG_COUNT", "1")
            .env("GIT_CONFIG_KEY_0", "a.b")
            .env("GIT_CONFIG_VALUE_0", "kept");
    };
    let helper = Agent::start_with(&["--helper"], equip);
    let output = helper.run(script);
    assert_eq!(
        text(&output.stdout),
        "helper cache-extractor 1\n0000\n*\nkept\n"
    );

    // Nobody else can put another program there.
    let folder = helper.run("dirname $(command -v gitlab-runner)").stdout;
    assert_eq!(mode(Path::new(text(&folder).trim())), 0o700);

    // Outside of a task no other agent has it, and a real gitlab-runner takes precedence.
    let job = Agent::start_with(&[], equip);
    let output = job.run(script);
    assert_eq!(
        output.stdout.first(),
        Some(&b'0'),
        "{}",
        text(&output.stdout)
    );
    assert!(!text(&output.stdout).contains("*\n"));
    assert!(!text(&output.stdout).contains("0000\n"));
    let own = programs.path().join("gitlab-runner");
    fs::write(&own, "#!/bin/sh\necho its own\n").unwrap();
    fs::set_permissions(&own, fs::Permissions::from_mode(0o755)).unwrap();
    let helper = Agent::start_with(&["--helper"], equip);
    assert_eq!(text(&helper.run("gitlab-runner").stdout), "its own\n");
}

/// A container of a task, in a root folder; the agent's arguments follow.
const CONTAINER: &str = r#"
    mount -t tmpfs none "$ROOT/builds"
    mount -t proc none "$ROOT/proc"
    export PATH=/usr/local/bin:/usr/sbin:/usr/bin:/bin
    exec chroot "$ROOT" /fargate-agent serve "$@"
"#;

/// An agent in such a container, with a shell.
fn in_container(root: &Path, arguments: &[&str]) -> Agent {
    put_agent(root);
    put(root, Path::new("/bin/sh"), Path::new("/bin/sh"));
    for folder in ["builds", "proc", "tmp", "usr/bin"] {
        fs::create_dir_all(root.join(folder)).unwrap();
    }
    let mut command = Command::new("unshare");
    command
        .args(["--user", "--map-root-user", "--mount", "--pid", "--fork"])
        .args(["--kill-child", "sh", "-c", CONTAINER, "sh"])
        .args(arguments)
        .env("ROOT", root);
    Agent::start_as(command, |_| ())
}

#[test]
fn in_its_container_the_helper_is_found_by_jobs_that_set_their_own_path() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let program = root.join("usr/bin/gitlab-runner-helper");
    fs::create_dir_all(root.join("usr/bin")).unwrap();
    fs::write(&program, "#!/bin/sh\necho helper $*\n").unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let agent = in_container(root, &["--helper"]);
    // The runner's scripts export all of the job's variables in this way.
    let output = agent.run("export PATH=/opt/ruby/bin:/usr/bin; gitlab-runner cache-extractor 1");
    assert_eq!(
        text(&output.stdout),
        "helper cache-extractor 1\n",
        "{output:?}"
    );
}

#[test]
fn in_a_task_git_trusts_the_checkout_in_the_jobs_container_too() {
    let folder = tempfile::tempdir().unwrap();
    let agent = in_container(folder.path(), &[]);
    let output = agent.run("echo $GIT_CONFIG_COUNT $GIT_CONFIG_KEY_0 \"$GIT_CONFIG_VALUE_0\"");
    assert_eq!(text(&output.stdout), "1 safe.directory *\n", "{output:?}");
}

/// A container of a task, in a root folder; the agent's arguments follow. `HOSTS` is the file that it has as
/// `/etc/hosts`, and `MODE` says whether it may write it.
const WITH_HOSTS: &str = r#"
    set -e
    mount -t tmpfs none "$ROOT/builds"
    mount -t proc none "$ROOT/proc"
    mount --bind "$HOSTS" "$ROOT/etc/hosts"
    mount -o "remount,bind,$MODE" "$ROOT/etc/hosts"
    exec chroot "$ROOT" /fargate-agent serve "$@"
"#;

/// An agent in such a container.
fn with_hosts(root: &Path, hosts: &Path, mode: &str, arguments: &[&str]) -> Agent {
    let mut command = Command::new("unshare");
    command
        .args(["--user", "--map-root-user", "--mount", "--pid", "--fork"])
        .args(["--kill-child", "sh", "-c", WITH_HOSTS, "sh"])
        .args(arguments)
        .env("ROOT", root)
        .env("HOSTS", hosts)
        .env("MODE", mode)
        .env("FARGATE_HOST_NAMES", "redis acme-db acme__db");
    Agent::start_as(command, |_| ())
}

/// The agent's answer to the question for names that do not resolve.
fn unresolved(agent: &Agent) -> String {
    let mut ssh = agent.ssh(&["-s"]);
    let output = ssh.arg("host-names@fargate-agent").output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout).to_owned()
}

#[test]
fn names_of_services_lead_to_the_task() {
    let machine = fs::read("/etc/hosts").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("root");
    put_agent(&root);
    for folder in ["builds", "proc", "etc"] {
        fs::create_dir_all(root.join(folder)).unwrap();
    }
    fs::write(root.join("etc/hosts"), "").unwrap();
    let own = "127.0.0.1 localhost";
    let added = format!("{own}\n127.0.0.1 redis\n127.0.0.1 acme-db\n127.0.0.1 acme__db\n");
    let shared = folder.path().join("hosts");
    fs::write(&shared, own).unwrap();
    let hosts = || fs::read_to_string(&shared).unwrap();

    // Once the helper listens, its file has the names, and so have all containers that share it.
    let _helper = with_hosts(&root, &shared, "rw", &["--helper"]);
    assert_eq!(hosts(), added);
    let job = with_hosts(&root, &shared, "ro", &[]);
    assert_eq!(unresolved(&job), "");
    assert_eq!(hosts(), added);

    // An agent with a file of its own looks into it when it is asked.
    fs::write(&shared, own).unwrap();
    let job = with_hosts(&root, &shared, "ro", &[]);
    assert_eq!(unresolved(&job), "redis\nacme-db\nacme__db");
    let job = with_hosts(&root, &shared, "rw", &[]);
    assert_eq!(hosts(), own);
    assert_eq!(unresolved(&job), "");
    assert_eq!((unresolved(&job), hosts()), (String::new(), added));

    // Outside of a task the file is the machine's own.
    let here = Agent::start_with(&["--helper"], |command| {
        command.env("FARGATE_HOST_NAMES", "redis");
    });
    assert_eq!(unresolved(&here), "");
    assert!(
        fs::read("/etc/hosts").unwrap() == machine,
        "it changed the machine's own file"
    );
}

#[test]
fn ports_are_told_without_a_program() {
    let agent = Agent::start();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let ask = |subsystem: &str| {
        let output = agent.ssh(&["-s"]).arg(subsystem).output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stdout).to_owned()
    };
    let listening = || ask("listening-ports@fargate-agent");
    assert!(listening().lines().any(|line| line == port));
    drop(listener);
    assert!(!listening().lines().any(|line| line == port));
    assert_eq!(ask("claimable@fargate-agent"), "claimable");
}
