//! Writing and copying fields: `set_field`, `load` and `move` on the wire.

use ovs_flow::field::OfVersion;
use ovs_flow::field::nxm::{self, DecodeError};
use ovs_flow::{Field, Subfield};

use super::kinds::{nx, v10, v12};
use super::legacy::encode_mod_v10;
use super::wire::{put, put_nx};
use super::{Action, Mod, SetField, SetForm, set_option};
use crate::header::{Put, Reader};
use crate::matching::field_version;
use crate::{EncodeError, OfError, Version};

/// The field that an NXM or OXM header in an action names. Its length must be the field's.
pub(super) fn pull_field(r: &mut Reader<'_>) -> Result<Field, OfError> {
    let (field, has_mask, len) = nxm::pull_header(r.peek()).map_err(|error| match error {
        DecodeError::BadField { .. } => OfError::BmcBadField,
        _ => OfError::BacBadSetLen,
    })?;
    if has_mask {
        return Err(OfError::BacBadSetLen);
    }
    r.skip(len)?;
    Ok(field)
}

/// A subfield's place in one number: the first bit, and the last one's distance.
pub(super) fn ofs_nbits(sub: Subfield) -> u16 {
    sub.start() << 6 | (sub.width() - 1)
}

pub(super) fn subfield(field: Field, start: u16, width: u16) -> Result<Subfield, OfError> {
    Subfield::new(field, start, width).map_err(|_| OfError::BacBadArgument)
}

pub(super) fn from_ofs_nbits(field: Field, ofs_nbits: u16) -> Result<Subfield, OfError> {
    subfield(field, ofs_nbits >> 6, (ofs_nbits & 0x3f) + 1)
}

/// That actions may write the subfield.
pub(super) fn writable(sub: Subfield) -> Result<Subfield, OfError> {
    if sub.field().facts().writable { Ok(sub) } else { Err(OfError::BacBadSetArgument) }
}

/// Appends the header of a field without mask, as NXM has it.
pub(super) fn put_header(field: Field, out: &mut Vec<u8>) {
    if let Some(header) = field.header(OfVersion::Extension) {
        nxm::put_header(header, header_size(field), false, out);
    }
}

/// The length that a header alone gives: of a tunnel option the longest that one can have.
fn header_size(field: Field) -> usize {
    if field.option().is_some() { ovs_flow::MAX_OPTION } else { usize::from(field.facts().size) }
}

/// Reads a header where there is room for four bytes alone, which an experimenter's does not fit.
pub(super) fn pull_short_field(r: &mut Reader<'_>) -> Result<Field, OfError> {
    if r.peek().starts_with(&[0xff, 0xff]) { Err(OfError::BacBadSetArgument) } else { pull_field(r) }
}

/// That a field's header has four bytes.
pub(super) fn check_short(field: Field, version: Version) -> Result<(), EncodeError> {
    if is_experimenter(field) {
        return Err(EncodeError::Unsupported { what: "an experimenter's field in this action", version });
    }
    Ok(())
}

/// Whether the field's first number is an experimenter's, which older actions have no room for.
fn is_experimenter(field: Field) -> bool {
    field.headers().next().is_none_or(|h| h.class == 0xffff)
}

/// The standard's action sets every field but the port of entry (OpenFlow 1.3.5, 7.2.5); extensions do that.
fn may_be_set(field: Field) -> bool {
    field != Field::IN_PORT_OXM
}

/// From `OFPAT_SET_FIELD`'s entry. Masks came with 1.5.
pub(super) fn decode_standard(r: &mut Reader<'_>, version: Version) -> Result<Action, OfError> {
    match decode_entry(r, version >= Version::V15)? {
        Action::SetField(set) if !may_be_set(set.field) => Err(OfError::BacBadSetArgument),
        set => Ok(set),
    }
}

