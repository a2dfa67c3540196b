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

/// What an entry names.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Named {
    Files(Vec<IncludedFile>),
    /// Files of another place, in words, which are not on this machine.
    Absent(Vec<String>),
}

/// Where included files are looked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Places<'a> {
    /// The files of the project whose file has the entry.
    pub(super) project: &'a ProjectFiles,
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
                return Err(at(format!("project {project} needs a `file`")));
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
        (Some(_), None) => Ok(Named::Absent(vec![
            "a file that a job makes (artifact)".to_owned(),
        ])),
        (None, _) => Err(at(format!(
            "an entry has none of these keys: {}",
            SUBKEYS.join(", ")
        ))),
        (Some(_), Some(_)) => Err(at(format!(
            "Each include must use only one of: {}",
            SUBKEYS.join(", ")
        ))),
    }
}

fn local(location: &str, places: Places<'_>) -> Result<Named, String> {
    let location = places.variables.expand(location);
    let root = places.project.root();
    let file = |path: &str| IncludedFile {
        path: root.join(path),
        shown: path.to_owned(),
        root: root.to_owned(),
    };
    let path = location.trim_start_matches('/');
    if path.contains('*') {
        let matching = places.project.matching(path)?;
        let is_yaml = |path: &&str| path.ends_with(".yml") || path.ends_with(".yaml");
        return Ok(Named::Files(
            matching.into_iter().filter(is_yaml).map(file).collect(),
        ));
    }
    match is_inside(path) && root.join(path).is_file() {
        true => Ok(Named::Files(vec![file(path)])),
        false => Err(format!("Local file `{location}` does not exist!")),
    }
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
            None => absent.push(shown),
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
