//! This program as the agent of tasks that are processes of this machine.

use std::collections::BTreeMap;

use ecs_local::{Backend, Program};
use fargate_wire::{AGENT_PORT, COORDINATOR_CONTAINER};

use crate::cli::ServeAgent;
use crate::error::{Blame, Error, Result};

/// A backend whose tasks are processes: the container that takes scripts is `fargate agent serve`.
///
/// # Errors
///
/// When this program's own file cannot be found.
pub(super) fn process_backend() -> Result<Backend> {
    let myself = std::env::current_exe().map_err(|error| {
        Error::system(format!("could not find this program's own file: {error}"))
    })?;
    let mut command = vec![myself.to_string_lossy().into_owned()];
    command.extend(
        [
            "agent",
            "serve",
            "--until-stdin-closes",
            "--listen",
            "{address}:{port}",
        ]
        .map(str::to_owned),
    );
    let agent = Program {
        command,
        default_port: AGENT_PORT,
    };
    Ok(Backend::Process {
        programs: BTreeMap::from([(COORDINATOR_CONTAINER.to_owned(), agent)]),
    })
}

/// The hidden command `fargate agent serve`.
///
/// # Errors
///
/// When the agent fails, or a signal stops it: its exit status tells that.
pub(crate) async fn serve_agent(options: ServeAgent) -> Result<()> {
    let arguments = fargate_agent::Arguments {
        listen: options.listen,
        host_key: options.host_key,
        helper: options.helper,
        until_stdin_closes: options.until_stdin_closes,
    };
    match fargate_agent::run(arguments).await {
        Ok(None) => Ok(()),
        Ok(Some(signal)) => Err(Error::new(
            Blame::Stopped(signal),
            "the agent was told to stop",
        )),
        Err(error) => Err(Error::system(format!("the agent failed: {error:#}"))),
    }
}