/// From an entry, and zeros behind it.
fn decode_entry(r: &mut Reader<'_>, masks: bool) -> Result<Action, OfError> {
    let wrong = |error| match error {
        DecodeError::BadField { .. } => OfError::BacBadSetType,
        DecodeError::BadLength { .. } => OfError::BacBadSetLen,
        _ => OfError::BacBadSetArgument,
    };
    if let Some(option) = nxm::pull_option(r.peek()) {
        let option = option.map_err(wrong)?;
        r.skip(option.len)?;
        r.zeros(r.len(), OfError::BacBadSetArgument)?;
        return set_option::from_entry(&option, masks);
    }
    let entry = pull_part(r.peek()).unwrap_or_else(|| nxm::pull_entry(r.peek())).map_err(wrong)?;
    r.skip(entry.len)?;
    let (field, full) = (entry.field, entry.field.full());
    if entry.mask.is_some() && !masks {
        return Err(OfError::BacBadSetType);
    }
    if !field.facts().writable {
        return Err(OfError::BacBadSetArgument);
    }
    let mask = entry.mask.unwrap_or(full) & full;
    // A tag that is written must stay a tag.
    if field == Field::VLAN_VID && mask & 0x1000 != 0 && entry.value & 0x1000 == 0 {
        return Err(OfError::BacBadSetArgument);
    }
    r.zeros(r.len(), OfError::BacBadSetArgument)?;
    Ok(Action::SetField(SetField { form: SetForm::Field, field, value: entry.value, mask }))
}

/// Reads an entry that writes some bits of a field that a match has as a whole: actions may.
fn pull_part(bytes: &[u8]) -> Option<Result<nxm::Entry, DecodeError>> {
    let (field, masked, head) = nxm::pull_header(bytes).ok()?;
    if !masked || field.facts().masking != ovs_flow::field::Masking::Exact {
        return None;
    }
    let size = usize::from(field.facts().size);
    let (value, mask) = bytes.get(head..head + 2 * size)?.split_at(size);
    let number = |bytes: &[u8]| bytes.iter().fold(0_u128, |n, b| n << 8 | u128::from(*b));
    let (value, mask) = (number(value), number(mask));
    let fits = value & !mask == 0 && value & !field.full() == 0;
    let entry = nxm::Entry { field, value, mask: Some(mask & field.full()), len: head + 2 * size };
    Some(if fits { Ok(entry) } else { Err(DecodeError::BadValue { field, offset: 0 }) })
}

/// Appends an entry.
fn put_entry(set: &SetField, version: OfVersion, out: &mut Vec<u8>) {
    // A port has 16 bits on the wire of its field, and more in a key.
    let ones = u128::MAX >> (128 - 8 * u32::from(set.field.facts().size.max(1)));
    let mask = if set.mask & ones == ones { u128::MAX } else { set.mask };
    match set.field.header(version).filter(|_| set.is_whole()) {
        // Matches on flags are always masked; writes of all of them are not.
        Some(header) => {
            let size = usize::from(set.field.facts().size);
            nxm::put_header(header, size, false, out);
            out.extend_from_slice(&set.value.to_be_bytes()[16 - size..]);
        }
        None => nxm::put_entry(set.field, set.value, mask, version, out),
    }
}

/// Appends the writing of a field in a version from 1.2 on.
pub(super) fn encode(set: &SetField, version: Version, out: &mut Vec<u8>) {
    if set.field.option().is_some() {
        set_option::encode(&set.into(), version, out);
        return;
    }
    let partial = set.form == SetForm::Load || !set.is_whole();
    if version < Version::V12 || partial && version < Version::V15 || !may_be_set(set.field) {
        encode_nx(set, out);
        return;
    }
    put(out, v12::SET_FIELD, |out| put_entry(set, field_version(version), out));
}

/// Appends the writing as loads of at most 64 bits each, or where they cannot say it, as one entry.
pub(super) fn encode_nx(set: &SetField, out: &mut Vec<u8>) {
    if set.field.option().is_some() {
        set_option::encode(&set.into(), Version::V10, out);
        return;
    }
    if is_experimenter(set.field) {
        put_nx(out, nx::REG_LOAD2, |out| put_entry(set, OfVersion::Extension, out));
        return;
    }
    load(set, out);
}

