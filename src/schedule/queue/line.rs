//! The jobs of one tenant, as they go: the higher priority first, the earlier of two that are equal.

use std::cmp::Reverse;
use std::collections::{BTreeMap, VecDeque};

use super::Number;

#[derive(Debug, Default)]
pub(super) struct Line {
    /// Sorted, because numbers are given out in order. None is empty.
    classes: BTreeMap<Reverse<i32>, VecDeque<Number>>,
    length: usize,
}

impl Line {
    pub(super) fn len(&self) -> usize {
        self.length
    }

    pub(super) fn is_empty(&self) -> bool {
        self.length == 0
    }

    pub(super) fn head(&self) -> Option<Number> {
        self.classes.first_key_value()?.1.front().copied()
    }

    pub(super) fn push(&mut self, priority: i32, number: Number) {
        self.classes.entry(Reverse(priority)).or_default().push_back(number);
        self.length += 1;
    }

    /// From the middle it moves the 8 bytes of each number up to the nearer end: microseconds, however many there are.
    pub(super) fn remove(&mut self, priority: i32, number: Number) {
        let Some(class) = self.classes.get_mut(&Reverse(priority)) else { return };
        let Ok(at) = class.binary_search(&number) else { return };
        class.remove(at);
        if class.is_empty() {
            self.classes.remove(&Reverse(priority));
        }
        self.length -= 1;
    }

    /// How many go before it.
    pub(super) fn position(&self, priority: i32, number: Number) -> Option<usize> {
        let own = self.classes.get(&Reverse(priority))?.binary_search(&number).ok()?;
        let higher = self.classes.range(..Reverse(priority)).map(|(_, class)| class.len());
        Some(higher.sum::<usize>() + own)
    }
}
