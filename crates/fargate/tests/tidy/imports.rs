//! The imports between the files of a crate, read off the source.
//!
//! A file imports another when a path outside of tests leads into its module: `crate::…`, `super::…` or `self::…`. A
//! path that names an item of `mod.rs`, re-exported or not, leads to `mod.rs`. The declaration `mod x;` alone is no
//! import.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use syn::visit::{self, Visit};
use syn::{Attribute, Item, UseTree};

use crate::sources;

/// Files, by name below `src`, and the files that each imports.
pub(crate) type Graph = BTreeMap<String, BTreeSet<String>>;

/// The graph of the crate in this folder of `crates`.
pub(crate) fn graph(of_crate: &str) -> Graph {
    let program = program_files(of_crate);
    let modules: BTreeMap<Vec<String>, String> = sources(&format!("crates/{of_crate}/src"))
        .into_iter()
        .map(|(file, _)| (module(&file), file))
        .collect();
    let mut graph = Graph::new();
    for (file, parsed) in &program {
        let own = module(file);
        let mut paths = Paths {
            own: own.clone(),
            found: BTreeSet::new(),
        };
        paths.visit_file(parsed);
        let imports = paths
            .found
            .iter()
            .filter_map(|path| nearest(path, &modules))
            .filter(|import| *import != file)
            .cloned()
            .collect();
        graph.insert(file.clone(), imports);
    }
    graph
}

/// The files of the crate in this folder of `crates` that are compiled into its program, parsed: not those of tests.
pub(crate) fn program_files(of_crate: &str) -> Vec<(String, syn::File)> {
    let mut files: Vec<(String, syn::File)> = sources(&format!("crates/{of_crate}/src"))
        .into_iter()
        .map(|(file, text)| (file, syn::parse_file(&text).expect("the source parses")))
        .collect();
    let tests: BTreeSet<Vec<String>> = files
        .iter()
        .flat_map(|(file, parsed)| test_modules(&module(file), parsed))
        .collect();
    files.retain(|(file, _)| {
        let own = module(file);
        !tests.iter().any(|test| own.starts_with(test))
    });
    files
}

/// The module of a file: `a/b.rs` and `a/b/mod.rs` are `a::b`.
fn module(file: &str) -> Vec<String> {
    let mut parts: Vec<String> = Path::new(file)
        .with_extension("")
        .iter()
        .map(|part| part.to_string_lossy().into_owned())
        .collect();
    if matches!(
        parts.last().map(String::as_str),
        Some("mod" | "main" | "lib")
    ) {
        parts.pop();
    }
    parts
}

/// The file of the innermost module on the way along a path.
fn nearest<'a>(path: &[String], modules: &'a BTreeMap<Vec<String>, String>) -> Option<&'a String> {
    (0..=path.len())
        .rev()
        .find_map(|length| modules.get(&path[..length]))
}

/// Whether something is compiled for tests only.
pub(crate) fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let is_cfg = attribute.path().is_ident("cfg");
        let is_test = |list: &syn::MetaList| list.tokens.to_string() == "test";
        attribute.path().is_ident("test")
            || (is_cfg && attribute.meta.require_list().is_ok_and(is_test))
    })
}

/// Modules in files of their own that are compiled for tests only.
fn test_modules(own: &[String], parsed: &syn::File) -> Vec<Vec<String>> {
    let declared = parsed.items.iter().filter_map(|item| match item {
        Item::Mod(module) if module.content.is_none() && is_for_tests(&module.attrs) => {
            Some([own, &[module.ident.to_string()]].concat())
        }
        _ => None,
    });
    declared.collect()
}

/// The paths of a file that start at the crate, at itself or at its parent, as paths from the crate.
struct Paths {
    own: Vec<String>,
    found: BTreeSet<Vec<String>>,
}

impl Paths {
    fn add(&mut self, path: &[String]) {
        let mut rest = path;
        let mut base = match rest.first().map(String::as_str) {
            Some("crate") => Vec::new(),
            Some("self" | "super") => self.own.clone(),
            _ => return,
        };
        while let Some(first) = rest.first() {
            match first.as_str() {
                "crate" | "self" => {}
                "super" => drop(base.pop()),
                _ => break,
            }
            rest = &rest[1..];
        }
        base.extend_from_slice(rest);
        self.found.insert(base);
    }

    fn add_tree(&mut self, prefix: &[String], tree: &UseTree) {
        match tree {
            UseTree::Path(path) => {
                let prefix = [prefix, &[path.ident.to_string()]].concat();
                self.add_tree(&prefix, &path.tree);
            }
            UseTree::Name(name) => self.add(&[prefix, &[name.ident.to_string()]].concat()),
            UseTree::Rename(name) => self.add(&[prefix, &[name.ident.to_string()]].concat()),
            UseTree::Glob(_) => self.add(prefix),
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.add_tree(prefix, tree);
                }
            }
        }
    }
}

impl<'ast> Visit<'ast> for Paths {
    fn visit_item(&mut self, item: &'ast Item) {
        let attributes = match item {
            Item::Mod(item) => &item.attrs,
            Item::Fn(item) => &item.attrs,
            Item::Use(item) => &item.attrs,
            Item::Impl(item) => &item.attrs,
            _ => return visit::visit_item(self, item),
        };
        if is_for_tests(attributes) {
            return;
        }
        match item {
            Item::Use(item) => self.add_tree(&[], &item.tree),
            _ => visit::visit_item(self, item),
        }
    }

    /// `pub(crate)` is no import.
    fn visit_visibility(&mut self, _: &'ast syn::Visibility) {}

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments: Vec<String> = path
            .segments
            .iter()
            .map(|segment| segment.ident.to_string())
            .collect();
        self.add(&segments);
        visit::visit_path(self, path);
    }
}

/// The files of each circle.
pub(crate) fn circles(graph: &Graph) -> Vec<BTreeSet<&String>> {
    let reach: BTreeMap<&String, BTreeSet<&String>> = graph
        .keys()
        .map(|file| (file, reachable(graph, file)))
        .collect();
    let mut circles: Vec<BTreeSet<&String>> = Vec::new();
    for (file, reached) in &reach {
        if !reached.contains(file) || circles.iter().any(|circle| circle.contains(file)) {
            continue;
        }
        let circle = reached
            .iter()
            .filter(|other| reach[*other].contains(file))
            .copied();
        circles.push(circle.collect());
    }
    circles
}

fn reachable<'a>(graph: &'a Graph, from: &str) -> BTreeSet<&'a String> {
    let mut reached = BTreeSet::new();
    let mut ahead: Vec<&String> = graph[from].iter().collect();
    while let Some(file) = ahead.pop() {
        if reached.insert(file) {
            ahead.extend(graph.get(file).into_iter().flatten());
        }
    }
    reached
}
