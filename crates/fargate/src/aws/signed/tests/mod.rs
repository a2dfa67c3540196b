//! The signed client against botocore's requests, and against servers with odd replies.

mod replies;
mod requests;
mod retries;
mod server;
