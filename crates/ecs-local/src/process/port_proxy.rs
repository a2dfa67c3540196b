//! A proxy in front of a container's port, for the faults of connections.
//!
//! The proxy listens on the port that clients know, and the program on another one. A container without such a fault
//! has no proxy.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy};
use tokio::net::{TcpListener, TcpStream};

use crate::faults::PortFaults;

/// The time in which a program has to listen on its own port.
const LISTEN_TIMEOUT: Duration = Duration::from_secs(30);

/// Forwards connections from `listen` to `target`, with faults, until it is dropped.
pub(crate) async fn serve(listen: SocketAddr, target: SocketAddr, faults: PortFaults) {
    match faults.refused {
        Some(None) => std::future::pending().await,
        Some(Some(time)) => tokio::time::sleep(time).await,
        None => {}
    }
    if let Err(error) = accept(listen, target, faults).await {
        tracing::warn!(%listen, %error, "cannot listen in front of a container's port");
    }
}

async fn accept(listen: SocketAddr, target: SocketAddr, faults: PortFaults) -> io::Result<()> {
    let listener = TcpListener::bind(listen).await?;
    let faulty = Arc::new(AtomicU64::new(0));
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let (client, _) = listener.accept().await?;
        while connections.try_join_next().is_some() {}
        let (faults, faulty) = (faults.clone(), faulty.clone());
        connections.spawn(async move {
            if let Err(error) = connect(client, target, &faults, &faulty).await {
                tracing::debug!(%target, %error, "a connection to a container's port ended");
            }
        });
    }
}

async fn connect(
    mut client: TcpStream,
    target: SocketAddr,
    faults: &PortFaults,
    faulty: &AtomicU64,
) -> io::Result<()> {
    tokio::time::sleep(faults.delay).await;
    let mut program = reach(target).await?;
    client.set_nodelay(true)?;
    program.set_nodelay(true)?;
    let cut_after = faults
        .drops
        .or(faults.freezes)
        .filter(|(_, most)| most.is_none_or(|most| faulty.fetch_add(1, Ordering::Relaxed) < most))
        .map(|(bytes, _)| bytes);
    match cut_after {
        None => {
            tokio::io::copy_bidirectional(&mut client, &mut program).await?;
        }
        Some(bytes) => {
            let (mut from_client, mut to_client) = client.split();
            let (mut from_program, mut to_program) = program.split();
            let mut limited = (&mut from_program).take(bytes);
            tokio::select! {
                // Until the limit, or until the program closes the connection.
                copied = copy(&mut limited, &mut to_client) => { copied?; to_client.flush().await?; }
                // A client that only stops sending leaves the connection open.
                ended = async {
                    copy(&mut from_client, &mut to_program).await?;
                    to_program.shutdown().await?;
                    std::future::pending::<io::Result<()>>().await
                } => { ended?; }
            }
            if faults.drops.is_none() && limited.limit() == 0 {
                // As when the packets of both sides are lost: neither side learns of it.
                std::future::pending::<()>().await;
            }
            client.set_zero_linger()?;
        }
    }
    Ok(())
}

/// Connects to the program, which may still be starting.
async fn reach(target: SocketAddr) -> io::Result<TcpStream> {
    let start = tokio::time::Instant::now();
    loop {
        match TcpStream::connect(target).await {
            Err(error)
                if error.kind() == io::ErrorKind::ConnectionRefused
                    && start.elapsed() < LISTEN_TIMEOUT =>
            {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            reached => return reached,
        }
    }
}
