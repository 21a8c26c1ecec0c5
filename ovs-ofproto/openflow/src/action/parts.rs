//! What the larger actions consist of.

use ovs_flow::{Field, Subfield};

/// How a field is written: the three ways leave the same bits but other text and other bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SetForm {
    /// `set_field:VALUE[/MASK]->FIELD`.
    Field,
    /// `load:VALUE->FIELD[…]`, one per run of mask bits.
    Load,
}

/// Write a field, or the bits of it that `mask` has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SetField {
    /// As what it was written.
    pub form: SetForm,
    /// Which field.
    pub field: Field,
    /// What to write, right-aligned; no bit outside `mask`.
    pub value: u128,
    /// Which bits.
    pub mask: u128,
}

impl SetField {
    /// Write all of a field.
    pub fn whole(field: Field, value: u128) -> Self {
        let mask = field.full();
        Self { form: SetForm::Field, field, value: value & mask, mask }
    }

    /// Write some bits of a field.
    pub fn masked(field: Field, value: u128, mask: u128) -> Self {
        Self { form: SetForm::Field, field, value: value & mask, mask }
    }

    /// `load:value->dst`.
    pub fn load(dst: Subfield, value: u64) -> Self {
        let mask = dst.bits();
        Self { form: SetForm::Load, field: dst.field(), value: u128::from(value) << dst.start() & mask, mask }
    }

    /// Whether all of the field is written.
    pub fn is_whole(&self) -> bool {
        self.mask & self.field.full() == self.field.full()
    }
}

/// Write a field as OpenFlow 1.0 and 1.1 named it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Mod {
    /// `mod_dl_src`.
    EthSrc([u8; 6]),
    /// `mod_dl_dst`.
    EthDst([u8; 6]),
    /// `mod_nw_src`, host order.
    Ipv4Src(u32),
    /// `mod_nw_dst`, host order.
    Ipv4Dst(u32),
    /// `mod_nw_tos`: the upper six bits; the lower two are zero here and stay as they are in the packet.
    Tos(u8),
    /// `mod_nw_ecn`: the lower two bits.
    Ecn(u8),
    /// `mod_nw_ttl`.
    Ttl(u8),
    /// `mod_tp_src`: of TCP, UDP or SCTP.
    TpSrc(u16),
    /// `mod_tp_dst`: of TCP, UDP or SCTP.
    TpDst(u16),
}

/// Send to a controller.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct ToController {
    /// How many bytes of the packet.
    pub max_len: u16,
    /// Which controller connections: those that chose this id.
    pub controller_id: u16,
    /// The reason that the packet-in gives.
    pub reason: crate::PacketInReason,
    /// Bytes that come back in the packet-in.
    pub userdata: Vec<u8>,
    /// Whether translation waits until the controller resumes it.
    pub pause: bool,
    /// The meter to pass, 0 for none.
    pub meter: u32,
}

impl Default for ToController {
    fn default() -> Self {
        Self {
            max_len: super::NO_BUFFER,
            controller_id: 0,
            reason: crate::PacketInReason::Action,
            userdata: Vec::new(),
            pause: false,
            meter: 0,
        }
    }
}
