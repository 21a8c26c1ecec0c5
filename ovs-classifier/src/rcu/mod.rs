//! Read-copy-update: readers that never wait, writers that never wait for readers.
//!
//! A writer replaces a pointer and *retires* what it pointed to; the retired value is dropped only when
//! no reader can hold a reference any more. Readers say when they may hold references, in the cheapest
//! way there is: one store and one fence when they enter, one store when they leave. A packet worker
//! enters once per poll, not once per packet.
//!
//! ```text
//!  writer                 Domain                        reader (worker)
//!  cell.replace(new) ──▶ retired list: old, epoch 7     reader.enter(): slot = current epoch
//!                        epoch becomes 8                cell.load(&guard) … references live here
//!  control side                                         drop(guard): slot = idle
//!  domain.reclaim(max): drops what was retired
//!  before every active slot's epoch
//! ```
//!
//! # Invariants
//!
//! * A value is unlinked before it is retired, so who enters later cannot find it.
//! * `retire` stamps it with the epoch before it moves the epoch on. A reader whose slot shows a later
//!   epoch saw the move, hence the unlinking. A reader whose slot shows idle is either gone or has not
//!   loaded anything yet: the fence in `enter` and the fence in `reclaim` are ordered one way or the
//!   other, so either `reclaim` sees the slot taken or the reader sees the value unlinked.
//! * Drops of retired values run inside [`Domain::reclaim`] alone (and when the domain's last handle
//!   goes), so never on a worker that only reads, and never in `retire`.
//!
//! # Thread safety and cost
//!
//! Everything here is lock-free: `retire` is one allocation, one atomic add and a compare-and-swap; `enter` a
//! store and a fence (some 5 to 10 ns); `load` a plain load. A reader that never leaves holds back
//! reclamation, not progress.
//!
//! ```
//! use std::sync::Arc;
//! use ovs_classifier::rcu::{Cell, Domain};
//!
//! let domain = Domain::new();
//! let config = Cell::new(&domain, Arc::new(1));
//! let mut reader = domain.reader();
//! let guard = reader.enter();
//! let seen = config.load(&guard);
//! config.replace(Arc::new(2)); // `seen` stays valid
//! assert_eq!(*seen, 1);
//! assert_eq!(domain.reclaim(usize::MAX), 0); // a guard is held
//! drop(guard);
//! assert_eq!(domain.reclaim(usize::MAX), 1);
//! ```

mod cell;
mod domain;
mod reader;
pub(crate) mod sync;

pub use cell::Cell;
pub(crate) use cell::{Link, Once};
pub use domain::{Domain, Stamp};
pub use reader::{Guard, Reader};

#[cfg(all(test, not(loom)))]
mod tests;

#[cfg(all(test, loom))]
mod models;
