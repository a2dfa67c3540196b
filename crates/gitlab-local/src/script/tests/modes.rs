//! The modes of files that a script unpacks.

use super::*;

/// A tar file of files with these modes.
fn with_modes(modes: &str) -> Archive {
    let made = Command::new("bash")
        .args([
            "-e",
            "-c",
            "cd \"$0\"; umask 0; for mode in $1; do echo x > f$mode; chmod $mode f$mode; done
             mkdir d; echo x > d/g; chmod 700 d; tar -c -f - f* d/g d",
        ])
        .arg(tempfile::tempdir().unwrap().path())
        .arg(modes)
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
    archive(&made.stdout)
}

/// The modes of the files of a task.
fn modes(task: &Task, names: &[&str]) -> Vec<String> {
    let mode = |name: &&str| {
        let path = task.folder.path().join("p").join(name);
        let mode = path.metadata().unwrap().permissions().mode();
        format!("{name} {:o}", mode & 0o7777)
    };
    names.iter().map(mode).collect()
}

#[test]
fn sources_have_the_modes_of_a_checkout_in_the_task() {
    let names = ["f600", "f664", "f755", "f4700", "d"];
    let files = with_modes("600 664 755 4700").checked_out().unwrap();
    for (shell, posix) in shells() {
        for (umask, expected) in [
            (
                "0000",
                ["f600 666", "f664 666", "f755 777", "f4700 777", "d 777"],
            ),
            (
                "0027",
                ["f600 640", "f664 640", "f755 750", "f4700 750", "d 750"],
            ),
        ] {
            let task = Task::new(posix);
            let sources = Sources::Files(files.clone());
            let script = task.script(|scripts| scripts.get_sources(&sources, &[]));
            // As the driver does it where helper and job are different users.
            let shell_with_umask = [&["sh", "-c", "umask $0; exec \"$@\"", umask], shell].concat();
            let output = feed(&shell_with_umask, &script);
            assert!(output.status.success(), "{shell:?}: {output:?}");
            assert_eq!(modes(&task, &names), expected, "{shell:?}");
        }
    }
}

#[test]
fn artifacts_and_caches_keep_their_modes() {
    let files = Archive::joined(&[with_modes("600 664 755 4700 444")]).unwrap();
    for (shell, posix) in shells() {
        let task = Task::new(posix);
        let output = task.run(shell, |scripts| scripts.unpack_cache(&files));
        assert_eq!(
            stdout(&output),
            "Successfully extracted cache\n",
            "{shell:?}"
        );
        assert_eq!(
            modes(&task, &["f600", "f664", "f755", "f4700", "f444", "d"]),
            [
                "f600 600",
                "f664 664",
                "f755 755",
                "f4700 700",
                "f444 444",
                "d 700"
            ],
            "{shell:?}"
        );
    }
}
