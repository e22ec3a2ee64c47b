//! Somebody who is alone must not pay for the queue that many share.

use std::time::Instant;

use bob_core::id::{ConversationId, TenantId, VisitorId};
use bob_core::storage::SharedStorage;
use bob_core::testing::fixture;
use bob_core::turn::{TurnClosing, TurnOpening};
use uuid::Uuid;

use crate::by_hand::{self, Conversation};
use crate::clock::Stopwatch;
use crate::database::{Commits, Database, Kind};
use crate::report::{Goal, Report, Rounds};
use crate::world::{self, HISTORY};
use crate::{Effort, Result};

/// Bob's storage, and the same rows written by hand in a transaction each, by turns.
pub fn run(effort: Effort, report: &mut Report) -> Result<()> {
    let runtime = world::runtime()?;
    for kind in runtime.block_on(Kind::all("lone", report)) {
        runtime.block_on(compare(effort, &kind, report))?;
    }
    Ok(())
}

async fn compare(effort: Effort, kind: &Kind, report: &mut Report) -> Result<()> {
    let (of_bob, of_hand) = (Alone::open(kind.make().await?).await?, Alone::open(kind.make().await?).await?);
    let mut by_hand = by_hand::take_turns(&of_hand.database, of_hand.conversation().await?).await?;
    let (mut bob, mut hand) = (Rounds::default(), Rounds::default());
    let (mut bob_waits, mut hand_waits) = (Rounds::default(), Rounds::default());
    let times = effort.pick(300, 3);
    for _ in 0..effort.rounds() {
        let (mut bobs, mut hands) = (Rounds::default(), Rounds::default());
        for _ in 0..times {
            let began = Instant::now();
            let history = of_bob.turn().await?.1;
            bobs.add(began.elapsed().as_secs_f64() * 1e3);
            let (began, turn) = (Instant::now(), Uuid::now_v7());
            let history_by_hand = by_hand.open(turn).await?;
            by_hand.close(turn).await?;
            hands.add(began.elapsed().as_secs_f64() * 1e3);
            if (history, history_by_hand) != (2 * HISTORY, 2 * HISTORY) {
                return Err("a turn did not read its history".into());
            }
        }
        bob.add(bobs.median());
        hand.add(hands.median());
        let watch = Stopwatch::start()?;
        for _ in 0..times {
            of_bob.turn().await?;
        }
        bob_waits.add(watch.stop()?.switches as f64 / times as f64);
        let watch = Stopwatch::start()?;
        for _ in 0..times {
            let turn = Uuid::now_v7();
            by_hand.open(turn).await?;
            by_hand.close(turn).await?;
        }
        hand_waits.add(watch.stop()?.switches as f64 / times as f64);
    }
    let turns = HISTORY + 2 * times * effort.rounds();
    of_bob.database.check_turns(of_bob.tenant, turns).await?;
    of_hand.database.check_turns(of_hand.tenant, turns).await?;
    report.add("lone", format!("{kind}, a turn's two transactions, Bob's storage, p50"), "ms", &bob);
    report.add(
        "lone",
        format!("{kind}, a turn's two transactions, Bob's storage"),
        "context switches",
        &bob_waits,
    );
    report.add("lone", format!("{kind}, the same rows by hand, p50"), "ms", &hand);
    report.add("lone", format!("{kind}, the same rows by hand"), "context switches", &hand_waits);
    report.against(Goal::AtMost(1.05), "lone", format!("{kind}, Bob : by hand"), "", &bob.by(&hand));
    Ok(())
}

/// A visitor whose conversation has 20 messages.
struct Alone {
    database: Database,
    storage: SharedStorage,
    tenant: TenantId,
    visitor: VisitorId,
    /// Where its turns go.
    conversation: Option<ConversationId>,
}

impl Alone {
    async fn open(database: Database) -> Result<Self> {
        let storage = database.storage(Commits::Synced).await?;
        let shop = world::shop(1, Vec::new())?;
        let tenant = shop.tenant.id;
        storage.onboard(&fixture::act(), shop).await?;
        let mut alone = Self { database, storage, tenant, visitor: VisitorId::new(), conversation: None };
        for _ in 0..HISTORY {
            alone.conversation = Some(alone.turn().await?.0);
        }
        Ok(alone)
    }

    /// A turn through the port; answers its conversation and how long its history was.
    async fn turn(&self) -> Result<(ConversationId, usize)> {
        let start = fixture::start(self.visitor, "alone", world::question(0));
        let open = match self.storage.begin_turn(&fixture::act(), &self.tenant, start).await? {
            TurnOpening::Opened(open) => open,
            other => return Err(format!("the turn did not open: {other:?}").into()),
        };
        let finish = fixture::finish(&open, "Thirty days");
        match self.storage.finish_turn(&fixture::act(), &self.tenant, finish).await? {
            TurnClosing::Stored(_) => Ok((open.conversation, open.history.len())),
            other => Err(format!("the answer was not stored: {other:?}").into()),
        }
    }

    /// What turns by hand go on with, in contents of the same length.
    async fn conversation(&self) -> Result<Conversation> {
        let shortest = "SELECT CAST(min(length(content)) AS bigint) FROM bob_messages WHERE tenant_id = $1";
        let longest = "SELECT CAST(max(length(content)) AS bigint) FROM bob_messages WHERE tenant_id = $1";
        let contents = [
            usize::try_from(self.database.number_of(self.tenant, shortest).await?)?,
            usize::try_from(self.database.number_of(self.tenant, longest).await?)?,
        ];
        let id = self.conversation.ok_or("no turn was taken")?;
        Ok(Conversation { tenant: self.tenant, id, visitor: self.visitor, contents })
    }
}
