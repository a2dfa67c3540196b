//! `docs/troubleshooting.md`: each message on it is said by the programs or by AWS, and whoever sees a failure with
//! advice finds it there.

use std::collections::BTreeSet;
use std::fs;
use std::sync::LazyLock;

use crate::root;
use crate::said::{self, Failure, count as words};

/// Rooms whose failures only the person sees who typed the command, at once and with the advice.
const AT_THE_TERMINAL: [&str; 3] = ["operate/", "trial/", "images/"];

/// Files that put another file's advice on a message of somebody else.
const FORWARDERS: [&str; 1] = ["aws/advice.rs"];

/// Fewer words than these say nothing of their own ("Run the job again.").
const WORDS_OF_ADVICE: usize = 5;

/// One message that stands for more failures than these is too general to be found.
const MOST_FAILURES: usize = 6;

/// A message on the page, with what the page says about it.
struct Entry {
    message: String,
    remedy: String,
}

impl Entry {
    /// Whether people who see `text` find this entry. `…` is what differs.
    fn is_in(&self, text: &str) -> bool {
        let mut rest = text;
        self.message
            .split('…')
            .all(|piece| match rest.split_once(piece) {
                Some((_, behind)) => {
                    rest = behind;
                    true
                }
                None => false,
            })
    }
}

fn page() -> String {
    fs::read_to_string(root().join("docs/troubleshooting.md")).unwrap()
}

/// The entries of the page: headings that are messages, and the rows of tables with messages.
fn entries() -> Vec<Entry> {
    let page = page();
    let mut entries = Vec::new();
    for section in page.split("\n### `").skip(1) {
        let (messages, body) = section.split_once("`\n").unwrap();
        let body = body.split("\n#").next().unwrap();
        push(&mut entries, messages, body);
    }
    let mut is_of_messages = false;
    for line in page.lines() {
        let cells = line
            .strip_prefix("| ")
            .and_then(|row| row.strip_suffix(" |"));
        let Some((first, rest)) = cells.and_then(|row| row.split_once(" | ")) else {
            is_of_messages &= line.starts_with("|---");
            continue;
        };
        if is_of_messages {
            let messages = first.strip_prefix('`').unwrap().strip_suffix('`').unwrap();
            push(&mut entries, messages, rest);
        }
        is_of_messages |= first == "message";
    }
    assert!(entries.len() > 150, "only {} entries", entries.len());
    entries
}

/// Several messages have one cause.
fn push(entries: &mut Vec<Entry>, messages: &str, remedy: &str) {
    entries.extend(messages.split("`, `").map(|message| Entry {
        message: message.to_owned(),
        remedy: remedy.trim().to_owned(),
    }));
}

/// A row of `aws/texts.toml`: a text of AWS's, and a part of our advice on it.
#[derive(serde::Deserialize)]
struct Row {
    text: String,
    advice: String,
}

#[derive(serde::Deserialize)]
struct Texts {
    row: Vec<Row>,
}

/// What AWS is known to say, with the apostrophes of keyboards.
fn texts_of_aws() -> Vec<Row> {
    let file = root().join("crates/fargate/src/aws/texts.toml");
    let mut texts: Texts = toml::from_str(&fs::read_to_string(file).unwrap()).unwrap();
    for row in &mut texts.row {
        row.text = row.text.replace(['‘', '’'], "'");
    }
    texts.row
}

/// Everything that can be said.
static SAID: LazyLock<Vec<String>> = LazyLock::new(|| {
    let ours = ["fargate", "gitlab-local", "ecs-local"]
        .into_iter()
        .flat_map(said::literals)
        .map(|(_, text)| text);
    ours.chain(texts_of_aws().into_iter().map(|row| row.text))
        .collect()
});

#[test]
fn each_message_on_the_page_is_said_and_explained() {
    let mut seen = BTreeSet::new();
    for entry in entries() {
        let Entry { message, remedy } = &entry;
        assert!(
            SAID.iter().any(|text| entry.is_in(text)),
            "nothing says {message:?}"
        );
        assert!(
            message.len() >= 10 && message.contains(' '),
            "{message:?} is too general to be found"
        );
        assert!(words(remedy) >= 3, "no remedy for {message:?}");
        assert!(seen.insert(message.clone()), "{message:?} is there twice");
    }
}

