//! The house: rooms whose arrows go down only, no circles, files and functions that a reader can hold.

use std::fmt::Write;

use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use crate::imports::{Graph, circles, graph, is_for_tests};
use crate::{root, sources};

const CRATES: [&str; 7] = [
    "agent",
    "ecs-local",
    "fargate",
    "gitlab-local",
    "gitlab-variables",
    "testing",
    "wire",
];

/// The rooms of `crates/fargate/src`, top to bottom, from the picture in ARCHITECTURE.md. Rooms of one line do not know
/// each other.
fn rooms() -> Vec<Vec<String>> {
    let page = std::fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let (_, after) = page
        .split_once("\n    main\n")
        .expect("the picture of the rooms");
    let (picture, _) = after.split_once("\n\n").expect("the picture's end");
    let line = |line: &str| line.split_whitespace().map(str::to_owned).collect();
    std::iter::once("main")
        .chain(picture.lines())
        .map(line)
        .collect()
}

/// The room of a file, which is its first folder or itself.
fn room(file: &str) -> &str {
    let first = file.split('/').next().unwrap_or(file);
    first.strip_suffix(".rs").unwrap_or(first)
}

fn floor(rooms: &[Vec<String>], room: &str) -> usize {
    rooms
        .iter()
        .position(|line| line.iter().any(|name| name == room))
        .unwrap_or_else(|| panic!("{room} is not among the rooms of ARCHITECTURE.md"))
}

#[test]
fn arrows_between_rooms_go_down() {
    let rooms = rooms();
    let floor = |room: &str| floor(&rooms, room);
    let mut up = Vec::new();
    for (file, imports) in graph("fargate") {
        let from = room(&file).to_owned();
        for import in imports {
            let to = room(&import);
            if from != to && floor(&from) >= floor(to) {
                up.push(format!("{file} -> {import}"));
            }
        }
    }
    assert_eq!(up, [""; 0], "these imports go up, or across");
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    for each in CRATES {
        let graph = graph(each);
        let circles = circles(&graph);
        assert!(circles.is_empty(), "{each}: {circles:#?}");
    }
}

#[test]
fn an_arrow_up_and_a_circle_would_be_seen() {
    let file = |name: &str| name.to_owned();
    let mut graph = Graph::from([
        (file("a.rs"), [file("b.rs")].into()),
        (file("b.rs"), [file("c.rs")].into()),
        (file("c.rs"), [].into()),
    ]);
    assert!(circles(&graph).is_empty());
    graph.insert(file("c.rs"), [file("a.rs")].into());
    assert_eq!(circles(&graph).len(), 1);
    let rooms = rooms();
    let floor = |room: &str| floor(&rooms, room);
    assert!(floor("state") < floor("aws") && floor("connect") < floor("teardown"));
    // The driver's own graph is not empty: stages import connect, and a child its sibling.
    let real = crate::imports::graph("fargate");
    assert!(
        real["stages/run.rs"]
            .iter()
            .any(|file| room(file) == "connect")
    );
    assert!(real["gitlab/job.rs"].contains("gitlab/environment.rs"));
}

#[test]
fn files_are_no_longer_than_a_reader_wants() {
    const MOST: usize = 400;
    let mut long = String::new();
    for folder in ["crates", "bench", "fuzz/src", "fuzz/fuzz_targets"] {
        for (file, text) in sources(folder) {
            let lines = text.lines().count();
            if lines > MOST && !file.starts_with("target/") {
                writeln!(long, "{folder}/{file} has {lines} lines").unwrap();
            }
        }
    }
    assert_eq!(long, "");
}

#[test]
fn functions_fit_a_screen() {
    const MOST: usize = 69;
    struct Long<'a> {
        file: &'a str,
        found: Vec<String>,
    }
    impl Long<'_> {
        fn check(&mut self, name: &syn::Ident, span: proc_macro2::Span) {
            let lines = span.end().line - span.start().line + 1;
            if lines > MOST {
                self.found
                    .push(format!("{} {name}: {lines} lines", self.file));
            }
        }
    }
    impl<'ast> Visit<'ast> for Long<'_> {
        fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
            if is_for_tests(&function.attrs) {
                return;
            }
            self.check(&function.sig.ident, function.block.span());
            visit::visit_item_fn(self, function);
        }
        fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
            self.check(&function.sig.ident, function.block.span());
            visit::visit_impl_item_fn(self, function);
        }
    }
    let mut found = Vec::new();
    let in_tests = |file: &str| file.contains("tests/") || file.ends_with("tests.rs");
    for (file, text) in sources("crates") {
        if in_tests(&file) {
            continue;
        }
        let mut long = Long {
            file: &file,
            found: Vec::new(),
        };
        long.visit_file(&syn::parse_file(&text).unwrap());
        found.append(&mut long.found);
    }
    assert_eq!(found, [""; 0]);
}

#[test]
fn comments_fit_the_screen() {
    const MOST: usize = 120;
    let mut wide = Vec::new();
    for (file, text) in sources("crates") {
        for (number, line) in text.lines().enumerate() {
            if line.trim_start().starts_with("//") && line.chars().count() > MOST {
                wide.push(format!("{file}:{}", number + 1));
            }
        }
    }
    assert_eq!(wide, [""; 0]);
}
