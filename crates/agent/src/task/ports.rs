//! The ports that something listens on in the agent's network, which is its task's: a driver waits for services.
//!
//! The kernel's tables tell them without half a connection of which a service would complain, and without a program in
//! the container: a waiting task must not have run any.

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;

use anyhow::{Context, Result};

use crate::client_channel::ClientChannel;
use crate::shell::process::NOT_STARTED;

/// The kernel's tables (proc(5)). Without IPv6 there is no second one.
const TABLES: [&str; 2] = ["/proc/net/tcp", "/proc/net/tcp6"];

/// The state of a socket that listens (Linux: `TCP_LISTEN`, in hexadecimal digits).
const LISTENING: &str = "0A";

/// Sends the ports to the client, one per line.
pub(crate) async fn send(channel: ClientChannel) {
    match read() {
        Ok(ports) => channel.answer(ports.into()).await,
        Err(error) => channel.refuse(NOT_STARTED, &format!("{error:#}")).await,
    }
}

fn read() -> Result<String> {
    let mut ports = BTreeSet::new();
    for table in TABLES {
        match fs::read_to_string(table) {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            text => ports.extend(listening(
                &text.with_context(|| format!("cannot read {table}"))?,
            )),
        }
    }
    let lines = ports.iter().map(|port| format!("{port}\n"));
    Ok(lines.collect())
}

/// The ports in such a table: the first line has its titles, and a line `0: 0100007F:1F90 00000000:0000 0A …` a socket.
fn listening(table: &str) -> impl Iterator<Item = u16> {
    table.lines().skip(1).filter_map(|line| {
        let mut fields = line.split_whitespace().skip(1);
        let (local, _remote, state) = (fields.next()?, fields.next()?, fields.next()?);
        let (_address, port) = local.rsplit_once(':')?;
        let port = u16::from_str_radix(port, 16).ok()?;
        (state == LISTENING).then_some(port)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_that_listen_have_ports_and_others_do_not() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid\n   \
            0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1\n   \
            1: 0100007F:1F91 0100007F:C350 01 00000000:00000000 00:00000000 00000000     0        0 2 1\n   \
            2: 00000000000000000000000000000000:1538 00000000000000000000000000000000:0000 0A 0:0\n\
            nonsense\n  3: x:y z 0A\n";
        assert_eq!(listening(table).collect::<Vec<_>>(), [8080, 5432]);
        assert_eq!(listening("").count(), 0);
    }

    #[test]
    fn the_kernel_shows_a_port_that_listens_here() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port().to_string();
        assert!(read().unwrap().lines().any(|line| line == port));
    }
}