#[test]
fn what_the_page_quotes_elsewhere_is_said() {
    let prose: String = page()
        .split('`')
        .step_by(2)
        .collect::<String>()
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    let quotes: Vec<&str> = prose.split('"').skip(1).step_by(2).collect();
    assert!(quotes.len() > 3, "{quotes:?}");
    for quote in quotes {
        let entry = Entry {
            message: quote.to_owned(),
            remedy: String::new(),
        };
        assert!(
            SAID.iter().any(|text| entry.is_in(text)),
            "nothing says {quote:?}"
        );
    }
}

/// The texts by which a failure can be looked up: its own message, or else the advice.
fn names_of(failure: &Failure) -> Vec<&String> {
    let messages: Vec<_> = long(&failure.messages, said::WORDS);
    match messages.is_empty() {
        true => long(&failure.advice, WORDS_OF_ADVICE),
        false => messages,
    }
}

fn long(texts: &[String], least: usize) -> Vec<&String> {
    texts.iter().filter(|text| words(text) >= least).collect()
}

#[test]
fn each_failure_with_advice_is_on_the_page() {
    let entries = entries();
    let failures: Vec<_> = said::failures("fargate")
        .into_iter()
        .filter(|failure| {
            !AT_THE_TERMINAL
                .iter()
                .any(|room| failure.file.starts_with(room))
        })
        .collect();
    assert!(failures.len() > 60, "only {} failures", failures.len());
    let mut missing = Vec::new();
    for failure in &failures {
        let file = &failure.file;
        let has_words = failure
            .messages
            .iter()
            .chain(&failure.advice)
            .any(|text| words(text) > 0);
        assert!(
            has_words || FORWARDERS.contains(&file.as_str()),
            "{file}: no text of this failure is in its function"
        );
        for text in names_of(failure) {
            if !entries.iter().any(|entry| entry.is_in(text)) {
                missing.push(format!("{file}: {text}"));
            }
        }
    }
    assert_eq!(missing, [""; 0]);
    for entry in &entries {
        let named = failures
            .iter()
            .filter(|failure| names_of(failure).iter().any(|text| entry.is_in(text)))
            .count();
        assert!(
            named <= MOST_FAILURES,
            "{:?} is about {named} failures",
            entry.message
        );
    }
}

#[test]
fn what_aws_is_known_to_say_is_on_the_page() {
    let entries = entries();
    let is_there = |text: &str| entries.iter().any(|entry| entry.is_in(text));
    let mut missing = Vec::new();
    for row in texts_of_aws() {
        let is_answered = !row.advice.is_empty() && row.text.contains(' ');
        if is_answered && !is_there(&row.text) {
            missing.push(row.text);
        }
    }
    assert_eq!(missing, [""; 0]);
}

#[test]
fn all_advice_on_aws_is_on_the_page() {
    let entries = entries();
    let rows = texts_of_aws();
    let is_there = |text: &str| entries.iter().any(|entry| entry.is_in(text));
    // By AWS's own words, where a row names them and enough of the advice to tell it from others.
    let is_there_in_aws_words = |advice: &str| {
        rows.iter().any(|row| {
            row.advice.contains(' ') && advice.contains(&row.advice) && is_there(&row.text)
        })
    };
    let advice: Vec<_> = said::literals("fargate")
        .into_iter()
        .filter(|(file, _)| file.contains("advice") || file.contains("remedy"))
        .filter(|(_, text)| words(text) >= WORDS_OF_ADVICE)
        .collect();
    assert!(advice.len() > 60, "only {} pieces of advice", advice.len());
    let missing: Vec<_> = advice
        .into_iter()
        .filter(|(_, text)| !is_there(text) && !is_there_in_aws_words(text))
        .map(|(file, text)| format!("{file}: {text}"))
        .collect();
    assert_eq!(missing, [""; 0]);
}
