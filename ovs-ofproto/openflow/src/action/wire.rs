//! Lists of actions on the wire: each begins with type and length, a multiple of eight.

use ovs_flow::{Match, OfPort};

use super::vlan_compat::Context;
use super::{Action, kinds, legacy, legacy11, nested, nicira, set_field};
use crate::error::{NX_VENDOR, ONF_VENDOR};
use crate::header::{Put, Reader};
use crate::{EncodeError, OfError, Version};

/// How deep actions may stand in actions (`clone` in `clone` …), beyond what anybody writes.
const MAX_DEPTH: u8 = 100;

/// How much deeper a list may go.
#[derive(Clone, Copy, Debug)]
pub(super) struct Depth(u8);

/// From bytes that hold nothing but actions of a version. The whole list is refused for one bad action, or for one
/// in the wrong place: conntrack fields outside of `ct`, others inside of it.
pub fn decode_actions(bytes: &[u8], version: Version) -> Result<Vec<Action>, OfError> {
    let actions = decode_list(bytes, version, Depth(MAX_DEPTH))?;
    nested::check_nesting(&actions)?;
    Ok(actions)
}

/// Likewise, where whoever calls checks places.
pub(super) fn decode_unchecked(bytes: &[u8], version: Version) -> Result<Vec<Action>, OfError> {
    decode_list(bytes, version, Depth(MAX_DEPTH))
}

/// From the bytes inside of another action.
pub(super) fn decode_nested(bytes: &[u8], version: Version, depth: Depth) -> Result<Vec<Action>, OfError> {
    decode_list(bytes, version, Depth(depth.0.checked_sub(1).ok_or(OfError::BacTooMany)?))
}

fn decode_list(bytes: &[u8], version: Version, depth: Depth) -> Result<Vec<Action>, OfError> {
    let mut actions = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let head: &[u8; 4] = rest.first_chunk().ok_or(OfError::BacBadLen)?;
        let (kind, len) =
            (u16::from_be_bytes([head[0], head[1]]), usize::from(u16::from_be_bytes([head[2], head[3]])));
        if len < 8 || len % 8 != 0 || len > rest.len() {
            return Err(OfError::BacBadLen);
        }
        let (action, tail) = rest.split_at(len);
        actions.push(decode_one(kind, &action[4..], version, depth)?);
        rest = tail;
    }
    Ok(actions)
}

fn decode_one(kind: u16, body: &[u8], version: Version, depth: Depth) -> Result<Action, OfError> {
    let mut r = Reader::new(body, OfError::BacBadLen);
    if kind == kinds::EXPERIMENTER {
        let (vendor, subtype) = (r.u32()?, r.u16()?);
        return match vendor {
            NX_VENDOR => nicira::decode(subtype, &mut r, version, depth),
            ONF_VENDOR => decode_onf(subtype, &mut r, version),
            _ => Err(OfError::BacBadVendor),
        };
    }
    let action = match version {
        Version::V10 => legacy::decode_v10(kind, &mut r)?,
        Version::V11 => match legacy11::decode(kind, &mut r)? {
            Some(action) => action,
            None => legacy::decode_v12(kind, &mut r, version)?,
        },
        _ => legacy::decode_v12(kind, &mut r, version)?,
    };
    r.finish()?;
    Ok(action)
}

/// The ONF's extensions to 1.3.
fn decode_onf(subtype: u16, r: &mut Reader<'_>, version: Version) -> Result<Action, OfError> {
    match (subtype, version) {
        (kinds::onf::COPY_FIELD, Version::V13 | Version::V14) => {
            r.skip(2)?;
            let (src, dst) = set_field::decode_copy(r)?;
            Ok(Action::Move { src, dst })
        }
        _ => Err(OfError::BacBadVendorType),
    }
}

/// Appends actions as a version writes them. `matching` decides what depends on the packets: whether there is a
/// tag to write a VLAN into, and whose ports `mod_tp_src` means. Instructions that have no action's form in
/// the version are left out, as the original does.
pub fn encode_actions(
    actions: &[Action],
    matching: &Match,
    version: Version,
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    let mut context = Context::new(matching, version);
    actions.iter().try_for_each(|action| encode_one(action, &mut context, out))
}

/// Appends one action.
pub(super) fn encode_one(
    action: &Action,
    context: &mut Context,
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    let done = match context.version {
        Version::V10 => legacy::encode_v10(action, out),
        Version::V11 => legacy11::encode(action, *context, out) || legacy::encode_v12(action, context, out)?,
        _ => legacy::encode_v12(action, context, out)?,
    };
    if !done {
        nicira::encode(action, context, out)?;
    }
    context.after(action);
    Ok(())
}

/// Appends type and length of an action of the standard, and what `body` writes.
pub(super) fn put(out: &mut Vec<u8>, kind: u16, body: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.u16(kind);
    out.u16(0);
    body(out);
    out.pad8(start);
    let len = (out.len() - start) as u16;
    out.set_u16(start + 2, len);
}

/// Likewise of an action of Open vSwitch.
pub(super) fn put_nx(out: &mut Vec<u8>, subtype: u16, body: impl FnOnce(&mut Vec<u8>)) {
    put(out, kinds::EXPERIMENTER, |out| {
        out.u32(NX_VENDOR);
        out.u16(subtype);
        body(out);
    });
}

/// Appends the head of an action of Open vSwitch that holds others; gives where it begins.
pub(super) fn begin_nx(out: &mut Vec<u8>, subtype: u16) -> usize {
    let start = out.len();
    out.u16(kinds::EXPERIMENTER);
    out.u16(0);
    out.u32(NX_VENDOR);
    out.u16(subtype);
    start
}

/// Pads the action that begins at `start` and fills in its length.
pub(super) fn finish(out: &mut Vec<u8>, start: usize) -> Result<(), EncodeError> {
    out.pad8(start);
    let len = u16::try_from(out.len() - start).map_err(|_| EncodeError::TooLong)?;
    out.set_u16(start + 2, len);
    Ok(())
}

/// A port that a packet can be sent to: the error is the standard's for all others.
pub(super) fn check_output(port: OfPort) -> Result<OfPort, OfError> {
    match port {
        OfPort::IN_PORT
        | OfPort::TABLE
        | OfPort::NORMAL
        | OfPort::FLOOD
        | OfPort::ALL
        | OfPort::CONTROLLER
        | OfPort::LOCAL => Ok(port),
        // To nowhere: the original takes it and drops.
        OfPort::NONE => Err(OfError::BacBadOutPort),
        other if other.0 < OfPort::MAX.0 => Ok(other),
        _ => Err(OfError::BacBadOutPort),
    }
}
