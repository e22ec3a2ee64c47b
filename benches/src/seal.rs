//! What it costs that content rests sealed: it cannot be switched off, so it is measured alone.

use std::hint::black_box;
use std::time::Instant;

use bob_core::id::{TenantId, VisitorId};
use bob_core::vault::{DataKey, Place, VisitorKey};
use uuid::Uuid;

use crate::report::{Report, Rounds};
use crate::{Effort, Result};

/// About as long as a question, and as an answer with its citation as JSON.
const LENGTHS: [usize; 2] = [40, 500];

/// Seals what a turn stores, opens the history that a model reads, and makes a new visitor's key.
pub fn run(effort: Effort, report: &mut Report) -> Result<()> {
    let (tenant, visitor) = (TenantId::new(), VisitorId::new());
    let (tenant_key, _) = DataKey::generate()?;
    let key = VisitorKey::make(&tenant_key, &tenant, &visitor)?;
    let place = Place::new(&tenant, Uuid::now_v7(), "message");
    let said = LENGTHS.map(|length| vec![b'a'; length]);
    let sealed = [key.seal(&place, &said[0])?, key.seal(&place, &said[1])?];
    let times = effort.pick(20_000, 10);
    let (mut seals, mut opens, mut keys) = (Rounds::default(), Rounds::default(), Rounds::default());
    for _ in 0..effort.rounds() {
        seals.add(micros(times, || {
            for said in &said {
                black_box(key.seal(&place, black_box(said))?);
            }
            Ok(())
        })?);
        opens.add(micros(times, || {
            for _ in 0..10 {
                for sealed in &sealed {
                    black_box(key.open_text(&place, black_box(sealed))?);
                }
            }
            Ok(())
        })?);
        keys.add(micros(times, || {
            black_box(VisitorKey::make(&tenant_key, &tenant, &visitor)?);
            Ok(())
        })?);
    }
    report.add("seal", "a turn's message and answer, sealed", "µs", &seals);
    report.add("seal", "a history of 20 messages, opened", "µs", &opens);
    report.add("seal", "a new visitor's key, made and wrapped", "µs", &keys);
    Ok(())
}

fn micros(times: usize, mut work: impl FnMut() -> Result<()>) -> Result<f64> {
    let began = Instant::now();
    for _ in 0..times {
        work()?;
    }
    Ok(began.elapsed().as_secs_f64() * 1e6 / times as f64)
}
