//! Why a task ended: the reason in a sentence with advice, whether an image is at fault, whether AWS lost the task.
//!
//! A task ends with a stop code and several statements, its own reason and one for each container, each with a family
//! before the first colon (AWS: stopped tasks error messages). `statement` takes them apart and finds the container
//! that each speaks of; `cause` tells what one means; `ending` finds the one that ended the task. AWS has reworded its
//! texts before and will again: the literal ones that are known are in `aws/texts.toml`.

mod advice;
mod cause;
mod ending;
mod image_fault;
mod loss;
mod reason;
mod sentence;
mod statement;

pub(crate) use self::loss::Loss;
