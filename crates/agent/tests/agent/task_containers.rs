//! The agent in the containers of a task: its installation, and its work for the other containers.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use testing::eventually;

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

    // Other containers get none of it, and a real gitlab-runner takes precedence.
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

/// A container of a task, in a root folder.
const CONTAINER: &str = r#"
    mount -t tmpfs none "$ROOT/builds"
    mount -t proc none "$ROOT/proc"
    export PATH=/usr/local/bin:/usr/sbin:/usr/bin:/bin
    exec chroot "$ROOT" /fargate-agent serve --helper "$@"
"#;

#[test]
fn in_its_container_the_helper_is_found_by_jobs_that_set_their_own_path() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    put_agent(root);
    put(root, Path::new("/bin/sh"), Path::new("/bin/sh"));
    for folder in ["builds", "proc", "tmp", "usr/bin"] {
        fs::create_dir_all(root.join(folder)).unwrap();
    }
    let program = root.join("usr/bin/gitlab-runner-helper");
    fs::write(&program, "#!/bin/sh\necho helper $*\n").unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = Command::new("unshare");
    command
        .args(["--user", "--map-root-user", "--mount", "--pid", "--fork"])
        .args(["--kill-child", "sh", "-c", CONTAINER, "sh"])
        .env("ROOT", root);
    let agent = Agent::start_as(command, |_| ());
    // The runner's scripts export all of the job's variables in this way.
    let output = agent.run("export PATH=/opt/ruby/bin:/usr/bin; gitlab-runner cache-extractor 1");
    assert_eq!(
        text(&output.stdout),
        "helper cache-extractor 1\n",
        "{output:?}"
    );
}

/// A task whose containers are root folders, with all processes in one namespace.
///
/// The agent runs in `helper`; `late` starts once the file `go` exists.
const TASK: &str = r#"
    set -e
    for container in helper link service late; do
        mount -t tmpfs none "$ROOT/$container/builds"
        mount -t proc none "$ROOT/$container/proc"
    done
    for container in link service; do
        unshare --mount chroot "$ROOT/$container" /sleep 1000 &
    done
    (until [ -e "$ROOT/go" ]; do sleep 0.01; done; exec unshare --mount chroot "$ROOT/late" /sleep 1000) &
    exec chroot "$ROOT/helper" /fargate-agent serve --helper "$@"
"#;

/// Whether a process runs with this folder as its root.
fn is_used(root: &Path) -> bool {
    let processes = fs::read_dir("/proc").unwrap();
    let mut roots =
        processes.filter_map(|process| fs::read_link(process.ok()?.path().join("root")).ok());
    roots.any(|used| used == root)
}

#[test]
fn names_of_services_lead_to_the_task_in_all_its_containers() {
    let machine = fs::read("/etc/hosts").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let own = "127.0.0.1 localhost";
    for container in ["helper", "link", "service", "late"] {
        let container = root.join(container);
        put_agent(&container);
        put(&container, Path::new("/bin/sleep"), Path::new("/sleep"));
        for folder in ["builds", "proc", "etc"] {
            fs::create_dir_all(container.join(folder)).unwrap();
        }
        fs::write(container.join("etc/hosts"), own).unwrap();
    }
    // Seen from the helper, this link leads to a file of the helper itself.
    fs::remove_file(root.join("link/etc/hosts")).unwrap();
    std::os::unix::fs::symlink("/etc/secret", root.join("link/etc/hosts")).unwrap();
    for container in ["helper", "link"] {
        fs::write(root.join(container).join("etc/secret"), "").unwrap();
    }

    let mut command = Command::new("unshare");
    command
        .args([
            "--user",
            "--map-root-user",
            "--mount",
            "--pid",
            "--fork",
            "--kill-child",
        ])
        .args(["sh", "-c", TASK, "sh"])
        .env("ROOT", root)
        .env("FARGATE_HOST_NAMES", "redis acme-db acme__db");
    let _agent = Agent::start_as(command, |_| ());
    let added = format!("{own}\n127.0.0.1 redis\n127.0.0.1 acme-db\n127.0.0.1 acme__db\n");
    let hosts =
        |container: &str| fs::read_to_string(root.join(container).join("etc/hosts")).unwrap();
    eventually("all run", || {
        (is_used(&root.join("link")) && is_used(&root.join("service"))).then_some(())
    });
    for container in ["helper", "service"] {
        eventually("the names are there", || {
            (hosts(container) == added).then_some(())
        });
    }
    assert_eq!(hosts("late"), own);
    fs::write(root.join("go"), "").unwrap();
    eventually("the late one has them", || {
        (hosts("late") == added).then_some(())
    });
    for container in ["helper", "service"] {
        assert_eq!(hosts(container), added, "written twice");
    }
    for container in ["helper", "link"] {
        assert_eq!(
            fs::read(root.join(container).join("etc/secret")).unwrap(),
            b""
        );
    }
    assert!(
        fs::read("/etc/hosts").unwrap() == machine,
        "it changed the machine's own file"
    );
}
