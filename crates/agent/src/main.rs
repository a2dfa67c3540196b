//! `fargate-agent`: reads its arguments, and leaves the rest to the library.
//!
//! By hand rather than with an argument parser: two options do not need one, and the binary is copied into
//! every container of every job.

use std::env;
use std::io::Write;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use fargate_agent::Arguments;

const USAGE: &str = "\
Usage: fargate-agent [--listen ADDRESS:PORT] [--until-stdin-closes]

Runs commands over SSH for the holder of the one Ed25519 key in SSH_PUBLIC_KEY.

  --listen ADDRESS:PORT   default: 0.0.0.0:7022, to be reached from outside of its task; port 0: any free one
  --until-stdin-closes    leave when standard input ends
  --version, --help

It leaves with 0 on SIGTERM and SIGINT, after SIGTERM and then SIGKILL to what it runs.
";

/// What the command line asks for.
enum Request {
    Serve(Arguments),
    Print(String),
}

fn main() -> ExitCode {
    let (code, text) = match parse(env::args().skip(1)) {
        Ok(Request::Serve(arguments)) => match serve(arguments) {
            Ok(()) => return ExitCode::SUCCESS,
            Err(error) => (1, format!("fargate-agent: {error:#}\n")),
        },
        Ok(Request::Print(text)) => (0, text),
        Err(error) => (2, format!("fargate-agent: {error:#}\n{USAGE}")),
    };
    // There is nobody left to tell when the text cannot be written.
    if code == 0 {
        std::io::stdout().write_all(text.as_bytes()).ok();
    } else {
        std::io::stderr().write_all(text.as_bytes()).ok();
    }
    ExitCode::from(code)
}

fn serve(arguments: Arguments) -> Result<()> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?
        .block_on(fargate_agent::run(arguments))
}

fn parse(mut given: impl Iterator<Item = String>) -> Result<Request> {
    let mut arguments = Arguments::default();
    while let Some(argument) = given.next() {
        let (name, mut value) = match argument.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (argument.as_str(), None),
        };
        match name {
            "--listen" => {
                let address = value
                    .take()
                    .or_else(|| given.next())
                    .context("--listen needs an ADDRESS:PORT")?;
                arguments.listen = address.parse().with_context(|| {
                    format!("--listen {address:?} is not an ADDRESS:PORT like 0.0.0.0:7022")
                })?;
            }
            "--until-stdin-closes" => arguments.until_stdin_closes = true,
            "--version" => {
                let version = env!("CARGO_PKG_VERSION");
                return Ok(Request::Print(format!("fargate-agent {version}\n")));
            }
            "--help" | "-h" => return Ok(Request::Print(USAGE.to_owned())),
            _ => bail!("unknown argument {argument:?}"),
        }
        if value.is_some() {
            bail!("{name} takes no value");
        }
    }
    Ok(Request::Serve(arguments))
}
