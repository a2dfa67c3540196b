//! `fargate local serve`: the stand-in for AWS, with this program's own agent in its tasks.

use std::io::Write;
use std::path::Path;

use ecs_local::{AccessKey, Backend, Faults, Options, Resources, Seed, StandIn};
use tokio::net::TcpListener;

use crate::cli::{Backend as Kind, Serve};
use crate::error::{Blame, Error, Result};
use crate::signals::Shutdown;

use super::agent_process::process_backend;

/// Serves until stopped.
///
/// # Errors
///
/// When it cannot listen, or the file of faults is wrong.
pub(crate) async fn serve(serve: &Serve, shutdown: &Shutdown) -> Result<()> {
    let usage = |message: String| Error::new(Blame::Usage, message);
    let faults = document(serve.faults.as_deref(), Faults::parse)?;
    let resources = document(serve.resources.as_deref(), Resources::parse)?;
    if !(serve.latency.is_finite() && serve.latency >= 0.0) {
        return Err(usage(format!(
            "--latency is {}, but must be 0 or more",
            serve.latency
        )));
    }
    let listener = TcpListener::bind(serve.listen).await.map_err(|error| {
        Error::system(format!("could not listen on {}: {error}", serve.listen))
            .advise("Choose another address with --listen.")
    })?;
    let options = Options {
        latency: serve.latency,
        throttle: serve.throttle,
        lazy_pulls: serve.lazy_pulls,
        faults,
        resources,
        backend: match serve.backend {
            Kind::Process => process_backend()?,
            Kind::Container => Backend::Container { socket: None },
        },
        seed: Seed::default(),
        access_key: serve.access_key.then(AccessKey::random),
    };
    let access_key = options.access_key.clone();
    let failed =
        |error: anyhow::Error| Error::system(format!("the stand-in for AWS failed: {error:#}"));
    let stand_in = tokio::select! {
        ready = StandIn::new(options) => ready.map_err(failed)?,
        _ = shutdown.requested() => return Ok(()),
    };
    introduce(&listener, access_key.as_ref())?;
    let shutdown = shutdown.clone();
    let stopped = async move {
        shutdown.requested().await;
    };
    stand_in.serve(listener, stopped).await.map_err(failed)
}

/// A document of the command line; the default where it names none.
fn document<T: Default>(
    file: Option<&Path>,
    parse: impl FnOnce(&str) -> anyhow::Result<T>,
) -> Result<T> {
    let Some(file) = file else {
        return Ok(T::default());
    };
    let usage =
        |problem: String| Error::new(Blame::Usage, format!("{}: {problem}", file.display()));
    let text = std::fs::read_to_string(file)
        .map_err(|error| usage(format!("could not be read: {error}")))?;
    parse(&text).map_err(|error| usage(format!("{error:#}")))
}

fn introduce(listener: &TcpListener, access_key: Option<&AccessKey>) -> Result<()> {
    let seed = Seed::default();
    let address = listener
        .local_addr()
        .map_err(|error| Error::system(error.to_string()))?;
    let ids = |ids: Vec<&str>| ids.join(", ");
    let subnets = ids(seed
        .subnets
        .iter()
        .map(|subnet| subnet.id.as_str())
        .collect());
    let groups = ids(seed
        .security_groups
        .iter()
        .map(|group| group.id.as_str())
        .collect());
    let credentials = match access_key {
        None => "any credentials",
        Some(_) => "with this access key only",
    };
    let export = access_key.map_or_else(String::new, |AccessKey { id, secret }| {
        format!("export AWS_ACCESS_KEY_ID={id} AWS_SECRET_ACCESS_KEY={secret}\n")
    });
    let text = format!(
        "A stand-in for AWS answers at http://{address} (account 000000000000, {credentials}).\n\
         {export}\
         Subnets: {subnets}\nSecurity groups: {groups}\n\
         Point clients to it with Endpoint = \"http://{address}\" in [Fargate], or AWS_ENDPOINT_URL.\n"
    );
    let mut stdout = std::io::stdout().lock();
    stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
        .map_err(|error| Error::system(format!("could not write to standard output: {error}")))
}
