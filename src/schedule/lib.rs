//! Who runs next.
//!
//! A job asks for memory and CPUs ([`Ask`]), waits ([`Ticket`]) and then holds what it asked for ([`Lease`]), so the host
//! is never promised twice. Room is shared fairly between tenants by deficit round robin; within one tenant the higher
//! priority goes first, and the earlier of two that are equal. The rules are in `queue.rs`, without clocks or threads;
//! [`Local`] adds those. Whoever takes jobs in knows only [`Backend`], so that a queue of many machines can stand in.

mod ask;
mod backend;
mod load;
mod local;
mod queue;
mod quota;
mod refused;
mod room;

pub use ask::{Ask, Capacity};
pub use backend::{Backend, Drained, Extra, Lease, Queue, Seat, Ticket, Turn};
pub use load::{Load, TenantLoad};
pub use local::Local;
pub use quota::{Quota, Quotas};
pub use refused::{Expired, Reason, Refused, What};
