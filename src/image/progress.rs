use serde::{Deserialize, Serialize};

use crate::tool::Expected;

/// Hears how far each blob of an image is. Called often, from any task: it must not block.
pub trait Progress: Send + Sync {
    fn told(&self, blob: &Expected, stage: Stage);
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "stage")]
pub enum Stage {
    Waiting,
    /// Nothing is to be done: it is there already.
    There,
    Fetching {
        done: u64,
    },
    Fetched,
    /// Compressed bytes that were read.
    Unpacking {
        done: u64,
    },
    Unpacked,
    Pushing {
        done: u64,
    },
    Pushed,
}

/// For those whom nobody listens to.
#[derive(Clone, Copy, Debug)]
pub struct Silent;

impl Progress for Silent {
    fn told(&self, _: &Expected, _: Stage) {}
}
