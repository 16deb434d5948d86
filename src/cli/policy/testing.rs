//! Components for tests, made from the contract alone: every function of theirs traps.

use admission::component::metadata;

#[path = "../../admission/testing/components.rs"]
mod components;

pub(crate) use components::*;

impl Folder {
    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path().join(name), text).expect("a folder of ours");
    }
}
