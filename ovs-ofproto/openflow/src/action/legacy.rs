//! Actions that the standards define.

use ovs_flow::{Field, OfPort, VlanId};

use super::kinds::{v10, v12};
use super::set_field;
use super::vlan_compat::Context;
use super::wire::{check_output, put};
use super::{Action, Mod, SetField};
use crate::header::{Put, Reader};
use crate::{EncodeError, OfError, Version};

/// Whether an Ethernet type is one of a tag.
fn vlan_type(r: &mut Reader<'_>) -> Result<u16, OfError> {
    match r.u16()? {
        kind @ (0x8100 | 0x88a8) => Ok(kind),
        _ => Err(OfError::BacBadArgument),
    }
}

fn mpls_type(r: &mut Reader<'_>) -> Result<u16, OfError> {
    match r.u16()? {
        kind @ (0x8847 | 0x8848) => Ok(kind),
        _ => Err(OfError::BacBadArgument),
    }
}

/// From the body of an action of 1.0.
pub(super) fn decode_v10(kind: u16, r: &mut Reader<'_>) -> Result<Action, OfError> {
    let action = match kind {
        v10::OUTPUT => {
            let port = check_output(OfPort(r.u16()?))?;
            return Ok(Action::Output { port, max_len: r.u16()? });
        }
        v10::SET_VLAN_VID => {
            let vid = VlanId::new(r.u16()?).ok_or(OfError::BacBadArgument)?;
            r.zeros(2, OfError::NxBacMustBeZero)?;
            return Ok(Action::SetVlanVid { vid, push: true });
        }
        v10::SET_VLAN_PCP => {
            let pcp = r.u8()?;
            if pcp > 7 {
                return Err(OfError::BacBadArgument);
            }
            r.skip(3)?;
            return Ok(Action::SetVlanPcp { pcp, push: true });
        }
        v10::STRIP_VLAN => Action::PopVlan { strip: true },
        v10::SET_DL_SRC => Action::Mod(Mod::EthSrc(r.array()?)),
        v10::SET_DL_DST => Action::Mod(Mod::EthDst(r.array()?)),
        v10::SET_NW_SRC => return Ok(Action::Mod(Mod::Ipv4Src(r.u32()?))),
        v10::SET_NW_DST => return Ok(Action::Mod(Mod::Ipv4Dst(r.u32()?))),
        v10::SET_NW_TOS => match r.u8()? {
            tos if tos.trailing_zeros() >= 2 => Action::Mod(Mod::Tos(tos)),
            _ => return Err(OfError::BacBadArgument),
        },
        v10::SET_TP_SRC => Action::Mod(Mod::TpSrc(r.u16()?)),
        v10::SET_TP_DST => Action::Mod(Mod::TpDst(r.u16()?)),
        v10::ENQUEUE => {
            let port = OfPort(r.u16()?);
            r.skip(6)?;
            if port.0 >= OfPort::MAX.0 && !matches!(port, OfPort::IN_PORT | OfPort::LOCAL) {
                return Err(OfError::BacBadOutPort);
            }
            return Ok(Action::Enqueue { port, queue: r.u32()? });
        }
        _ => return Err(OfError::BacBadType),
    };
    // What follows is padding of the length that the structure has.
    let padding = match kind {
        v10::STRIP_VLAN => 4,
        v10::SET_DL_SRC | v10::SET_DL_DST => 6,
        v10::SET_NW_TOS => 3,
        _ => 2,
    };
    r.skip(padding)?;
    Ok(action)
}

