//! One entry of `include:`: which files it names, and where they are on this machine.

use std::path::{Component, Path, PathBuf};

use crate::file::lint::Lint;
use crate::file::project_files::ProjectFiles;
use crate::file::values::{text, texts};
use crate::variables::Variables;
use crate::yaml::Node;

/// A file that is included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct IncludedFile {
    pub(super) path: PathBuf,
    /// As messages show it.
    pub(super) shown: String,
    /// The folder that its own `local` includes start from.
    pub(super) root: PathBuf,
}

/// An included file that is not on this machine. It is shown in words: `/a.yml of project acme/ci`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AbsentFile {
    shown: String,
    /// Its path in the folder of `--include-dir`; none for a file that a job makes.
    path: Option<String>,
}

impl AbsentFile {
    /// The names of `files`, with commas between.
    pub fn list(files: &[Self]) -> String {
        let files: Vec<_> = files.iter().map(|file| file.shown.as_str()).collect();
        files.join(", ")
    }

    /// Advice on how to bring `files` here; none without such files.
    pub fn advice(files: &[Self]) -> Option<String> {
        let paths = files.iter().filter_map(|file| file.path.as_deref());
        let paths: Vec<_> = paths.collect();
        (!paths.is_empty()).then(|| {
            let paths = paths.join(", ");
            format!("Put them into a folder as {paths}, and name the folder with --include-dir.")
        })
    }
}

/// What an entry names.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Named {
    Files(Vec<IncludedFile>),
    /// Files of another place, which are not on this machine.
    Absent(Vec<AbsentFile>),
}

/// Where included files are looked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Places<'a> {
    /// The files of the project whose file has the entry.
    pub(super) project: &'a ProjectFiles,
    /// The included file that has the entry; a pattern does not include it again. None for the project's own file.
    pub(super) parent: Option<&'a Path>,
    /// The folder with the files of other places.
    pub(super) folder: Option<&'a Path>,
    pub(super) variables: &'a Variables,
}

/// Keys that say where a file is (`External::Mapper::Matcher`).
const SUBKEYS: &[&str] = &[
    "local",
    "project",
    "remote",
    "template",
    "component",
    "artifact",
];

/// Finds the files of an entry.
///
/// # Errors
///
/// GitLab's, when the entry is wrong or a local file is not there.
pub(super) fn locate(entry: &Node, places: Places<'_>) -> Result<Named, Lint> {
    let at = |fault: String| Lint::new(format!("include: {fault}")).at(&entry.at);
    if let Some(location) = entry.scalar() {
        // A variable may have the whole address, so it comes first (`Mapper::Normalizer`).
        let location = places.variables.expand(&location);
        return match location.starts_with("http://") || location.starts_with("https://") {
            true => Ok(remote(&location, places)),
            false => local(&location, places).map_err(at),
        };
    }
    let value = |key: &str| text(entry, key).map(Option::unwrap_or_default).map_err(at);
    let mut keys = SUBKEYS.iter().filter(|key| entry.get(key).is_some());
    match (keys.next().copied(), keys.next()) {
        (Some("local"), None) => local(&value("local")?, places).map_err(at),
        (Some("remote"), None) => Ok(remote(&value("remote")?, places)),
        (Some("template"), None) => {
            let name = places.variables.expand(&value("template")?);
            let shown = format!("template {name}");
            Ok(elsewhere(
                vec![(shown, vec![format!("templates/{name}")], "templates".into())],
                places,
            ))
        }
        (Some("project"), None) => {
            let project = places.variables.expand(&value("project")?);
            let files = texts(entry, "file").map_err(at)?;
            if files.is_empty() {
                return Err(at(
                    "must specify the file where to fetch the config from".to_owned()
                ));
            }
            let wanted = files.iter().map(|file| {
                let file = places.variables.expand(file);
                let path = format!("{project}/{}", file.trim_start_matches('/'));
                (
                    format!("{file} of project {project}"),
                    vec![path],
                    project.clone(),
                )
            });
            Ok(elsewhere(wanted.collect(), places))
        }
        (Some("component"), None) => component(&value("component")?, places).map_err(at),
        (Some(_), None) => Ok(Named::Absent(vec![AbsentFile {
            shown: "a file that a job makes (artifact)".to_owned(),
            path: None,
        }])),
        (None, _) => Err(at(format!(
            "the entry does not have a valid subkey for include. Valid subkeys are: `{}`",
            SUBKEYS.join("`, `")
        ))),
        (Some(_), Some(_)) => Err(at(format!(
            "Each include must use only one of: `{}`",
            SUBKEYS.join("`, `")
        ))),
    }
}

