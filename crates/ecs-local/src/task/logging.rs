//! Opening the log streams of a task's containers, which its start needs.

use super::plan::Plan;
use crate::ecs;
use crate::world::{TaskKey, World};

/// Opens a stream for each container whose definition wants one.
///
/// # Errors
///
/// When a log group is missing, with what ECS says then.
pub(super) fn open(world: &World, key: &TaskKey, plan: &Plan) -> Result<(), String> {
    for (at, container) in plan.containers.iter().enumerate() {
        let Some(destination) = &container.log else {
            continue;
        };
        let mut state = world.lock();
        let groups = &mut ecs::account(world, &mut state, &destination.region).logs;
        let stream = destination.open(groups, world.latency)?;
        drop(state);
        world.with_task(key, |task| {
            if let Some(output) = task.outputs.get(at) {
                output.log_to(stream);
            }
        });
    }
    Ok(())
}
