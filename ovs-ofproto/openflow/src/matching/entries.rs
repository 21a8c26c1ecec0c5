//! Whole matches as entries.

use std::sync::LazyLock;

use ovs_flow::{Field, Match, VLAN_CFI};

use super::MatchForm;
use super::entry::{EntryHeader, field_of};
use crate::header::{Put, Reader};
use crate::{EncodeError, OfError, Version};

/// `NXM_NX_COOKIE`: what a flow's cookie is, which is no field of packets.
const COOKIE: u32 = 0x0001_3c08;
/// The same under a mask.
const COOKIE_MASKED: u32 = 0x0001_3d10;
/// `OFPMT_OXM`.
const TYPE_OXM: u16 = 1;

/// A cookie and which of its bits count.
pub(crate) type CookieMatch = (u64, u64);

/// Appends the match structure of 1.2 and later, padded to eight bytes.
pub(crate) fn encode_standard(m: &Match, version: Version, out: &mut Vec<u8>) -> Result<(), EncodeError> {
    if version < Version::V12 {
        return Err(EncodeError::Unsupported { what: "match", version });
    }
    let start = out.len();
    out.u16(TYPE_OXM);
    out.u16(0);
    encode_oxm_raw(m, version, out)?;
    let len = u16::try_from(out.len() - start).map_err(|_| EncodeError::TooLong)?;
    out.set_u16(start + 2, len);
    out.pad8(start);
    Ok(())
}

/// Appends entries as 1.0's extension has them and gives their length; they are padded to eight bytes.
pub(crate) fn encode_nxm(
    m: &Match,
    cookie: Option<CookieMatch>,
    out: &mut Vec<u8>,
) -> Result<u16, EncodeError> {
    let start = out.len();
    encode_oxm_raw(m, Version::V10, out)?;
    match cookie {
        None | Some((_, 0)) => {}
        Some((value, u64::MAX)) => {
            out.u32(COOKIE);
            out.u64(value);
        }
        Some((value, mask)) => {
            out.u32(COOKIE_MASKED);
            out.u64(value & mask);
            out.u64(mask);
        }
    }
    let len = u16::try_from(out.len() - start).map_err(|_| EncodeError::TooLong)?;
    out.pad8(start);
    Ok(len)
}

/// Appends the entries of a match; [`Version::V10`] stands for NXM.
pub(crate) fn encode_oxm_raw(m: &Match, version: Version, out: &mut Vec<u8>) -> Result<(), EncodeError> {
    let words = m.mask.words();
    for (field, first, last) in ORDER.iter() {
        if words[*first] == 0 && words[*last] == 0 {
            continue;
        }
        encode_field(*field, m, version, out)?;
    }
    Ok(())
}

/// Appends one field if the match says something of it and this version writes it as this field.
fn encode_field(field: Field, m: &Match, version: Version, out: &mut Vec<u8>) -> Result<(), EncodeError> {
    let (value, mut mask) = field.get_match(m);
    if mask == 0 {
        return Ok(());
    }
    let oxm = version > Version::V10;
    match field {
        Field::VLAN_TCI | Field::IP_TOS | Field::IN_PORT if oxm => return Ok(()),
        Field::VLAN_VID | Field::IP_DSCP | Field::IN_PORT_OXM if !oxm => return Ok(()),
        // A tag must be there for its priority to be matched; the bit of presence is the identifier's.
        Field::VLAN_PCP if !oxm || m.key.vlans[0].tci.get() & VLAN_CFI == 0 => return Ok(()),
        Field::PACKET_TYPE if value == 0 => return Ok(()),
        _ => {}
    }
    if !field.applies_to_match(m) {
        return Ok(());
    }
    let full = field.full();
    if field.facts().masking == ovs_flow::field::Masking::Exact {
        mask = full;
    }
    let has_mask = mask & full != full;
    let header = EntryHeader::of(field, version, has_mask)
        .ok_or(EncodeError::Unsupported { what: field.name(), version })?;
    header.encode(out);
    put_value(field, value & mask, out);
    if has_mask {
        put_value(field, mask, out);
    }
    Ok(())
}

/// Appends a value in the field's number of bytes.
pub(crate) fn put_value(field: Field, value: u128, out: &mut Vec<u8>) {
    let size = usize::from(field.facts().size);
    out.extend_from_slice(&value.to_be_bytes()[16 - size..]);
}

