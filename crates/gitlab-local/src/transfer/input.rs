//! Content as a program's standard input.

use std::io::{self, Seek as _, Write as _};
use std::process::Stdio;

/// A file with `content` for standard input: a pipe would need somebody to fill it meanwhile.
pub(crate) fn as_input(content: &[u8]) -> io::Result<Stdio> {
    let mut file = tempfile::tempfile()?;
    file.write_all(content)?;
    file.rewind()?;
    Ok(Stdio::from(file))
}
