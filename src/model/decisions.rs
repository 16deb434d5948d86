use std::ops::Deref;
use std::sync::Arc;

use serde::{Deserialize, Serialize, Serializer};

use crate::Decision;

/// Decisions about one job, in the order in which they were made. A job is told several times, so a clone is no copy.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "Vec<Decision>")]
pub struct Decisions(Arc<[Decision]>);

impl Decisions {
    pub fn extend(&mut self, more: Vec<Decision>) {
        if !more.is_empty() {
            self.0 = self.iter().cloned().chain(more).collect();
        }
    }
}

impl From<Vec<Decision>> for Decisions {
    fn from(decisions: Vec<Decision>) -> Self {
        Self(decisions.into())
    }
}

impl Deref for Decisions {
    type Target = [Decision];

    fn deref(&self) -> &[Decision] {
        &self.0
    }
}

impl Serialize for Decisions {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.as_ref().serialize(serializer)
    }
}
