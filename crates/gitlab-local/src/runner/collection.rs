//! Which files of a project an artifact or a cache takes, by GitLab Runner's rules (`file_archiver.go`).
//!
//! Folders that match bring all that is in them. Patterns that leave the project match nothing. The files are those of
//! a list that the task has made, so this decides without any.

use std::collections::BTreeSet;

use crate::pattern::Pattern;

/// What an artifact or a cache takes. Patterns have no variables any more.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Collection {
    pub(crate) paths: Vec<String>,
    pub(crate) exclude: Vec<String>,
    /// All files that did not come with the sources, too.
    pub(crate) untracked: bool,
}

/// The paths of a project, relative to its folder.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Listing {
    pub(crate) folders: BTreeSet<Vec<u8>>,
    /// Files, links and all else.
    pub(crate) files: BTreeSet<Vec<u8>>,
    /// Whether the task can pack a folder without what is in it.
    pub(crate) folders_alone: bool,
}

/// The files that a collection takes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Chosen {
    /// Files, links, and folders with nothing in them.
    pub(crate) names: BTreeSet<Vec<u8>>,
    /// Folders with something in them, for their modes.
    pub(crate) folders: BTreeSet<Vec<u8>>,
    /// What the runner says about them.
    pub(crate) notes: Vec<Note>,
}

/// A line for the job log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Note {
    Plain(String),
    Warning(String),
}

impl Collection {
    /// Whether it could take anything.
    pub(crate) fn is_empty(&self) -> bool {
        self.paths.is_empty() && !self.untracked
    }

    /// The folders and files from which a list must start: `.` for all.
    pub(crate) fn roots(&self, project: &str) -> BTreeSet<String> {
        if self.untracked {
            return [".".to_owned()].into();
        }
        let relative = self.paths.iter().filter_map(|path| relative(path, project));
        relative.map(|path| fixed_part(&path)).collect()
    }

    /// Chooses from `listing`. `project` is the folder's path, and `sent` are the names that came with the sources.
    pub(crate) fn choose(
        &self,
        listing: &Listing,
        project: &str,
        sent: &BTreeSet<Vec<u8>>,
    ) -> Chosen {
        let mut chosen = Chosen::default();
        let exclude: Vec<Pattern> = self
            .exclude
            .iter()
            .filter_map(|pattern| Pattern::parse(&relative(pattern, project)?))
            .collect();
        let mut excluded = 0_usize;
        let mut keep = |chosen: &mut Chosen, name: &Vec<u8>| {
            let text = String::from_utf8_lossy(name);
            let is_excluded = exclude.iter().any(|pattern| pattern.matches(&text));
            excluded += usize::from(is_excluded);
            if !is_excluded {
                chosen.names.insert(name.clone());
            }
            !is_excluded
        };
        for path in &self.paths {
            let mut found = 0;
            for name in matching(path, project, listing, &mut chosen.notes) {
                found += usize::from(keep(&mut chosen, name));
            }
            chosen.notes.push(match found {
                0 => Note::Warning(format!(
                    "{path}: no matching files. Ensure that the artifact path is relative to the working directory \
                     ({project})"
                )),
                found => {
                    Note::Plain(format!("{path}: found {found} matching artifact files and directories"))
                }
            });
        }
        if self.untracked {
            let of_git = |name: &[u8]| name == b".git" || name.starts_with(b".git/");
            let untracked = listing.files.iter();
            let untracked = untracked.filter(|name| !sent.contains(*name) && !of_git(name));
            let found = untracked.filter(|name| keep(&mut chosen, name)).count();
            chosen.notes.push(match found {
                0 => Note::Warning("untracked: no files".to_owned()),
                found => Note::Plain(format!("untracked: found {found} files")),
            });
        }
        if excluded > 0 {
            chosen
                .notes
                .push(Note::Plain(format!("excluded {excluded} files")));
        }
        let is_full =
            |name: &Vec<u8>| listing.folders.contains(name) && !is_empty_folder(name, listing);
        chosen.folders = chosen
            .names
            .iter()
            .filter(|name| is_full(name))
            .cloned()
            .collect();
        chosen.names.retain(|name| !chosen.folders.contains(name));
        chosen
    }
}

/// The files and folders that a pattern matches, and all below them.
fn matching<'a>(
    path: &str,
    project: &str,
    listing: &'a Listing,
    notes: &mut Vec<Note>,
) -> Vec<&'a Vec<u8>> {
    let all = || listing.folders.iter().chain(&listing.files);
    let Some(inside) = relative(path, project) else {
        notes.push(Note::Warning(format!(
            "processPath: artifact path is not a subpath of project directory: {path}"
        )));
        return Vec::new();
    };
    if inside == "." {
        return all().collect();
    }
    let Some(pattern) = Pattern::parse(&inside) else {
        notes.push(Note::Warning(format!("{path}: syntax error in pattern")));
        return Vec::new();
    };
    let folders: BTreeSet<&[u8]> = listing
        .folders
        .iter()
        .filter(|name| pattern.matches(&String::from_utf8_lossy(name)))
        .map(Vec::as_slice)
        .collect();
    all()
        .filter(|name| {
            pattern.matches(&String::from_utf8_lossy(name))
                || parents(name).any(|parent| folders.contains(parent))
        })
        .collect()
}

/// The folders above a path, from the nearest.
fn parents(name: &[u8]) -> impl Iterator<Item = &[u8]> {
    let up = |name: &&'_ [u8]| -> Option<usize> { name.iter().rposition(|byte| *byte == b'/') };
    std::iter::successors(Some(name), move |name| {
        up(name).and_then(|end| name.get(..end))
    })
    .skip(1)
}

