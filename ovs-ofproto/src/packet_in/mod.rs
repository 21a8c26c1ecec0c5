//! Packet-ins: from the worker that punts a packet to the connections that want it, and back when it was paused.

pub(crate) mod continuation;
pub(crate) mod reason;