/// Files of the project. Patterns are matched before variables are replaced (`Mapper::LocationExpander`).
fn local(location: &str, places: Places<'_>) -> Result<Named, String> {
    let root = places.project.root();
    let file = |path: &str| match is_yaml(path) {
        true => Ok(IncludedFile {
            path: root.join(path),
            shown: path.to_owned(),
            root: root.to_owned(),
        }),
        false => Err(format!(
            "Included file `{path}` does not have YAML extension!"
        )),
    };
    if location.contains('*') {
        let matching = places.project.matching(location.trim_start_matches('/'))?;
        let others = matching.into_iter();
        let others = others.filter(|path| places.parent != Some(root.join(path).as_path()));
        return Ok(Named::Files(others.map(file).collect::<Result<_, _>>()?));
    }
    let location = places.variables.expand(location);
    let path = location.trim_start_matches('/');
    let file = file(path)?;
    match is_inside(path) && file.path.is_file() {
        true => Ok(Named::Files(vec![file])),
        false => Err(format!("Local file `{path}` does not exist!")),
    }
}

/// `YAML_ALLOWLIST_EXTENSION`
fn is_yaml(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default().to_lowercase();
    [".yml", ".yaml"]
        .iter()
        .any(|extension| name.len() > extension.len() && name.ends_with(extension))
}

fn remote(address: &str, places: Places<'_>) -> Named {
    let address = places.variables.expand(address);
    let path = address
        .trim_start_matches("https://")
        .trim_start_matches("http://");
    let path = path.split(['?', '#']).next().unwrap_or_default().to_owned();
    let root = path.split('/').next().unwrap_or_default().to_owned();
    elsewhere(vec![(address, vec![path], root)], places)
}

/// `host/group/project/name@version`
fn component(address: &str, places: Places<'_>) -> Result<Named, String> {
    let address = places.variables.expand(address);
    let path = address
        .split_once('@')
        .map_or(address.as_str(), |(path, _)| path);
    let parts = path
        .split_once('/')
        .and_then(|(_, path)| path.rsplit_once('/'));
    let Some((project, name)) = parts else {
        return Err(format!(
            "component {address} is not host/project/name@version"
        ));
    };
    let paths = vec![
        format!("{project}/templates/{name}.yml"),
        format!("{project}/templates/{name}/template.yml"),
    ];
    let wanted = vec![(format!("component {address}"), paths, project.to_owned())];
    Ok(elsewhere(wanted, places))
}

/// Files of other places: each with its words, the paths in the folder of which the first that exists is taken, and the
/// folder of its project.
fn elsewhere(wanted: Vec<(String, Vec<String>, String)>, places: Places<'_>) -> Named {
    let mut files = Vec::new();
    let mut absent = Vec::new();
    for (shown, paths, root) in wanted {
        let found = places.folder.and_then(|folder| {
            let mut paths = paths.iter().filter(|path| is_inside(path));
            let path = paths.find(|path| folder.join(path).is_file())?;
            Some((folder.join(path), folder.join(&root)))
        });
        match found {
            Some((path, root)) => files.push(IncludedFile { path, shown, root }),
            None => absent.push(AbsentFile {
                shown,
                path: paths.into_iter().next(),
            }),
        }
    }
    match absent.is_empty() {
        true => Named::Files(files),
        false => Named::Absent(absent),
    }
}

/// Whether a path stays below the folder that it starts from.
fn is_inside(path: &str) -> bool {
    Path::new(path)
        .components()
        .all(|part| matches!(part, Component::Normal(_) | Component::CurDir))
}
