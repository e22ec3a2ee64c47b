//! `bob-server admin`: letting people in again, beside a server that runs.

use std::error::Error;
use std::io::Write as _;

use bob_core::Bob;
use bob_core::act::Via;
use bob_tower::Mount;
use clap::{Args, Subcommand};

use crate::database::Database;
use crate::options::ResetOptions;

/// People who cannot sign in any more.
#[derive(Debug, Args)]
pub struct AdminOptions {
    #[command(subcommand)]
    step: Step,
}

#[derive(Debug, Subcommand)]
enum Step {
    /// Prints a link with which somebody chooses another password, once, within an hour.
    Reset(ResetOptions),
}

/// Takes one step.
pub async fn admin(options: AdminOptions) -> Result<(), Box<dyn Error>> {
    let Step::Reset(options) = options.step;
    let mount = Mount::at(options.public_url.iter().map(|url| url.trim()))?;
    let database = Database::named(&options.database)?.open_existing(&options.database).await?;
    let bob = Bob::build(database.storage()).build().await?;
    let act = bob.system_act("admin reset").through(Via::Shell, None);
    let link = bob.people().reset_link(&act, &options.email, mount.canonical()).await;
    drop(bob);
    database.close().await;
    let link = link?.ok_or("nobody has that address, or they are shut out")?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "{} chooses another password here, once, within an hour:", options.email)?;
    writeln!(out, "{}", link.expose())?;
    Ok(())
}
