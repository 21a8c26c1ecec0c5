//! Keys of packets that start over: their bytes are as they were, and other things are known of them.
//!
//! ```text
//!   old   │ metadata │ Ethernet … addresses │ ct addresses │ … │ ports, ct ports │ … │
//!              ▼              ▼ copied            ▼           ▼          ▼          ▼
//!   new   │  anew    │ Ethernet … addresses │    anew      │ … │ ports,   anew   │ … │
//! ```

use super::metadata;
use super::words::{self, Words};
use crate::field::numbers::eth;
use crate::{CtMetadata, Metadata, SparseKey, WordMap};

/// Makes keys anew out of old ones. What it works out of the words that a key holds it keeps for the next one: packets of a
/// batch mostly have the same.
#[derive(Clone, Debug, Default)]
pub struct Rekey {
    map: WordMap,
    /// Words of the old key before its headers.
    before: usize,
    /// Where the Ethernet type is, among the words of the headers.
    kind: usize,
    /// Where the tracker's addresses are there or would be, and where what follows them is: IPv4, IPv6.
    addresses: [(usize, usize); 2],
    /// Where the ports are.
    ports: usize,
}

const _: () = assert!(words::DL_DST >= 64 && words::CT_IPV6_DST == words::CT_IPV6_SRC + 2);

/// Bits of the second half of a map for words below this one.
const fn below(index: usize) -> u64 {
    (1 << (index - 64)) - 1
}

/// Words of the second half that are not copied.
const ANEW: u64 = below(words::DL_DST)
    | 1 << (words::CT_NW_ADDRS - 64)
    | 0xf << (words::CT_IPV6_SRC - 64)
    | 1 << (words::PORTS - 64);

impl Rekey {
    /// Writes into `key` what [`extract_limited`](super::extract_limited) would make of a packet of which `md` is known now, if
    /// `old` is what it has made of the same bytes, type of packet and limit of tags. False where the old key does not tell,
    /// which is so unless the packet is IP and has ports (or a type and code): then `key` says nothing.
    #[inline]
    pub fn rekey(&mut self, old: &SparseKey, packet_type: u32, md: &Metadata, key: &mut SparseKey) -> bool {
        if old.map != self.map {
            self.learn(old.map);
        }
        let Some(headers) = old.values.get(self.before..old.count) else { return false };
        let (Some(kind), Some(ports)) = (headers.get(self.kind), headers.get(self.ports)) else {
            return false;
        };
        let has_ports = old.map[1] >> (words::PORTS - 64) & 1 != 0;
        let ipv6 = match ether_type(*kind) {
            eth::IPV4 if has_ports => false,
            eth::IPV6 if has_ports => true,
            _ => return false,
        };
        if !ipv6 && self.short(old, headers.len(), packet_type, md, key) {
            return true;
        }
        let mut words = Words::new(key);
        metadata(&mut words, md, packet_type);
        let (to, from) = self.addresses[usize::from(ipv6)];
        words.copy(&headers[..to]);
        let CtMetadata { orig_proto, orig_ipv6, orig_addr: [src, dst], orig_ports, .. } = &md.ct;
        if *orig_proto != 0 && *orig_ipv6 == ipv6 {
            if ipv6 {
                words.wide(words::CT_IPV6_SRC, src);
                words.wide(words::CT_IPV6_DST, dst);
            } else {
                let ([s0, s1, s2, s3, ..], [d0, d1, d2, d3, ..]) = (*src, *dst);
                words.eight(words::CT_NW_ADDRS, [s0, s1, s2, s3, d0, d1, d2, d3]);
            }
        }
        words.copy(&headers[from..self.ports]);
        let [p0, p1, p2, p3, ..] = ports.to_ne_bytes();
        let mut ct = [0; 4];
        if *orig_proto != 0 {
            let ([s0, s1], [d0, d1]) = (orig_ports[0].to_be_bytes(), orig_ports[1].to_be_bytes());
            ct = [s0, s1, d0, d1];
        }
        words.join(words::PORTS, [p0, p1, p2, p3], ct);
        words.copy(&headers[self.ports + 1..]);
        words.hold(old.map[1] & !ANEW);
        words.finish();
        true
    }

