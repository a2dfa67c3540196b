//! What an account offers to a new set-up, as far as `fargate init` reads it. No job needs any of this.

mod clusters;
mod networks;
mod secret;
mod stack;

pub(crate) use self::stack::Outputs;
