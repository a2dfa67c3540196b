//! `fargate warm`: tasks that wait for jobs.

mod simulate;

pub(crate) use self::simulate::simulate;
