//! The last few of what was made, for whoever may need the same again. Nobody waits for whoever keeps one.

use std::collections::VecDeque;
use std::sync::Arc;

use arc_swap::ArcSwap;

const MOST: usize = 8;

/// Newest first.
#[derive(Debug)]
pub(crate) struct Newest<T>(ArcSwap<VecDeque<Arc<T>>>);

impl<T> Default for Newest<T> {
    fn default() -> Self {
        Self(ArcSwap::default())
    }
}

impl<T> Newest<T> {
    pub(crate) fn find(&self, mut is_it: impl FnMut(&T) -> bool) -> Option<Arc<T>> {
        // Held for as long as it is looked through, which may be for long.
        self.0.load_full().iter().find(|one| is_it(one)).cloned()
    }

    pub(crate) fn keep(&self, one: T) -> Arc<T> {
        let one = Arc::new(one);
        self.0.rcu(|known| {
            let mut known = VecDeque::clone(known);
            known.push_front(Arc::clone(&one));
            known.truncate(MOST);
            known
        });
        one
    }
}

#[cfg(test)]
mod tests {
    use super::{MOST, Newest};

    #[test]
    fn it_keeps_only_so_many_and_finds_the_newest() {
        let newest = Newest::default();
        for number in 0..=MOST {
            newest.keep((number, number % 2));
        }
        assert_eq!(newest.find(|(number, _)| *number == 0), None, "the oldest made room");
        assert_eq!(newest.find(|(number, _)| *number == 1).as_deref(), Some(&(1, 1)));
        assert_eq!(newest.find(|(_, odd)| *odd == 0).as_deref(), Some(&(MOST, 0)));
    }
}
