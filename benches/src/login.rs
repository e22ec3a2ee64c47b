//! Whether the time of a refused sign-in tells why it was refused.
//!
//! Samples of `POST /api/auth/login` are taken in turns, in an order that is mixed anew each time: an address that nobody
//! has, and one that somebody has but who is not let in. If time tells nothing, either is the slower one equally often:
//! the area under the curve (Mann and Whitney's U by the number of pairs) is 0.5.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Instant;

use bob_core::account::{Account, PasswordHash, Passwords, PlatformRole};
use bob_core::secret::Secret;
use bob_core::storage::SharedStorage;
use bob_core::testing::fixture;
use bob_tower::ClientAddr;
use bytes::Bytes;
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use tower::ServiceExt as _;

use crate::database::{Commits, Kind};
use crate::report::{Goal, Report, Rounds};
use crate::world::{self, Dice, Setup, World};
use crate::{Effort, Result};

const RIGHT: &str = "correct horse battery staple";
const WRONG: &str = "battery horse correct staple";

/// How many times an address is tried: fewer than would slow its answers down.
const TRIES: usize = 5;

/// Why a sign-in is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Why {
    Unknown,
    WrongPassword,
    /// The person was shut out; the password is right.
    Disabled,
    NoPassword,
}

impl Why {
    const ALL: [Self; 4] = [Self::Unknown, Self::WrongPassword, Self::Disabled, Self::NoPassword];

    const fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown address",
            Self::WrongPassword => "wrong password",
            Self::Disabled => "right password of a disabled person",
            Self::NoPassword => "person without a password",
        }
    }

    fn email(self, sample: usize) -> String {
        format!("{}{}@bob.example", ["unknown", "wrong", "disabled", "bare"][self as usize], sample / TRIES)
    }

    fn password(self) -> &'static str {
        if self == Self::Disabled { RIGHT } else { WRONG }
    }

    /// The account behind an address, if there is one.
    fn account(self, email: &str, password: &PasswordHash) -> Option<Account> {
        let usual = Account {
            platform_role: Some(PlatformRole::Operator),
            password: Some(password.clone()),
            ..fixture::account(email)
        };
        match self {
            Self::Unknown => None,
            Self::WrongPassword => Some(usual),
            Self::Disabled => Some(Account { disabled_at: Some(fixture::now()), ..usual }),
            Self::NoPassword => Some(Account { password: None, ..usual }),
        }
    }
}

/// Refused sign-ins on SQLite, whose passwords cost what they always do.
pub fn run(effort: Effort, report: &mut Report) -> Result<()> {
    world::runtime()?.block_on(measure(effort, report))
}

async fn measure(effort: Effort, report: &mut Report) -> Result<()> {
    let samples = effort.pick(200, TRIES);
    let database = Kind::Sqlite.make().await?;
    let storage = database.storage(Commits::Synced).await?;
    people(&storage, samples).await?;
    let world = World::start(storage, world::shop(1, Vec::new())?, Setup::default()).await?;
    let mut times = [const { Vec::new() }; Why::ALL.len()];
    let mut dice = Dice(11);
    // The first one finds everything cold.
    refused(&world, Why::Unknown, samples).await?;
    for sample in 0..samples {
        let mut turn = Why::ALL;
        for last in (1..turn.len()).rev() {
            turn.swap(last, dice.roll(last + 1));
        }
        for why in turn {
            times[why as usize].push(refused(&world, why, sample).await?);
        }
    }
    world.stop().await?;
    let [unknown, known @ ..] = &times;
    for (why, times) in Why::ALL.into_iter().zip(&times) {
        let case = format!("{} samples: {}", times.len(), why.name());
        report.add("login", case, "ms", &times.iter().map(|time| time * 1e3).collect());
    }
    for (why, times) in Why::ALL[1..].iter().zip(known) {
        let rounds: Rounds = [auc(times, unknown)].into_iter().collect();
        let case = format!("AUC of {} vs unknown", why.name());
        report.against(Goal::Between(0.45, 0.55), "login", case, "", &rounds);
    }
    Ok(())
}

async fn people(storage: &SharedStorage, samples: usize) -> Result<()> {
    let password = Passwords::default().hash(Secret::new(RIGHT)).await?;
    for why in Why::ALL {
        for sample in (0..samples).step_by(TRIES) {
            if let Some(account) = why.account(&why.email(sample), &password) {
                storage.create_account(&fixture::act(), account).await?;
            }
        }
    }
    Ok(())
}

/// How many seconds a refusal takes; each comes from an address of its own, which is never shut out.
async fn refused(world: &World, why: Why, sample: usize) -> Result<f64> {
    let body = format!(r#"{{"email":"{}","password":"{}"}}"#, why.email(sample), why.password());
    let address = u32::try_from(sample * Why::ALL.len() + why as usize)?;
    let request = Request::builder()
        .method(Method::POST)
        .uri("/api/auth/login")
        .header("content-type", "application/json")
        .extension(ClientAddr(IpAddr::V4(Ipv4Addr::from(0x0a00_0000 | address))))
        .body(Full::new(Bytes::from(body)))?;
    let service = world.service.clone();
    let began = Instant::now();
    let (head, body) = service.oneshot(request).await?.into_parts();
    let body = body.collect().await?.to_bytes();
    let took = began.elapsed().as_secs_f64();
    if head.status == StatusCode::UNAUTHORIZED {
        return Ok(took);
    }
    Err(format!("{}: {}: {}", why.name(), head.status, String::from_utf8_lossy(&body)).into())
}

/// How often one of `these` is greater than one of `those`, of all pairs; a tie is half of one.
fn auc(these: &[f64], those: &[f64]) -> f64 {
    let wins = these.iter().flat_map(|this| those.iter().map(move |that| this.total_cmp(that)));
    let wins = wins.map(|order| f64::from(order as i8 + 1) / 2.0);
    wins.sum::<f64>() / (these.len() * those.len()) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_area_is_a_half_for_equals_and_whole_for_what_is_always_slower() {
        assert_eq!(auc(&[1.0, 2.0], &[1.0, 2.0]), 0.5);
        assert_eq!(auc(&[3.0, 4.0], &[1.0, 2.0]), 1.0);
        assert_eq!(auc(&[1.0, 2.0], &[3.0, 4.0]), 0.0);
    }
}
