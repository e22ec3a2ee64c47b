//! A map that never holds more than it was told to.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;

/// A map of at most `capacity` entries; when it is full, the one that was set longest ago leaves.
#[derive(Debug)]
pub(super) struct BoundedMap<K, V> {
    capacity: usize,
    entries: HashMap<K, (u64, V)>,
    /// Keys by the moment they were set; the first is the oldest.
    ages: BTreeMap<u64, K>,
    next: u64,
}

impl<K: Copy + Eq + Hash, V> BoundedMap<K, V> {
    pub(super) fn new(capacity: usize) -> Self {
        Self { capacity: capacity.max(1), entries: HashMap::new(), ages: BTreeMap::new(), next: 0 }
    }

    pub(super) fn get(&self, key: &K) -> Option<&V> {
        self.entries.get(key).map(|(_, value)| value)
    }

    pub(super) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        self.entries.get_mut(key).map(|(_, value)| value)
    }

    /// Sets an entry and makes it the youngest.
    pub(super) fn insert(&mut self, key: K, value: V) {
        let age = self.next;
        self.next += 1;
        if let Some((old, _)) = self.entries.insert(key, (age, value)) {
            self.ages.remove(&old);
        }
        self.ages.insert(age, key);
        while self.entries.len() > self.capacity {
            let Some((_, oldest)) = self.ages.pop_first() else { break };
            self.entries.remove(&oldest);
        }
    }

    /// Removes the entry that was set longest ago, if `done` says so; whether it did.
    pub(super) fn pop_oldest_if(&mut self, done: impl FnOnce(&mut V) -> bool) -> bool {
        let Some(oldest) = self.ages.values().next().copied() else { return false };
        let is_done = self.get_mut(&oldest).is_some_and(done);
        if is_done {
            self.remove(&oldest);
        }
        is_done
    }

    /// Removes what `keep` does not want.
    pub(super) fn retain(&mut self, keep: impl Fn(&V) -> bool) {
        let ages = &mut self.ages;
        self.entries.retain(|_, (age, value)| {
            let kept = keep(value);
            if !kept {
                ages.remove(age);
            }
            kept
        });
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn remove(&mut self, key: &K) -> Option<V> {
        let (age, value) = self.entries.remove(key)?;
        self.ages.remove(&age);
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_entry_leaves_a_full_map() {
        let mut map = BoundedMap::new(2);
        map.insert('a', 1);
        map.insert('b', 2);
        map.insert('a', 3);
        map.insert('c', 4);
        assert_eq!((map.get(&'a'), map.get(&'b'), map.get(&'c')), (Some(&3), None, Some(&4)));
    }

    #[test]
    fn only_the_oldest_entry_is_asked_whether_it_is_done() {
        let mut map = BoundedMap::new(3);
        map.insert('a', 1);
        map.insert('b', 2);
        assert!(!map.pop_oldest_if(|value| *value == 2));
        assert!(map.pop_oldest_if(|value| *value == 1));
        assert!(map.pop_oldest_if(|value| *value == 2));
        assert!(!map.pop_oldest_if(|_| true));
    }

    #[test]
    fn a_removed_entry_makes_room() {
        let mut map = BoundedMap::new(2);
        map.insert('a', 1);
        map.insert('b', 2);
        assert_eq!((map.remove(&'a'), map.remove(&'a')), (Some(1), None));
        map.insert('c', 3);
        assert_eq!((map.get(&'b'), map.get(&'c')), (Some(&2), Some(&3)));
        assert_eq!(map.ages.len(), 2);
    }
}
