//! The task whose services are looked at.

use crate::connect::job_container::target;
use crate::context::Context;
use crate::ssh::{Connection, KeyPair};
use crate::state::record::{Login, Record};

/// A task with services.
pub(crate) struct ServedTask<'a> {
    pub(crate) context: &'a Context<'a>,
    pub(crate) record: &'a Record,
    /// The login to the helper.
    pub(crate) login: &'a Login,
}

impl ServedTask<'_> {
    /// A connection to the helper: the one that is `open`, or a new one in its place.
    pub(super) async fn helper<'c>(
        &self,
        open: &'c mut Option<Connection>,
    ) -> Result<&'c Connection, String> {
        let connection = match open.take().filter(|open| !open.is_over()) {
            Some(connection) => connection,
            None => self.connect().await?,
        };
        Ok(open.insert(connection))
    }

    async fn connect(&self) -> Result<Connection, String> {
        let key = KeyPair::parse(&self.login.private_key).map_err(|error| error.to_string())?;
        Connection::open(&target(self.context, self.login), &key)
            .await
            .map_err(|refusal| refusal.to_string())
    }
}
