//! Why a task ended: the reason in a sentence with advice, whether an image is at fault, whether AWS lost the task.
//!
//! AWS has reworded its texts before and will again, so they are matched by fragments, without regard to case (AWS:
//! error families).

mod advice;
mod image_fault;
mod loss;
mod sentence;

pub(crate) use self::loss::Loss;
