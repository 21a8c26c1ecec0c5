//! Actions that Open vSwitch adds to every version (`ovs-actions(7)`).

use ovs_flow::{OfPort, TableId};

use super::kinds::nx;
use super::set_field;
use super::vlan_compat::Context;
use super::wire::{Depth, begin_nx, decode_nested, encode_one, finish, put_nx};
use super::{
    Action, Bundle, Ct, Encap, Learn, Mod, Multipath, Nat, Sample, SetField, ToController, set_option,
};
use crate::header::{Put, Reader};
use crate::message::PacketInReason;
use crate::{EncodeError, OfError, Version};

/// From what follows the subtype. An unknown subtype is the error that says so.
pub(super) fn decode(
    subtype: u16,
    r: &mut Reader<'_>,
    version: Version,
    depth: Depth,
) -> Result<Action, OfError> {
    let action = match subtype {
        nx::RESUBMIT => {
            let in_port = OfPort(r.u16()?);
            r.skip(4)?;
            Action::Resubmit { in_port, table: TableId::ALL, ct: false }
        }
        nx::RESUBMIT_TABLE | nx::RESUBMIT_TABLE_CT => {
            let (in_port, table) = (OfPort(r.u16()?), TableId(r.u8()?));
            r.zeros(3, OfError::NxBacMustBeZero)?;
            Action::Resubmit { in_port, table, ct: subtype == nx::RESUBMIT_TABLE_CT }
        }
        nx::SET_TUNNEL => {
            r.skip(2)?;
            Action::SetTunnel { id: u64::from(r.u32()?), wide: false }
        }
        nx::SET_TUNNEL64 => {
            r.skip(6)?;
            Action::SetTunnel { id: r.u64()?, wide: true }
        }
        nx::SET_QUEUE => {
            r.skip(2)?;
            Action::SetQueue(r.u32()?)
        }
        nx::POP_QUEUE => padded(r, Action::PopQueue)?,
        nx::REG_MOVE => {
            let (src, dst) = set_field::decode_move(r)?;
            Action::Move { src, dst }
        }
        nx::REG_LOAD => set_field::decode_load(r)?,
        nx::REG_LOAD2 => set_field::decode_load2(r)?,
        nx::NOTE => Action::Note(r.rest().to_vec()),
        nx::OUTPUT_REG | nx::OUTPUT_REG2 => {
            let (src, max_len) = set_field::decode_output_reg(subtype == nx::OUTPUT_REG2, r)?;
            Action::OutputReg { src, max_len }
        }
        nx::EXIT => padded(r, Action::Exit)?,
        nx::DEC_TTL => padded(r, Action::DecTtl(vec![0]))?,
        nx::DEC_TTL_CNT_IDS => decode_dec_ttl(r)?,
        nx::FIN_TIMEOUT => {
            let (idle, hard) = (r.u16()?, r.u16()?);
            r.zeros(2, OfError::NxBacMustBeZero)?;
            Action::FinTimeout { idle, hard }
        }
        nx::CONTROLLER => {
            let (max_len, controller_id) = (r.u16()?, r.u16()?);
            let reason = PacketInReason::from_wire(r.u8()?);
            r.zeros(1, OfError::NxBacMustBeZero)?;
            Action::Controller(Box::new(ToController {
                max_len,
                controller_id,
                reason,
                ..ToController::default()
            }))
        }
        nx::CONTROLLER2 => Action::Controller(Box::new(decode_controller2(r)?)),
        nx::WRITE_METADATA => {
            r.zeros(6, OfError::NxBrcMustBeZero)?;
            Action::WriteMetadata { value: r.u64()?, mask: r.u64()? }
        }
        nx::STACK_PUSH => Action::StackPush(set_field::decode_stack(false, r)?),
        nx::STACK_POP => Action::StackPop(set_field::decode_stack(true, r)?),
        nx::GROUP => {
            r.skip(2)?;
            Action::Group(r.u32()?)
        }
        nx::CT => Action::Ct(Box::new(Ct::decode(r, version, depth)?)),
        nx::CLONE => {
            r.skip(6)?;
            Action::Clone(decode_nested(r.rest(), version, depth)?)
        }
        // Older versions have no packets that begin with anything else than Ethernet.
        nx::ENCAP | nx::DECAP | nx::DEC_NSH_TTL if version < Version::V13 => {
            return Err(OfError::BacBadVendorType);
        }
        nx::SET_QUEUE..=nx::GROUP if is_of_v10_alone(subtype) && version > Version::V10 => {
            return Err(OfError::BacBadVendorType);
        }
        _ => decode_more(subtype, r)?,
    };
    r.finish()?;
    Ok(action)
}

