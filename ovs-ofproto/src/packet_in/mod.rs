//! Packet-ins: from the worker that punts a packet to the connections that want it.

pub(crate) mod reason;
