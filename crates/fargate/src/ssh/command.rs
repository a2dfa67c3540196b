//! Small commands of our own beside the job's scripts.

use fargate_wire::{
    CLAIMABLE, CLAIMABLE_SUBSYSTEM, CLAIMED, Claim, HOST_NAMES_SUBSYSTEM,
    LISTENING_PORTS_SUBSYSTEM, METADATA_SUBSYSTEM, keep_subsystem,
};
use russh::{ChannelMsg, ChannelReadHalf};

use super::connection::Connection;

/// Longest answer that is read: our commands print little.
const ANSWER: usize = 64 * 1024;

impl Connection {
    /// The TCP ports that something listens on in the network of our agent.
    ///
    /// # Errors
    ///
    /// When there is no agent, it is too old, or it has no answer.
    pub(crate) async fn listening_ports(&self) -> Result<Vec<u16>, String> {
        let (incoming, _outgoing) = self.subsystem(LISTENING_PORTS_SUBSYSTEM).await?;
        let answer = self.answer(incoming).await?;
        let ports = answer.lines();
        Ok(ports.filter_map(|port| port.parse().ok()).collect())
    }

    /// ECS's metadata of the task from within it, as JSON; only our own agent has it.
    ///
    /// # Errors
    ///
    /// When there is no agent, or it has no answer.
    pub(crate) async fn metadata(&self) -> Result<String, String> {
        let (incoming, _outgoing) = self.subsystem(METADATA_SUBSYSTEM).await?;
        self.answer(incoming).await
    }

    /// The names of services that do not resolve in the container of our agent, after it added those that it may.
    ///
    /// # Errors
    ///
    /// When there is no agent, or it has no answer.
    pub(crate) async fn unresolved_names(&self) -> Result<Vec<String>, String> {
        let (incoming, _outgoing) = self.subsystem(HOST_NAMES_SUBSYSTEM).await?;
        let answer = self.answer(incoming).await?;
        Ok(answer.split_whitespace().map(str::to_owned).collect())
    }

    /// Has our agent end its task at this time, in seconds since 1970, and not before. Returns the time that the agent
    /// took.
    ///
    /// # Errors
    ///
    /// When there is no agent, it is too old, or it has no answer.
    pub(crate) async fn keep_until(&self, until: u64) -> Result<u64, String> {
        let asked = self.subsystem(&keep_subsystem(until)).await?;
        let answer = self.answer(asked.0).await;
        let answer =
            answer.map_err(|why| format!("{why} (is its agent older than this driver?)"))?;
        let time = answer.trim().parse();
        time.map_err(|_| format!("its agent answered {answer:?}"))
    }

    /// Has our agent take the limits of a job that claims its task. The agent agrees to one claim at most, and to none
    /// once something has run.
    ///
    /// # Errors
    ///
    /// When it refuses, is too old, or has no answer.
    pub(crate) async fn claim(&self, claim: Claim) -> Result<(), String> {
        self.expect(&claim.subsystem(), CLAIMED).await
    }

    /// Checks that our agent would agree to a claim.
    ///
    /// # Errors
    ///
    /// When it would not, is too old, or has no answer.
    pub(crate) async fn is_claimable(&self) -> Result<(), String> {
        self.expect(CLAIMABLE_SUBSYSTEM, CLAIMABLE).await
    }

    async fn expect(&self, subsystem: &str, expected: &str) -> Result<(), String> {
        let (incoming, _outgoing) = self.subsystem(subsystem).await?;
        let answer = self.answer(incoming).await?;
        match answer.trim() == expected {
            true => Ok(()),
            false => Err(format!("its agent answered {answer:?}")),
        }
    }

    async fn answer(&self, mut incoming: ChannelReadHalf) -> Result<String, String> {
        let mut answer = Vec::new();
        let mut status = None;
        while let Some(message) = incoming.wait().await {
            match message {
                ChannelMsg::Data { data } if answer.len() < ANSWER => {
                    answer.extend_from_slice(&data);
                }
                ChannelMsg::Failure => {
                    return Err("its SSH server knows no such request".to_owned());
                }
                ChannelMsg::ExitStatus { exit_status } => status = Some(exit_status),
                ChannelMsg::Close => break,
                _ => {}
            }
        }
        match status {
            Some(0) => Ok(String::from_utf8_lossy(&answer).into_owned()),
            Some(status) => Err(format!("the command ended with status {status}")),
            None => Err(self.lost()),
        }
    }

    /// Whether the connection is over.
    pub(crate) fn is_over(&self) -> bool {
        self.handle.is_closed()
    }
}
