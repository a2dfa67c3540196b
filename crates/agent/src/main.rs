//! `fargate-agent`: parses its arguments, and leaves the rest to the library.
//!
//! It has no argument parser: it takes few options, and the binary is copied into every container of every job.

use std::env;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use fargate_agent::Arguments;
use fargate_wire::HOST_KEY_FILE;

const USAGE: &str = "\
Usage: fargate-agent serve [--listen ADDRESS:PORT] [--host-key FILE] [--helper] [--until-stdin-closes]
       fargate-agent install FOLDER
       fargate-agent --version | --help

Without a command it serves with the task's host key, if install has made one.

serve runs commands over SSH for the holder of the one Ed25519 key in SSH_PUBLIC_KEY.

  --listen ADDRESS:PORT   default: [::]:7022, reachable from outside of its task; port 0: any free one
  --host-key FILE         the SSH host key; default: a new one each time
  --helper                run GitLab's own scripts: git, cache and artifacts
  --until-stdin-closes    exit when standard input ends

It exits with 143 on SIGTERM, with 130 on SIGINT, and with 0 when no driver has been connected for FARGATE_IDLE_LIMIT
seconds or FARGATE_DEADLINE (in seconds since 1970) has come. Before that it sends SIGTERM, and then SIGKILL, to all
commands and scripts.

install copies this program into a folder that the containers of a task share, makes the task's host key beside it,
and lets every user write to /builds and /cache.
";

/// A parsed command line.
enum Invocation {
    Serve(Arguments),
    Install(PathBuf),
    Print(String),
}

fn main() -> ExitCode {
    let invocation = match parse(env::args().skip(1)) {
        Ok(invocation) => invocation,
        Err(error) => return exit_with(2, &format!("fargate-agent: {error:#}\n{USAGE}")),
    };
    let result = match invocation {
        Invocation::Serve(arguments) => serve(arguments),
        Invocation::Install(folder) => fargate_agent::install(&folder).map(|()| ExitCode::SUCCESS),
        Invocation::Print(text) => return exit_with(0, &text),
    };
    match result {
        Ok(code) => code,
        Err(error) => exit_with(1, &format!("fargate-agent: {error:#}\n")),
    }
}

fn exit_with(code: u8, text: &str) -> ExitCode {
    // If the text cannot be written, nothing else can be reported either.
    if code == 0 {
        std::io::stdout().write_all(text.as_bytes()).ok();
    } else {
        std::io::stderr().write_all(text.as_bytes()).ok();
    }
    ExitCode::from(code)
}

fn serve(arguments: Arguments) -> Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    let signal = runtime.block_on(fargate_agent::run(arguments))?;
    // As a shell tells death by a signal.
    let code = signal.map_or(0, |number| 128 + number);
    Ok(ExitCode::from(u8::try_from(code).unwrap_or(1)))
}

fn parse(mut given: impl Iterator<Item = String>) -> Result<Invocation> {
    let Some(command) = given.next() else {
        return arguments_in_task().map(Invocation::Serve);
    };
    match command.as_str() {
        "serve" => parse_serve(given).map(Invocation::Serve),
        "install" => {
            let folder = given.next().context("install needs a FOLDER")?;
            match given.next() {
                Some(more) => bail!("unknown argument {more:?}"),
                None => Ok(Invocation::Install(folder.into())),
            }
        }
        "--version" => {
            let version = env!("CARGO_PKG_VERSION");
            Ok(Invocation::Print(format!("fargate-agent {version}\n")))
        }
        "--help" | "-h" => Ok(Invocation::Print(USAGE.to_owned())),
        other => bail!("unknown command {other:?}"),
    }
}

/// Arguments in the container of the job's image, whose own entry point may pass on a single word only.
fn arguments_in_task() -> Result<Arguments> {
    let host_key = Path::new(HOST_KEY_FILE);
    if !host_key.exists() {
        bail!("a command is missing");
    }
    Ok(Arguments {
        host_key: Some(host_key.to_owned()),
        ..Arguments::default()
    })
}

fn parse_serve(mut given: impl Iterator<Item = String>) -> Result<Arguments> {
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
                    format!("--listen {address:?} is not an ADDRESS:PORT like [::]:7022")
                })?;
            }
            "--host-key" => {
                let file = value.take().or_else(|| given.next());
                arguments.host_key = Some(file.context("--host-key needs a FILE")?.into());
            }
            "--helper" => arguments.helper = true,
            "--until-stdin-closes" => arguments.until_stdin_closes = true,
            _ => bail!("unknown argument {argument:?}"),
        }
        if value.is_some() {
            bail!("{name} takes no value");
        }
    }
    Ok(arguments)
}
