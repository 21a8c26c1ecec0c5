//! Writing words of a key in order, from the bytes that they are made of.

use core::mem::offset_of;

use zerocopy::IntoBytes;

use super::fast;
use crate::{FlowKey, SparseKey, TunnelKey};

/// The index of the word in which a member begins; it must begin there.
macro_rules! word {
    ($($member:tt)+) => {{
        const OFFSET: usize = offset_of!(FlowKey, $($member)+);
        const _: () = assert!(OFFSET % 8 == 0);
        OFFSET / 8
    }};
}

pub(super) const PRIORITY_MARK: usize = word!(skb_priority);
pub(super) const HASH_PORT: usize = word!(dp_hash);
pub(super) const RECIRC_CT: usize = word!(recirc_id);
pub(super) const CT_MARK_TYPE: usize = word!(ct_mark);
pub(super) const CT_LABEL: usize = word!(ct_label);
pub(super) const DL_DST: usize = word!(dl_dst);
/// The last four bytes of the source address, the type, padding.
pub(super) const DL_SRC_TYPE: usize = DL_DST + 1;
pub(super) const VLANS: usize = word!(vlans);
pub(super) const MPLS: usize = word!(mpls_lse);
pub(super) const NW_ADDRS: usize = word!(nw_src);
pub(super) const CT_NW_ADDRS: usize = word!(ct_nw_src);
pub(super) const IPV6_SRC: usize = word!(ipv6_src);
pub(super) const IPV6_DST: usize = word!(ipv6_dst);
pub(super) const CT_IPV6_SRC: usize = word!(ct_ipv6_src);
pub(super) const CT_IPV6_DST: usize = word!(ct_ipv6_dst);
/// Flow label, fragment kind, type of service, time to live, protocol.
pub(super) const LABEL_IP: usize = word!(ipv6_label);
pub(super) const ND_TARGET: usize = word!(nd_target);
/// The sender's address and two bytes of the target's.
pub(super) const ARP_ADDRS: usize = word!(arp_sha);
/// The rest of the target's address, TCP flags, padding.
pub(super) const ARP_FLAGS: usize = ARP_ADDRS + 1;
pub(super) const NSH: usize = word!(nsh);
pub(super) const PORTS: usize = word!(tp_src);
pub(super) const IGMP_ND: usize = word!(igmp_group_ip4);
pub(super) const ND_OPTION: usize = word!(nd_options_type);
/// The tunnel's words before its options.
const OPTIONS: usize = word!(tunnel.metadata);
const _: () = assert!(OPTIONS < 16);
const _: () = assert!(offset_of!(FlowKey, tunnel) == 0 && size_of::<TunnelKey>().is_multiple_of(8));

/// The word of two native numbers, of which `a` comes first.
#[inline(always)]
pub(super) fn two(a: u32, b: u32) -> u64 {
    let (low, high) = if cfg!(target_endian = "little") { (a, b) } else { (b, a) };
    u64::from(low) | u64::from(high) << 32
}

/// A sparse key being written: what changes with each word is kept apart from the key until the end, so that it can live
/// in registers.
pub(super) struct Words<'a> {
    key: &'a mut SparseKey,
    /// The map of words held, as two values rather than an array, which would have to lie in memory.
    low: u64,
    high: u64,
    count: usize,
}

impl<'a> Words<'a> {
    #[inline(always)]
    pub(super) fn new(key: &'a mut SparseKey) -> Self {
        Self { key, low: 0, high: 0, count: 0 }
    }

    /// Makes what was written the key.
    #[inline(always)]
    pub(super) fn finish(self) {
        self.key.map = [self.low, self.high];
        self.key.count = self.count;
    }

    /// Appends words of another key, none of which is zero. Which they are [`Words::hold`] tells.
    #[inline(always)]
    pub(super) fn copy(&mut self, from: &[u64]) {
        for value in from {
            if let Some(slot) = self.key.values.get_mut(self.count) {
                *slot = *value;
            }
            self.count += 1;
        }
    }

    /// Says that words from the 64th on are held that were copied.
    #[inline(always)]
    pub(super) fn hold(&mut self, map: u64) {
        self.high |= map;
    }

    /// Takes the short way for the headers of an Ethernet packet; without a result nothing counts as written.
    #[inline(always)]
    pub(super) fn short(&mut self, data: &[u8], tags: usize) -> Option<ovs_packet::LayerOffsets> {
        let out = self.key.values.get_mut(self.count..)?.first_chunk_mut()?;
        let headers = fast::headers(data, tags, out)?;
        self.high |= headers.map;
        self.count += headers.words as usize;
        Some(headers.layers)
    }

    /// Appends a word without a branch on whether it is zero: the next one overwrites it then.
    #[inline(always)]
    fn push(&mut self, index: usize, value: u64) {
        if let Some(slot) = self.key.values.get_mut(self.count) {
            *slot = value;
        }
        let held = u64::from(value != 0);
        let bit = held << (index % 64);
        if index < 64 {
            self.low |= bit;
        } else {
            self.high |= bit;
        }
        self.count += held as usize;
    }

    /// Eight bytes as they lie in the key.
    #[inline(always)]
    pub(super) fn eight(&mut self, index: usize, bytes: [u8; 8]) {
        self.push(index, u64::from_ne_bytes(bytes));
    }

    /// Two halves as they lie in the key.
    #[inline(always)]
    pub(super) fn join(&mut self, index: usize, a: [u8; 4], b: [u8; 4]) {
        self.pair(index, u32::from_ne_bytes(a), u32::from_ne_bytes(b));
    }

    /// Two native numbers.
    #[inline(always)]
    pub(super) fn pair(&mut self, index: usize, a: u32, b: u32) {
        self.push(index, two(a, b));
    }

    /// Sixteen bytes as they lie in the key.
    #[inline(always)]
    pub(super) fn wide(&mut self, index: usize, bytes: &[u8; 16]) {
        let (words, _) = bytes.as_chunks::<8>();
        for (i, word) in words.iter().enumerate() {
            self.eight(index + i, *word);
        }
    }

    /// The outer headers, which come first in the key. Options, whose room is most of the key, only if there are any.
    pub(super) fn tunnel(&mut self, tunnel: &TunnelKey) {
        let (words, _) = tunnel.as_bytes().as_chunks::<8>();
        let Some((fixed, options)) = words.split_first_chunk::<OPTIONS>() else { return };
        if let Some(out) = self.key.values.first_chunk_mut::<16>() {
            for (index, bytes) in fixed.iter().enumerate() {
                let value = u64::from_ne_bytes(*bytes);
                // Fewer than 16, of which this convinces the compiler.
                out[self.count & 15] = value;
                let held = u64::from(value != 0);
                self.low |= held << index;
                self.count += held as usize;
            }
        }
        if tunnel.metadata_present != 0 {
            for (index, bytes) in options.iter().enumerate() {
                self.eight(OPTIONS + index, *bytes);
            }
        }
    }
}
