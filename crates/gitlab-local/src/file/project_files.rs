//! The files of a project, for patterns that are matched against their paths.

use std::cell::OnceCell;
use std::path::{Path, PathBuf};

use globset::GlobBuilder;
use regex::RegexBuilder;

/// Files that are looked at. GitLab compares 10,000 in `exists` and takes more for a match.
const MAX_FILES: usize = 50_000;

/// A project's files by their paths, which are read when they are first asked for.
#[derive(Debug)]
pub(super) struct ProjectFiles {
    root: PathBuf,
    paths: OnceCell<Vec<String>>,
}

impl ProjectFiles {
    pub(super) fn new(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
            paths: OnceCell::new(),
        }
    }

    /// The project's folder.
    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// Paths of files, in order, that an include's `pattern` names: `*` stands for anything without a `/`, and `**` for
    /// anything (`Repository#search_files_by_wildcard_path`).
    ///
    /// # Errors
    ///
    /// With the fault of the pattern.
    pub(super) fn matching(&self, pattern: &str) -> Result<Vec<&str>, String> {
        let escaped = regex::escape(pattern);
        let escaped = escaped.replace(r"\*\*", ".*?").replace(r"\*", "[^/]*?");
        let pattern = RegexBuilder::new(&format!("^{escaped}$")).build();
        let pattern = pattern.map_err(|_| "has a pattern that is too long".to_owned())?;
        let paths = self.paths().iter().map(String::as_str);
        Ok(paths.filter(|path| pattern.is_match(path)).collect())
    }

    /// Whether a file matches `pattern` of `exists`, a glob of Ruby's with `{a,b}` (`File.fnmatch`).
    ///
    /// # Errors
    ///
    /// With the fault of the pattern.
    pub(super) fn exists(&self, pattern: &str) -> Result<bool, String> {
        let path = pattern.trim_start_matches('/');
        let is_exact = !path.contains(['*', '?', '[', '{', '\\']);
        if is_exact && !path.split('/').any(|part| part == "..") {
            return Ok(self.root.join(path).is_file());
        }
        let glob = GlobBuilder::new(path).literal_separator(true).build();
        let glob = glob.map_err(|error| format!("has a bad pattern: {error}"))?;
        let glob = glob.compile_matcher();
        Ok(self.paths().iter().any(|path| glob.is_match(path)))
    }

    fn paths(&self) -> &[String] {
        self.paths.get_or_init(|| walk(&self.root))
    }
}

/// The paths of all files below `root` but git's own. A folder that cannot be read has none.
fn walk(root: &Path) -> Vec<String> {
    let mut paths = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = root.join(&folder).read_dir() else {
            continue;
        };
        for entry in entries.flatten() {
            let path = folder.join(entry.file_name());
            match entry.file_type() {
                Ok(kind) if kind.is_dir() && path != Path::new(".git") => folders.push(path),
                Ok(kind) if !kind.is_dir() => paths.push(path.to_string_lossy().into_owned()),
                _ => (),
            }
        }
        if paths.len() > MAX_FILES {
            break;
        }
    }
    paths.sort();
    paths
}
