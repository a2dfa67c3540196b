//! The stages as GitLab Runner calls them: the real program, against the stand-in for AWS, with tasks that run
//! the agent or a real OpenSSH server.

#![cfg(test)]

mod aws_refusals;
mod cleanup_config;
mod company_network;
mod configuration;
mod connection;
mod credentials;
mod endpoints;
mod failed_starts;
mod forward_proxy;
mod full_disk;
mod hedge_budget;
mod hedged_starts;
mod hostile_server;
mod identity;
mod ipv6;
mod job_container;
mod job_image;
mod job_image_refused;
mod job_log;
mod job_services;
mod kept_tasks;
mod killed_stops;
mod launch_type;
mod ledger;
mod lifecycle;
mod logs;
mod lost_tasks;
mod many_jobs;
mod order;
mod outages;
mod permissions;
mod progress;
mod proxy;
mod ps;
mod real_proxy;
mod reconnecting;
mod report;
mod scripts;
mod secrets;
mod service_log;
mod signals;
mod ssh;
mod strangers;
mod sweep;
mod sweep_order;
mod teardown;
mod warm;
mod warm_follow;
mod warm_services;
mod warm_simulate;
mod warm_status;
mod warm_tags;
mod warm_yields;
mod wrong_calls;

/// The program under test.
fn fargate() -> &'static str {
    env!("CARGO_BIN_EXE_fargate")
}