/// Appends one load for each run of bits.
pub(super) fn load(set: &SetField, out: &mut Vec<u8>) {
    for (dst, value) in segments(set) {
        put_nx(out, nx::REG_LOAD, |out| {
            out.u16(ofs_nbits(dst));
            put_header(set.field, out);
            out.u64(value);
        });
    }
}

/// The runs of bits that are written, lowest first, at most 64 bits each, with their values.
pub(crate) fn segments(set: &SetField) -> impl Iterator<Item = (Subfield, u64)> + use<> {
    let SetField { field, value, mut mask, .. } = *set;
    // Whatever the mask says beyond the field's width is no bit that can be named; a whole field is all that can.
    let width = u32::from(field.bit_width());
    let named = if width < 128 { (1 << width) - 1 } else { u128::MAX };
    mask = if set.is_whole() { named } else { mask & named };
    core::iter::from_fn(move || {
        if mask == 0 {
            return None;
        }
        let start = mask.trailing_zeros();
        let run = (!(mask >> start)).trailing_zeros().min(64).min(128 - start);
        let ones = if run >= 64 { u128::from(u64::MAX) } else { (1 << run) - 1 };
        mask &= !(ones << start);
        let dst = Subfield::new(field, start as u16, run as u16).ok()?;
        Some((dst, (value >> start & ones) as u64))
    })
}

/// Appends the writing of a whole field as 1.0 names it, if 1.0 has a name for it.
pub(super) fn encode_as_mod(set: &SetField, out: &mut Vec<u8>) -> bool {
    if set.form == SetForm::Load || !set.is_whole() {
        return false;
    }
    let value = set.value;
    match set.field {
        Field::VLAN_VID => put(out, v10::SET_VLAN_VID, |out| out.u16(value as u16 & 0x0fff)),
        Field::VLAN_PCP => put(out, v10::SET_VLAN_PCP, |out| out.u8(value as u8)),
        Field::VLAN_TCI if value & 0x1000 == 0 => put(out, v10::STRIP_VLAN, |_| {}),
        Field::VLAN_TCI => {
            put(out, v10::SET_VLAN_VID, |out| out.u16(value as u16 & 0x0fff));
            put(out, v10::SET_VLAN_PCP, |out| out.u8((value >> 13) as u8));
        }
        _ => return as_mod(set).is_some_and(|change| encode_mod_v10(change, out)),
    }
    true
}

/// The writing of a whole field under the name that 1.0 and 1.1 have for it.
pub(super) fn as_mod(set: &SetField) -> Option<Mod> {
    let value = set.value;
    let mac = || {
        let bytes = value.to_be_bytes();
        [bytes[10], bytes[11], bytes[12], bytes[13], bytes[14], bytes[15]]
    };
    Some(match set.field {
        Field::ETH_SRC => Mod::EthSrc(mac()),
        Field::ETH_DST => Mod::EthDst(mac()),
        Field::IP_SRC => Mod::Ipv4Src(value as u32),
        Field::IP_DST => Mod::Ipv4Dst(value as u32),
        Field::IP_TOS => Mod::Tos(value as u8),
        Field::IP_DSCP => Mod::Tos((value as u8) << 2),
        Field::TCP_SRC | Field::UDP_SRC => Mod::TpSrc(value as u16),
        Field::TCP_DST | Field::UDP_DST => Mod::TpDst(value as u16),
        _ => return None,
    })
}

/// From `NXAST_REG_LOAD`'s body.
pub(super) fn decode_load(r: &mut Reader<'_>) -> Result<Action, OfError> {
    let place = r.u16()?;
    let dst = writable(from_ofs_nbits(pull_field(r)?, place)?)?;
    let value = r.u64()?;
    if dst.width() < 64 && value >> dst.width() != 0 {
        return Err(OfError::BacBadArgument);
    }
    Ok(Action::load(dst, value))
}

