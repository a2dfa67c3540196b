//! Which files of a project have changed since another commit, for `changes` of rules.

use std::path::Path;

use super::git::git;

/// The base of a comparison of a project's files.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Base {
    /// The remote's version of the current branch, as far as the folder knows it.
    Upstream,
    /// A branch, a tag or a commit; a branch of the remote first.
    Reference(String),
}

/// The paths of files, as they are now, that are new, other or gone since HEAD's history left `base`; `None` where git
/// cannot tell.
pub(crate) fn changed_paths(folder: &Path, base: &Base) -> Option<Vec<String>> {
    let commit = |name: &str| {
        let name = format!("{name}^{{commit}}");
        git(folder, &["rev-parse", "--verify", "--quiet", &name])
    };
    let base = match base {
        Base::Upstream => commit("@{upstream}")?,
        // It would be an option.
        Base::Reference(name) if name.starts_with('-') => return None,
        Base::Reference(name) => {
            commit(&format!("refs/remotes/origin/{name}")).or_else(|| commit(name))?
        }
    };
    let since = git(folder, &["merge-base", &base, "HEAD"])?;
    let changed = [
        "diff",
        "--name-only",
        "--no-renames",
        "--relative",
        "-z",
        &since,
    ];
    let changed = git(folder, &changed)?;
    let new = git(
        folder,
        &["ls-files", "--others", "--exclude-standard", "-z"],
    )?;
    let names = changed.split('\0').chain(new.split('\0'));
    Some(
        names
            .filter(|name| !name.is_empty())
            .map(str::to_owned)
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn files_change_since_the_upstream_and_since_a_branch() {
        let folder = tempfile::tempdir().unwrap();
        let git = |arguments: &[&str]| {
            let mut git = Command::new("git");
            git.arg("-C").arg(folder.path());
            git.args(["-c", "user.name=a", "-c", "user.email=a@example.com"]);
            assert!(
                git.args(arguments).status().unwrap().success(),
                "{arguments:?}"
            );
        };
        let write = |name: &str| std::fs::write(folder.path().join(name), name).unwrap();
        let changed = |base: &Base| {
            let mut paths = changed_paths(folder.path(), base)?;
            paths.sort();
            Some(paths.join(" "))
        };
        let main = Base::Reference("main".to_owned());
        assert_eq!(changed(&main), None);
        git(&["init", "--quiet", "--initial-branch=main"]);
        for name in [".gitignore", "old"] {
            write(name);
        }
        std::fs::write(folder.path().join(".gitignore"), "*.o\n").unwrap();
        let commit = |message: &str| {
            git(&["add", "--all"]);
            git(&["commit", "--quiet", "--message", message]);
        };
        commit("first");
        git(&["checkout", "--quiet", "-b", "topic", "--track", "main"]);
        write("pushed");
        commit("second");
        // A branch whose upstream is what has been pushed of it.
        git(&["branch", "--quiet", "upstream"]);
        git(&["branch", "--quiet", "--set-upstream-to=upstream"]);
        assert_eq!(changed(&Base::Upstream).as_deref(), Some(""));
        write("committed");
        commit("third");
        std::fs::remove_file(folder.path().join("old")).unwrap();
        for name in ["new", "ignored.o"] {
            write(name);
        }
        assert_eq!(
            changed(&Base::Upstream).as_deref(),
            Some("committed new old")
        );
        assert_eq!(changed(&main).as_deref(), Some("committed new old pushed"));
        for name in ["none", "--help", ""] {
            assert_eq!(changed(&Base::Reference(name.to_owned())), None, "{name}");
        }
    }
}
