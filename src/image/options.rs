use std::path::PathBuf;

use crate::registry;
use crate::tool::Caps;

/// Layers of text come to a ratio below 20, zeros to about 1000.
const CAPS: Caps = Caps { bytes: 16 << 30, entries: 1_000_000, path_bytes: 4096, depth: 256, ratio: 100 };

#[derive(Clone, Debug)]
pub struct Options {
    /// The state directory. `images/` and `volumes/` are made in it.
    pub folder: PathBuf,
    pub caps: Caps,
    pub registries: registry::Settings,
    /// The limit of a volume that is made without one, and the most that may be asked for.
    pub volume_bytes: u64,
}

impl Options {
    /// With the defaults for all else.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            caps: CAPS,
            registries: registry::Settings::default(),
            volume_bytes: 10 << 30,
        }
    }
}
