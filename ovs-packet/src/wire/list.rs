//! Lists within packets: options, TLVs, records.

use alloc::vec::Vec;
use core::marker::PhantomData;

use super::WireError;

/// Why a list does not go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("list item at offset {offset}: {error}")]
pub struct ListError {
    /// Where the bad item begins, counted from the first byte of the list's header.
    pub offset: usize,
    /// What is wrong with it. "Header" there is the item's own.
    pub error: WireError,
}

/// What a list is made of: an option, a TLV, a record.
pub trait Item<'a>: Sized {
    /// Reads the item with which `bytes` (never empty) begin, and how many of them it takes (at least one). None if it
    /// is the mark that ends the list.
    fn read(bytes: &'a [u8]) -> Result<Option<(Self, usize)>, WireError>;

    /// Appends the item as it stands on the wire. A length that its field cannot tell is cut off there.
    fn put(&self, out: &mut Vec<u8>);

    /// The item's bytes.
    fn to_vec(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.put(&mut out);
        out
    }
}

/// The items of a list. After an error, or the list's end mark, it ends.
#[derive(Debug, Clone)]
pub struct Items<'a, I> {
    rest: &'a [u8],
    offset: usize,
    /// Items still to come, if the header counts them.
    left: Option<usize>,
    item: PhantomData<fn() -> I>,
}

impl<'a, I: Item<'a>> Items<'a, I> {
    /// A list that goes to the end of `bytes`, which lie at `offset` of their header.
    pub fn new(bytes: &'a [u8], offset: usize) -> Self {
        Self { rest: bytes, offset, left: None, item: PhantomData }
    }

    /// A list of `count` items; fewer are an error, and what follows them is left alone.
    pub fn counted(bytes: &'a [u8], offset: usize, count: usize) -> Self {
        Self { left: Some(count), ..Self::new(bytes, offset) }
    }

    /// The bytes that are not read yet.
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    fn advance(&mut self) -> Result<Option<I>, WireError> {
        match self.left {
            Some(0) => return Ok(None),
            Some(left) if self.rest.is_empty() => {
                self.left = Some(0);
                return Err(WireError::Truncated { needed: left, len: 0 });
            }
            Some(left) => self.left = Some(left - 1),
            None if self.rest.is_empty() => return Ok(None),
            None => {}
        }
        let Some((item, used)) = I::read(self.rest)? else { return Ok(None) };
        self.rest = self.rest.get(used.max(1)..).unwrap_or_default();
        self.offset += used;
        Ok(Some(item))
    }
}

impl<'a, I: Item<'a>> Iterator for Items<'a, I> {
    type Item = Result<I, ListError>;

    fn next(&mut self) -> Option<Self::Item> {
        let offset = self.offset;
        match self.advance() {
            Ok(Some(item)) => Some(Ok(item)),
            Ok(None) => {
                (self.rest, self.left) = (&[], Some(0));
                None
            }
            Err(error) => {
                (self.rest, self.left) = (&[], Some(0));
                Some(Err(ListError { offset, error }))
            }
        }
    }
}

/// `needed` bytes from the front, of which the first `skip` are the item's own header.
pub(super) fn body(bytes: &[u8], skip: usize, needed: usize) -> Result<&[u8], WireError> {
    if needed < skip {
        return Err(WireError::BadLength { claimed: needed, least: skip });
    }
    bytes.get(skip..needed).ok_or(WireError::Truncated { needed, len: bytes.len() })
}

/// The first `N` bytes of an item.
pub(super) fn head<const N: usize>(bytes: &[u8]) -> Result<[u8; N], WireError> {
    bytes.first_chunk().copied().ok_or(WireError::Truncated { needed: N, len: bytes.len() })
}

/// An address or number of a fixed length is an item by itself.
impl<'a, const N: usize> Item<'a> for [u8; N] {
    fn read(bytes: &'a [u8]) -> Result<Option<(Self, usize)>, WireError> {
        Ok(Some((head(bytes)?, N)))
    }

    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self);
    }
}
