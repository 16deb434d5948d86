//! `use stockade_policy::prelude::*;` gives a policy without `std` the names that it would have with it, and the API's own.

pub use alloc::borrow::ToOwned;
pub use alloc::boxed::Box;
pub use alloc::collections::{BTreeMap, BTreeSet};
pub use alloc::string::{String, ToString};
pub use alloc::vec::Vec;
pub use alloc::{format, vec};

pub use crate::{
    Additions, Connection, Container, Denial, Job, Limit, Mutate, Notes, OnExited, OnStarted, Outcome, Pair,
    PatchError, Policy, PreStart, SettingsError, Step, Validate, Verdict,
};
