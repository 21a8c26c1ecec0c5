//! Whole matches as entries: the frames that messages put around them, and OpenFlow's errors.

use ovs_flow::Match;
use ovs_flow::field::OfVersion;
use ovs_flow::field::nxm::{self, DecodeError};

use super::{MatchForm, v11};
use crate::header::{Put, Reader};
use crate::{EncodeError, OfError, Version};

/// `OFPMT_OXM`.
const TYPE_OXM: u16 = 1;

/// A cookie and which of its bits count.
pub(crate) type CookieMatch = (u64, u64);

/// Which of a field's numbers a version writes; 1.0's are those of NXM.
pub(crate) const fn field_version(version: Version) -> OfVersion {
    match version {
        Version::V10 | Version::V11 => OfVersion::Extension,
        Version::V12 => OfVersion::V12,
        Version::V13 | Version::V14 => OfVersion::V13,
        Version::V15 => OfVersion::V15,
    }
}

/// Appends the match structure of 1.1 and later, padded to eight bytes.
pub(crate) fn encode_standard(m: &Match, version: Version, out: &mut Vec<u8>) -> Result<(), EncodeError> {
    match version {
        Version::V10 => return Err(EncodeError::Unsupported { what: "a match", version }),
        Version::V11 => {
            v11::encode_v11(m, out);
            return Ok(());
        }
        _ => {}
    }
    let start = out.len();
    out.u16(TYPE_OXM);
    out.u16(0);
    encode_oxm_raw(m, version, out);
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
    nxm::encode_match(m, OfVersion::Extension, cookie, out);
    let len = u16::try_from(out.len() - start).map_err(|_| EncodeError::TooLong)?;
    out.pad8(start);
    Ok(len)
}

/// Appends the entries of a match without frame or padding.
pub(crate) fn encode_oxm_raw(m: &Match, version: Version, out: &mut Vec<u8>) {
    nxm::encode_match(m, field_version(version), None, out);
}

/// Reads the match structure of 1.1 and later with its padding. Of the two types each version is allowed both.
pub(crate) fn decode_standard(r: &mut Reader<'_>, form: MatchForm, m: &mut Match) -> Result<(), OfError> {
    let mut head = Reader::new(r.peek(), OfError::BmcBadLen);
    let (kind, len) = (head.u16()?, usize::from(head.u16()?));
    if kind == v11::TYPE_STANDARD {
        return v11::decode_v11(r, m);
    }
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
    decode_oxm_raw(bytes, form, m)
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
    let decoded = nxm::decode_match(bytes, form == MatchForm::Strict, true).map_err(|e| error(&e))?;
    *m = decoded.m;
    Ok(decoded.cookie)
}

/// Reads entries that fill `bytes`.
pub(crate) fn decode_oxm_raw(bytes: &[u8], form: MatchForm, m: &mut Match) -> Result<(), OfError> {
    let decoded = nxm::decode_match(bytes, form == MatchForm::Strict, false).map_err(|e| error(&e))?;
    *m = decoded.m;
    Ok(())
}

/// OpenFlow's name for what is wrong.
fn error(error: &DecodeError) -> OfError {
    match error {
        DecodeError::BadLength { .. } => OfError::BmcBadLen,
        DecodeError::BadValue { .. } => OfError::BmcBadValue,
        DecodeError::BadMask { .. } => OfError::BmcBadMask,
        DecodeError::BadWildcards { .. } => OfError::BmcBadWildcards,
        DecodeError::BadPrereq { .. } => OfError::BmcBadPrereq,
        DecodeError::Duplicate { .. } => OfError::BmcDupField,
        // Unknown fields, misplaced cookies, and whatever else may come to be told apart.
        _ => OfError::BmcBadField,
    }
}
