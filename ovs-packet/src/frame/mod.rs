//! Packets, the frames that they own, and the homes that frames go back to.
//!
//! # Ownership
//!
//! A [`Frame`] is a header of two cache lines, aligned to a line, that describes one contiguous buffer. It is
//! always in exactly one of three places:
//!
//! 1. **out**: a [`Packet`] owns it. The packet may be sent to any thread.
//! 2. **returning**: on its home's [`ReturnStack`], pushed there by the drop of a packet or batch.
//! 3. **home**: on its owner's private free list.
//!
//! Only the place's owner touches the header and the buffer, so no field needs to be atomic; the stack's
//! release/acquire pair hands the frame over.
//!
//! # Lifetime of a home
//!
//! A home cannot die while its frames are out, for their headers point at it. Closing a home replaces the
//! stack's head by a mark; from then on a returning frame is freed by whoever drops it, and the last one
//! out frees the home itself. So a device may be closed while its packets wait in somebody else's queue.
//!
//! # Initialised memory
//!
//! Every buffer is allocated zeroed and stays initialised, so room at either end can be handed out as
//! `&mut [u8]` without writing to it first. It holds what an earlier packet left there.
//!
//! # Cost
//!
//! Taking a frame from a warm [`Pool`] is a pop from a private list; dropping a packet is one
//! compare-and-swap; dropping a [`Batch`] is one compare-and-swap per run of frames with the same home;
//! [`Pool::recycle`] needs none.

mod batch;
mod home;
mod packet;
mod pool;
mod stack;

pub use batch::{BATCH_MAX, Batch, Drain};
pub use home::{Frame, Home, HomeVtable};
pub use packet::{NoRoom, Packet, TooShort};
pub use pool::{Pool, PoolConfig, PoolStats};
pub use stack::ReturnStack;

#[cfg(all(test, loom))]
mod loom_tests;
#[cfg(all(test, not(loom)))]
mod tests;