/// Whether newer versions have an action of the standard in place of this one, so that only 1.0 knows it.
const fn is_of_v10_alone(subtype: u16) -> bool {
    matches!(
        subtype,
        nx::SET_QUEUE
            | nx::DEC_TTL
            | nx::WRITE_METADATA
            | nx::PUSH_MPLS
            | nx::POP_MPLS
            | nx::SET_MPLS_TTL
            | nx::DEC_MPLS_TTL
            | nx::SET_MPLS_LABEL
            | nx::SET_MPLS_TC
            | nx::GROUP
    )
}

fn decode_more(subtype: u16, r: &mut Reader<'_>) -> Result<Action, OfError> {
    Ok(match subtype {
        nx::OUTPUT_TRUNC => {
            let (port, max_len) = (OfPort(r.u16()?), r.u32()?);
            let fits = port.0 < OfPort::MAX.0 || matches!(port, OfPort::LOCAL | OfPort::IN_PORT);
            // Less than an Ethernet header is no packet.
            match (fits, max_len) {
                (false, _) => return Err(OfError::BacBadOutPort),
                (true, 0..ETH_HEADER) => return Err(OfError::BacBadArgument),
                (true, _) => Action::OutputTruncated { port, max_len },
            }
        }
        nx::BUNDLE | nx::BUNDLE_LOAD => {
            Action::Bundle(Box::new(Bundle::decode(subtype == nx::BUNDLE_LOAD, r)?))
        }
        nx::MULTIPATH => Action::Multipath(Box::new(Multipath::decode(r)?)),
        nx::LEARN | nx::LEARN2 => Action::Learn(Box::new(Learn::decode(subtype, r)?)),
        nx::SAMPLE | nx::SAMPLE2 | nx::SAMPLE3 | nx::SAMPLE4 => {
            Action::Sample(Box::new(Sample::decode(subtype, r)?))
        }
        nx::CONJUNCTION => {
            let (clause, n_clauses, id) = (r.u8()?, r.u8()?, r.u32()?);
            if !(2..=64).contains(&n_clauses) || clause >= n_clauses {
                return Err(OfError::NxBacBadConjunction);
            }
            Action::Conjunction { id, clause, n_clauses }
        }
        nx::NAT => Action::Nat(Box::new(Nat::decode(r)?)),
        nx::CT_CLEAR => padded(r, Action::CtClear)?,
        nx::ENCAP => Action::Encap(Box::new(Encap::decode(r)?)),
        nx::DECAP => Action::Decap(super::encap::decode_decap(r)?),
        nx::DEC_NSH_TTL => padded(r, Action::DecNshTtl)?,
        nx::CHECK_PKT_LARGER => {
            let (len, start) = (r.u16()?, r.u16()?);
            let dst = set_field::subfield(set_field::pull_field(r)?, start, 1)?;
            r.zeros(r.len(), OfError::NxBacMustBeZero)?;
            Action::CheckPktLarger { len, dst: set_field::writable(dst)? }
        }
        nx::DELETE_FIELD => {
            let field = set_field::pull_field(r)?;
            r.zeros(r.len(), OfError::NxBacMustBeZero)?;
            Action::DeleteField(field)
        }
        _ => return decode_mpls(subtype, r),
    })
}

/// Bytes of an Ethernet header.
const ETH_HEADER: u32 = 14;

