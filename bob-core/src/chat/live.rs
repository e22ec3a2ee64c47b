//! The turns this process is answering, and who listens to them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::mpsc;

use crate::answer::Citation;
use crate::conversation::Door;
use crate::id::{TenantId, TurnId, VisitorId};
use crate::turn::{TurnEvent, TurnFailure, TurnState, events_of};

/// The events of one turn, numbered from 1, as they come; it ends behind the last one.
///
/// Dropping it stops listening and nothing else: the turn goes on.
#[derive(Debug)]
pub struct TurnEvents {
    receiver: mpsc::UnboundedReceiver<(u64, TurnEvent)>,
}

impl TurnEvents {
    /// The next event; `None` behind the last one.
    pub async fn next(&mut self) -> Option<(u64, TurnEvent)> {
        self.receiver.recv().await
    }

    /// The same for a poll-based reader.
    pub fn poll_next(
        &mut self,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<(u64, TurnEvent)>> {
        self.receiver.poll_recv(cx)
    }

    /// Reads to the last event and gives that one.
    pub async fn last(mut self) -> Option<TurnEvent> {
        let mut last = None;
        while let Some((_, event)) = self.next().await {
            last = Some(event);
        }
        last
    }

    pub(super) fn channel() -> (mpsc::UnboundedSender<(u64, TurnEvent)>, Self) {
        // Bounded by the turn itself, which has an end.
        let (sender, receiver) = mpsc::unbounded_channel();
        (sender, Self { receiver })
    }

    /// All of an ended turn's events behind number `after`.
    pub(super) fn ended(state: TurnState, after: u64) -> Self {
        let (sender, events) = Self::channel();
        send_ended(&sender, state, after);
        events
    }
}

/// Sends what a listener who heard `after` events has missed of an ended turn.
pub(super) fn send_ended(sender: &mpsc::UnboundedSender<(u64, TurnEvent)>, state: TurnState, after: u64) {
    let numbered = match state {
        TurnState::Finished(turn) => (1..).zip(events_of(&turn)).skip_while(|(n, _)| *n <= after).collect(),
        // How much of it was sent is not known any more; that nothing follows is the next thing to hear.
        _ => vec![(after.saturating_add(1), TurnEvent::Failed(TurnFailure::Cancelled))],
    };
    for event in numbered {
        let _ = sender.send(event);
    }
}

/// The part of an answer that has left already.
#[derive(Debug, Default)]
pub(super) struct Released {
    pub(super) pieces: Vec<String>,
    pub(super) citations: Vec<Citation>,
}

/// One turn that is being answered.
#[derive(Debug)]
pub(super) struct LiveTurn {
    door: Door,
    visitor: VisitorId,
    log: Mutex<Log>,
}

#[derive(Debug, Default)]
struct Log {
    events: Vec<TurnEvent>,
    listeners: Vec<mpsc::UnboundedSender<(u64, TurnEvent)>>,
}

impl LiveTurn {
    pub(super) fn publish(&self, event: TurnEvent) {
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        let number = log.events.len() as u64 + 1;
        log.listeners.retain(|listener| listener.send((number, event.clone())).is_ok());
        if event.is_last() {
            log.listeners.clear();
        }
        log.events.push(event);
    }

    /// Tells those who still listen that nothing follows; an end that was published stands.
    pub(super) fn end(&self) {
        let log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        let ended = log.events.last().is_some_and(TurnEvent::is_last);
        drop(log);
        if !ended {
            self.publish(TurnEvent::Failed(TurnFailure::Cancelled));
        }
    }

    /// What the visitor has been shown of the answer so far.
    pub(super) fn released(&self) -> Released {
        let log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        let mut released = Released::default();
        for event in &log.events {
            match event {
                TurnEvent::Delta(text) => released.pieces.push(text.clone()),
                TurnEvent::Citation(citation) => released.citations.push(citation.clone()),
                _ => {}
            }
        }
        released
    }

    /// How many events were published so far.
    pub(super) fn published(&self) -> usize {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).events.len()
    }

    pub(super) fn listen(&self, after: u64) -> TurnEvents {
        let (sender, events) = TurnEvents::channel();
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        for numbered in (1..).zip(log.events.iter().cloned()).filter(|(number, _)| *number > after) {
            let _ = sender.send(numbered);
        }
        if !log.events.last().is_some_and(TurnEvent::is_last) {
            log.listeners.push(sender);
        }
        events
    }
}

/// All turns this process is answering.
#[derive(Debug, Default)]
pub(super) struct LiveTurns(Mutex<HashMap<(TenantId, TurnId), Arc<LiveTurn>>>);

impl LiveTurns {
    pub(super) fn begin(
        &self,
        tenant: TenantId,
        turn: TurnId,
        door: Door,
        visitor: VisitorId,
    ) -> Arc<LiveTurn> {
        let live = Arc::new(LiveTurn { door, visitor, log: Mutex::default() });
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert((tenant, turn), Arc::clone(&live));
        live
    }

    pub(super) fn forget(&self, tenant: TenantId, turn: TurnId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&(tenant, turn));
    }

    /// Listens to a turn of that very visitor; a stranger's turn is not there.
    pub(super) fn listen(
        &self,
        tenant: &TenantId,
        door: Door,
        visitor: &VisitorId,
        turn: &TurnId,
        after: u64,
    ) -> Option<TurnEvents> {
        let turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let live =
            turns.get(&(*tenant, *turn)).filter(|live| live.door == door && live.visitor == *visitor)?;
        Some(live.listen(after))
    }
}