/// Fields in the order in which Open vSwitch writes them, each with the first and last word of a key that
/// it lies in; constant facts, worked out once.
static ORDER: LazyLock<Vec<(Field, usize, usize)>> = LazyLock::new(|| {
    let regs = (0..ovs_flow::REGISTERS).filter_map(Field::reg);
    let options = (0..64).filter_map(Field::tun_metadata);
    let fields = HEAD.iter().copied().chain(options).chain(MIDDLE.iter().copied()).chain(regs);
    fields
        .chain(TAIL.iter().copied())
        .map(|field| {
            let place = field.facts().place;
            let first = usize::from(place.offset) / 8;
            (field, first, (usize::from(place.offset) + usize::from(place.bytes) - 1) / 8)
        })
        .collect()
});

const HEAD: &[Field] = &[
    Field::DP_HASH,
    Field::RECIRC_ID,
    Field::CONJ_ID,
    Field::IN_PORT,
    Field::IN_PORT_OXM,
    Field::ACTSET_OUTPUT,
    Field::PACKET_TYPE,
    Field::ETH_SRC,
    Field::ETH_DST,
    Field::ETH_TYPE,
    Field::VLAN_TCI,
    Field::VLAN_VID,
    Field::VLAN_PCP,
    Field::MPLS_TC,
    Field::MPLS_BOS,
    Field::MPLS_LABEL,
    Field::MPLS_TTL,
    Field::IP_SRC,
    Field::IP_DST,
    Field::IPV6_SRC,
    Field::IPV6_DST,
    Field::IP_FRAG,
    Field::IP_TOS,
    Field::IP_DSCP,
    Field::IP_ECN,
    Field::IP_TTL,
    Field::IPV6_LABEL,
    Field::IP_PROTO,
    Field::TCP_SRC,
    Field::TCP_DST,
    Field::TCP_FLAGS,
    Field::UDP_SRC,
    Field::UDP_DST,
    Field::SCTP_SRC,
    Field::SCTP_DST,
    Field::ICMP_TYPE,
    Field::ICMP_CODE,
    Field::ICMPV6_TYPE,
    Field::ICMPV6_CODE,
    Field::ND_TARGET,
    Field::ND_RESERVED,
    Field::ND_OPTIONS_TYPE,
    Field::ND_SLL,
    Field::ND_TLL,
    Field::ARP_OP,
    Field::ARP_SPA,
    Field::ARP_TPA,
    Field::ARP_SHA,
    Field::ARP_THA,
    Field::NSH_FLAGS,
    Field::NSH_TTL,
    Field::NSH_MDTYPE,
    Field::NSH_NP,
    Field::NSH_SPI,
    Field::NSH_SI,
    Field::NSH_C1,
    Field::NSH_C2,
    Field::NSH_C3,
    Field::NSH_C4,
    Field::TUN_ID,
    Field::TUN_FLAGS,
    Field::TUN_SRC,
    Field::TUN_DST,
    Field::TUN_IPV6_SRC,
    Field::TUN_IPV6_DST,
    Field::TUN_GBP_ID,
    Field::TUN_GBP_FLAGS,
    Field::TUN_TOS,
    Field::TUN_TTL,
];

const MIDDLE: &[Field] = &[
    Field::TUN_ERSPAN_VER,
    Field::TUN_ERSPAN_IDX,
    Field::TUN_ERSPAN_DIR,
    Field::TUN_ERSPAN_HWID,
    Field::TUN_GTPU_FLAGS,
    Field::TUN_GTPU_MSGTYPE,
];

const TAIL: &[Field] = &[
    Field::SKB_PRIORITY,
    Field::PKT_MARK,
    Field::CT_STATE,
    Field::CT_ZONE,
    Field::CT_MARK,
    Field::CT_LABEL,
    Field::CT_NW_SRC,
    Field::CT_NW_DST,
    Field::CT_IPV6_SRC,
    Field::CT_IPV6_DST,
    Field::CT_NW_PROTO,
    Field::CT_TP_SRC,
    Field::CT_TP_DST,
    Field::METADATA,
];

