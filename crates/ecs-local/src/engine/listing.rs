//! The list of all containers, read leniently.
//!
//! Podman lists states that Docker's API does not have (`stopped`, between a container's end and Podman's own cleanup).
//! bollard then refuses the whole list, of which only two members matter here.

use std::collections::HashMap;
use std::path::Path;

use anyhow::Context;
use serde::Deserialize;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

/// A container, running or not.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ListedContainer {
    pub(super) id: String,
    #[serde(default)]
    labels: Option<HashMap<String, String>>,
}

impl ListedContainer {
    pub(super) fn label(&self, name: &str) -> Option<&String> {
        self.labels.as_ref()?.get(name)
    }
}

/// All containers of the engine at `socket`.
pub(super) async fn containers(socket: &Path) -> anyhow::Result<Vec<ListedContainer>> {
    let mut stream = UnixStream::connect(socket).await?;
    // With HTTP/1.0 the reply is whole, and ends with the connection.
    stream
        .write_all(b"GET /containers/json?all=true HTTP/1.0\r\nHost: engine\r\n\r\n")
        .await?;
    let mut reply = Vec::new();
    stream.read_to_end(&mut reply).await?;
    let reply = String::from_utf8_lossy(&reply);
    let (head, body) = reply.split_once("\r\n\r\n").unwrap_or_default();
    anyhow::ensure!(
        head.split_whitespace().nth(1) == Some("200"),
        "the engine answered {reply:?}"
    );
    serde_json::from_str(body).context("reading the list of containers")
}
