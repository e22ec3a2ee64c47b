//! `bob-server keys`: changing the key that everything else is sealed by, and those that sign tokens, while servers run.

use std::error::Error;
use std::io::Write as _;

use bob_core::account::{replace_signing_keys, rotate_signing_key};
use bob_core::act::{Act, Principal, Via};
use bob_core::clock::{Clock as _, SystemClock};
use bob_core::id::NodeId;
use clap::{Args, Subcommand};
use jiff::Timestamp;

use crate::database::Database;
use crate::keys::KeyFile;
use crate::options::DatabaseOptions;

/// How many keys one call wraps anew.
const BATCH: u32 = 500;

/// The key-encryption key: add a new one, wrap everything by it, forget the old one; and the keys that sign tokens.
///
/// Changing the first takes no pause: `add`, copy the key file to all nodes that do not share it, `rewrap`, and, once no
/// backup from before is needed any more, `forget`. Signing keys change by themselves every 90 days.
#[derive(Debug, Args)]
pub struct KeysOptions {
    #[command(subcommand)]
    step: Step,
}

#[derive(Debug, Subcommand)]
enum Step {
    /// Puts a new key before the others in the key file, or makes the file with a first one.
    Add(DatabaseOptions),
    /// Wraps the keys of all tenants by the first key of the key file.
    Rewrap(DatabaseOptions),
    /// Leaves only the first key in the key file, having wrapped everything by it.
    Forget(DatabaseOptions),
    /// Makes the next key that signs access tokens, before its 90 days are over.
    RotateSigning(RotateOptions),
}

#[derive(Debug, Args)]
struct RotateOptions {
    #[command(flatten)]
    database: DatabaseOptions,
    /// A key fell into wrong hands: withdraws all keys at once. Access tokens are refused within 5 seconds, and clients
    /// get new ones by their refresh tokens.
    #[arg(long)]
    now: bool,
}

/// Takes one step.
pub async fn keys(options: KeysOptions) -> Result<(), Box<dyn Error>> {
    match options.step {
        Step::Add(options) => {
            let path = file(&options)?;
            let keys = KeyFile::add_key(&path)?;
            match keys.earlier() {
                0 => tell(&format!(
                    "{} holds a first key; keep a copy where the backups are not",
                    path.display()
                )),
                earlier => tell(&format!(
                    "{} holds a new key before {earlier} earlier; give the file to all nodes, then: bob-server keys rewrap",
                    path.display()
                )),
            }
        }
        Step::Rewrap(options) => {
            let rewrapped = rewrap(&options).await?;
            tell(&format!("{rewrapped} keys are wrapped anew; none is wrapped by an earlier key"))
        }
        Step::Forget(options) => {
            let path = file(&options)?;
            rewrap(&options).await?;
            let earlier = KeyFile::forget_earlier(&path)?;
            tell(&format!("{} earlier keys are forgotten; backups from before need them", earlier))
        }
        Step::RotateSigning(options) => rotate_signing(&options).await,
    }
}

fn file(options: &DatabaseOptions) -> Result<std::path::PathBuf, Box<dyn Error>> {
    if options.keys.is_some() {
        return Err("the keys are given in BOB_KEYS; change them there, first the new one, and run: bob-server keys rewrap".into());
    }
    Ok(Database::named(options)?.key_file(options))
}

async fn rewrap(options: &DatabaseOptions) -> Result<u64, Box<dyn Error>> {
    let database = Database::named(options)?.open_existing(options).await?;
    let storage = database.storage();
    let mut rewrapped = 0;
    let done = loop {
        let act = Act::new(Principal::System(NodeId::new()), "keys rewrap", Timestamp::now());
        match storage.rewrap_keys(&act, BATCH).await {
            Ok(0) => break Ok(rewrapped),
            Ok(some) => rewrapped += u64::from(some),
            Err(error) => break Err(error),
        }
    };
    drop(storage);
    database.close().await;
    Ok(done?)
}

async fn rotate_signing(options: &RotateOptions) -> Result<(), Box<dyn Error>> {
    let database = Database::named(&options.database)?.open_existing(&options.database).await?;
    let storage = database.storage();
    let act = Act::new(Principal::System(NodeId::new()), "keys rotate-signing", SystemClock.now());
    let act = act.through(Via::Shell, None);
    let next = if options.now {
        replace_signing_keys(&*storage, &act.because("a key fell into wrong hands")).await
    } else {
        rotate_signing_key(&*storage, &act).await
    };
    drop(storage);
    database.close().await;
    let next = next?;
    if options.now {
        tell(&format!("key {} signs from now on; all keys before it are withdrawn", next.number))
    } else {
        tell(&format!(
            "key {} signs from {} on; the one before it goes on until then",
            next.number, next.signs_from
        ))
    }
}

fn tell(text: &str) -> Result<(), Box<dyn Error>> {
    Ok(writeln!(std::io::stdout(), "{text}")?)
}
