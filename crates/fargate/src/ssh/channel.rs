//! Channels of a connection. Each is opened within a bound: a server may log us in and never answer.

use russh::client::Msg;
use russh::{Channel, ChannelReadHalf, ChannelWriteHalf};
use tokio::time::timeout;

use super::connection::Connection;

impl Connection {
    /// Starts a command on a channel of its own.
    pub(super) async fn exec(
        &self,
        command: &str,
    ) -> Result<(ChannelReadHalf, ChannelWriteHalf<Msg>), String> {
        let channel = self.session().await?;
        channel.exec(true, command).await.map_err(|_| self.lost())?;
        Ok(channel.split())
    }

    /// A channel for a subsystem of our agent.
    pub(super) async fn subsystem(
        &self,
        name: &str,
    ) -> Result<(ChannelReadHalf, ChannelWriteHalf<Msg>), String> {
        let channel = self.session().await?;
        channel
            .request_subsystem(true, name)
            .await
            .map_err(|_| self.lost())?;
        Ok(channel.split())
    }

    /// Opens a channel.
    async fn session(&self) -> Result<Channel<Msg>, String> {
        match timeout(self.answer_timeout, self.handle.channel_open_session()).await {
            Ok(Ok(channel)) => Ok(channel),
            Ok(Err(russh::Error::ChannelOpenFailure(why))) => {
                Err(format!("its SSH server opens no session: {why:?}"))
            }
            Ok(Err(_)) => Err(self.lost()),
            Err(_) => Err(format!(
                "its SSH server has not answered for {} s",
                self.answer_timeout.as_secs()
            )),
        }
    }
}
