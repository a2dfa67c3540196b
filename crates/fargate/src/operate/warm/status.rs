//! `fargate warm status`: how many tasks wait, for each pool.

use std::io::Write;

use serde_json::{Value, json};

use crate::cli::Status;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::state::clock::now;
use crate::state::records::Records;
use crate::state::waiting::Waiting;
use crate::state::warm::{Holder, Keeper, Rest, WarmTasks, keeper_of};

/// Prints the pools. Asks nobody but the folder.
///
/// # Errors
///
/// When the folder cannot be read, or standard output takes nothing.
pub(super) fn status(request: &Status, config: &Config) -> Result<()> {
    let records = Records::open(&config.metadata_directory, config.ledger_months)?;
    let warm = WarmTasks::of(&records);
    let mut waiting = warm.all()?;
    waiting.retain(|file| file.holder == Holder::Nobody);
    let tasks: Vec<_> = waiting.into_iter().map(|file| file.task).collect();
    let at = i64::try_from(now().as_secs()).unwrap_or(i64::MAX);
    let pools = config.warm.pools.iter().map(|pool| {
        let name = pool.name();
        let its = tasks.iter().filter(|task| task.pool == name);
        json!({
            "pool": name,
            "wanted": if pool.schedule.is_open(at) { pool.tasks } else { 0 },
            "starting": its.clone().filter(|task| !task.is_ready()).count(),
            "ready": its.filter(|task| task.is_ready()).count(),
        })
    });
    let pools: Vec<Value> = pools.collect();
    let keeper = warm.keeper(&keeper_of(&config.file));
    let document = json!({
        "keeper": matches!(keeper, Keeper::Lives),
        "resting": warm.rest().map(|rest| match rest {
            Rest::Drained => "drained",
            Rest::Yielded => "yielded",
        }),
        "pools": pools,
        "tasks": tasks.iter().map(task).collect::<Vec<_>>(),
    });
    let text = match request.json {
        true => format!("{document:#}\n"),
        false => text(&document),
    };
    let mut stdout = std::io::stdout().lock();
    stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
        .map_err(|error| Error::system(format!("could not write to standard output: {error}")))
}

fn task(task: &Waiting) -> Value {
    json!({
        "id": task.id,
        "pool": task.pool,
        "task_arn": task.task,
        "ready": task.is_ready(),
        "age_seconds": task.age().as_secs(),
    })
}

fn text(document: &Value) -> String {
    let mut text = String::new();
    for pool in document["pools"].as_array().into_iter().flatten() {
        text += &format!(
            "{}: {} wanted, {} starting, {} ready\n",
            pool["pool"].as_str().unwrap_or_default(),
            pool["wanted"],
            pool["starting"],
            pool["ready"]
        );
    }
    if document["keeper"] == false {
        text += "`fargate warm keep` does not run for this configuration\n";
    }
    if document["resting"] == "drained" {
        text += "drained: none is started until `fargate warm keep --resume`\n";
    }
    text
}