/// From the body of an action of 1.2 and later.
pub(super) fn decode_v12(kind: u16, r: &mut Reader<'_>, version: Version) -> Result<Action, OfError> {
    let (action, padding) = match kind {
        v12::OUTPUT => {
            let port = OfPort::from_u32(r.u32()?).ok_or(OfError::BacBadOutPort)?;
            (Action::Output { port: check_output(port)?, max_len: r.u16()? }, 6)
        }
        v12::SET_MPLS_TTL => (Action::SetMplsTtl(r.u8()?), 3),
        v12::DEC_MPLS_TTL => (Action::DecMplsTtl, 4),
        v12::PUSH_VLAN => (Action::PushVlan(vlan_type(r)?), 2),
        v12::POP_VLAN => (Action::PopVlan { strip: false }, 4),
        v12::PUSH_MPLS => (Action::PushMpls(mpls_type(r)?), 2),
        v12::POP_MPLS => (Action::PopMpls(r.u16()?), 2),
        v12::SET_QUEUE => (Action::SetQueue(r.u32()?), 0),
        v12::GROUP => (Action::Group(r.u32()?), 0),
        v12::SET_NW_TTL => (Action::Mod(Mod::Ttl(r.u8()?)), 3),
        v12::DEC_NW_TTL => (Action::DecTtl(vec![0]), 4),
        v12::SET_FIELD => (set_field::decode_standard(r, version)?, r.len()),
        v12::COPY_FIELD if version >= Version::V15 => {
            let (src, dst) = set_field::decode_copy(r)?;
            (Action::Move { src, dst }, 0)
        }
        v12::METER if version >= Version::V15 => (Action::Meter(r.u32()?), 0),
        _ => return Err(OfError::BacBadType),
    };
    r.skip(padding)?;
    Ok(action)
}

/// Appends an action if 1.0's standard has it.
pub(super) fn encode_v10(action: &Action, out: &mut Vec<u8>) -> bool {
    match *action {
        Action::Output { port, max_len } => put(out, v10::OUTPUT, |out| {
            out.u16(port.0);
            out.u16(max_len);
        }),
        Action::SetVlanVid { vid, .. } => put(out, v10::SET_VLAN_VID, |out| out.u16(vid.get())),
        Action::SetVlanPcp { pcp, .. } => put(out, v10::SET_VLAN_PCP, |out| out.u8(pcp)),
        Action::PopVlan { .. } => put(out, v10::STRIP_VLAN, |_| {}),
        Action::Mod(change) => return encode_mod_v10(change, out),
        Action::SetField(ref set) => return set_field::encode_as_mod(set, out),
        Action::Enqueue { port, queue } => put(out, v10::ENQUEUE, |out| {
            out.u16(port.0);
            out.zeros(6);
            out.u32(queue);
        }),
        _ => return false,
    }
    true
}

pub(super) fn encode_mod_v10(change: Mod, out: &mut Vec<u8>) -> bool {
    match change {
        Mod::EthSrc(mac) => put(out, v10::SET_DL_SRC, |out| out.extend_from_slice(&mac)),
        Mod::EthDst(mac) => put(out, v10::SET_DL_DST, |out| out.extend_from_slice(&mac)),
        Mod::Ipv4Src(ip) => put(out, v10::SET_NW_SRC, |out| out.u32(ip)),
        Mod::Ipv4Dst(ip) => put(out, v10::SET_NW_DST, |out| out.u32(ip)),
        Mod::Tos(tos) => put(out, v10::SET_NW_TOS, |out| out.u8(tos & 0xfc)),
        Mod::TpSrc(port) => put(out, v10::SET_TP_SRC, |out| out.u16(port)),
        Mod::TpDst(port) => put(out, v10::SET_TP_DST, |out| out.u16(port)),
        Mod::Ecn(_) | Mod::Ttl(_) => return false,
    }
    true
}

