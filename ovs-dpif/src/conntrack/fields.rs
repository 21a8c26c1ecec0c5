//! What a tracked packet gets written into its metadata.

use ovs_flow::{CtMetadata, CtState};

use super::CtAction;
use super::connection::Connection;
use super::tuple::Tuple;

/// Adds bits to a packet's state.
pub(super) fn add(ct: &mut CtMetadata, bits: CtState) {
    ct.state |= bits.bits();
}

/// Whether a packet's state has any of these bits.
pub(super) fn has(ct: &CtMetadata, bits: CtState) -> bool {
    CtState::from_bits_retain(ct.state).intersects(bits)
}

/// The bits that say that a packet was translated.
pub(super) const TRANSLATED: CtState = CtState::SNAT.union(CtState::DNAT);

/// The packet has been tracked in a zone: what its connection says of it, or else what it says itself.
pub(super) fn write(ct: &mut CtMetadata, zone: u16, connection: Option<&Connection>, own: Option<&Tuple>) {
    add(ct, CtState::TRK);
    ct.zone = zone;
    (ct.mark, ct.label) = connection.map_or((0, [0; 16]), |c| (c.mark, c.label));
    match connection.map(|c| c.parent.as_ref().unwrap_or(&c.orig)).or(own) {
        Some(tuple) => tuple.describe(ct),
        None => Tuple::default().describe(ct),
    }
}

/// Sets mark and label of connection and packet as the action says. What belongs to another connection keeps what it has.
pub(super) fn set(ct: &mut CtMetadata, connection: &mut Connection, action: &CtAction) {
    if let Some(mark) = action.mark {
        if !connection.related {
            connection.mark = mark.apply(ct.mark);
        }
        ct.mark = connection.mark;
    }
    if let Some(label) = action.label {
        if !connection.related {
            connection.label = label.apply(ct.label);
        }
        ct.label = connection.label;
    }
}
