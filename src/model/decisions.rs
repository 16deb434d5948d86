use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use serde::ser::Error;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::{RawValue, to_raw_value};

use crate::Decision;

/// Decisions about one job, in the order in which they were made. A clone is no copy.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(from = "Vec<Decision>")]
pub struct Decisions(Arc<Made>);

#[derive(Debug, Default)]
struct Made {
    all: Vec<Decision>,
    /// Of those that are told more than once: their JSON, from the first time on.
    text: Option<OnceLock<Box<RawValue>>>,
}

impl Decisions {
    /// For `serde_json` alone: their text is kept, for whoever is told next.
    #[must_use]
    pub fn told_often(all: Vec<Decision>) -> Self {
        Self(Arc::new(Made { all, text: Some(OnceLock::new()) }))
    }

    pub fn extend(&mut self, more: &[Decision]) {
        if !more.is_empty() {
            *self = [self, more].concat().into();
        }
    }
}

impl From<Vec<Decision>> for Decisions {
    fn from(all: Vec<Decision>) -> Self {
        Self(Arc::new(Made { all, text: None }))
    }
}

impl Deref for Decisions {
    type Target = [Decision];

    fn deref(&self) -> &[Decision] {
        &self.0.all
    }
}

impl PartialEq for Decisions {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0.all == other.0.all
    }
}

impl Serialize for Decisions {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Made { all, text: Some(kept) } = &*self.0 else { return self.0.all.serialize(serializer) };
        if let Some(text) = kept.get() {
            return text.serialize(serializer);
        }
        let text = to_raw_value(all).map_err(S::Error::custom)?;
        kept.get_or_init(|| text).serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_told_as_what_is_not() {
        let text = r#"{"policy":"a\"ü","digest":"sha256:00","generation":1,"hook":"validation","mode":"enforce",
            "verdict":"deny","reason":"line\nbreak","patch":[{"op":"add","path":"/labels/a","value":"b"}],"duration_us":3}"#;
        let all: Vec<Decision> = vec![serde_json::from_str(text).expect("a decision"); 2];
        let (plain, kept) = (Decisions::from(all.clone()), Decisions::told_often(all));
        let expected = serde_json::to_string(&plain).expect("JSON");
        for _ in 0..2 {
            assert_eq!(serde_json::to_string(&kept).expect("JSON"), expected);
        }
        assert_eq!(serde_json::to_value(&kept).expect("JSON"), serde_json::to_value(&plain).expect("JSON"));
        assert_eq!(serde_json::from_str::<Decisions>(&expected).expect("decisions"), kept);
    }

    #[test]
    fn more_of_them_are_a_list_of_their_own() {
        let text = r#"{"policy":"a","digest":"sha256:00","generation":1,"hook":"validation","mode":"enforce",
            "verdict":"allow","patch":[],"duration_us":3}"#;
        let one: Decision = serde_json::from_str(text).expect("a decision");
        let first = Decisions::told_often(vec![one.clone()]);
        let told = serde_json::to_string(&first).expect("JSON");
        let mut both = first.clone();
        both.extend(&[]);
        assert_eq!(both, first);
        both.extend(&[one]);
        assert_eq!((both.len(), first.len()), (2, 1));
        assert_ne!(serde_json::to_string(&both).expect("JSON"), told);
    }
}
