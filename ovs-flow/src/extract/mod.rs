//! From packet bytes to a sparse flow key.
//!
//! ```text
//!  Ethernet ─▶ tags (≤ 2) ─▶ type ─▶ MPLS (≤ 3) ─▶ stop
//!                              ├──▶ IPv4, IPv6 (+ extension headers) ─▶ TCP UDP SCTP ICMP ICMPv6/ND IGMP
//!                              ├──▶ ARP, RARP
//!                              └──▶ NSH
//! ```
//!
//! A header that is cut off, or that contradicts itself, ends the parse: its own fields and those behind it stay zero,
//! those before it stand. Later fragments have no transport header. Every tag that is present has
//! [`VLAN_CFI`] set.
//! Words are pushed in the order of the key, so that each header is written as it is met.

#![allow(
    clippy::inline_always,
    reason = "the parse's state lives in registers only while all of it is one function; measured"
)]

mod again;
mod fast;
mod glance;
mod network;
mod transport;
mod words;

use ovs_packet::{LayerOffsets, Packet};

use crate::field::numbers::eth;
use crate::{CtMetadata, MAX_VLANS, Metadata, SparseKey, VLAN_CFI};
use words::Words;

pub use again::Rekey;
pub use glance::Glance;

/// Parses a packet into `key`, which is cleared first, and records in the packet where its layers begin.
#[inline(always)]
pub fn extract(packet: &mut Packet, md: &Metadata, key: &mut SparseKey) {
    extract_limited(packet, md, MAX_VLANS, key);
}

/// Like [`extract`], but takes at most `max_vlans` tags for tags; the type of the next one is then the packet's
/// Ethernet type (`other_config:vlan-limit`, whose default is 1). Above [`MAX_VLANS`] it means [`MAX_VLANS`].
#[inline(always)]
pub fn extract_limited(packet: &mut Packet, md: &Metadata, max_vlans: usize, key: &mut SparseKey) {
    let packet_type = packet.facts().packet_type;
    let layers = extract_bytes(packet.data(), packet_type, md, max_vlans, key);
    *packet.layers_mut() = layers;
}

/// Parses bytes: the core of [`extract`], for callers without a [`Packet`]. `packet_type` is 0 for Ethernet, else
/// namespace (high half) and type (low half), and then the bytes begin with the network header.
#[inline(always)]
pub fn extract_bytes(
    data: &[u8],
    packet_type: u32,
    md: &Metadata,
    max_vlans: usize,
    key: &mut SparseKey,
) -> LayerOffsets {
    if packet_type == 0
        && let Some(port) = port_alone(md)
        && let Some((first, rest)) = room(key)
        && let Some(headers) = fast::untagged_ipv4(data, rest)
    {
        *first = port;
        return headers.finish(key);
    }
    parse(data, packet_type, md, max_vlans, key)
}

/// [`extract_bytes`] without its short way: what the short way is compared with in tests, and nothing else.
#[doc(hidden)]
pub fn extract_general(
    data: &[u8],
    packet_type: u32,
    md: &Metadata,
    max_vlans: usize,
    key: &mut SparseKey,
) -> LayerOffsets {
    let mut words = Words::new(key);
    metadata(&mut words, md, packet_type);
    general(words, data, packet_type, md, max_vlans)
}

/// What the short way for plain IPv4 left.
#[inline(never)]
fn parse(
    data: &[u8],
    packet_type: u32,
    md: &Metadata,
    max_vlans: usize,
    key: &mut SparseKey,
) -> LayerOffsets {
    if packet_type == 0
        && let Some(port) = port_alone(md)
        && let Some((first, rest)) = room(key)
        && let Some(headers) = fast::headers(data, max_vlans, rest)
    {
        *first = port;
        return headers.finish(key);
    }
    let mut words = Words::new(key);
    metadata(&mut words, md, packet_type);
    if packet_type == 0
        && md.ct.orig_proto == 0
        && let Some(layers) = words.short(data, max_vlans)
    {
        words.finish();
        return layers;
    }
    general(words, data, packet_type, md, max_vlans)
}

/// The word of port and hash, if nothing else is known of the packet: then it is all that comes before the headers.
#[inline(always)]
fn port_alone(md: &Metadata) -> Option<u64> {
    let CtMetadata { state, orig_proto, .. } = md.ct;
    let known = md.priority | md.mark | md.recirc_id | u32::from(state | orig_proto);
    let port = words::two(md.dp_hash, md.in_port.0);
    (md.tunnel.is_none() && known == 0 && port != 0).then_some(port)
}

/// Room for that word, and for those of the headers.
#[inline(always)]
fn room(key: &mut SparseKey) -> Option<(&mut u64, &mut [u64; fast::ROOM])> {
    let (first, rest) = key.values.split_first_mut()?;
    Some((first, rest.first_chunk_mut()?))
}

impl fast::Headers {
    /// Says which words the key holds: that of the port, and these.
    #[inline(always)]
    fn finish(self, key: &mut SparseKey) -> LayerOffsets {
        key.map = [1 << words::HASH_PORT, self.map];
        key.count = 1 + self.words as usize;
        self.layers
    }
}

#[inline(always)]
fn general(words: Words<'_>, data: &[u8], packet_type: u32, md: &Metadata, max_vlans: usize) -> LayerOffsets {
    let mut layers = LayerOffsets::default();
    let frame = Frame { words, data, layers: &mut layers, ct: &md.ct };
    if packet_type == 0 {
        frame.ethernet(max_vlans);
    } else {
        frame.bare(packet_type);
    }
    layers
}

/// A parse under way.
struct Frame<'a> {
    words: Words<'a>,
    data: &'a [u8],
    layers: &'a mut LayerOffsets,
    ct: &'a CtMetadata,
}

