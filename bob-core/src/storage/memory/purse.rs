//! A tenant's credits in memory: the plainest telling of what every store does with them.

use std::collections::HashMap;

use jiff::Timestamp;
use uuid::Uuid;

use crate::act::Act;
use crate::credit::{
    Budgets, CreditBalance, CreditChange, CreditChanged, CreditUsage, FIRST_GRANT, LAST_THRESHOLD, Ladder,
    LedgerEntry, LedgerKind, LedgerPage, MilliCredits, Renewal, threshold,
};
use crate::id::{TurnId, VisitorId};

#[derive(Debug)]
pub(super) struct Purse {
    usage: CreditUsage,
    ledger: Vec<LedgerEntry>,
    /// The entries of what was granted or taken back by hand, by identifier.
    changes: HashMap<Uuid, LedgerEntry>,
    /// What each visitor and each widget key used or holds, and on which day.
    spending: HashMap<Uuid, (i32, MilliCredits)>,
}

/// What a turn holds, and which budgets it was taken from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hold {
    pub(super) amount: MilliCredits,
    pub(super) visitor: VisitorId,
    pub(super) budgets: Budgets,
}

impl Hold {
    fn spenders(&self) -> impl Iterator<Item = (Uuid, MilliCredits)> {
        let visitor = self.budgets.visitor.map(|most| (self.visitor.as_uuid(), most));
        let key = self.budgets.key.map(|(key, most)| (key.as_uuid(), most));
        visitor.into_iter().chain(key)
    }
}

impl Purse {
    pub(super) fn new(act: &Act, credits: MilliCredits, period_ends: Timestamp) -> Self {
        let usage = CreditUsage {
            balance: CreditBalance { granted: credits, ..CreditBalance::default() },
            from: act.at,
            to: period_ends,
            allowance: credits,
            used: MilliCredits::ZERO,
            included: credits,
            threshold: 0,
        };
        let mut purse = Self { usage, ledger: Vec::new(), changes: HashMap::new(), spending: HashMap::new() };
        let first_reason = act.reason.clone().or_else(|| Some(FIRST_GRANT.to_owned()));
        purse.enter(act, LedgerKind::Grant, credits, None, first_reason);
        purse
    }

    pub(super) fn usage(&self) -> &CreditUsage {
        &self.usage
    }

    pub(super) fn page(&self, before: Option<u64>, limit: u32) -> LedgerPage {
        let end = self.ledger.partition_point(|entry| before.is_none_or(|before| entry.number < before));
        let start = end.saturating_sub(limit as usize);
        let entries: Vec<_> = self.ledger[start..end].iter().rev().cloned().collect();
        let next = entries.last().filter(|_| start > 0).map(|last| last.number);
        LedgerPage { entries, next }
    }

    /// Takes the first step that credits and budgets reach for; `true` beside it when the credits reach for none, which
    /// the tenant is to be told.
    pub(super) fn reserve(
        &mut self,
        visitor: VisitorId,
        budgets: Budgets,
        ladder: &Ladder,
    ) -> (Option<Hold>, bool) {
        let hold = Hold { amount: MilliCredits::ZERO, visitor, budgets };
        let held = self.take(hold, ladder);
        let spent = held.is_none() && ladder.within(self.usage.balance.available()).is_none();
        let told = spent && self.usage.threshold < LAST_THRESHOLD;
        if told {
            self.usage.threshold = LAST_THRESHOLD;
        }
        (held, told)
    }

    /// Takes as much again for a turn that holds something.
    pub(super) fn extend(&mut self, hold: Hold, more: MilliCredits) -> Option<Hold> {
        self.take(hold, &Ladder::of([more]))
    }

    fn take(&mut self, hold: Hold, ladder: &Ladder) -> Option<Hold> {
        let left = |(spender, most): (Uuid, MilliCredits)| match self.spending.get(&spender) {
            // Nothing is left of a day that is over: a node whose clock is behind opens no second budget.
            Some((day, _)) if *day > hold.budgets.day => MilliCredits::ZERO,
            _ => MilliCredits(most.0 - self.spent(spender, hold.budgets.day).0),
        };
        let left = hold.spenders().map(left).chain([self.usage.balance.available()]).min()?;
        let amount = ladder.within(left)?;
        self.usage.balance.reserved.0 += amount.0;
        self.spend(&hold, amount.0);
        Some(Hold { amount: MilliCredits(hold.amount.0 + amount.0), ..hold })
    }

