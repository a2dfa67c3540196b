//! Channels of a connection. Each is opened within a bound: a server may log us in and never answer.

use std::future::pending;
use std::time::Duration;

use russh::client::Msg;
use russh::{Channel, ChannelMsg, ChannelReadHalf, ChannelWriteHalf};
use tokio::time::{sleep, timeout};

use super::connection::Connection;
use super::terminal::Terminal;

impl Connection {
    /// Starts a command on a channel of its own.
    pub(super) async fn exec(
        &self,
        command: &str,
    ) -> Result<(ChannelReadHalf, ChannelWriteHalf<Msg>), String> {
        let starting = async {
            let channel = self.session().await?;
            let asked = channel.exec(true, command).await;
            asked.map(|()| channel).map_err(|_| self.lost())
        };
        self.in_time(starting).await.map(Channel::split)
    }

    /// Starts a command on a channel of its own, on a terminal.
    pub(super) async fn exec_on_terminal(
        &self,
        command: &str,
        terminal: &Terminal,
    ) -> Result<(ChannelReadHalf, ChannelWriteHalf<Msg>), String> {
        let starting = async {
            let mut channel = self.session().await?;
            let asked = terminal.request(&channel).await;
            asked.map_err(|_| self.lost())?;
            loop {
                match channel.wait().await {
                    Some(ChannelMsg::Success) => break,
                    Some(ChannelMsg::Failure) => {
                        return Err(
                            "its SSH server gives no terminal; an older agent has none".to_owned()
                        );
                    }
                    Some(_) => {}
                    None => return Err(self.lost()),
                }
            }
            let asked = channel.exec(true, command).await;
            asked.map(|()| channel).map_err(|_| self.lost())
        };
        self.in_time(starting).await.map(Channel::split)
    }

    /// A channel for a subsystem of our agent.
    pub(super) async fn subsystem(
        &self,
        name: &str,
    ) -> Result<(ChannelReadHalf, ChannelWriteHalf<Msg>), String> {
        let starting = async {
            let channel = self.session().await?;
            let asked = channel.request_subsystem(true, name).await;
            asked.map(|()| channel).map_err(|_| self.lost())
        };
        self.in_time(starting).await.map(Channel::split)
    }

    /// Opens a channel.
    async fn session(&self) -> Result<Channel<Msg>, String> {
        match self.handle.channel_open_session().await {
            Ok(channel) => Ok(channel),
            Err(russh::Error::ChannelOpenFailure(why)) => {
                Err(format!("its SSH server opens no session: {why:?}"))
            }
            Err(_) => Err(self.lost()),
        }
    }

    /// Bounds the opening of a channel, up to the request on it: a server that does not read holds that up, too.
    async fn in_time<T>(
        &self,
        opening: impl Future<Output = Result<T, String>>,
    ) -> Result<T, String> {
        let silent = |_| {
            Err(format!(
                "its SSH server has not answered for {} s",
                self.answer_timeout.as_secs()
            ))
        };
        timeout(self.answer_timeout, opening)
            .await
            .unwrap_or_else(silent)
    }

    /// Returns when the server has answered a probe that is sent after this time: the connection has carried all that
    /// the server sent before. Does not return where it carries nothing.
    pub(super) async fn proven(&self, after: Duration) {
        sleep(after).await;
        // The library returns the same when the connection is lost.
        if self.handle.send_ping().await.is_err() || self.handle.is_closed() {
            pending::<()>().await;
        }
    }
}
