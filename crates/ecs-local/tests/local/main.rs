//! The stand-in as its clients see it: on a port of its own, over HTTP, with tasks of real processes.

#![cfg(test)]

mod access_key;
mod calls;
mod cluster;
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
mod refusals;
mod starts;
mod stops;
