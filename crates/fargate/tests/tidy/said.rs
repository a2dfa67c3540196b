//! What the programs say, read off their source: string literals, and the failures that carry advice.
//!
//! A placeholder of a format string becomes `…`, and a constant's name in one becomes its value.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{Attribute, Block, Expr, ExprMethodCall, Item, LitStr, Local, Pat, Stmt};

use crate::imports::{is_for_tests, program_files};

/// A message of fewer words is a frame around another.
pub(crate) const WORDS: usize = 3;

/// How many words a text has, without its placeholders.
pub(crate) fn count(text: &str) -> usize {
    text.split_whitespace()
        .filter(|word| word.chars().filter(|c| c.is_alphabetic()).count() > 1)
        .count()
}

/// A failure of the driver that carries advice.
pub(crate) struct Failure {
    /// The file that makes it.
    pub(crate) file: String,
    /// Texts of its message; none where the message is somebody else's.
    pub(crate) messages: Vec<String>,
    /// Texts of its advice; none where another function makes it.
    pub(crate) advice: Vec<String>,
}

/// The string literals of a crate's program, each with its file.
pub(crate) fn literals(of_crate: &str) -> Vec<(String, String)> {
    let files = program_files(of_crate);
    let constants = constants(&files);
    let mut found = Vec::new();
    for (file, parsed) in &files {
        let mut words = Words::default();
        words.visit_file(parsed);
        let texts = words.literals.iter().map(|text| spelt(text, &constants));
        found.extend(texts.map(|text| (file.clone(), text)));
    }
    found
}

/// The failures with advice of a crate's program.
pub(crate) fn failures(of_crate: &str) -> Vec<Failure> {
    let files = program_files(of_crate);
    let constants = constants(&files);
    let mut found = Vec::new();
    for (file, parsed) in &files {
        let mut functions = Functions {
            file,
            constants: &constants,
            found: Vec::new(),
        };
        functions.visit_file(parsed);
        found.append(&mut functions.found);
    }
    found
}

/// A literal as people read it: a placeholder is `…`, or the text of the constant that it names.
fn spelt(literal: &str, constants: &BTreeMap<String, String>) -> String {
    let one_line = literal.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut rest = one_line.as_str();
    let mut text = String::new();
    while let Some((before, after)) = rest.split_once('{') {
        text.push_str(before);
        let (inside, behind) = after.split_once('}').unwrap_or((after, ""));
        let name = inside.split(':').next().unwrap_or("");
        if is_name(name) {
            text.push_str(constants.get(name).map_or("…", String::as_str));
            rest = behind;
        } else {
            text.push('{');
            rest = after;
        }
    }
    text + rest
}

/// What may be in the braces of a format string before a colon: nothing, or the name of a variable.
fn is_name(inside: &str) -> bool {
    inside
        .chars()
        .all(|character| character.is_ascii_alphanumeric() || character == '_')
}

/// The constants of this type, by name.
fn constants(files: &[(String, syn::File)]) -> BTreeMap<String, String> {
    let items = files.iter().flat_map(|(_, parsed)| &parsed.items);
    items
        .filter_map(|item| match item {
            Item::Const(constant) => {
                let Expr::Lit(literal) = &*constant.expr else {
                    return None;
                };
                let syn::Lit::Str(text) = &literal.lit else {
                    return None;
                };
                Some((
                    constant.ident.to_string(),
                    spelt(&text.value(), &BTreeMap::new()),
                ))
            }
            _ => None,
        })
        .collect()
}

/// The literals in a piece of source, and the names that it mentions.
#[derive(Default, Clone)]
struct Words {
    literals: Vec<String>,
    names: BTreeSet<String>,
}

impl Words {
    fn of(expression: &Expr) -> Self {
        let mut words = Self::default();
        words.visit_expr(expression);
        words
    }

    fn add_literal(&mut self, literal: &LitStr) {
        let text = literal.value();
        for inside in text.split('{').skip(1) {
            let name = inside.split(['}', ':']).next().unwrap_or("");
            self.names.insert(name.to_owned());
        }
        self.literals.push(text);
    }

