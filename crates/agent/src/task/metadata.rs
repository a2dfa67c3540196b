//! The task's metadata, which tells a driver without the delay of ECS's API which containers have ended.
//!
//! It takes one plain HTTP request to an address in the task's own network (ECS: task metadata endpoint, version 4).

use std::env;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::client_channel::ClientChannel;
use crate::shell::process::NOT_STARTED;

/// Environment variable in which ECS passes the container's address at the endpoint.
const VARIABLE: &str = "ECS_CONTAINER_METADATA_URI_V4";

/// Limits of the connection and of the request, which go no further than the task's host.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
const TIMEOUT: Duration = Duration::from_secs(3);

/// Bytes read of a reply at most: ten containers take some ten thousand.
const LIMIT: u64 = 60 * 1024;

/// Sends the metadata to the client.
pub(crate) async fn send(channel: ClientChannel) {
    match read().await {
        Ok(json) => channel.answer(json.into()).await,
        Err(error) => channel.refuse(NOT_STARTED, &format!("{error:#}")).await,
    }
}

async fn read() -> Result<String> {
    let uri = env::var(VARIABLE).with_context(|| format!("{VARIABLE} is not set"))?;
    let (host, path) = uri
        .strip_prefix("http://")
        .and_then(|rest| rest.split_once('/'))
        .with_context(|| format!("{VARIABLE} is {uri:?}, which is not an http address"))?;
    let requesting = async { timeout(TIMEOUT, request(host, path)).await? };
    requesting
        .await
        .with_context(|| format!("cannot read {uri}/task"))
}

async fn request(host: &str, path: &str) -> Result<String> {
    let address = if host.contains(':') {
        host.to_owned()
    } else {
        format!("{host}:80")
    };
    let mut stream = timeout(CONNECT_TIMEOUT, TcpStream::connect(address)).await??;
    // In HTTP 1.0 the reply has no chunks, and ends with the connection.
    let request = format!("GET /{path}/task HTTP/1.0\r\nHost: {host}\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut reply = String::new();
    stream.take(LIMIT).read_to_string(&mut reply).await?;
    let Some((head, body)) = reply.split_once("\r\n\r\n") else {
        bail!("the reply is not HTTP");
    };
    let status = head.split_whitespace().nth(1).unwrap_or_default();
    ensure!(status == "200", "the reply has status {status:?}");
    ensure!(body.starts_with('{'), "the reply is not JSON");
    Ok(body.to_owned())
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::main(flavor = "current_thread")]
    async fn reply(text: &str) -> Result<String> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let serving = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut asked = [0; 512];
            let length = stream.read(&mut asked).await.unwrap();
            stream.write_all(text.as_bytes()).await.unwrap();
            String::from_utf8_lossy(&asked[..length]).into_owned()
        };
        let (answer, asked) = tokio::join!(request(&address, "v4/abc-helper"), serving);
        assert!(
            asked.starts_with("GET /v4/abc-helper/task HTTP/1.0\r\n"),
            "{asked}"
        );
        answer
    }

    #[test]
    fn the_body_is_the_answer() {
        let json =
            reply("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{\"Containers\":[]}");
        assert_eq!(json.unwrap(), "{\"Containers\":[]}");
    }

    #[test]
    fn a_reply_without_metadata_is_reported() {
        for (text, part) in [
            ("HTTP/1.1 404 Not Found\r\n\r\nno", "404"),
            ("HTTP/1.1 200 OK\r\n\r\n<html>", "not JSON"),
            ("nonsense", "not HTTP"),
            ("", "not HTTP"),
        ] {
            let error = reply(text).unwrap_err().to_string();
            assert!(error.contains(part), "{text:?}: {error}");
        }
    }
}