fn has_below(folder: &[u8], names: &BTreeSet<Vec<u8>>) -> bool {
    let start = [folder, b"/"].concat();
    let mut below = names.range(start.clone()..);
    below.next().is_some_and(|name| name.starts_with(&start))
}

fn is_empty_folder(name: &[u8], listing: &Listing) -> bool {
    listing.folders.contains(name)
        && !has_below(name, &listing.files)
        && !has_below(name, &listing.folders)
}

/// A pattern relative to the project's folder, cleaned as Go's `filepath` does it; `.` is the folder itself. `None`
/// where it leads out.
pub(crate) fn relative(pattern: &str, project: &str) -> Option<String> {
    let inside = match pattern.strip_prefix('/') {
        None => pattern,
        Some(_) => match pattern.strip_prefix(project)? {
            "" => ".",
            rest => rest.strip_prefix('/')?,
        },
    };
    let mut parts: Vec<&str> = Vec::new();
    for part in inside.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    Some(match parts.is_empty() {
        true => ".".to_owned(),
        false => parts.join("/"),
    })
}

/// The parts of a pattern before the first that is not plain; `.` when there is none.
fn fixed_part(pattern: &str) -> String {
    let plain = |part: &&str| !part.contains(['*', '?', '[', '{', '\\', '}', ']']);
    let fixed: Vec<&str> = pattern.split('/').take_while(plain).collect();
    match fixed.is_empty() {
        true => ".".to_owned(),
        false => fixed.join("/"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROJECT: &str = "/builds/a/b";

    fn names(names: &[&str]) -> BTreeSet<Vec<u8>> {
        names.iter().map(|name| name.as_bytes().to_vec()).collect()
    }

    fn listing() -> Listing {
        Listing {
            folders: names(&["build", "build/obj", "build/empty", "src", "only"]),
            files: names(&[
                "README",
                "build/app",
                "build/obj/a.o",
                "build/obj/b.o",
                "build/app.log",
                "src/a.c",
                "only/x.o",
            ]),
            folders_alone: true,
        }
    }

    fn choose(paths: &[&str], exclude: &[&str], untracked: bool) -> (Vec<String>, Vec<String>) {
        let owned = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect();
        let collection = Collection {
            paths: owned(paths),
            exclude: owned(exclude),
            untracked,
        };
        let sent = names(&["README", "src/a.c"]);
        let chosen = collection.choose(&listing(), PROJECT, &sent);
        let text = |name: Vec<u8>| String::from_utf8(name).unwrap();
        let note = |note: Note| match note {
            Note::Plain(text) => text,
            Note::Warning(text) => format!("W {text}"),
        };
        (
            chosen.names.into_iter().map(text).collect(),
            chosen.notes.into_iter().map(note).collect(),
        )
    }

    #[test]
    fn folders_bring_all_that_is_in_them() {
        let build = [
            "build/app",
            "build/app.log",
            "build/empty",
            "build/obj/a.o",
            "build/obj/b.o",
        ];
        for path in [
            "build",
            "build/",
            "./build",
            "/builds/a/b/build",
            "build/**",
            "b*d",
            "src/../build",
        ] {
            let (names, notes) = choose(&[path], &[], false);
            assert_eq!(names, build, "{path}");
            assert_eq!(
                notes,
                [format!(
                    "{path}: found 7 matching artifact files and directories"
                )]
            );
        }
        assert_eq!(
            choose(&["build/obj/*.o", "**/*.c"], &[], false).0,
            ["build/obj/a.o", "build/obj/b.o", "src/a.c"]
        );
        assert_eq!(choose(&["."], &[], false).0.len(), 8);
    }

    #[test]
    fn what_is_excluded_stays() {
        let (names, notes) = choose(
            &["build", "only"],
            &["build/**/*.o", "**/*.log", "only/**"],
            false,
        );
        assert_eq!(names, ["build/app", "build/empty"]);
        assert!(notes.contains(&"W only: no matching files. Ensure that the artifact path is relative to the working directory (/builds/a/b)".to_owned()), "{notes:?}");
        assert_eq!(notes.last().unwrap(), "excluded 5 files");
    }

    #[test]
    fn untracked_is_all_that_the_sources_did_not_bring() {
        let (names, notes) = choose(&[], &["**/*.o"], true);
        assert_eq!(names, ["build/app", "build/app.log"]);
        assert_eq!(notes, ["untracked: found 2 files", "excluded 3 files"]);
    }

    #[test]
    fn a_pattern_that_leads_out_of_the_project_takes_nothing() {
        for path in [
            "..",
            "../x",
            "/etc",
            "/builds/a/bc",
            "build/../../x",
            "/builds/a/b/../x",
        ] {
            let (names, notes) = choose(&[path], &[], false);
            assert_eq!(names, [""; 0], "{path}");
            assert!(
                notes[0].contains("is not a subpath of project directory"),
                "{notes:?}"
            );
        }
        assert!(choose(&["[x"], &[], false).1[0].contains("syntax error"));
    }

    #[test]
    fn a_list_starts_where_patterns_do() {
        let roots = |paths: &[&str], untracked| {
            let collection = Collection {
                paths: paths.iter().map(|&path| path.to_owned()).collect(),
                untracked,
                ..Collection::default()
            };
            collection.roots(PROJECT).into_iter().collect::<Vec<_>>()
        };
        assert_eq!(
            roots(&["build/obj/*.o", "/builds/a/b/src/", "../x"], false),
            ["build/obj", "src"]
        );
        assert_eq!(roots(&["**/x"], false), ["."]);
        assert_eq!(roots(&["build"], true), ["."]);
    }
}
