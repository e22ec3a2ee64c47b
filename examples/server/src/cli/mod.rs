//! The commands, one file each.

mod admin;
mod backup;
mod keys;
mod restore;
mod serve;

use std::error::Error;
use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tracing_subscriber::EnvFilter;

use crate::options::{CopyOptions, ServeOptions};

/// A governed AI front office that answers from approved knowledge.
#[derive(Debug, Parser)]
#[command(name = "bob-server", version, args_conflicts_with_subcommands = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: ServeOptions,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Answers visitors until it is stopped. This is what happens without a command too.
    Serve(ServeOptions),
    /// Copies the database to a new file, while servers run on it or not.
    Backup(CopyOptions),
    /// Makes the database from a backup, where there is none yet.
    Restore(CopyOptions),
    Keys(keys::KeysOptions),
    Admin(admin::AdminOptions),
}

/// Runs a command; what went wrong is told on standard error, cause by cause.
pub fn run(cli: Cli) -> ExitCode {
    tracing_subscriber::fmt()
        .with_env_filter(
            EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn,bob=info")),
        )
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr)
        .init();
    let command = cli.command.unwrap_or(Command::Serve(cli.serve));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let done = match runtime {
        Ok(runtime) => runtime.block_on(perform(command)),
        Err(error) => Err(error.into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "bob-server: {}", told(&*error));
            ExitCode::FAILURE
        }
    }
}

async fn perform(command: Command) -> Result<(), Box<dyn Error>> {
    match command {
        Command::Serve(options) => serve::serve(options).await,
        Command::Backup(options) => backup::backup(options).await,
        Command::Restore(options) => restore::restore(options).await,
        Command::Keys(options) => keys::keys(options).await,
        Command::Admin(options) => admin::admin(options).await,
    }
}

fn told(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        // What stands behind a port may have passed its cause's words on.
        if !text.ends_with(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        cause = error.source();
    }
    text
}
