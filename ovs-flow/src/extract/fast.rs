//! The short way, for what most packets are: Ethernet with at most one tag, IPv4 without options or IPv6 without extension
//! headers, no fragment, and then UDP or TCP.
//!
//! Such a packet has its headers at fixed places, so that one check of the length makes every read a plain load, and its
//! key holds the same words whatever its values are, so that they are written side by side under a map that is known
//! beforehand. A packet that differs in anything, or has a word of zeros (which a sparse key does not hold), is left to the
//! general parse; tests compare the two.

use ovs_packet::{ABSENT, LayerOffsets};

use super::words;
use crate::VLAN_CFI;
use crate::field::numbers::ip::{TCP, UDP};

/// Words that the headers of such a packet can have.
pub(super) const ROOM: usize = 10;

/// Which words were written, of those from the 64th on, how many they are, and where the layers begin.
pub(super) struct Headers {
    pub(super) map: u64,
    /// Not as wide as the map: of two equal words beside each other a compiler makes one load, which has to wait for both
    /// stores.
    pub(super) words: u32,
    pub(super) layers: LayerOffsets,
}

/// The bit of a word that is not among the first 64.
const fn bit(index: usize) -> u64 {
    assert!(index >= 64, "headers come after metadata");
    1 << (index - 64)
}

const ETHERNET: u64 = bit(words::DL_DST) | bit(words::DL_SRC_TYPE);
const TAG: u64 = bit(words::VLANS);
const IPV4: u64 = bit(words::NW_ADDRS) | bit(words::LABEL_IP);
const IPV6: u64 = (3 * bit(words::IPV6_SRC)) | (3 * bit(words::IPV6_DST)) | bit(words::LABEL_IP);

/// Some bytes at a place that the caller has checked, as an array.
macro_rules! at {
    ($bytes:ident, $at:expr; $($i:literal)+) => { [$($bytes[$at + $i]),+] };
}

/// Eight bytes, the first in the low bits.
#[inline(always)]
fn eight<const N: usize>(bytes: &[u8; N], at: usize) -> u64 {
    u64::from_le_bytes(at!(bytes, at; 0 1 2 3 4 5 6 7))
}

/// Four bytes.
#[inline(always)]
fn four<const N: usize>(bytes: &[u8; N], at: usize) -> u32 {
    u32::from_le_bytes(at!(bytes, at; 0 1 2 3))
}

/// Two bytes.
#[inline(always)]
fn two<const N: usize>(bytes: &[u8; N], at: usize) -> u16 {
    u16::from_le_bytes(at!(bytes, at; 0 1))
}

/// Writes the words of the headers if the packet is IPv4 of this kind without a tag, else anything.
///
/// Numbers hold bytes as they come, the first in the low bits, until they are written: `to_le` makes of that the order in
/// memory, which on most machines costs nothing.
#[inline(always)]
pub(super) fn untagged_ipv4(data: &[u8], out: &mut [u64; ROOM]) -> Option<Headers> {
    let start = data.first_chunk::<42>()?;
    let first = eight(start, 0);
    out[0] = first.to_le();
    out[1] = (u64::from(four(start, 8)) | 0x0008 << 32).to_le();
    // Type 0x0800 and the first byte of the header behind it.
    if four(start, 12) & 0x00ff_ffff != 0x45_0008 || first == 0 {
        return None;
    }
    ipv4::<2, 14>(data, out)
}

/// The same for packets of any of these kinds. With `tags` zero, no tag is taken for one.
#[inline(never)]
pub(super) fn headers(data: &[u8], tags: usize, out: &mut [u64; ROOM]) -> Option<Headers> {
    let start = data.first_chunk::<18>()?;
    let (first, source) = (eight(start, 0), u64::from(four(start, 8)));
    let mut dl_type = two(start, 12);
    let tagged = dl_type == 0x0081 && tags > 0;
    if tagged {
        dl_type = two(start, 16);
        let present = u64::from(VLAN_CFI.swap_bytes()) << 16;
        out[2] = (0x0081 | u64::from(two(start, 14)) << 16 | present).to_le();
    }
    out[0] = first.to_le();
    out[1] = (source | u64::from(dl_type) << 32).to_le();
    if first == 0 {
        return None;
    }
    match (dl_type, tagged) {
        (0x0008, false) if start[14] == 0x45 => ipv4::<2, 14>(data, out),
        (0x0008, true) if data.get(18) == Some(&0x45) => ipv4::<3, 18>(data, out),
        (0xdd86, false) => ipv6::<2, 14>(data, out),
        (0xdd86, true) => ipv6::<3, 18>(data, out),
        _ => None,
    }
}

