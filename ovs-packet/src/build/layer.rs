//! One layer of a packet to be: a header with what was said of it, or payload.

use alloc::vec;
use alloc::vec::Vec;

use crate::wire::{FieldInfo, FieldValue, Header, Item, Protocol};

/// One layer: a header, of which some fields are given and the others computed, or payload.
#[derive(Debug, Clone)]
pub struct Layer {
    pub(super) protocol: Option<Protocol>,
    /// The header's fixed part; or the payload.
    pub(super) bytes: Vec<u8>,
    /// Fields that are not to be computed, by their place in the protocol's table.
    given: u64,
    /// Options and the like, with a rank: lower ones stand first.
    pub(super) pieces: Vec<(u8, Vec<u8>)>,
    /// A computed length did not fit its field.
    pub(super) overflows: bool,
    /// The number by which the layer around announces this one, if not the protocol's usual.
    pub(super) announced_by: Option<u16>,
}

impl Layer {
    /// A header in which everything has its default.
    pub fn new(protocol: Protocol) -> Self {
        let mut layer = Self::zero(protocol);
        super::syntax::defaults(&mut layer);
        layer
    }

    /// This header. Its lengths, counts, checksums and type of what follows are computed, whatever stands in it.
    pub fn of<H: Header>(header: &H) -> Self {
        let mut layer = Self::zero(H::PROTOCOL);
        layer.bytes.clear();
        header.write(&mut layer.bytes);
        layer
    }

    /// This header, as it is: nothing of it is computed.
    pub fn exactly<H: Header>(header: &H) -> Self {
        Self { given: u64::MAX, ..Self::of(header) }
    }

    /// These bytes, behind all headers.
    pub fn payload(bytes: &[u8]) -> Self {
        Self {
            protocol: None,
            bytes: bytes.to_vec(),
            given: 0,
            pieces: Vec::new(),
            overflows: false,
            announced_by: None,
        }
    }

    fn zero(protocol: Protocol) -> Self {
        let bytes = vec![0; protocol.len()];
        Self {
            protocol: Some(protocol),
            bytes,
            given: 0,
            pieces: Vec::new(),
            overflows: false,
            announced_by: None,
        }
    }

    /// What it is; none for payload.
    pub fn protocol(&self) -> Option<Protocol> {
        self.protocol
    }

    /// With one more option, TLV, chunk or record at the end of its list.
    pub fn item<'a>(mut self, item: &impl Item<'a>) -> Self {
        self.pieces.push((1, item.to_vec()));
        self
    }

    /// With one more segment of a segment routing header, which stands before the TLVs.
    pub fn segment(mut self, address: [u8; 16]) -> Self {
        self.pieces.push((0, address.to_vec()));
        self
    }

    /// With a field set, so that it is not computed. None if there is no such field or the value does not fit it.
    pub fn set(mut self, field: &str, value: FieldValue<'_>) -> Option<Self> {
        let (index, info) = self.find(field)?;
        info.set(&mut self.bytes, value).then(|| {
            self.given |= 1 << index;
            self
        })
    }

    /// Sets a field; false if the value does not fit.
    pub(super) fn give(&mut self, field: &str, value: FieldValue<'_>) -> bool {
        let Some((index, info)) = self.find(field) else { return false };
        self.given |= 1 << index;
        info.set(&mut self.bytes, value)
    }

    /// Takes for given only what was so in `before`.
    pub(super) fn forget(&mut self, before: &Self) {
        self.given = before.given;
    }

    /// Sets a number without taking that for given.
    pub(super) fn preset(&mut self, field: &str, value: u64) {
        if let Some((_, info)) = self.find(field) {
            info.set(&mut self.bytes, FieldValue::Number(value & info.max().unwrap_or(0)));
        }
    }

    /// Sets a number that is computed, unless it, or a part of it, is given.
    pub(super) fn compute(&mut self, field: &str, value: usize) {
        if !self.is_given(field) {
            let most = self.find(field).and_then(|(_, info)| info.max());
            self.overflows |= most.is_some_and(|most| value as u64 > most);
            self.preset(field, value as u64);
        }
    }

    /// True if a bit of the field is given.
    pub(super) fn is_given(&self, field: &str) -> bool {
        let Some((_, info)) = self.find(field) else { return true };
        let bits = |info: &FieldInfo| (info.shift, info.shift + info.bits);
        let fields = self.protocol.map_or(&[][..], Protocol::fields);
        fields.iter().enumerate().any(|(index, other)| {
            let ((from, to), (other_from, other_to)) = (bits(info), bits(other));
            self.given >> index & 1 == 1 && other.at == info.at && other_from < to && from < other_to
        })
    }

    /// The value of a number.
    pub(super) fn number(&self, field: &str) -> u64 {
        match self.find(field).and_then(|(_, info)| info.get(&self.bytes)) {
            Some(FieldValue::Number(number)) => number,
            _ => 0,
        }
    }

    /// The bytes of a field of `N` bytes.
    pub(super) fn array<const N: usize>(&self, field: &str) -> [u8; N] {
        match self.find(field).and_then(|(_, info)| info.get(&self.bytes)) {
            Some(FieldValue::Bytes(bytes)) => bytes.try_into().unwrap_or([0; N]),
            _ => [0; N],
        }
    }

    pub(super) fn find(&self, field: &str) -> Option<(usize, &'static FieldInfo)> {
        self.protocol?.fields().iter().enumerate().find(|(_, info)| info.name == field)
    }
}
