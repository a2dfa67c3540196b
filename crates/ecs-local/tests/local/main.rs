//! The stand-in as its clients meet it: served on a port of its own, spoken to over HTTP, with real processes in its
//! tasks.

#![cfg(test)]

mod calls;
mod conformance;
mod containers;
mod documentation;
mod host;
mod limits;
mod logs;
mod placement;
mod ports;
mod processes;
mod reads;
mod server;
mod starts;
mod stops;
