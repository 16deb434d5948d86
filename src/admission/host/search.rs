//! What the host looks for in place of a policy.

use memchr::memmem::Finder;

/// Bounds on the work, for a deadline does not reach in here: 64 times over 64 KiB is a few milliseconds.
const MAX_BYTES: usize = 64 << 10;
/// To begin with the next piece is work too.
const OF_A_PIECE: usize = 16;
const MAX_TEXTS: usize = 64;
const MAX_TEXT_BYTES: usize = 4 << 10;

/// To be looked for in one job after the other.
pub(super) struct Texts {
    /// `None` where they are too many.
    finders: Option<Vec<Finder<'static>>>,
}

impl Texts {
    pub(super) fn new(texts: &[String]) -> Self {
        let are_few =
            texts.len() <= MAX_TEXTS && texts.iter().map(String::len).sum::<usize>() <= MAX_TEXT_BYTES;
        let finders = || texts.iter().map(|text| Finder::new(text).into_owned()).collect();
        Self { finders: are_few.then(finders) }
    }

    /// About what it takes to be kept.
    pub(super) fn bytes(&self) -> usize {
        let finders = self.finders.as_deref().unwrap_or_default();
        finders.iter().map(|finder| size_of_val(finder) + finder.needle().len()).sum()
    }

    /// Whether any of them is in any of the pieces; true too where that is too much to look for.
    pub(super) fn may_be_in<'a>(&self, pieces: &(impl Iterator<Item = &'a [u8]> + Clone)) -> bool {
        let Some(finders) = &self.finders else { return true };
        let mut room = Some(MAX_BYTES);
        let is_small = pieces.clone().all(|piece| {
            room = room.and_then(|room| room.checked_sub(OF_A_PIECE + piece.len()));
            room.is_some()
        });
        let is_there = |finder: &Finder<'_>| pieces.clone().any(|piece| finder.find(piece).is_some());
        !is_small || finders.iter().any(is_there)
    }
}

#[cfg(test)]
mod tests {
    use super::Texts;

    fn look(texts: &[&str], pieces: &[&[u8]]) -> bool {
        let texts: Vec<String> = texts.iter().map(ToString::to_string).collect();
        Texts::new(&texts).may_be_in(&pieces.iter().copied())
    }

    #[test]
    fn a_text_is_found_in_one_piece_and_not_across_two() {
        assert!(look(&["no", "AKIA"], &[b"echo", b"x\xffAKIA\0"]));
        assert!(!look(&["no", "AKIA"], &[b"echo", b"AK", b"IA"]));
        assert!(look(&[""], &[b""]), "an empty text is everywhere");
        assert!(!look(&[""], &[]) && !look(&[], &[b"x"]));
    }

    #[test]
    fn what_is_too_much_may_be_there() {
        let bytes = |count: usize| vec![b'x'; count];
        assert!(!look(&["a"], &[&bytes(32_752), &bytes(32_752)]));
        assert!(look(&["a"], &[&bytes(32_752), &bytes(32_753)]));
        assert!(!look(&["a"], &vec![&b""[..]; 4096]) && look(&["a"], &vec![&b""[..]; 4097]));
        assert!(!look(&["a"; 64], &[b"x"]) && look(&["a"; 65], &[b"x"]));
        assert!(!look(&[&"a".repeat(4096)], &[b"x"]) && look(&[&"a".repeat(4097)], &[b"x"]));
    }
}
