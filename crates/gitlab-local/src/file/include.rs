//! `include:`: one tree of a file and all that it includes (`Gitlab::Ci::Config::External`).

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::file::document::content;
use crate::file::include_entry::{AbsentFile, IncludedFile, Named, Places, locate};
use crate::file::lint::Lint;
use crate::file::merge::{MergeBudget, MergeTooLarge};
use crate::file::problem::Problem;
use crate::file::project_files::ProjectFiles;
use crate::file::rules::{Facts, Owner, When, matched_rule};
use crate::variables::Variables;
use crate::yaml::{Map, Node, Value};

/// Files that one file may include, directly or not (GitLab's `max_includes`).
const MAX_INCLUDES: usize = 150;

/// Bytes of one included file. GitLab takes 1 MB of a blob, and refuses more YAML than 2 MB.
const MAX_FILE_BYTES: u64 = 4 * 1024 * 1024;

/// A file with all that it includes.
#[derive(Debug)]
pub(super) struct Merged {
    pub(super) file: Map,
    /// Included files that are not on this machine.
    pub(super) absent: Vec<AbsentFile>,
}

/// What includes are resolved with.
#[derive(Debug)]
pub(super) struct Includer<'a> {
    /// The folder with the files of other places.
    folder: Option<&'a Path>,
    variables: &'a Variables,
    included: usize,
    /// By path.
    read: HashMap<PathBuf, Node>,
    budget: MergeBudget,
    absent: Vec<AbsentFile>,
}

impl<'a> Includer<'a> {
    pub(super) fn new(folder: Option<&'a Path>, variables: &'a Variables) -> Self {
        Self {
            folder,
            variables,
            included: 0,
            read: HashMap::new(),
            budget: MergeBudget::default(),
            absent: Vec::new(),
        }
    }

    /// `file`, which is in `project`, over all that it includes.
    ///
    /// # Errors
    ///
    /// When an included file cannot be read, or an entry is wrong.
    pub(super) fn merged(mut self, file: &Map, project: &ProjectFiles) -> Result<Merged, Problem> {
        let file = self.expand(file, None, project)?;
        Ok(Merged {
            file,
            absent: self.absent,
        })
    }

    /// `file` over all that it includes. `path` is that of an included file.
    fn expand(
        &mut self,
        file: &Map,
        path: Option<&Path>,
        project: &ProjectFiles,
    ) -> Result<Map, Problem> {
        let mut own = file.clone();
        let Some(include) = own.shift_remove("include") else {
            return Ok(own);
        };
        let entries = match &include.value {
            Value::List(entries) => entries.as_slice(),
            _ => std::slice::from_ref(&include),
        };
        let mut merged = Map::new();
        for entry in entries.iter().filter(|entry| entry.value != Value::Null) {
            if !self.is_wanted(entry, project)? {
                continue;
            }
            let places = Places {
                project,
                parent: path,
                folder: self.folder,
                variables: self.variables,
            };
            match locate(entry, places)? {
                Named::Absent(absent) => self.absent.extend(absent),
                Named::Files(files) => {
                    for file in files {
                        let content = self.included(&file, entry, project)?;
                        merged = self.merge(&merged, &content, &include)?;
                    }
                }
            }
        }
        self.merge(&merged, &own, &include)
    }

    /// Whether the rules of an entry let it in.
    fn is_wanted(&self, entry: &Node, project: &ProjectFiles) -> Result<bool, Problem> {
        let Some(rules) = entry.get("rules") else {
            return Ok(true);
        };
        let facts = Facts {
            variables: self.variables,
            files: project,
        };
        let matched = matched_rule(rules, Owner::Include, facts);
        let matched =
            matched.map_err(|fault| Lint::new(format!("include:rules {fault}")).at(&rules.at))?;
        Ok(matched.is_some_and(|matched| matched.when != Some(When::Never)))
    }

    /// The content of an included file, with all that it includes.
    fn included(
        &mut self,
        file: &IncludedFile,
        entry: &Node,
        project: &ProjectFiles,
    ) -> Result<Map, Problem> {
        self.included += 1;
        if self.included > MAX_INCLUDES {
            let fault = format!("Maximum of {MAX_INCLUDES} nested includes are allowed!");
            return Err(Lint::new(fault).at(&entry.at).into());
        }
        let fault = |fault: &str| {
            Lint::new(format!("Included file `{}` {fault}", file.shown)).at(&entry.at)
        };
        let inputs = entry.get("inputs");
        let known = self.read.get(&file.path).filter(|_| inputs.is_none());
        let content = match known {
            Some(known) => known.clone(),
            None => {
                let text = read(&file.path)
                    .map_err(|reason| fault(&format!("cannot be read: {reason}")))?;
                if text.trim().is_empty() {
                    return Err(fault("is empty!").into());
                }
                let content = content(&file.shown, &text, inputs, self.variables);
                let content = content.map_err(|problem| match problem {
                    Problem::NoJobs => fault("does not have valid YAML syntax!").into(),
                    problem => problem,
                })?;
                if inputs.is_none() {
                    self.read.insert(file.path.clone(), content.clone());
                }
                content
            }
        };
        let Some(map) = content.as_map().filter(|map| !map.is_empty()) else {
            return Err(fault("does not have valid YAML syntax!").into());
        };
        match file.root == project.root() {
            true => self.expand(map, Some(&file.path), project),
            false => self.expand(map, Some(&file.path), &ProjectFiles::new(&file.root)),
        }
    }

    fn merge(&mut self, earlier: &Map, later: &Map, include: &Node) -> Result<Map, Problem> {
        let merged = self.budget.merge(earlier, later);
        merged.map_err(|MergeTooLarge| {
            let fault = "include: the files have more than two million keys";
            Lint::new(fault).at(&include.at).into()
        })
    }
}

fn read(path: &Path) -> Result<String, String> {
    let size = std::fs::metadata(path).map_err(|error| error.to_string())?;
    if size.len() > MAX_FILE_BYTES {
        return Err("it is larger than 4 MiB".to_owned());
    }
    std::fs::read_to_string(path).map_err(|error| error.to_string())
}