fn decode_mpls(subtype: u16, r: &mut Reader<'_>) -> Result<Action, OfError> {
    let (action, padding) = match subtype {
        nx::PUSH_MPLS => match r.u16()? {
            kind @ (0x8847 | 0x8848) => (Action::PushMpls(kind), 4),
            _ => return Err(OfError::BacBadArgument),
        },
        nx::POP_MPLS => (Action::PopMpls(r.u16()?), 4),
        nx::SET_MPLS_TTL => (Action::SetMplsTtl(r.u8()?), 5),
        nx::DEC_MPLS_TTL => (Action::DecMplsTtl, 6),
        nx::SET_MPLS_LABEL => {
            r.skip(2)?;
            (Action::SetMplsLabel(r.u32()?), 0)
        }
        nx::SET_MPLS_TC => (Action::SetMplsTc(r.u8()?), 5),
        _ => return Err(OfError::BacBadVendorType),
    };
    r.skip(padding)?;
    r.finish()?;
    Ok(action)
}

/// Six bytes of padding.
fn padded(r: &mut Reader<'_>, action: Action) -> Result<Action, OfError> {
    r.skip(6)?;
    Ok(action)
}

fn decode_dec_ttl(r: &mut Reader<'_>) -> Result<Action, OfError> {
    let n = usize::from(r.u16()?);
    r.zeros(4, OfError::NxBacMustBeZero)?;
    let mut ids = Reader::new(r.take(2 * n)?, OfError::BacBadLen);
    r.skip(r.len())?;
    let mut list = Vec::with_capacity(n);
    while !ids.is_empty() {
        list.push(ids.u16()?);
    }
    Ok(Action::DecTtl(list))
}

/// Properties of `NXAST_CONTROLLER2`.
mod property {
    pub const MAX_LEN: u16 = 0;
    pub const CONTROLLER_ID: u16 = 1;
    pub const REASON: u16 = 2;
    pub const USERDATA: u16 = 3;
    pub const PAUSE: u16 = 4;
    pub const METER_ID: u16 = 5;
}

fn decode_controller2(r: &mut Reader<'_>) -> Result<ToController, OfError> {
    r.zeros(6, OfError::NxBrcMustBeZero)?;
    let mut to = ToController::default();
    while !r.is_empty() {
        let (kind, mut p) = crate::message::property(r)?;
        match kind {
            property::MAX_LEN => to.max_len = p.u16()?,
            property::CONTROLLER_ID => to.controller_id = p.u16()?,
            property::REASON => to.reason = PacketInReason::from_wire(p.u8()?),
            property::USERDATA => to.userdata = p.rest().to_vec(),
            property::PAUSE => to.pause = true,
            property::METER_ID => to.meter = p.u32()?,
            _ => return Err(OfError::BpcBadType),
        }
    }
    Ok(to)
}

fn encode_controller(to: &ToController, out: &mut Vec<u8>) -> Result<(), EncodeError> {
    let start = out.len();
    if to.userdata.is_empty() && !to.pause && to.meter == 0 {
        put_nx(out, nx::CONTROLLER, |out| {
            out.u16(to.max_len);
            out.u16(to.controller_id);
            out.u8(to.reason.wire());
            out.u8(0);
        });
        return Ok(());
    }
    put_nx(out, nx::CONTROLLER2, |out| {
        out.zeros(6);
        let mut property = |kind: u16, body: &[u8]| {
            let start = out.len();
            out.u16(kind);
            out.u16(4 + body.len() as u16);
            out.extend_from_slice(body);
            out.pad8(start);
        };
        if to.max_len != super::NO_BUFFER {
            // Numbers of sixteen bits are told with their padding, others are not.
            let [high, low] = to.max_len.to_be_bytes();
            property(property::MAX_LEN, &[high, low, 0, 0]);
        }
        if to.controller_id != 0 {
            let [high, low] = to.controller_id.to_be_bytes();
            property(property::CONTROLLER_ID, &[high, low, 0, 0]);
        }
        if to.reason != PacketInReason::Action {
            property(property::REASON, &[to.reason.wire()]);
        }
        if !to.userdata.is_empty() {
            property(property::USERDATA, &to.userdata);
        }
        if to.pause {
            property(property::PAUSE, &[]);
        }
        if to.meter != 0 {
            property(property::METER_ID, &to.meter.to_be_bytes());
        }
    });
    if out.len() - start > usize::from(u16::MAX) { Err(EncodeError::TooLong) } else { Ok(()) }
}