    fn add_tokens(&mut self, tokens: TokenStream) {
        for token in tokens {
            match token {
                TokenTree::Group(group) => self.add_tokens(group.stream()),
                TokenTree::Ident(name) => drop(self.names.insert(name.to_string())),
                TokenTree::Literal(literal) => {
                    if let Ok(text) = syn::parse_str::<LitStr>(&literal.to_string()) {
                        self.add_literal(&text);
                    }
                }
                TokenTree::Punct(_) => {}
            }
        }
    }
}

impl<'ast> Visit<'ast> for Words {
    fn visit_item(&mut self, item: &'ast Item) {
        if !is_for_tests(attributes(item)) {
            visit::visit_item(self, item);
        }
    }

    /// Comments are attributes, too; the messages of error types are the only ones that are said.
    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        if attribute.path().is_ident("error")
            && let Ok(list) = attribute.meta.require_list()
        {
            self.add_tokens(list.tokens.clone());
        }
    }

    fn visit_lit_str(&mut self, literal: &'ast LitStr) {
        self.add_literal(literal);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        self.add_tokens(call.tokens.clone());
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        if let Some(last) = path.segments.last() {
            self.names.insert(last.ident.to_string());
        }
        visit::visit_path(self, path);
    }
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        _ => &[],
    }
}

/// The functions of a file, one after the other.
struct Functions<'a> {
    file: &'a str,
    constants: &'a BTreeMap<String, String>,
    found: Vec<Failure>,
}

impl Functions<'_> {
    fn read(&mut self, block: &Block) {
        let mut body = Body::default();
        body.visit_block(block);
        for (receiver, advice) in &body.advised {
            let failure = Failure {
                file: self.file.to_owned(),
                messages: self.texts(&Words::of(receiver), &body, false),
                advice: self.texts(&Words::of(advice), &body, true),
            };
            self.found.push(failure);
        }
    }

    /// The texts of an expression: its literals, or else those of the variables in it. A constant is a text of its own
    /// only where `with_constants`.
    fn texts(&self, words: &Words, body: &Body, with_constants: bool) -> Vec<String> {
        let mut texts: Vec<String> = Vec::new();
        let mut seen = BTreeSet::new();
        let mut ahead = vec![words.clone()];
        while !ahead.is_empty() && !texts.iter().any(|text| count(text) >= WORDS) {
            let mut next = Vec::new();
            for words in ahead {
                texts.extend(
                    words
                        .literals
                        .iter()
                        .map(|text| spelt(text, self.constants)),
                );
                for name in words.names {
                    if !seen.insert(name.clone()) {
                        continue;
                    }
                    next.extend(body.variables.get(&name).cloned());
                    if with_constants {
                        texts.extend(self.constants.get(&name).cloned());
                    }
                }
            }
            ahead = next;
        }
        texts
    }
}

impl<'ast> Visit<'ast> for Functions<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        if !is_for_tests(attributes(item)) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        self.read(&function.block);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        if !is_for_tests(&function.attrs) {
            self.read(&function.block);
        }
    }
}

/// A function's body: what its variables are made of, and what its calls of `advise` advise on.
#[derive(Default)]
struct Body {
    variables: BTreeMap<String, Words>,
    advised: Vec<(Expr, Expr)>,
}

impl<'ast> Visit<'ast> for Body {
    fn visit_local(&mut self, local: &'ast Local) {
        if let Some(init) = &local.init {
            let mut words = Words::of(&init.expr);
            for name in names(&local.pat) {
                // A variable that is made of its namesake.
                words.names.remove(&name);
                self.variables.insert(name, words.clone());
            }
        }
        visit::visit_local(self, local);
    }

    fn visit_expr_method_call(&mut self, call: &'ast ExprMethodCall) {
        if call.method == "advise"
            && let Some(advice) = call.args.first()
        {
            self.advised
                .push(((*call.receiver).clone(), advice.clone()));
        }
        visit::visit_expr_method_call(self, call);
    }

    fn visit_stmt(&mut self, statement: &'ast Stmt) {
        // Functions in functions are read on their own.
        if !matches!(statement, Stmt::Item(Item::Fn(_))) {
            visit::visit_stmt(self, statement);
        }
    }
}

/// The variables that a pattern names.
fn names(pattern: &Pat) -> Vec<String> {
    match pattern {
        Pat::Ident(pattern) => vec![pattern.ident.to_string()],
        Pat::Type(pattern) => names(&pattern.pat),
        Pat::Tuple(pattern) => pattern.elems.iter().flat_map(names).collect(),
        _ => Vec::new(),
    }
}
