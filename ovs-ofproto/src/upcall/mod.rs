//! Upcalls: the switch's logic on the packet workers.
//!
//! A handler translates against the snapshot that it took at the beginning of the worker's turn, and hands
//! what shall happen beside the forwarding to the control side through a bounded channel. If that is full, the
//! packet is refused by name: a megaflow and its effects are accepted together or not at all.

mod handler;
mod identity;
mod message;

pub(crate) use handler::{Handlers, SharedWaker};
pub(crate) use identity::Identities;
pub(crate) use message::{Age, HeardPacket, HeldPacket, LongPacket, Message, Miss, NewFlow, PuntedPacket};
