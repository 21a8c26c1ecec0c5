//! Connectivity fault management (IEEE 802.1Q clause 21, formerly 802.1ag; ITU-T G.8013): type 0x8902.
//!
//! ```text
//! ├ level 3, version 5 ┼ opcode 1 ┼ flags 1 ┼ first TLV 1 ┤   offset of the first TLV, counted from behind this byte
//! ├ what the opcode has …                               ┤
//! ├ TLV: type 1 ┼ length 2 ┼ value … ┤ … ┼ 0 ┤
//! ```

use alloc::vec::Vec;

use super::super::WireError;
use super::super::bytes::{u8_at, u16_at};
use super::super::field::{to_the_end, view};
use super::super::list::{Item, Items, body, head};

view! {
    /// What every unit begins with; what its opcode has lies in [`variable`](CfmView::variable).
    view CfmView, value CfmHeader, 4 bytes, header header_len, end to_the_end;
    /// Level and version.
    level_version set_level_version: u8 = 0 {
        /// Maintenance domain level.
        level set_level: u8 = 5, 3;
        /// Version: 0.
        version set_version: u8 = 0, 5;
    };
    /// Opcode: 1 CCM, 2 LBR, 3 LBM, 4 LTR, 5 LTM …
    opcode set_opcode: u8 = 1;
    /// Flags; depend on the opcode.
    flags set_flags: u8 = 2;
    /// Offset of the first TLV, from behind this byte.
    first_tlv set_first_tlv: u8 = 3;
}

view! {
    /// A continuity check message (opcode 1; clause 21.6).
    view CcmView, value CcmHeader, 74 bytes, header header_len, end to_the_end;
    /// Level and version.
    level_version set_level_version: u8 = 0 {
        /// Maintenance domain level.
        level set_level: u8 = 5, 3;
        /// Version: 0.
        version set_version: u8 = 0, 5;
    };
    /// Opcode: 1.
    opcode set_opcode: u8 = 1;
    /// Flags.
    flags set_flags: u8 = 2 {
        /// Remote defect indication.
        remote_defect set_remote_defect: bool = 7, 1;
        /// Interval between messages: 1 is 3⅓ ms, 2 10 ms, 3 100 ms, 4 1 s, 5 10 s, 6 1 min, 7 10 min.
        interval set_interval: u8 = 0, 3;
    };
    /// Offset of the first TLV, from behind this byte: 70.
    first_tlv set_first_tlv: u8 = 3;
    /// Sequence number.
    sequence set_sequence: u32 = 4;
    /// Maintenance association end point.
    endpoint set_endpoint: u16 = 8;
    /// Maintenance association identifier: names with their formats and lengths, zero-padded.
    association set_association: [u8; 48] = 10;
    /// Fields of ITU-T G.8013: frame counts.
    counters set_counters: [u8; 16] = 58;
}

view! {
    /// A loopback message (opcode 3) or reply (2; clause 21.7).
    view LoopbackView, value LoopbackHeader, 8 bytes, header header_len, end to_the_end;
    /// Level and version.
    level_version set_level_version: u8 = 0 {
        /// Maintenance domain level.
        level set_level: u8 = 5, 3;
        /// Version: 0.
        version set_version: u8 = 0, 5;
    };
    /// Opcode: 3 or 2.
    opcode set_opcode: u8 = 1;
    /// Flags.
    flags set_flags: u8 = 2;
    /// Offset of the first TLV, from behind this byte: 4.
    first_tlv set_first_tlv: u8 = 3;
    /// Transaction.
    transaction set_transaction: u32 = 4;
}

view! {
    /// A linktrace message (opcode 5; clause 21.8).
    view LinktraceView, value LinktraceHeader, 21 bytes, header header_len, end to_the_end;
    /// Level and version.
    level_version set_level_version: u8 = 0 {
        /// Maintenance domain level.
        level set_level: u8 = 5, 3;
        /// Version: 0.
        version set_version: u8 = 0, 5;
    };
    /// Opcode: 5.
    opcode set_opcode: u8 = 1;
    /// Flags.
    flags set_flags: u8 = 2 {
        /// Use only what the forwarding database knows.
        forwarding_database_only set_forwarding_database_only: bool = 7, 1;
    };
    /// Offset of the first TLV, from behind this byte: 17.
    first_tlv set_first_tlv: u8 = 3;
    /// Transaction.
    transaction set_transaction: u32 = 4;
    /// Time to live.
    ttl set_ttl: u8 = 8;
    /// Who began the trace.
    origin set_origin: [u8; 6] = 9;
    /// Who is looked for.
    target set_target: [u8; 6] = 15;
}

