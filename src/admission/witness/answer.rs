//! What host and policy answer each other: compared with what was answered before, and kept.

use std::sync::Arc;

use crate::bindings::job::{Case, File, Volume};
use crate::bindings::kv::KvError;
use crate::bindings::patch::PatchError;
use crate::bindings::types::{Additions, Denial, Notes, Pair};
use crate::record::Said;

pub(crate) trait Answer: Clone + PartialEq + Send + Sync + 'static {
    /// About what it takes to be kept.
    fn bytes(&self) -> usize {
        size_of::<Self>()
    }
}

impl Answer for () {}
impl Answer for bool {}
impl Answer for i32 {}
impl Answer for i64 {}
impl Answer for u8 {}
impl Answer for u32 {}
impl Answer for u64 {}
impl Answer for KvError {}
impl Answer for PatchError {}

impl Answer for String {
    fn bytes(&self) -> usize {
        size_of::<Self>() + self.len()
    }
}

impl Answer for Pair {
    fn bytes(&self) -> usize {
        self.key.bytes() + self.value.bytes()
    }
}

impl Answer for Case {
    fn bytes(&self) -> usize {
        self.name.bytes() + self.args.bytes() + self.checker.bytes()
    }
}

impl Answer for File {
    fn bytes(&self) -> usize {
        size_of::<Self>() + self.path.len()
    }
}

impl Answer for Volume {
    fn bytes(&self) -> usize {
        size_of::<Self>() + self.name.len() + self.path.len()
    }
}

impl Answer for Notes {
    fn bytes(&self) -> usize {
        self.warnings.bytes() + self.annotations.bytes()
    }
}

impl Answer for Denial {
    fn bytes(&self) -> usize {
        let reason = &self.reason;
        reason.code.bytes() + reason.message.bytes() + reason.field.bytes() + self.notes.bytes()
    }
}

impl Answer for Arc<Said> {
    fn bytes(&self) -> usize {
        self.judgement.bytes()
    }
}

impl Answer for Additions {
    fn bytes(&self) -> usize {
        self.labels.bytes() + self.annotations.bytes()
    }
}

impl<T: Answer> Answer for Option<T> {
    fn bytes(&self) -> usize {
        self.as_ref().map_or(size_of::<Self>(), Answer::bytes)
    }
}

impl<T: Answer, E: Answer> Answer for Result<T, E> {
    fn bytes(&self) -> usize {
        self.as_ref().map_or_else(Answer::bytes, Answer::bytes)
    }
}

impl<T: Answer> Answer for Vec<T> {
    fn bytes(&self) -> usize {
        size_of::<Self>() + self.iter().map(Answer::bytes).sum::<usize>()
    }
}
