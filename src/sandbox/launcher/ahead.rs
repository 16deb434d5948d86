//! What sandboxes are made ahead for: what jobs have lately asked for, more than once.

use crate::plan::Foundation;

/// Each costs a few idle sandboxes.
const KEPT: usize = 3;
/// Asked for once: the next job of the kind shows that there are more.
const SEEN: usize = 8;

#[derive(Debug)]
pub(super) struct Ahead {
    /// The latest first; never empty.
    kept: Vec<Foundation>,
    seen: Vec<Foundation>,
}

impl Ahead {
    pub(super) fn new() -> Self {
        Self { kept: vec![Foundation::usual()], seen: Vec::new() }
    }

    pub(super) fn wanted(&self) -> impl Iterator<Item = &Foundation> {
        self.kept.iter()
    }

    /// Takes note of a job; gives back what nobody needs to be ahead for any more.
    pub(super) fn asked(&mut self, foundation: &Foundation) -> Option<Foundation> {
        if self.kept[0] == *foundation {
            return None;
        }
        if let Some(place) = self.kept.iter().position(|kept| kept == foundation) {
            self.kept[..=place].rotate_right(1);
            return None;
        }
        if let Some(place) = self.seen.iter().position(|seen| seen == foundation) {
            self.kept.insert(0, self.seen.remove(place));
            return if self.kept.len() > KEPT { self.kept.pop() } else { None };
        }
        self.seen.insert(0, foundation.clone());
        self.seen.truncate(SEEN);
        None
    }
}

#[cfg(test)]
mod tests {
    use super::Ahead;
    use crate::plan::Foundation;

    fn of(steps: usize) -> Foundation {
        Foundation { steps, ..Foundation::usual() }
    }

    fn wanted(ahead: &Ahead) -> Vec<usize> {
        ahead.wanted().map(|foundation| foundation.steps).collect()
    }

    #[test]
    fn what_is_asked_for_twice_is_made_ahead_until_three_others_are() {
        let mut ahead = Ahead::new();
        assert_eq!(ahead.asked(&of(2)), None);
        assert_eq!(wanted(&ahead), [1]);
        assert_eq!(ahead.asked(&of(2)), None);
        assert_eq!(wanted(&ahead), [2, 1]);
        for steps in [3, 3, 1] {
            assert_eq!(ahead.asked(&of(steps)), None);
        }
        assert_eq!(wanted(&ahead), [1, 3, 2]);
        assert_eq!([ahead.asked(&of(4)), ahead.asked(&of(4))], [None, Some(of(2))]);
        assert_eq!(wanted(&ahead), [4, 1, 3]);
    }

    #[test]
    fn what_is_asked_for_once_is_forgotten() {
        let mut ahead = Ahead::new();
        for steps in 2..30 {
            assert_eq!(ahead.asked(&of(steps)), None);
        }
        assert_eq!(ahead.asked(&of(2)), None);
        assert_eq!(wanted(&ahead), [1]);
    }
}
