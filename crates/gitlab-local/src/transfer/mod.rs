//! Files on their way to a task and back, in the shape of a tar file.
//!
//! The one way out is a script's output. The one way in is the script that a driver sends to a shell's standard input,
//! so the files follow the script there. The shell must not read them: bash reads standard input byte by byte, with a
//! system call for each, and dash needs one word of memory after another. The programs that unpack them read them
//! themselves.

mod archive;
mod input;
mod receiving;
mod sending;

pub(crate) use self::archive::Archive;
pub(crate) use self::input::as_input;
pub(crate) use self::receiving::{Markers, Received, Receiver};
pub(crate) use self::sending::{files_follow, take_files};
