//! The reference server: Bob mounted in axum.

mod cli;
mod connections;
mod database;
mod demo;
mod first_start;
mod keys;
mod mail;
mod options;
mod site;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    cli::run(cli::Cli::parse())
}