/// A header that begins `AT` bytes from the packet's beginning, and whose first word is number `N`.
#[inline(always)]
fn ipv4<const N: usize, const AT: usize>(data: &[u8], out: &mut [u64; ROOM]) -> Option<Headers> {
    let header = data.get(AT..)?.first_chunk::<28>()?;
    let total = usize::from(two(header, 2).swap_bytes());
    // Fragments: any bit but "do not fragment".
    if two(header, 6) & 0xff3f != 0 {
        return None;
    }
    let addrs = eight(header, 12);
    out[N] = addrs.to_le();
    out[N + 1] = (u64::from(header[1]) << 40 | u64::from(two(header, 8)) << 48).to_le();
    if addrs == 0 || total < 28 || data.len().wrapping_sub(AT + total) > 0xffff {
        return None;
    }
    let known = ETHERNET | IPV4 | if AT == 18 { TAG } else { 0 };
    let transport = Transport { known, written: N as u32 + 2, l3: AT, l4: AT + 20, len: total - 20 };
    transport.take(header[9], four(header, 20), data, out)
}

/// As [`ipv4`].
#[inline(always)]
fn ipv6<const N: usize, const AT: usize>(data: &[u8], out: &mut [u64; ROOM]) -> Option<Headers> {
    let header = data.get(AT..)?.first_chunk::<48>()?;
    let [v0, v1, v2, v3, _, _, next, hops, ..] = *header;
    let len = usize::from(two(header, 4).swap_bytes());
    let mut zero = false;
    for i in 0..4 {
        let half = eight(header, 8 + 8 * i);
        out[N + i] = half.to_le();
        zero |= half == 0;
    }
    let class = v0 << 4 | v1 >> 4;
    out[N + 4] = u64::from_le_bytes([0, v1 & 0x0f, v2, v3, 0, class, hops, next]).to_le();
    if zero || data.len().wrapping_sub(AT + 40 + len) > 0xffff {
        return None;
    }
    let known = ETHERNET | IPV6 | if AT == 18 { TAG } else { 0 };
    let transport = Transport { known, written: N as u32 + 5, l3: AT, l4: AT + 40, len };
    transport.take(next, four(header, 40), data, out)
}

/// What is known when the transport header's turn comes.
struct Transport {
    /// Words so far.
    known: u64,
    written: u32,
    /// Where the headers begin.
    l3: usize,
    l4: usize,
    /// Bytes from the transport header to the end of what the network header says.
    len: usize,
}

impl Transport {
    #[inline(always)]
    fn take(self, protocol: u8, ports: u32, data: &[u8], out: &mut [u64; ROOM]) -> Option<Headers> {
        let mut n = self.written as usize;
        let mut map = self.known | bit(words::PORTS);
        match protocol {
            UDP if self.len >= 8 => {}
            TCP => {
                let [f0, f1] = *data.get(self.l4 + 12..)?.first_chunk::<2>()?;
                let header = usize::from(f0 >> 4) * 4;
                let flags = u64::from_le_bytes([0, 0, 0, 0, f0 & 0x0f, f1, 0, 0]);
                if header < 20 || header > self.len || flags == 0 {
                    return None;
                }
                out[n] = flags.to_le();
                n += 1;
                map |= bit(words::ARP_FLAGS);
            }
            _ => return None,
        }
        out[n] = u64::from(ports).to_le();
        if ports == 0 {
            return None;
        }
        let layers = LayerOffsets {
            l2_5: ABSENT,
            l3: self.l3 as u16,
            l4: self.l4 as u16,
            inner_l3: ABSENT,
            inner_l4: ABSENT,
        };
        Some(Headers { map, words: n as u32 + 1, layers })
    }
}
