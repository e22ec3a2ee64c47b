//! What deciding about an origin costs, by the length of the list.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use bob_core::origin::{Origin, OriginPattern, OriginPolicy};
use bob_core::storage::memory::MemoryStorage;
use bytes::Bytes;
use http::{Method, Request};
use http_body_util::Empty;
use tower::ServiceExt as _;

use crate::report::{Report, Rounds};
use crate::world::{self, Dice, Setup, World};
use crate::{Effort, Result};

const LENGTHS: [usize; 3] = [10, 1_000, 100_000];

/// Of ten origins that ask, five are on the list, one is below a wildcard of it, and four are strangers.
const ASKING: usize = 1_000;

/// Decisions by lists of three lengths, bare and as whole preflights at the widget door.
pub fn run(effort: Effort, report: &mut Report) -> Result<()> {
    decisions(effort, report)?;
    world::runtime()?.block_on(preflights(effort, report))
}

fn decisions(effort: Effort, report: &mut Report) -> Result<()> {
    let times = effort.pick(2_000, 2);
    let mut cases = Vec::new();
    for length in LENGTHS {
        let policy: OriginPolicy = patterns(length)?.into_iter().collect();
        cases.push((length, policy, asking(length)?, Rounds::default()));
    }
    for _ in 0..effort.rounds() {
        for (_, policy, asking, rounds) in &mut cases {
            let started = Instant::now();
            for _ in 0..times {
                for origin in asking.iter() {
                    black_box(policy.decide(Some(black_box(origin))));
                }
            }
            rounds.add(started.elapsed().as_nanos() as f64 / (times * ASKING) as f64);
        }
    }
    for (length, _, _, rounds) in &cases {
        report.add("cors", format!("one decision, {length} origins"), "ns", rounds);
    }
    if let [(_, _, _, shortest), .., (_, _, _, longest)] = &cases[..] {
        report.add("cors", "one decision, 100000 origins : 10", "", &longest.by(shortest));
    }
    Ok(())
}

async fn preflights(effort: Effort, report: &mut Report) -> Result<()> {
    let mut cases = Vec::new();
    for length in LENGTHS {
        let shop = world::shop(1, patterns(length)?)?;
        let world = World::start(Arc::new(MemoryStorage::new()), shop, Setup::default()).await?;
        let times = effort.pick(2_000_000 / (length + 1_000), 1);
        cases.push((length, world, times, Rounds::default()));
    }
    for _ in 0..effort.rounds() {
        for (length, world, times, rounds) in &mut cases {
            let started = Instant::now();
            for _ in 0..*times {
                preflight(world, *length).await?;
            }
            rounds.add(started.elapsed().as_nanos() as f64 / 1_000.0 / *times as f64);
        }
    }
    let mut measured = Vec::new();
    for (length, world, _, rounds) in cases {
        world.stop().await?;
        measured.push((length, rounds));
    }
    for (length, rounds) in &measured {
        report.add(
            "cors",
            format!("one preflight at the widget door, key with {length} origins"),
            "µs",
            rounds,
        );
    }
    if let [(_, shortest), .., (_, longest)] = &measured[..] {
        let case = "one preflight, 100000 origins : 10";
        report.add("cors", case, "", &longest.by(shortest));
    }
    Ok(())
}

/// Asks for the last exact entry of the list.
async fn preflight(world: &World, length: usize) -> Result<()> {
    let request = Request::builder()
        .method(Method::OPTIONS)
        .uri(format!("/api/widget/{}/chat", world.tenant))
        .header("origin", format!("https://shop{}.example", length - 2))
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "content-type,x-widget-key")
        .body(Empty::<Bytes>::new())?;
    let response = world.service.clone().oneshot(request).await?;
    if response.status().is_success() { Ok(()) } else { Err(response.status().to_string().into()) }
}

/// Every tenth entry is a wildcard.
fn patterns(length: usize) -> Result<Vec<OriginPattern>> {
    let entry = |at: usize| match at % 10 {
        9 => format!("https://*.brand{at}.example"),
        _ => format!("https://shop{at}.example"),
    };
    (0..length).map(|at| Ok(entry(at).parse()?)).collect()
}

fn asking(length: usize) -> Result<Vec<Origin>> {
    let mut dice = Dice(11);
    let mut origin = |at: usize| {
        let ten = dice.roll(length / 10) * 10;
        match at % 10 {
            0..5 => format!("https://shop{}.example", ten + at % 5),
            5 => format!("https://www.brand{}.example", ten + 9),
            _ => format!("https://www.stranger{ten}.example"),
        }
    };
    (0..ASKING).map(|at| Ok(origin(at).parse()?)).collect()
}
