//! Actions that only OpenFlow 1.1 has; it shares the others with 1.2.

use ovs_flow::{Field, VlanId};

use super::kinds::{v11, v12};
use super::vlan_compat::Context;
use super::wire::put;
use super::{Action, Mod, SetField, SetForm};
use crate::OfError;
use crate::header::{Put, Reader};

/// From an action's body; nothing if it is none of 1.1 alone.
pub(super) fn decode(kind: u16, r: &mut Reader<'_>) -> Result<Option<Action>, OfError> {
    let (action, padding) = match kind {
        v11::SET_VLAN_VID => {
            let vid = VlanId::new(r.u16()?).ok_or(OfError::BacBadArgument)?;
            (Action::SetVlanVid { vid, push: false }, 2)
        }
        v11::SET_VLAN_PCP => match r.u8()? {
            pcp @ 0..=7 => (Action::SetVlanPcp { pcp, push: false }, 3),
            _ => return Err(OfError::BacBadArgument),
        },
        v11::SET_DL_SRC => (Action::Mod(Mod::EthSrc(r.array()?)), 6),
        v11::SET_DL_DST => (Action::Mod(Mod::EthDst(r.array()?)), 6),
        v11::SET_NW_SRC => (Action::Mod(Mod::Ipv4Src(r.u32()?)), 0),
        v11::SET_NW_DST => (Action::Mod(Mod::Ipv4Dst(r.u32()?)), 0),
        v11::SET_NW_TOS => match r.u8()? {
            tos if tos.trailing_zeros() >= 2 => (Action::Mod(Mod::Tos(tos)), 3),
            _ => return Err(OfError::BacBadArgument),
        },
        v11::SET_NW_ECN => match r.u8()? {
            ecn @ 0..=3 => (Action::Mod(Mod::Ecn(ecn)), 3),
            _ => return Err(OfError::BacBadArgument),
        },
        v11::SET_TP_SRC => (Action::Mod(Mod::TpSrc(r.u16()?)), 2),
        v11::SET_TP_DST => (Action::Mod(Mod::TpDst(r.u16()?)), 2),
        v11::SET_MPLS_LABEL => match r.u32()? {
            label @ 0..=0xf_ffff => (Action::SetMplsLabel(label), 0),
            _ => return Err(OfError::BacBadArgument),
        },
        v11::SET_MPLS_TC => match r.u8()? {
            tc @ 0..=7 => (Action::SetMplsTc(tc), 3),
            _ => return Err(OfError::BacBadArgument),
        },
        // 1.2 brought it.
        v12::SET_FIELD => return Err(OfError::BacBadType),
        _ => return Ok(None),
    };
    r.skip(padding)?;
    Ok(Some(action))
}

/// Appends an action if only 1.1 writes it so.
pub(super) fn encode(action: &Action, context: Context, out: &mut Vec<u8>) -> bool {
    match *action {
        Action::SetVlanVid { vid, push } => {
            push_if_needed(push, context, out);
            put(out, v11::SET_VLAN_VID, |out| out.u16(vid.get()));
        }
        Action::SetVlanPcp { pcp, push } => {
            push_if_needed(push, context, out);
            put(out, v11::SET_VLAN_PCP, |out| out.u8(pcp));
        }
        Action::Mod(Mod::Ttl(_)) => return false,
        Action::Mod(change) => encode_mod(change, out),
        Action::SetMplsLabel(label) => put(out, v11::SET_MPLS_LABEL, |out| out.u32(label)),
        Action::SetMplsTc(tc) => put(out, v11::SET_MPLS_TC, |out| out.u8(tc)),
        Action::SetField(ref set)
            if set.form == SetForm::Field && set.is_whole() && set.field.option().is_none() =>
        {
            return encode_set_field(set, context, out);
        }
        _ => return false,
    }
    true
}

fn push_if_needed(push: bool, context: Context, out: &mut Vec<u8>) {
    if push && !context.has_vlan {
        put(out, v12::PUSH_VLAN, |out| out.u16(0x8100));
    }
}

fn encode_mod(change: Mod, out: &mut Vec<u8>) {
    match change {
        Mod::EthSrc(mac) => put(out, v11::SET_DL_SRC, |out| out.extend_from_slice(&mac)),
        Mod::EthDst(mac) => put(out, v11::SET_DL_DST, |out| out.extend_from_slice(&mac)),
        Mod::Ipv4Src(ip) => put(out, v11::SET_NW_SRC, |out| out.u32(ip)),
        Mod::Ipv4Dst(ip) => put(out, v11::SET_NW_DST, |out| out.u32(ip)),
        Mod::Tos(tos) => put(out, v11::SET_NW_TOS, |out| out.u8(tos & 0xfc)),
        Mod::Ecn(ecn) => put(out, v11::SET_NW_ECN, |out| out.u8(ecn & 3)),
        Mod::Ttl(ttl) => put(out, v12::SET_NW_TTL, |out| out.u8(ttl)),
        Mod::TpSrc(port) => put(out, v11::SET_TP_SRC, |out| out.u16(port)),
        Mod::TpDst(port) => put(out, v11::SET_TP_DST, |out| out.u16(port)),
    }
}

/// Writing a whole field as 1.1 names it, if 1.1 has a name for it.
fn encode_set_field(set: &SetField, context: Context, out: &mut Vec<u8>) -> bool {
    let value = set.value;
    match set.field {
        Field::VLAN_VID => put(out, v11::SET_VLAN_VID, |out| out.u16(value as u16 & 0x0fff)),
        Field::VLAN_PCP => put(out, v11::SET_VLAN_PCP, |out| out.u8(value as u8)),
        Field::VLAN_TCI if value & 0x1000 == 0 => put(out, v12::POP_VLAN, |_| {}),
        Field::VLAN_TCI => {
            push_if_needed(true, context, out);
            put(out, v11::SET_VLAN_VID, |out| out.u16(value as u16 & 0x0fff));
            put(out, v11::SET_VLAN_PCP, |out| out.u8((value >> 13) as u8));
        }
        Field::IP_ECN => encode_mod(Mod::Ecn(value as u8), out),
        Field::MPLS_LABEL => put(out, v11::SET_MPLS_LABEL, |out| out.u32(value as u32)),
        Field::MPLS_TC => put(out, v11::SET_MPLS_TC, |out| out.u8(value as u8)),
        _ => match super::set_field::as_mod(set) {
            Some(change) => encode_mod(change, out),
            None => return false,
        },
    }
    true
}