    /// The short way, for what most packets are: IPv4 of a tracked connection without mark and label, and nothing else known of
    /// it. Its headers are moved by whole lines, with what lies behind them, which a key may hold beyond its end.
    #[inline]
    fn short(
        &self,
        old: &SparseKey,
        count: usize,
        packet_type: u32,
        md: &Metadata,
        key: &mut SparseKey,
    ) -> bool {
        let CtMetadata { state, zone, mark, label, orig_proto, orig_ipv6, orig_addr, orig_ports, .. } =
            &md.ct;
        let other = md.priority | md.mark | mark | packet_type;
        let port = words::two(md.dp_hash, md.in_port.0);
        let plain = *state != 0 && *orig_proto != 0 && !*orig_ipv6 && u128::from_ne_bytes(*label) == 0;
        if !plain || other != 0 || port == 0 || md.tunnel.is_some() {
            return false;
        }
        let (to, from) = self.addresses[0];
        let (Some(first), Some(behind)) =
            (line(&old.values, self.before), line(&old.values, self.before + from))
        else {
            return false;
        };
        let [[s0, s1, s2, s3, ..], [d0, d1, d2, d3, ..]] = *orig_addr;
        let addresses = u64::from_ne_bytes([s0, s1, s2, s3, d0, d1, d2, d3]);
        let Some(ports) = behind.get(self.ports - from) else { return false };
        let ([s0, s1], [d0, d1]) = (orig_ports[0].to_be_bytes(), orig_ports[1].to_be_bytes());
        let [p0, p1, p2, p3, ..] = ports.to_ne_bytes();
        let ports = u64::from_ne_bytes([p0, p1, p2, p3, s0, s1, d0, d1]);
        // Words of zeros are not held; and what is moved is a line at each place.
        if addresses == 0 || ports == 0 || to >= LINE || count - from > LINE {
            return false;
        }
        let Some(out) = key.values.first_chunk_mut::<{ 3 + 2 * LINE }>() else { return false };
        let [z0, z1] = zone.to_ne_bytes();
        let [r0, r1, r2, r3] = md.recirc_id.to_ne_bytes();
        (out[0], out[1]) = (port, u64::from_ne_bytes([r0, r1, r2, r3, *state, *orig_proto, z0, z1]));
        put(out, 2, first);
        out[2 + to] = addresses;
        put(out, 3 + to, behind);
        out[3 + to + self.ports - from] = ports;
        let headers = old.map[1] & !ANEW | 1 << (words::CT_NW_ADDRS - 64) | 1 << (words::PORTS - 64);
        key.map = [1 << words::HASH_PORT | 1 << words::RECIRC_CT, headers];
        key.count = 3 + to + count - from;
        true
    }

    /// Works out where the words of such keys lie.
    #[cold]
    fn learn(&mut self, map: WordMap) {
        let ahead = map[1] & below(words::DL_DST);
        let at = |index: usize| ((map[1] & below(index)) ^ ahead).count_ones() as usize;
        self.map = map;
        self.before = (map[0].count_ones() + ahead.count_ones()) as usize;
        self.kind = at(words::DL_SRC_TYPE);
        self.addresses = [
            (at(words::CT_NW_ADDRS), at(words::CT_NW_ADDRS + 1)),
            (at(words::CT_IPV6_SRC), at(words::CT_IPV6_DST + 2)),
        ];
        self.ports = at(words::PORTS);
    }
}

/// Words of a cache line.
const LINE: usize = 8;

/// The words from `at` on.
#[inline]
fn line(words: &[u64], at: usize) -> Option<&[u64; LINE]> {
    words.get(at..)?.first_chunk()
}

/// Writes words at a place, of which the caller knows that there is room.
#[inline]
fn put(words: &mut [u64; 3 + 2 * LINE], at: usize, line: &[u64; LINE]) {
    if let Some(place) = words.get_mut(at..).and_then(|rest| rest.first_chunk_mut()) {
        *place = *line;
    }
}

/// The Ethernet type in its word of a key.
#[inline]
fn ether_type(word: u64) -> u16 {
    let [.., a, b, _, _] = word.to_ne_bytes();
    u16::from_be_bytes([a, b])
}
