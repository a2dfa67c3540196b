//! Programs that stand for the agent: small, made on the spot by the C compiler that also links Rust's.

use std::path::PathBuf;
use std::process::Command;

use crate::{Desk, succeeds};

impl Desk {
    /// A program linked with `options`.
    pub(crate) fn program(&self, name: &str, options: &[&str]) -> PathBuf {
        let source = self.path("program.c");
        std::fs::write(&source, "int main(void) { return 0; }\n").unwrap();
        let program = self.path(name);
        let mut compiler = Command::new("gcc");
        compiler.args(options).arg("-o").args([&program, &source]);
        succeeds(compiler);
        program
    }

    /// A static program.
    pub(crate) fn amd64(&self) -> PathBuf {
        self.program("agent-amd64", &["-static"])
    }

    /// The same, said to be for ARM: nothing here runs it.
    pub(crate) fn arm64(&self) -> PathBuf {
        let mut bytes = std::fs::read(self.amd64()).unwrap();
        bytes[18] = 183;
        let program = self.path("agent-arm64");
        std::fs::write(&program, bytes).unwrap();
        program
    }
}

/// `--binary` and its file.
pub(crate) fn binary(program: &std::path::Path) -> [&str; 2] {
    ["--binary", program.to_str().unwrap()]
}