    fn spent(&self, spender: Uuid, day: i32) -> MilliCredits {
        self.spending
            .get(&spender)
            .filter(|(on, _)| *on == day)
            .map_or(MilliCredits::ZERO, |(_, spent)| *spent)
    }

    fn spend(&mut self, hold: &Hold, amount: i64) {
        for (spender, _) in hold.spenders() {
            let spent = self.spent(spender, hold.budgets.day);
            // What was held yesterday is given back to yesterday, which is over.
            let over = self.spending.get(&spender).is_some_and(|(day, _)| *day > hold.budgets.day);
            if !over {
                self.spending.insert(spender, (hold.budgets.day, MilliCredits((spent.0 + amount).max(0))));
            }
        }
    }

    /// Settles what a turn used of what it holds and gives back the rest; answers the threshold that this passed.
    pub(super) fn settle(&mut self, act: &Act, turn: TurnId, hold: &Hold, cost: MilliCredits) -> Option<u8> {
        let used = MilliCredits(cost.0.clamp(0, hold.amount.0));
        self.usage.balance.reserved.0 -= hold.amount.0;
        self.spend(hold, used.0 - hold.amount.0);
        self.usage.balance.settled.0 += used.0;
        self.usage.used.0 += used.0;
        self.enter(act, LedgerKind::Settlement, MilliCredits(-used.0), Some(turn), None);
        let passed = threshold(self.usage.used, self.usage.allowance);
        let told = passed > self.usage.threshold;
        self.usage.threshold = self.usage.threshold.max(passed);
        told.then_some(passed)
    }

    /// Gives back all that a lost turn holds. Nothing is used by that, so no threshold is passed either.
    pub(super) fn release(&mut self, hold: &Hold) {
        self.usage.balance.reserved.0 -= hold.amount.0;
        self.spend(hold, -hold.amount.0);
    }

    /// Enters a change, unless its identifier has an entry or the balance does not allow it.
    pub(super) fn change(&mut self, act: &Act, change: &CreditChange) -> CreditChanged {
        if let Some(known) = self.changes.get(&change.id()) {
            return change.known_as(known.clone());
        }
        match change.applied_to(&self.usage) {
            Ok(usage) => self.usage = usage,
            Err(refused) => return refused,
        }
        let reason = Some(change.reason().to_owned());
        let entry = self.append(act, change.kind(), change.amount(), None, reason);
        self.changes.insert(change.id(), entry.clone());
        CreditChanged::Entered(entry)
    }

    /// The number of the last entry; `None` when the period has begun already.
    pub(super) fn renew(&mut self, act: &Act, renewal: &Renewal) -> Option<u64> {
        if self.usage.to != renewal.due {
            return None;
        }
        let unused = (self.usage.included.0 - self.usage.used.0).clamp(0, self.usage.balance.available().0);
        self.usage.balance.granted.0 -= unused;
        self.enter(act, LedgerKind::Expiry, MilliCredits(-unused), None, Some(renewal.reason.clone()));
        self.usage.balance.granted.0 += renewal.credits.0;
        self.enter(act, LedgerKind::Renewal, renewal.credits, None, Some(renewal.reason.clone()));
        let balance = self.usage.balance;
        self.usage = CreditUsage {
            balance,
            from: renewal.due,
            to: renewal.next,
            allowance: MilliCredits(balance.granted.0 - balance.settled.0),
            used: MilliCredits::ZERO,
            included: renewal.credits,
            threshold: 0,
        };
        Some(self.ledger.len() as u64)
    }

    /// Adds an entry to the ledger, unless nothing moved.
    fn enter(
        &mut self,
        act: &Act,
        kind: LedgerKind,
        amount: MilliCredits,
        turn: Option<TurnId>,
        reason: Option<String>,
    ) {
        if amount != MilliCredits::ZERO {
            self.append(act, kind, amount, turn, reason);
        }
    }

    fn append(
        &mut self,
        act: &Act,
        kind: LedgerKind,
        amount: MilliCredits,
        turn: Option<TurnId>,
        reason: Option<String>,
    ) -> LedgerEntry {
        let before = self.ledger.last().map_or(0, |last| last.balance.0);
        let balance = MilliCredits(before + amount.0);
        let number = self.ledger.len() as u64 + 1;
        let entry = LedgerEntry { number, at: act.at, kind, amount, balance, turn, reason };
        self.ledger.push(entry.clone());
        entry
    }
}
