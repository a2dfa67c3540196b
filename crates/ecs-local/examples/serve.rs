//! A stand-in whose tasks are real containers, on a free port of this machine, until it is killed.

use std::io::Write;

use ecs_local::{Backend, Options, StandIn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let options = Options {
        // Where DOCKER_HOST says, or where Docker and Podman usually are.
        backend: Backend::Container { socket: None },
        ..Options::default()
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let stand_in = StandIn::new(options).await?;
    writeln!(std::io::stdout(), "{address}")?;
    stand_in.serve(listener, std::future::pending()).await
}
