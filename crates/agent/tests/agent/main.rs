//! The agent as its users see it: the real binary on loopback, with OpenSSH's `ssh` as its client, and russh's client
//! for requests that `ssh` cannot make.

#![cfg(test)]

mod commands;
mod data_flow;
mod driver;
mod harness;
mod idle_exit;
mod login;
mod lost_clients;
mod neighbourhood;
mod refusals;
mod root_folders;
mod scripts;
mod shells;
mod signals;
mod task_containers;
mod terminals;