/// Appends an action that the version's standard does not have.
pub(super) fn encode(action: &Action, context: &mut Context, out: &mut Vec<u8>) -> Result<(), EncodeError> {
    match action {
        Action::OutputReg { src, max_len } => set_field::encode_output_reg(*src, *max_len, out),
        Action::Controller(to) => return encode_controller(to, out),
        Action::Enqueue { port, queue } => {
            // Later versions have no such action: choose the queue, send, forget the choice.
            encode_one(&Action::SetQueue(*queue), context, out)?;
            encode_one(&Action::Output { port: *port, max_len: super::NO_BUFFER }, context, out)?;
            return encode_one(&Action::PopQueue, context, out);
        }
        Action::SetField(set) if context.version > Version::V10 => {
            set_field::encode(set, context.version, out);
        }
        Action::SetField(set) => set_field::encode_nx(set, out),
        Action::SetOption(set) => set_option::encode(set, context.version, out),
        Action::Move { src, dst } => put_nx(out, nx::REG_MOVE, |out| set_field::encode_move(*src, *dst, out)),
        Action::StackPush(sub) => put_nx(out, nx::STACK_PUSH, |out| set_field::encode_stack(*sub, out)),
        Action::StackPop(sub) => put_nx(out, nx::STACK_POP, |out| set_field::encode_stack(*sub, out)),
        Action::Note(bytes) => {
            if bytes.len() > usize::from(u16::MAX) - 16 {
                return Err(EncodeError::TooLong);
            }
            put_nx(out, nx::NOTE, |out| {
                out.extend_from_slice(bytes);
                out.zeros(6_usize.saturating_sub(bytes.len()));
            });
        }
        Action::DecTtl(ids) => return encode_dec_ttl(ids, out),
        Action::Bundle(bundle) => return bundle.encode(context.version, out),
        Action::Multipath(multipath) => return multipath.encode(context.version, out),
        Action::Ct(ct) => return ct.encode(*context, out),
        Action::Nat(nat) => nat.encode(out),
        Action::Learn(learn) => return learn.encode(out),
        Action::Sample(sample) => return sample.encode(context.version, out),
        Action::Clone(actions) => {
            let start = begin_nx(out, nx::CLONE);
            out.zeros(6);
            let mut nested = *context;
            actions.iter().try_for_each(|action| encode_one(action, &mut nested, out))?;
            return finish(out, start);
        }
        Action::Encap(_) | Action::Decap(_) | Action::DecNshTtl if context.version < Version::V13 => {
            return Err(EncodeError::Unsupported { what: "encapsulation", version: context.version });
        }
        Action::Encap(encap) => return encap.encode(out),
        Action::Decap(packet_type) => super::encap::encode_decap(*packet_type, out),
        Action::WriteActions(_) | Action::ClearActions | Action::Meter(_) => {}
        other => encode_small(other, out),
    }
    Ok(())
}

fn encode_dec_ttl(ids: &[u16], out: &mut Vec<u8>) -> Result<(), EncodeError> {
    if ids == [0] {
        put_nx(out, nx::DEC_TTL, |out| out.zeros(6));
        return Ok(());
    }
    let n = u16::try_from(ids.len()).ok().filter(|n| *n < 32_000).ok_or(EncodeError::TooLong)?;
    put_nx(out, nx::DEC_TTL_CNT_IDS, |out| {
        out.u16(n);
        out.zeros(4);
        for id in ids {
            out.u16(*id);
        }
    });
    Ok(())
}

