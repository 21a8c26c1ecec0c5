//! Splitting an answer over as many messages as it needs, none above 65,535 bytes.

use super::StatsKind;
use crate::header::{HEADER_LEN, Header, Put};
use crate::{EncodeError, OfError, Protocol, Version};

/// More parts follow (`OFPSF_REPLY_MORE`, `OFPMPF_REPLY_MORE`).
pub(super) const MORE: u16 = 1;

/// Writes the parts of one answer one after the other into one buffer.
#[derive(Clone, Debug)]
pub(super) struct Parts {
    protocol: Protocol,
    kind: StatsKind,
    xid: u32,
    out: Vec<u8>,
    /// Where the message being written begins in `out`.
    start: usize,
    /// Bytes of its head: until there is more it is empty.
    head: usize,
}

impl Parts {
    pub(super) fn new(protocol: Protocol, kind: StatsKind, xid: u32) -> Self {
        let mut this = Self { protocol, kind, xid, out: Vec::new(), start: 0, head: 0 };
        this.begin();
        this
    }

    fn begin(&mut self) {
        self.start = self.out.len();
        let version = self.protocol.version;
        let kind = if version == Version::V10 { 17 } else { 19 };
        let header = Header { version: version.wire(), kind, length: 0, xid: self.xid };
        self.out.extend_from_slice(&header.to_bytes());
        self.kind.encode(version, 0, &mut self.out);
        self.head = self.out.len() - self.start;
    }

    /// Appends one entry; if the message becomes too long by it, the entry opens the next one.
    pub(super) fn push(
        &mut self,
        entry: impl FnOnce(&mut Vec<u8>) -> Result<(), EncodeError>,
    ) -> Result<(), EncodeError> {
        let at = self.out.len();
        if let Err(error) = entry(&mut self.out) {
            self.out.truncate(at);
            return Err(error);
        }
        if u16::try_from(self.out.len() - self.start).is_ok() {
            return Ok(());
        }
        let entry_len = self.out.len() - at;
        if entry_len + self.head > usize::from(u16::MAX) {
            self.out.truncate(at);
            return Err(EncodeError::TooLong);
        }
        // The entry moves behind the head of a new message.
        let entry = self.out.split_off(at);
        self.end(MORE);
        self.begin();
        self.out.extend_from_slice(&entry);
        Ok(())
    }

    fn end(&mut self, flags: u16) {
        let len = (self.out.len() - self.start) as u16;
        self.out.set_u16(self.start + 2, len);
        self.out.set_u16(self.start + HEADER_LEN + 2, flags);
    }

    /// The messages that are complete, taken out.
    pub(super) fn take_complete(&mut self) -> Vec<u8> {
        let rest = self.out.split_off(self.start);
        self.start = 0;
        core::mem::replace(&mut self.out, rest)
    }

    /// Bytes of the messages that are complete.
    pub(super) fn complete_len(&self) -> usize {
        self.start
    }

    /// All that is left, the last message included.
    pub(super) fn finish(mut self) -> Vec<u8> {
        self.end(0);
        self.out
    }
}

/// The bytes of an entry that begins with its own length.
pub(super) fn with_length(
    out: &mut Vec<u8>,
    body: impl FnOnce(&mut Vec<u8>) -> Result<(), EncodeError>,
) -> Result<(), EncodeError> {
    let start = out.len();
    out.u16(0);
    body(out)?;
    let len = u16::try_from(out.len() - start).map_err(|_| EncodeError::TooLong)?;
    out.set_u16(start, len);
    Ok(())
}

/// An entry that begins with its own length, which counts from the length on.
pub(super) fn take_with_length<'a>(
    r: &mut crate::header::Reader<'a>,
) -> Result<crate::header::Reader<'a>, OfError> {
    let len = usize::from(r.u16()?);
    let body = r.take(len.checked_sub(2).ok_or(OfError::BrcBadLen)?)?;
    Ok(crate::header::Reader::new(body, OfError::BrcBadLen))
}