/// Appends an action if the standard of 1.2 and later has it.
pub(super) fn encode_v12(
    action: &Action,
    context: &mut Context,
    out: &mut Vec<u8>,
) -> Result<bool, EncodeError> {
    match *action {
        Action::Output { port, max_len } => put(out, v12::OUTPUT, |out| {
            out.u32(port.to_u32());
            out.u16(max_len);
        }),
        Action::SetMplsTtl(ttl) => put(out, v12::SET_MPLS_TTL, |out| out.u8(ttl)),
        Action::DecMplsTtl => put(out, v12::DEC_MPLS_TTL, |_| {}),
        Action::PushVlan(kind) => put(out, v12::PUSH_VLAN, |out| out.u16(kind)),
        Action::PopVlan { .. } => put(out, v12::POP_VLAN, |_| {}),
        Action::PushMpls(kind) => put(out, v12::PUSH_MPLS, |out| out.u16(kind)),
        Action::PopMpls(kind) => put(out, v12::POP_MPLS, |out| out.u16(kind)),
        Action::SetQueue(queue) => put(out, v12::SET_QUEUE, |out| out.u32(queue)),
        Action::Group(group) => put(out, v12::GROUP, |out| out.u32(group)),
        Action::DecTtl(ref ids) if ids[..] == [0] => put(out, v12::DEC_NW_TTL, |_| {}),
        Action::Mod(Mod::Ttl(ttl)) => put(out, v12::SET_NW_TTL, |out| out.u8(ttl)),
        Action::Mod(change) => {
            let set = mod_as_field(change, *context)?;
            set_field::encode(&set, context.version, out);
        }
        Action::SetVlanVid { vid, push } => {
            push_if_needed(push, *context, out);
            set_field::encode(
                &SetField::whole(Field::VLAN_VID, u128::from(vid.get() | ovs_flow::VLAN_CFI)),
                context.version,
                out,
            );
        }
        Action::SetVlanPcp { pcp, push } => {
            push_if_needed(push, *context, out);
            set_field::encode(&SetField::whole(Field::VLAN_PCP, u128::from(pcp)), context.version, out);
        }
        Action::SetTunnel { id, .. } if context.version >= Version::V12 => {
            set_field::encode(&SetField::whole(Field::TUN_ID, u128::from(id)), context.version, out);
        }
        Action::SetMplsLabel(label) => {
            set_field::encode(&SetField::whole(Field::MPLS_LABEL, u128::from(label)), context.version, out);
        }
        Action::SetMplsTc(tc) => {
            set_field::encode(&SetField::whole(Field::MPLS_TC, u128::from(tc)), context.version, out);
        }
        Action::Move { src, dst } if context.version >= Version::V15 => {
            put(out, v12::COPY_FIELD, |out| set_field::encode_copy(src, dst, context.version, out));
        }
        Action::Meter(meter) if context.version >= Version::V15 => put(out, v12::METER, |out| out.u32(meter)),
        _ => return Ok(false),
    }
    Ok(true)
}

/// From 1.1 on, writing a VLAN never makes a tag, so one has to be pushed.
fn push_if_needed(push: bool, context: Context, out: &mut Vec<u8>) {
    if push && !context.has_vlan {
        put(out, v12::PUSH_VLAN, |out| out.u16(0x8100));
    }
}

/// What later versions write instead.
fn mod_as_field(change: Mod, context: Context) -> Result<SetField, EncodeError> {
    let mac = |mac: [u8; 6]| mac.iter().fold(0_u128, |n, b| n << 8 | u128::from(*b));
    let tp = |fields: [Field; 3]| match context.nw_proto {
        6 => Ok(fields[0]),
        17 => Ok(fields[1]),
        132 => Ok(fields[2]),
        _ => Err(EncodeError::Unsupported { what: "mod_tp without a protocol", version: context.version }),
    };
    Ok(match change {
        Mod::EthSrc(a) => SetField::whole(Field::ETH_SRC, mac(a)),
        Mod::EthDst(a) => SetField::whole(Field::ETH_DST, mac(a)),
        Mod::Ipv4Src(ip) => SetField::whole(Field::IP_SRC, u128::from(ip)),
        Mod::Ipv4Dst(ip) => SetField::whole(Field::IP_DST, u128::from(ip)),
        Mod::Tos(tos) => SetField::whole(Field::IP_DSCP, u128::from(tos >> 2)),
        Mod::Ecn(ecn) => SetField::whole(Field::IP_ECN, u128::from(ecn)),
        Mod::Ttl(ttl) => SetField::whole(Field::IP_TTL, u128::from(ttl)),
        Mod::TpSrc(port) => {
            SetField::whole(tp([Field::TCP_SRC, Field::UDP_SRC, Field::SCTP_SRC])?, u128::from(port))
        }
        Mod::TpDst(port) => {
            SetField::whole(tp([Field::TCP_DST, Field::UDP_DST, Field::SCTP_DST])?, u128::from(port))
        }
    })
}
