//! AWS's literal texts, of `texts.toml`: the blame of each, whether it is tried again, and the advice.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use toml::de::{DeTable, DeValue};

use super::AwsError;
use super::run_task::nowhere;
use crate::task::{Container, JobContainer, Loss, Task};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    row: Vec<Row>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    kind: Kind,
    #[serde(default)]
    mode: Mode,
    code: Option<String>,
    status: Option<u16>,
    task: Option<String>,
    container: Option<String>,
    #[serde(default)]
    exits: BTreeMap<String, i32>,
    text: String,
    blame: String,
    again: String,
    advice: String,
    never: Option<String>,
    source: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Call,
    Credentials,
    Failure,
    Stop,
    Container,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
enum Mode {
    #[default]
    #[serde(rename = "job image")]
    JobImage,
    #[serde(rename = "definition")]
    Definition,
}

/// The driver's answer to a text.
#[derive(Debug)]
struct Answer {
    blame: &'static str,
    again: &'static str,
    advice: Option<String>,
}

const IMAGES: [(&str, &str); 4] = [
    (
        "bootstrap",
        "111122223333.dkr.ecr.eu-west-1.amazonaws.com/fargate-agent:1",
    ),
    ("ci-coordinator", "ruby:3.3"),
    (
        "helper",
        "registry.gitlab.com/gitlab-org/gitlab-runner/gitlab-runner-helper:x86_64-v19.4.0",
    ),
    ("service-0", "postgres:17"),
];

impl Row {
    fn answer(&self) -> Answer {
        let refusal = match self.kind {
            Kind::Stop | Kind::Container => return self.of_stop(),
            Kind::Failure => match nowhere("ecs:RunTask", self.text.clone()) {
                Ok(_) => return of_system("room", None),
                Err(refusal) => refusal,
            },
            Kind::Call => {
                let code = self.code.as_deref().unwrap();
                AwsError::refusal_with(code, &self.text, self.status.unwrap_or(400))
            }
            Kind::Credentials => AwsError::without_credentials(&self.text),
        };
        let again = match () {
            () if refusal.may_pass() => "call",
            () if refusal.has_no_room() => "room",
            () if refusal.refuses_tags() => "untagged",
            () if refusal.looked_for_ec2() => "launch type",
            () => "no",
        };
        of_system(again, refusal.advice())
    }

    fn of_stop(&self) -> Answer {
        let task = self.task();
        let build = JobContainer {
            port: 7022,
            image: "ruby:3.3".into(),
            is_jobs: true,
            services: Vec::new(),
        };
        let stop = task.stop_reason((self.mode == Mode::JobImage).then_some(&build), false);
        let blame = if stop.image_is_at_fault {
            "job"
        } else if task.out_of_memory(&["ci-coordinator", "helper"]).is_some() {
            "script 137"
        } else {
            "system"
        };
        let again = match stop.loss {
            Some(Loss::Room(_)) => "room",
            Some(Loss::Trouble(_)) => "task",
            None => "no",
        };
        Answer {
            blame,
            again,
            advice: stop.advice,
        }
    }

    /// The task that ended so.
    fn task(&self) -> Task {
        let is_of_container = self.kind == Kind::Container;
        let speaker = self.container.as_deref().unwrap_or("ci-coordinator");
        let is_there = |name: &str| self.mode == Mode::JobImage || name == "ci-coordinator";
        let containers = IMAGES.iter().filter(|(name, _)| is_there(name));
        let containers = containers.map(|(name, image)| Container {
            name: (*name).to_owned(),
            image: Some((*image).to_owned()),
            exit_code: self.exits.get(*name).copied(),
            reason: (is_of_container && ["all", *name].contains(&speaker))
                .then(|| self.text.clone()),
            ..Container::default()
        });
        let own = Some(self.text.clone()).filter(|_| !is_of_container);
        Task {
            stop_code: self.code.clone(),
            stopped_reason: own.or_else(|| self.task.clone()),
            last_status: "STOPPED".to_owned(),
            containers: containers.collect(),
            ..Task::default()
        }
    }
}

fn of_system(again: &'static str, advice: Option<String>) -> Answer {
    Answer {
        blame: "system",
        again,
        advice,
    }
}

/// The driver's TOML parser knows nothing of serde.
fn json(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::Table(table) => of_table(table),
        DeValue::Array(items) => items.iter().map(|item| json(item.get_ref())).collect(),
        DeValue::Integer(number) => number.as_str().parse().unwrap(),
        DeValue::String(text) => Value::from(text.as_ref()),
        other => panic!("{other:?}"),
    }
}

fn of_table(table: &DeTable<'_>) -> Value {
    let member = |(key, value): (_, &toml::Spanned<DeValue<'_>>)| (key, json(value.get_ref()));
    let members = table
        .iter()
        .map(|(key, value)| (key.get_ref().to_string(), value));
    Value::Object(members.map(member).collect())
}

#[test]
fn awss_texts_are_understood() {
    let document = DeTable::parse(include_str!("texts.toml")).unwrap();
    let table: Table = serde_json::from_value(of_table(document.get_ref())).unwrap();
    assert!(table.row.len() >= 80, "{}", table.row.len());
    let mut wrong = Vec::new();
    for row in &table.row {
        assert!(!row.source.is_empty(), "{row:?}");
        let answer = row.answer();
        let advice = answer.advice.clone().unwrap_or_default();
        let has_advice = if row.advice.is_empty() {
            advice.is_empty()
        } else {
            advice.contains(&row.advice)
        };
        let says_wrong = row
            .never
            .as_ref()
            .is_some_and(|never| advice.contains(never));
        if answer.blame != row.blame || answer.again != row.again || !has_advice || says_wrong {
            wrong.push(format!("{row:#?}\n  is answered by {answer:?}"));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {} rows:\n{}",
        wrong.len(),
        table.row.len(),
        wrong.join("\n")
    );
}
