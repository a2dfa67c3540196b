//! What ECS says of the task from inside of it, without the delay that its API has: for a driver that wants to know which
//! containers have ended.
//!
//! One plain HTTP request to an address of the task's own network (ECS: task metadata endpoint, version 4).

use std::env;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::script::{NOT_STARTED, Output};

/// Where ECS puts the container's address there.
const VARIABLE: &str = "ECS_CONTAINER_METADATA_URI_V4";

/// Bound of the request: it goes no further than the task's host.
const TIMEOUT: Duration = Duration::from_secs(3);

/// The longest reply that is read: ten containers take some ten thousand bytes.
const LIMIT: u64 = 60 * 1024;

/// Tells the client.
pub(crate) async fn answer(output: Output) {
    match of_task().await {
        Ok(json) => output.tell(json.into()).await,
        Err(error) => output.refuse(NOT_STARTED, &format!("{error:#}")).await,
    }
}

async fn of_task() -> Result<String> {
    let uri = env::var(VARIABLE).with_context(|| format!("{VARIABLE} is not set"))?;
    let (host, path) = uri
        .strip_prefix("http://")
        .and_then(|rest| rest.split_once('/'))
        .with_context(|| format!("{VARIABLE} is {uri:?}, and no http address"))?;
    let asking = async { timeout(TIMEOUT, ask(host, path)).await? };
    asking
        .await
        .with_context(|| format!("cannot ask {uri}/task"))
}

async fn ask(host: &str, path: &str) -> Result<String> {
    let mut stream = if host.contains(':') {
        TcpStream::connect(host).await?
    } else {
        TcpStream::connect((host, 80)).await?
    };
    // In version 1.0 the reply has no chunks, and ends with the connection.
    let request = format!("GET /{path}/task HTTP/1.0\r\nHost: {host}\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut reply = String::new();
    stream.take(LIMIT).read_to_string(&mut reply).await?;
    let Some((head, body)) = reply.split_once("\r\n\r\n") else {
        bail!("the reply is none of HTTP");
    };
    let status = head.split_whitespace().nth(1).unwrap_or_default();
    ensure!(status == "200", "the reply has status {status:?}");
    ensure!(body.starts_with('{'), "the reply is no JSON");
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
        let (answer, asked) = tokio::join!(ask(&address, "v4/abc-helper"), serving);
        assert!(
            asked.starts_with("GET /v4/abc-helper/task HTTP/1.0\r\n"),
            "{asked}"
        );
        answer
    }

    #[test]
    fn the_body_is_what_is_said() {
        let json =
            reply("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{\"Containers\":[]}");
        assert_eq!(json.unwrap(), "{\"Containers\":[]}");
    }

    #[test]
    fn what_is_no_answer_is_told() {
        for (text, part) in [
            ("HTTP/1.1 404 Not Found\r\n\r\nno", "404"),
            ("HTTP/1.1 200 OK\r\n\r\n<html>", "no JSON"),
            ("nonsense", "none of HTTP"),
            ("", "none of HTTP"),
        ] {
            let error = reply(text).unwrap_err().to_string();
            assert!(error.contains(part), "{text:?}: {error}");
        }
    }
}