/// Reads the match structure of 1.2 and later with its padding.
pub(crate) fn decode_standard(r: &mut Reader<'_>, form: MatchForm, m: &mut Match) -> Result<(), OfError> {
    let mut head = Reader::new(r.peek(), OfError::BmcBadLen);
    let (kind, len) = (head.u16()?, usize::from(head.u16()?));
    if kind != TYPE_OXM {
        return Err(OfError::BmcBadType);
    }
    let padded = len.next_multiple_of(8);
    let entries = len.checked_sub(4).ok_or(OfError::BmcBadLen)?;
    if padded > r.len() {
        return Err(OfError::BmcBadLen);
    }
    r.skip(4)?;
    let bytes = r.take(entries)?;
    r.skip(padded - len)?;
    // A cookie is no OXM field: standard messages carry it elsewhere.
    match decode_entries(bytes, form, m)? {
        None => Ok(()),
        Some(_) => Err(OfError::BmcBadField),
    }
}

/// Reads `len` bytes of entries and their padding; gives the cookie that they ask for, if they do.
pub(crate) fn decode_nxm(
    r: &mut Reader<'_>,
    len: usize,
    form: MatchForm,
    m: &mut Match,
) -> Result<Option<CookieMatch>, OfError> {
    let padded = len.next_multiple_of(8);
    if padded > r.len() {
        return Err(OfError::BmcBadLen);
    }
    let bytes = r.take(len)?;
    r.skip(padded - len)?;
    decode_entries(bytes, form, m)
}

/// Reads entries that fill `bytes`.
pub(crate) fn decode_oxm_raw(bytes: &[u8], form: MatchForm, m: &mut Match) -> Result<(), OfError> {
    decode_entries(bytes, form, m).map(drop)
}

fn decode_entries(bytes: &[u8], form: MatchForm, m: &mut Match) -> Result<Option<CookieMatch>, OfError> {
    let mut r = Reader::new(bytes, OfError::BmcBadLen);
    let mut cookie = None;
    while !r.is_empty() {
        let header = EntryHeader::decode(&mut r)?;
        let payload = r.take(header.len)?;
        if header.experimenter == 0 && matches!(header.to_u32(), COOKIE | COOKIE_MASKED) {
            let mut p = Reader::new(payload, OfError::BmcBadLen);
            let value = p.u64()?;
            let mask = if header.has_mask { p.u64()? } else { u64::MAX };
            if cookie.replace((value, mask)).is_some() {
                return Err(OfError::BmcDupField);
            }
            if value & !mask != 0 {
                return Err(OfError::BmcBadWildcards);
            }
            continue;
        }
        match field_of(&header) {
            Some(field) => decode_field(field, &header, payload, form, m)?,
            None if form == MatchForm::Strict => return Err(OfError::BmcBadField),
            None => {}
        }
    }
    Ok(cookie)
}

/// Puts one entry into the match.
fn decode_field(
    field: Field,
    header: &EntryHeader,
    payload: &[u8],
    form: MatchForm,
    m: &mut Match,
) -> Result<(), OfError> {
    let (value, mask) = decode_payload(field, header, payload)?;
    if form == MatchForm::Strict && !field.applies_to_match(m) {
        return Err(OfError::BmcBadPrereq);
    }
    if !field.is_wildcarded(&m.mask) {
        return Err(OfError::BmcDupField);
    }
    if mask & field.full() == field.full() && !is_valid(field, value) {
        return Err(OfError::BmcBadValue);
    }
    if value & !mask != 0 {
        return Err(OfError::BmcBadWildcards);
    }
    field.set_masked(m, value, mask).map_err(|_| OfError::BmcBadMask)
}

/// The value and the mask of an entry's payload: all of the field's bits without one, or with one of ones.
pub(crate) fn decode_payload(
    field: Field,
    header: &EntryHeader,
    payload: &[u8],
) -> Result<(u128, u128), OfError> {
    let size = usize::from(field.facts().size);
    let number = |bytes: &[u8]| bytes.iter().fold(0_u128, |n, byte| n << 8 | u128::from(*byte));
    if header.has_mask {
        let (value, mask) = payload.split_at_checked(size).ok_or(OfError::BmcBadLen)?;
        if mask.len() != size {
            return Err(OfError::BmcBadLen);
        }
        let mask = if mask.iter().all(|b| *b == 0xff) { field.full() } else { number(mask) };
        return Ok((number(value), mask));
    }
    if payload.len() != size {
        return Err(OfError::BmcBadLen);
    }
    Ok((number(payload), field.full()))
}

/// Whether a value is one that the field can have.
pub(crate) fn is_valid(field: Field, value: u128) -> bool {
    match field {
        Field::IN_PORT_OXM | Field::ACTSET_OUTPUT => ovs_flow::OfPort::from_u32(value as u32).is_some(),
        _ => value & !field.full() == 0,
    }
}