/// From `NXAST_REG_LOAD2`'s body.
pub(super) fn decode_load2(r: &mut Reader<'_>) -> Result<Action, OfError> {
    decode_entry(r, true)
}

/// From `NXAST_REG_MOVE`'s body: what to read and what to write.
pub(super) fn decode_move(r: &mut Reader<'_>) -> Result<(Subfield, Subfield), OfError> {
    let (width, src_start, dst_start) = (r.u16()?, r.u16()?, r.u16()?);
    let src = subfield(pull_field(r)?, src_start, width)?;
    let dst = writable(subfield(pull_field(r)?, dst_start, width)?)?;
    r.zeros(r.len(), OfError::NxBacMustBeZero)?;
    Ok((src, dst))
}

/// From `OFPAT_COPY_FIELD`'s body: what to read and what to write.
pub(super) fn decode_copy(r: &mut Reader<'_>) -> Result<(Subfield, Subfield), OfError> {
    let (width, src_start, dst_start) = (r.u16()?, r.u16()?, r.u16()?);
    r.skip(2)?;
    let src = subfield(pull_field(r)?, src_start, width)?;
    let dst = writable(subfield(pull_field(r)?, dst_start, width)?)?;
    r.zeros(r.len(), OfError::NxBacMustBeZero)?;
    Ok((src, dst))
}

/// Appends `OFPAT_COPY_FIELD`'s body.
pub(super) fn encode_copy(src: Subfield, dst: Subfield, version: Version, out: &mut Vec<u8>) {
    out.u16(src.width());
    out.u16(src.start());
    out.u16(dst.start());
    out.zeros(2);
    for field in [src.field(), dst.field()] {
        if let Some(header) = field.header(field_version(version)) {
            nxm::put_header(header, header_size(field), false, out);
        }
    }
}

/// Appends `NXAST_REG_MOVE`'s body.
pub(super) fn encode_move(src: Subfield, dst: Subfield, out: &mut Vec<u8>) {
    out.u16(src.width());
    out.u16(src.start());
    out.u16(dst.start());
    put_header(src.field(), out);
    put_header(dst.field(), out);
}

/// From `NXAST_OUTPUT_REG`'s or, if `wide`, `NXAST_OUTPUT_REG2`'s body.
pub(super) fn decode_output_reg(wide: bool, r: &mut Reader<'_>) -> Result<(Subfield, u16), OfError> {
    let place = r.u16()?;
    let mut max_len = if wide { r.u16()? } else { 0 };
    let src = from_ofs_nbits(pull_field(r)?, place)?;
    if !wide {
        max_len = r.u16()?;
    }
    r.zeros(r.len(), OfError::BacBadArgument)?;
    Ok((src, max_len))
}

/// Appends the output to a port that a field names.
pub(super) fn encode_output_reg(src: Subfield, max_len: u16, out: &mut Vec<u8>) {
    let wide = is_experimenter(src.field());
    put_nx(out, if wide { nx::OUTPUT_REG2 } else { nx::OUTPUT_REG }, |out| {
        out.u16(ofs_nbits(src));
        if wide {
            out.u16(max_len);
        }
        put_header(src.field(), out);
        if !wide {
            out.u16(max_len);
            out.zeros(6);
        }
    });
}

/// From the body of a stack action.
pub(super) fn decode_stack(pop: bool, r: &mut Reader<'_>) -> Result<Subfield, OfError> {
    let start = r.u16()?;
    let field = pull_field(r)?;
    let sub = subfield(field, start, r.u16()?)?;
    r.zeros(r.len(), OfError::NxBacMustBeZero)?;
    if pop { writable(sub) } else { Ok(sub) }
}

/// Appends the body of a stack action.
pub(super) fn encode_stack(sub: Subfield, out: &mut Vec<u8>) {
    out.u16(sub.start());
    put_header(sub.field(), out);
    out.u16(sub.width());
}