fn put_resubmit(in_port: OfPort, table: TableId, ct: bool, out: &mut Vec<u8>) {
    put_nx(out, if ct { nx::RESUBMIT_TABLE_CT } else { nx::RESUBMIT_TABLE }, |out| {
        out.u16(in_port.0);
        out.u8(table.0);
    });
}

/// Appends an action of fixed length.
fn encode_small(action: &Action, out: &mut Vec<u8>) {
    match *action {
        Action::Resubmit { in_port, table, ct } => put_resubmit(in_port, table, ct, out),
        Action::OutputTruncated { port, max_len } => put_nx(out, nx::OUTPUT_TRUNC, |out| {
            out.u16(port.0);
            out.u32(max_len);
        }),
        Action::Conjunction { id, clause, n_clauses } => put_nx(out, nx::CONJUNCTION, |out| {
            out.extend_from_slice(&[clause, n_clauses]);
            out.u32(id);
        }),
        Action::CtClear => put_nx(out, nx::CT_CLEAR, |_| {}),
        Action::DecNshTtl => put_nx(out, nx::DEC_NSH_TTL, |_| {}),
        Action::CheckPktLarger { len, dst } => put_nx(out, nx::CHECK_PKT_LARGER, |out| {
            out.u16(len);
            out.u16(dst.start());
            set_field::put_header(dst.field(), out);
        }),
        Action::DeleteField(field) => put_nx(out, nx::DELETE_FIELD, |out| {
            let start = out.len();
            set_field::put_header(field, out);
            // The structure has room for the longest header, and zeros.
            out.zeros(14 - (out.len() - start));
        }),
        // 1.0 has no instructions; looking up again is what comes closest.
        Action::GotoTable(table) => put_resubmit(OfPort::IN_PORT, table, false, out),
        Action::SetTunnel { id, wide } if wide || id > u64::from(u32::MAX) => {
            put_nx(out, nx::SET_TUNNEL64, |out| {
                out.zeros(6);
                out.u64(id);
            });
        }
        Action::SetTunnel { id, .. } => put_nx(out, nx::SET_TUNNEL, |out| {
            out.zeros(2);
            out.u32(id as u32);
        }),
        Action::SetQueue(queue) => put_nx(out, nx::SET_QUEUE, |out| {
            out.zeros(2);
            out.u32(queue);
        }),
        Action::Group(group) => put_nx(out, nx::GROUP, |out| {
            out.zeros(2);
            out.u32(group);
        }),
        Action::PopQueue => put_nx(out, nx::POP_QUEUE, |_| {}),
        Action::Exit => put_nx(out, nx::EXIT, |_| {}),
        Action::FinTimeout { idle, hard } => put_nx(out, nx::FIN_TIMEOUT, |out| {
            out.u16(idle);
            out.u16(hard);
        }),
        Action::WriteMetadata { value, mask } => put_nx(out, nx::WRITE_METADATA, |out| {
            out.zeros(6);
            out.u64(value);
            out.u64(mask);
        }),
        Action::PushMpls(kind) => put_nx(out, nx::PUSH_MPLS, |out| out.u16(kind)),
        Action::PopMpls(kind) => put_nx(out, nx::POP_MPLS, |out| out.u16(kind)),
        Action::SetMplsTtl(ttl) => put_nx(out, nx::SET_MPLS_TTL, |out| out.u8(ttl)),
        Action::DecMplsTtl => put_nx(out, nx::DEC_MPLS_TTL, |_| {}),
        Action::SetMplsLabel(label) => put_nx(out, nx::SET_MPLS_LABEL, |out| {
            out.zeros(2);
            out.u32(label);
        }),
        Action::SetMplsTc(tc) => put_nx(out, nx::SET_MPLS_TC, |out| out.u8(tc)),
        Action::Mod(Mod::Ecn(ecn)) => {
            set_field::load(&SetField::whole(ovs_flow::Field::IP_ECN, u128::from(ecn)), out);
        }
        Action::Mod(Mod::Ttl(ttl)) => {
            set_field::load(&SetField::whole(ovs_flow::Field::IP_TTL, u128::from(ttl)), out);
        }
        _ => {}
    }
}
