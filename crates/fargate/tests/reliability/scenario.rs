//! What the jobs of a soak meet, chosen by its seed.

use std::time::Duration;

use serde_json::{Value, json};

use crate::runner_process::{SCRIPT, Victim};

/// When in a job's life something happens to it, at the latest.
const LIFE: f64 = 5.0;

/// What happens to a job, beside the faults.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event {
    Nothing,
    /// The stage under way is told to stop, as when the job is cancelled.
    Cancel,
    Kill(Victim),
    /// Its runner ends without a cleanup.
    Abandon,
}

/// What one job meets.
#[derive(Debug)]
pub(crate) struct Scenario {
    pub(crate) event: Event,
    pub(crate) at: Duration,
    pub(crate) script: &'static str,
    pub(crate) reaps: bool,
}

impl Scenario {
    /// The scenario of a job.
    pub(crate) fn of(seed: u64, id: u64) -> Self {
        let mut random = fastrand::Rng::with_seed(seed ^ id.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let event = match random.u32(..100) {
            0..40 => Event::Nothing,
            40..60 => Event::Cancel,
            60..73 => Event::Kill(Victim::Stage),
            73..83 => Event::Kill(Victim::Both),
            83..93 => Event::Kill(Victim::Runner),
            _ => Event::Abandon,
        };
        let scripts = [
            SCRIPT,
            "echo fails; exit 3",
            "head -c 300000 /dev/zero | tr '\\0' x; echo",
            "sleep 1; echo slow",
            "kill -9 $$",
        ];
        Self {
            event,
            at: Duration::from_secs_f64(random.f64() * LIFE),
            script: scripts[random.usize(..scripts.len())],
            reaps: random.u32(..100) < 4,
        }
    }

    /// Whether a sweep may end the job before its runner does.
    pub(crate) fn loses_runner(&self) -> bool {
        matches!(
            self.event,
            Event::Kill(Victim::Both | Victim::Runner) | Event::Abandon
        )
    }
}

/// The faults of the whole run.
pub(crate) fn faults(seed: u64) -> Value {
    let rules = [
        (0.03, json!({}), json!("throttle")),
        (0.01, json!({}), json!("server_error")),
        (0.01, json!({}), json!("service_unavailable")),
        (0.01, json!({}), json!("connection_reset")),
        (0.01, json!({}), json!("truncated_reply")),
        (0.02, json!({}), json!({ "lost_reply": {} })),
        (0.01, json!({}), json!({ "lost_reply": { "reset": true } })),
        (0.01, json!({}), json!({ "slow_reply": { "seconds": 3 } })),
        (0.005, json!({}), json!("expired_credentials")),
        (
            0.03,
            json!({ "operation": "StopTask" }),
            json!("access_denied"),
        ),
        (0.05, json!({}), json!({ "ec2_throttle": {} })),
        (0.05, json!({}), json!({ "no_capacity": {} })),
        (0.05, json!({}), json!({ "missing": { "reads": 2 } })),
        (0.05, json!({}), json!({ "stale_read": { "every": 3 } })),
        (0.05, json!({}), json!("unknown_values")),
        (0.05, json!({}), json!("attachment_traps")),
        (
            0.03,
            json!({}),
            json!({ "start_failure": { "at": "network" } }),
        ),
        (
            0.01,
            json!({}),
            json!({ "start_failure": { "at": "pull" } }),
        ),
        (
            0.01,
            json!({}),
            json!({ "dies_unseen": { "exit_code": 1 } }),
        ),
        (
            0.05,
            json!({}),
            json!({ "spot_interruption": { "after_seconds": 1 } }),
        ),
        (
            0.02,
            json!({}),
            json!({ "exit": { "after_seconds": 1.5, "code": 1 } }),
        ),
        (
            0.02,
            json!({}),
            json!({ "out_of_memory": { "after_seconds": 1.5 } }),
        ),
        (0.05, json!({}), json!({ "listen_delay": { "seconds": 1 } })),
        (0.05, json!({}), json!({ "port_refused": { "seconds": 1 } })),
        (
            0.10,
            json!({}),
            json!({ "port_drops": { "after_bytes": 100_000, "connections": 2 } }),
        ),
        (
            0.02,
            json!({}),
            json!({ "port_freezes": { "after_bytes": 100_000, "connections": 1 } }),
        ),
        // A path that drops large packets for a while.
        (
            0.02,
            json!({}),
            json!({ "port_freezes": { "after_bytes": 5_000, "connections": 2 } }),
        ),
    ];
    let rules = rules.map(|(probability, mut when, effect)| {
        when["probability"] = json!(probability);
        json!({ "when": when, "effect": effect })
    });
    json!({ "seed": seed, "faults": rules })
}
