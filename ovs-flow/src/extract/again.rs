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
#[derive(Clone, Debug)]
pub struct Rekey {
    map: WordMap,
    /// Words of the old key before its headers.
    before: usize,
    /// Where the Ethernet type is, among the words held.
    kind: usize,
    /// How many words of headers there are up to each of [`CUTS`].
    upto: [usize; CUTS.len()],
}

/// Words at which copying stops: the tracker's addresses and ports, and where they end.
const CUTS: [usize; 6] = [
    words::CT_NW_ADDRS,
    words::CT_NW_ADDRS + 1,
    words::CT_IPV6_SRC,
    words::CT_IPV6_DST + 2,
    words::PORTS,
    words::PORTS + 1,
];
const _: () = assert!(words::DL_DST >= 64 && words::CT_IPV6_DST == words::CT_IPV6_SRC + 2);

/// Bits of the second half of a map for words below this one.
const fn below(index: usize) -> u64 {
    (1 << (index - 64)) - 1
}

impl Default for Rekey {
    /// Of no key yet.
    fn default() -> Self {
        Self { map: [0; 2], before: 0, kind: 0, upto: [0; CUTS.len()] }
    }
}

impl Rekey {
    /// Writes into `key` what [`extract_limited`](super::extract_limited) would make of a packet of which `md` is known now, if
    /// `old` is what it has made of the same bytes, type of packet and limit of tags. False where the old key does not tell,
    /// which is so unless the packet is IP and has ports (or a type and code): then `key` says nothing.
    #[inline]
    pub fn rekey(&mut self, old: &SparseKey, packet_type: u32, md: &Metadata, key: &mut SparseKey) -> bool {
        if old.map != self.map {
            self.learn(old.map);
        }
        let has_ports = old.map[1] >> (words::PORTS - 64) & 1 != 0;
        let Some(headers) = old.values.get(self.before..old.count).filter(|_| has_ports) else {
            return false;
        };
        let Some(kind) = headers.get(self.kind) else { return false };
        let ipv6 = match ether_type(*kind) {
            eth::IPV4 => false,
            eth::IPV6 => true,
            _ => return false,
        };
        let mut words = Words::new(key);
        metadata(&mut words, md, packet_type);
        let CtMetadata { orig_proto, orig_ipv6, orig_addr: [src, dst], orig_ports, .. } = &md.ct;
        let [a, b, c, d, e, f] = self.upto;
        let tracked = *orig_proto != 0 && *orig_ipv6 == ipv6;
        words.copy(&headers[..a]);
        if tracked && !ipv6 {
            let ([s0, s1, s2, s3, ..], [d0, d1, d2, d3, ..]) = (*src, *dst);
            words.eight(words::CT_NW_ADDRS, [s0, s1, s2, s3, d0, d1, d2, d3]);
        }
        words.copy(&headers[b..c]);
        if tracked && ipv6 {
            words.wide(words::CT_IPV6_SRC, src);
            words.wide(words::CT_IPV6_DST, dst);
        }
        words.copy(&headers[d..e]);
        let [p0, p1, p2, p3, ..] = headers[e].to_ne_bytes();
        let mut ct = [0; 4];
        if *orig_proto != 0 {
            let ([s0, s1], [d0, d1]) = (orig_ports[0].to_be_bytes(), orig_ports[1].to_be_bytes());
            ct = [s0, s1, d0, d1];
        }
        words.join(words::PORTS, [p0, p1, p2, p3], ct);
        words.copy(&headers[f..]);
        const ANEW: u64 =
            1 << (words::CT_NW_ADDRS - 64) | 0xf << (words::CT_IPV6_SRC - 64) | below(words::DL_DST);
        words.hold(old.map[1] & !(ANEW | 1 << (words::PORTS - 64)));
        words.finish();
        true
    }

    /// Works out where the words of such keys lie.
    #[cold]
    fn learn(&mut self, map: WordMap) {
        let count = |bits: u64| bits.count_ones() as usize;
        let ahead = count(map[1] & below(words::DL_DST));
        self.map = map;
        self.before = count(map[0]) + ahead;
        self.kind = count(map[1] & below(words::DL_SRC_TYPE)) - ahead;
        self.upto = CUTS.map(|index| count(map[1] & below(index)) - ahead);
    }
}

/// The Ethernet type in its word of a key.
#[inline]
fn ether_type(word: u64) -> u16 {
    let [.., a, b, _, _] = word.to_ne_bytes();
    u16::from_be_bytes([a, b])
}