#[inline(always)]
fn metadata(words: &mut Words<'_>, md: &Metadata, packet_type: u32) {
    if let Some(tunnel) = &md.tunnel {
        words.tunnel(tunnel);
    }
    if md.priority | md.mark != 0 {
        words.pair(words::PRIORITY_MARK, md.priority, md.mark);
    }
    words.pair(words::HASH_PORT, md.dp_hash, md.in_port.0);
    let ct = &md.ct;
    if ct.state == 0 {
        if md.recirc_id | packet_type != 0 {
            words.pair(words::RECIRC_CT, md.recirc_id, 0);
            words.join(words::CT_MARK_TYPE, [0; 4], packet_type.to_be_bytes());
        }
        return;
    }
    let [zone0, zone1] = ct.zone.to_ne_bytes();
    words.join(words::RECIRC_CT, md.recirc_id.to_ne_bytes(), [ct.state, ct.orig_proto, zone0, zone1]);
    words.join(words::CT_MARK_TYPE, ct.mark.to_ne_bytes(), packet_type.to_be_bytes());
    words.wide(words::CT_LABEL, &ct.label);
}

/// The Ethernet type and the padding behind it, as they lie in the key.
fn tail(dl_type: u16) -> [u8; 4] {
    let [a, b] = dl_type.to_be_bytes();
    [a, b, 0, 0]
}

impl<'a> Frame<'a> {
    /// Ends the parse. Every way out comes here, so that the words' state need not be carried back.
    #[inline(always)]
    fn done(self) {
        self.words.finish();
    }

    /// Where `rest`, a tail of the packet, begins.
    fn offset(&self, rest: &[u8]) -> u16 {
        // Offsets beyond 16 bits saturate to "absent".
        u16::try_from(self.data.len() - rest.len()).unwrap_or(ovs_packet::ABSENT)
    }

    /// A packet that begins with its network header.
    #[inline(never)]
    fn bare(mut self, packet_type: u32) {
        if packet_type >> 16 != 1 {
            return self.done();
        }
        let dl_type = packet_type as u16;
        self.words.join(words::DL_SRC_TYPE, [0; 4], tail(dl_type));
        self.layers.l3 = 0;
        let data = self.data;
        self.network(dl_type, data);
    }

    #[inline(always)]
    fn ethernet(mut self, max_vlans: usize) {
        let Some((header, rest)) = self.data.split_first_chunk::<14>() else { return self.done() };
        let [first @ .., s2, s3, s4, s5, t0, t1] = *header;
        let mut tags = [0; 8];
        let mut dl_type = u16::from_be_bytes([t0, t1]);
        let mut rest = rest;
        if dl_type != eth::IPV4 {
            if is_tag(dl_type) {
                (dl_type, rest) = self::tags(dl_type, rest, max_vlans.min(MAX_VLANS), &mut tags);
            }
            if dl_type < eth::MIN {
                (dl_type, rest) = snap(rest);
            }
        }
        self.words.eight(words::DL_DST, first);
        self.words.join(words::DL_SRC_TYPE, [s2, s3, s4, s5], tail(dl_type));
        if tags != [0; 8] {
            self.words.eight(words::VLANS, tags);
        }
        if matches!(dl_type, eth::MPLS | eth::MPLS_MCAST) {
            self.layers.l2_5 = self.offset(rest);
            rest = self.mpls(rest);
        }
        self.layers.l3 = self.offset(rest);
        self.network(dl_type, rest);
    }

    /// Takes the label stack: all of it is passed, the first three labels are kept.
    fn mpls(&mut self, mut rest: &'a [u8]) -> &'a [u8] {
        let mut stack = [[0; 4]; crate::MAX_MPLS + 1];
        let mut count = 0;
        while let Some((lse, after)) = rest.split_first_chunk::<4>() {
            if count < crate::MAX_MPLS {
                stack[count] = *lse;
            }
            count += 1;
            rest = after;
            if lse[2] & 1 != 0 {
                break;
            }
        }
        self.words.join(words::MPLS, stack[0], stack[1]);
        self.words.join(words::MPLS + 1, stack[2], stack[3]);
        rest
    }
}

fn is_tag(dl_type: u16) -> bool {
    matches!(dl_type, eth::VLAN | eth::QINQ)
}

/// Takes at most `max` tags, each with the type behind it, into the key's layout; gives that type.
fn tags<'a>(mut dl_type: u16, mut rest: &'a [u8], max: usize, tags: &mut [u8; 8]) -> (u16, &'a [u8]) {
    for tag in tags.chunks_exact_mut(4).take(max) {
        let Some((header, after)) = rest.split_first_chunk::<4>().filter(|_| is_tag(dl_type)) else { break };
        let [c0, c1, t0, t1] = *header;
        let tci = u16::from_be_bytes([c0, c1]) | VLAN_CFI;
        tag[..2].copy_from_slice(&dl_type.to_be_bytes());
        tag[2..].copy_from_slice(&tci.to_be_bytes());
        dl_type = u16::from_be_bytes([t0, t1]);
        rest = after;
    }
    (dl_type, rest)
}

/// What follows a length instead of a type: a type behind an 802.2 and SNAP header, or none.
fn snap(rest: &[u8]) -> (u16, &[u8]) {
    if let Some(([0xaa, 0xaa, 0x03, 0, 0, 0, t0, t1], after)) = rest.split_first_chunk::<8>() {
        let dl_type = u16::from_be_bytes([*t0, *t1]);
        return (if dl_type >= eth::MIN { dl_type } else { eth::NOT_ETH }, after);
    }
    (eth::NOT_ETH, rest)
}