view! {
    /// A linktrace reply (opcode 4; clause 21.9).
    view LinktraceReplyView, value LinktraceReplyHeader, 10 bytes, header header_len, end to_the_end;
    /// Level and version.
    level_version set_level_version: u8 = 0 {
        /// Maintenance domain level.
        level set_level: u8 = 5, 3;
        /// Version: 0.
        version set_version: u8 = 0, 5;
    };
    /// Opcode: 4.
    opcode set_opcode: u8 = 1;
    /// Flags.
    flags set_flags: u8 = 2 {
        /// Use only what the forwarding database knows.
        forwarding_database_only set_forwarding_database_only: bool = 7, 1;
        /// The message was forwarded.
        forwarded set_forwarded: bool = 6, 1;
        /// The target is behind this end point.
        terminal set_terminal: bool = 5, 1;
    };
    /// Offset of the first TLV, from behind this byte: 6.
    first_tlv set_first_tlv: u8 = 3;
    /// Transaction.
    transaction set_transaction: u32 = 4;
    /// Time to live that the message had.
    ttl set_ttl: u8 = 8;
    /// What was done: 1 hit, 2 forwarding database, 3 end point database.
    relay_action set_relay_action: u8 = 9;
}

/// The fixed part and all TLVs to the end mark.
fn header_len(bytes: &[u8]) -> usize {
    let mut at = 4 + usize::from(bytes[3]);
    while let Some(1..) = u8_at(bytes, at) {
        let Some(len) = u16_at(bytes, at + 1) else { return bytes.len() };
        at += 3 + usize::from(len);
        if at > bytes.len() {
            // A TLV that is cut; the list says what is wrong with it.
            return bytes.len();
        }
    }
    // The end mark, where there is one: some senders leave it out.
    if u8_at(bytes, at) == Some(0) { at + 1 } else { at }
}

/// All units have TLVs.
macro_rules! tlvs {
    ($($view:ident),*) => { $(
        impl<T: AsRef<[u8]>> $view<T> {
            /// The TLVs, without the end mark.
            pub fn tlvs(&self) -> Items<'_, CfmTlv<'_>> {
                let from = 4 + usize::from(self.first_tlv());
                Items::new(self.header().get(from..).unwrap_or_default(), from)
            }
        }
    )* };
}

tlvs!(CfmView, CcmView, LoopbackView, LinktraceView, LinktraceReplyView);

/// One TLV of a unit (clause 21.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum CfmTlv<'a> {
    /// Sender (1): chassis and management address, encoded.
    SenderId(&'a [u8]),
    /// Port status (2): 1 blocked, 2 up.
    PortStatus(u8),
    /// Data (3), arbitrary.
    Data(&'a [u8]),
    /// Interface status (4): 1 up, 2 down …
    InterfaceStatus(u8),
    /// Organization's own (31).
    Organization {
        /// The organization.
        oui: [u8; 3],
        /// Which of its TLVs.
        subtype: u8,
        /// What that says.
        data: &'a [u8],
    },
    /// Any other, or one of these with an unusual length.
    Unknown {
        /// Type.
        kind: u8,
        /// Its value.
        data: &'a [u8],
    },
}

impl<'a> Item<'a> for CfmTlv<'a> {
    fn read(bytes: &'a [u8]) -> Result<Option<(Self, usize)>, WireError> {
        if bytes.first() == Some(&0) {
            return Ok(None);
        }
        let [kind, high, low] = head(bytes)?;
        let used = 3 + usize::from(u16::from_be_bytes([high, low]));
        let data = body(bytes, 3, used)?;
        let tlv = match (kind, data) {
            (1, _) => Self::SenderId(data),
            (2, &[status]) => Self::PortStatus(status),
            (3, _) => Self::Data(data),
            (4, &[status]) => Self::InterfaceStatus(status),
            (31, [a, b, c, subtype, data @ ..]) => {
                Self::Organization { oui: [*a, *b, *c], subtype: *subtype, data }
            }
            _ => Self::Unknown { kind, data },
        };
        Ok(Some((tlv, used)))
    }

    fn put(&self, out: &mut Vec<u8>) {
        let mut tlv = |kind: u8, first: &[u8], data: &[u8]| {
            out.push(kind);
            out.extend(((first.len() + data.len()) as u16).to_be_bytes());
            out.extend_from_slice(first);
            out.extend_from_slice(data);
        };
        match *self {
            Self::SenderId(data) => tlv(1, &[], data),
            Self::PortStatus(status) => tlv(2, &[status], &[]),
            Self::Data(data) => tlv(3, &[], data),
            Self::InterfaceStatus(status) => tlv(4, &[status], &[]),
            Self::Organization { oui: [a, b, c], subtype, data } => tlv(31, &[a, b, c, subtype], data),
            Self::Unknown { kind, data } => tlv(kind, &[], data),
        }
    }
}
