//! `fargate try` and `fargate local serve`: this program without GitLab, without a runner, and without AWS.
//!
//! `gitlab-local` plays GitLab and its runner, `ecs-local` plays AWS, and neither knows the other or this program. Here
//! they are put together with this program's own stages and its own agent. The room is behind the feature `trial`.

mod account;
mod agent_process;
mod blame;
mod container_setup;
mod folder;
mod list;
mod serve;
mod surroundings;
mod try_job;
mod wanted;

pub(crate) use self::agent_process::serve_agent;
pub(crate) use self::serve::serve;
pub(crate) use self::try_job::try_job;
