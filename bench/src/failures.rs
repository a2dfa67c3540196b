//! A failure of AWS that GitLab's driver hides.

use serde_json::json;
use testing::{ManagerHost, SshServer};

use crate::fargate;
use crate::table::row;

pub(crate) fn measure() {
    let always = json!({ "faults": [{ "effect": { "no_capacity": {} } }] });
    let manager = ManagerHost::with_faults(fargate(), SshServer::Agent, &always);
    manager.configure("StartTimeout = \"1s\"", "");
    let outcome = manager.custom("prepare");
    let shown = outcome.code == Some(22)
        && outcome
            .err()
            .contains("Capacity is unavailable at this time");
    row(
        "RunTask without capacity",
        if shown { "AWS's reason" } else { "NO REASON" },
        "-",
        "AWS's reason",
    );
}
