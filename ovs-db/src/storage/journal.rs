//! The journal format over bytes.

use thiserror::Error;

use crate::json::{Json, JsonError};
use crate::sha1::{Sha1, hex};

const MAGIC: &[u8] = b"OVSDB JSON ";
const CLUSTER_MAGIC: &[u8] = b"OVSDB CLUSTER ";

/// A header is never longer than this: the magic, 20 digits, a space, 40 digits.
const MAX_HEADER: usize = 80;

/// What is wrong with a record.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum Damage {
    /// The line before the record is not one.
    #[error("bad record header")]
    Header,
    /// The file ends inside the record.
    #[error("record is cut short")]
    Truncated,
    /// The record is not what was written.
    #[error("checksum does not match")]
    Checksum,
    /// The record is no JSON object.
    #[error("record is not JSON: {0}")]
    Json(#[from] JsonError),
}

/// The bytes of one record that holds `json`.
pub fn encode(json: &Json) -> Vec<u8> {
    encode_text(json.to_string())
}

/// The bytes of one record whose JSON is `text`.
pub(super) fn encode_text(mut text: String) -> Vec<u8> {
    text.push('\n');
    let digest = hex(&Sha1::digest(text.as_bytes()));
    let mut record = format!("OVSDB JSON {} {digest}\n", text.len()).into_bytes();
    record.extend_from_slice(text.as_bytes());
    record
}

/// Reads records out of a file's bytes.
#[derive(Clone, Debug)]
pub struct Journal<'a> {
    bytes: &'a [u8],
    pos: usize,
}

impl<'a> Journal<'a> {
    /// Begins at the start of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Journal<'a> {
        Journal { bytes, pos: 0 }
    }

    /// Where the next record begins: everything before is good.
    pub fn offset(&self) -> usize {
        self.pos
    }

    /// True if the bytes begin like the file of a cluster member.
    pub fn is_clustered(&self) -> bool {
        self.bytes.starts_with(CLUSTER_MAGIC)
    }

    /// The next record; `None` at the end. After damage, the offset stays where it is.
    pub fn next_record(&mut self) -> Option<Result<Json, Damage>> {
        let rest = &self.bytes[self.pos..];
        if rest.is_empty() {
            return None;
        }
        Some(read_record(rest).map(|(json, length)| {
            self.pos += length;
            json
        }))
    }

    /// True if a good record begins anywhere behind the present offset, so that damage there is not just
    /// the end of an interrupted write.
    ///
    /// Takes time linear in the number of bytes: of candidates that would need more hashing than that, the
    /// rest counts as good, which errs on the side of keeping the file.
    pub fn continues(&self) -> bool {
        let rest = &self.bytes[self.pos..];
        let mut budget = 4 * rest.len();
        let begins = |window: &[u8]| window[0] == MAGIC[0] && window == MAGIC;
        let starts = rest.windows(MAGIC.len()).enumerate().skip(1).filter(|(_, window)| begins(window));
        for (start, _) in starts {
            let candidate = &rest[start..];
            let Some(length) = record_length(candidate) else { continue };
            if length > budget {
                return true;
            }
            budget -= length;
            if read_record(candidate).is_ok() {
                return true;
            }
        }
        false
    }
}

/// The length of the record at the start of `bytes`, if its header is good and all of it is there.
fn record_length(bytes: &[u8]) -> Option<usize> {
    let head = &bytes[..bytes.len().min(MAX_HEADER)];
    let end = head.iter().position(|b| *b == b'\n')?;
    let (length, _) = parse_header(&head[..end])?;
    let whole = length.checked_add(end + 1)?;
    (whole <= bytes.len()).then_some(whole)
}

/// Reads the record at the start of `bytes`; gives it and its length.
fn read_record(bytes: &[u8]) -> Result<(Json, usize), Damage> {
    let (body, length) = check_record(bytes)?;
    Ok((Json::parse(body)?, length))
}

/// Checks the record at the start of `bytes`; gives its text and its length.
pub(super) fn check_record(bytes: &[u8]) -> Result<(&[u8], usize), Damage> {
    let head = &bytes[..bytes.len().min(MAX_HEADER)];
    let Some(end) = head.iter().position(|b| *b == b'\n') else {
        let torn = head.len() < MAX_HEADER && (head.starts_with(MAGIC) || MAGIC.starts_with(head));
        return Err(if torn { Damage::Truncated } else { Damage::Header });
    };
    let (length, digest) = parse_header(&head[..end]).ok_or(Damage::Header)?;
    let body = bytes.get(end + 1..).unwrap_or_default();
    let body = body.get(..length).ok_or(Damage::Truncated)?;
    if hex(&Sha1::digest(body)).as_bytes() != digest {
        return Err(Damage::Checksum);
    }
    Ok((body, end + 1 + length))
}

fn parse_header(line: &[u8]) -> Option<(usize, &[u8])> {
    let rest = line.strip_prefix(MAGIC)?;
    let space = rest.iter().position(|b| *b == b' ')?;
    let (length, digest) = (&rest[..space], &rest[space + 1..]);
    let length: usize = std::str::from_utf8(length).ok()?.parse().ok()?;
    (digest.len() == 40).then_some((length, digest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_round_trip_and_cuts_are_seen() {
        let first = encode(&Json::object([("a", Json::from(1))]));
        let second = encode(&Json::object([("b", Json::from("x"))]));
        let whole = [first.clone(), second.clone()].concat();
        for cut in 0..second.len() {
            let bytes = &whole[..first.len() + cut];
            let mut journal = Journal::new(bytes);
            assert!(journal.next_record().unwrap().is_ok());
            match journal.next_record() {
                None => assert_eq!(cut, 0),
                Some(result) => assert_eq!(result, Err(Damage::Truncated), "{cut}"),
            }
            assert_eq!(journal.offset(), first.len());
            assert!(!journal.continues());
        }
    }

    #[test]
    fn damage_before_good_records_is_told_apart() {
        let record = encode(&Json::object([("a", Json::from(1))]));
        for at in 0..record.len() {
            let mut bytes = [record.clone(), record.clone()].concat();
            bytes[at] ^= 1;
            let mut journal = Journal::new(&bytes);
            assert!(journal.next_record().unwrap().is_err(), "{at}");
            assert!(journal.continues(), "{at}");
        }
        assert!(Journal::new(b"OVSDB CLUSTER 5 x\n").is_clustered());
    }
}
