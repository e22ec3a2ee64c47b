//! Built indexes, kept as long as there is room.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::OnceCell;

use super::{Index, Scope};

/// A place for an index that is built once, by whoever comes first.
pub(super) type Slot = Arc<OnceCell<Arc<Index>>>;

/// Indexes by scope, bounded by bytes.
#[derive(Debug)]
pub(super) struct Shelf {
    slots: HashMap<Scope, (Slot, u64)>,
    room: usize,
    /// Grows with each use.
    uses: u64,
}

impl Shelf {
    /// An empty shelf for `room` bytes.
    pub(super) fn new(room: usize) -> Self {
        Self { slots: HashMap::new(), room, uses: 0 }
    }

    /// The place of a scope; an empty one when its index has not been built.
    pub(super) fn slot(&mut self, scope: &Scope) -> Slot {
        self.uses += 1;
        let (slot, used) = self.slots.entry(*scope).or_insert_with(|| (Slot::default(), 0));
        *used = self.uses;
        Arc::clone(slot)
    }

    /// Forgets a place whose index could not be built.
    pub(super) fn forget_empty(&mut self, scope: &Scope) {
        if self.slots.get(scope).is_some_and(|(slot, _)| !slot.initialized()) {
            self.slots.remove(scope);
        }
    }

    /// Makes room: releases that their tenant has replaced go first, then what was not used for longest.
    ///
    /// What was used last stays, however large it is.
    pub(super) fn tidy(&mut self) {
        while self.bytes() > self.room {
            let last = self.slots.values().map(|(_, used)| *used).max();
            let leaves = self
                .slots
                .iter()
                .filter(|(_, (slot, used))| slot.initialized() && Some(*used) != last)
                .min_by_key(|(scope, (_, used))| (!self.is_replaced(scope), *used))
                .map(|(scope, _)| *scope);
            match leaves {
                Some(scope) => self.slots.remove(&scope),
                None => break,
            };
        }
    }

    fn bytes(&self) -> usize {
        self.slots.values().filter_map(|(slot, _)| slot.get()).map(|index| index.bytes()).sum()
    }

    fn is_replaced(&self, scope: &Scope) -> bool {
        self.slots.keys().any(|other| other.tenant == scope.tenant && other.release > scope.release)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::TenantId;
    use crate::knowledge::Audience;

    fn scope(tenant: TenantId, release: u64) -> Scope {
        Scope { tenant, release, audience: Audience::Public }
    }

    fn fill(shelf: &mut Shelf, scope: &Scope) -> usize {
        let index = Arc::new(Index::build(Audience::Public, Vec::new(), &crate::knowledge::Synonyms::new()));
        let bytes = index.bytes();
        let _ = shelf.slot(scope).set(index);
        bytes
    }

    #[test]
    fn a_replaced_release_leaves_before_what_was_not_used_for_long() {
        let (one, other) = (TenantId::new(), TenantId::new());
        let mut shelf = Shelf::new(0);
        let bytes = fill(&mut shelf, &scope(other, 1));
        fill(&mut shelf, &scope(one, 1));
        fill(&mut shelf, &scope(one, 2));
        shelf.room = 2 * bytes;
        shelf.tidy();
        assert!(!shelf.slots.contains_key(&scope(one, 1)));
        shelf.room = bytes;
        shelf.tidy();
        assert_eq!(shelf.slots.keys().collect::<Vec<_>>(), [&scope(one, 2)]);
        shelf.room = 0;
        shelf.tidy();
        assert_eq!(shelf.slots.len(), 1, "what is in use stays");
    }

    #[test]
    fn a_place_that_stayed_empty_is_forgotten() {
        let mut shelf = Shelf::new(0);
        let scope = scope(TenantId::new(), 1);
        let _ = shelf.slot(&scope);
        shelf.forget_empty(&scope);
        assert!(shelf.slots.is_empty());
    }
}
