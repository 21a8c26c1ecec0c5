//! The header that every message begins with (OpenFlow 1.0, 5.1), and reading and writing of numbers.

use crate::OfError;

/// Bytes of a header.
pub const HEADER_LEN: usize = 8;

/// The header: version, type, length of the whole message, transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Wire number of the version; need not be one that anybody knows.
    pub version: u8,
    /// Type, whose meaning depends on the version.
    pub kind: u8,
    /// Bytes of the message, header included.
    pub length: u16,
    /// Transaction identifier: a reply repeats its request's.
    pub xid: u32,
}

impl Header {
    /// From the first bytes of a message; `None` if there are fewer than eight.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let h: &[u8; HEADER_LEN] = bytes.first_chunk()?;
        Some(Self {
            version: h[0],
            kind: h[1],
            length: u16::from_be_bytes([h[2], h[3]]),
            xid: u32::from_be_bytes([h[4], h[5], h[6], h[7]]),
        })
    }

    /// The bytes.
    pub fn to_bytes(self) -> [u8; HEADER_LEN] {
        let (l, x) = (self.length.to_be_bytes(), self.xid.to_be_bytes());
        [self.version, self.kind, l[0], l[1], x[0], x[1], x[2], x[3]]
    }
}

/// A cursor over the bytes of a message. Reading beyond the end gives the error it was made with.
#[derive(Clone, Debug)]
pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
    short: OfError,
}

impl<'a> Reader<'a> {
    /// Over `bytes`; running out of them is `short`.
    pub(crate) fn new(bytes: &'a [u8], short: OfError) -> Self {
        Self { bytes, short }
    }

    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// What is left, without taking it.
    pub(crate) fn peek(&self) -> &'a [u8] {
        self.bytes
    }

    pub(crate) fn rest(&mut self) -> &'a [u8] {
        core::mem::take(&mut self.bytes)
    }

    pub(crate) fn take(&mut self, n: usize) -> Result<&'a [u8], OfError> {
        let (head, tail) = self.bytes.split_at_checked(n).ok_or(self.short)?;
        self.bytes = tail;
        Ok(head)
    }

    pub(crate) fn skip(&mut self, n: usize) -> Result<(), OfError> {
        self.take(n).map(drop)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], OfError> {
        let (head, tail) = self.bytes.split_first_chunk().ok_or(self.short)?;
        self.bytes = tail;
        Ok(*head)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, OfError> {
        Ok(self.array::<1>()?[0])
    }

    pub(crate) fn u16(&mut self) -> Result<u16, OfError> {
        Ok(u16::from_be_bytes(self.array()?))
    }

    pub(crate) fn u32(&mut self) -> Result<u32, OfError> {
        Ok(u32::from_be_bytes(self.array()?))
    }

    pub(crate) fn u64(&mut self) -> Result<u64, OfError> {
        Ok(u64::from_be_bytes(self.array()?))
    }

    /// Takes `n` bytes that must all be zero, else `error`.
    pub(crate) fn zeros(&mut self, n: usize, error: OfError) -> Result<(), OfError> {
        if self.take(n)?.iter().all(|b| *b == 0) { Ok(()) } else { Err(error) }
    }

    /// The end must have come.
    pub(crate) fn finish(&self) -> Result<(), OfError> {
        if self.bytes.is_empty() { Ok(()) } else { Err(self.short) }
    }
}

/// Appending big-endian numbers to a message.
pub(crate) trait Put {
    fn u8(&mut self, n: u8);
    fn u16(&mut self, n: u16);
    fn u32(&mut self, n: u32);
    fn u64(&mut self, n: u64);
    fn zeros(&mut self, n: usize);
    /// Text in a field of `n` bytes: cut so that at least one zero byte follows.
    fn text(&mut self, text: &str, n: usize);
    /// Zeros until the length since `start` is a multiple of eight.
    fn pad8(&mut self, start: usize);
    /// Writes a number at an earlier place.
    fn set_u16(&mut self, at: usize, n: u16);
}

impl Put for Vec<u8> {
    fn u8(&mut self, n: u8) {
        self.push(n);
    }

    fn u16(&mut self, n: u16) {
        self.extend_from_slice(&n.to_be_bytes());
    }

    fn u32(&mut self, n: u32) {
        self.extend_from_slice(&n.to_be_bytes());
    }

    fn u64(&mut self, n: u64) {
        self.extend_from_slice(&n.to_be_bytes());
    }

    fn zeros(&mut self, n: usize) {
        self.resize(self.len() + n, 0);
    }

    fn text(&mut self, text: &str, n: usize) {
        let mut cut = text.len().min(n.saturating_sub(1));
        while !text.is_char_boundary(cut) {
            cut -= 1;
        }
        self.extend_from_slice(&text.as_bytes()[..cut]);
        self.zeros(n - cut);
    }

    fn pad8(&mut self, start: usize) {
        self.zeros((8 - (self.len() - start) % 8) % 8);
    }

    fn set_u16(&mut self, at: usize, n: u16) {
        if let Some(place) = self.get_mut(at..at + 2) {
            place.copy_from_slice(&n.to_be_bytes());
        }
    }
}

/// The text in a zero-padded field; bytes that are no UTF-8 are replaced.
pub(crate) fn text_of(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|b| *b == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}
