//! Tuples as few words, to be kept and compared.

use std::sync::atomic::{AtomicU64, Ordering};

use ovs_flow::CtMetadata;
use ovs_flow::hash::HashKey;

use super::super::tuple::{Tuple, answer};

const IPV6: u64 = 1 << 32;

/// A tuple: zone, protocol, version and ports in the first word; both IPv4 addresses in the second one, or IPv6 addresses
/// in two words each. Of an ICMP query, type and code stand where the second port does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) struct Packed([u64; 5]);

impl Packed {
    #[inline]
    pub fn of(tuple: &Tuple) -> Self {
        let second = if tuple.is_icmp() {
            u64::from(tuple.icmp_type) << 8 | u64::from(tuple.icmp_code)
        } else {
            u64::from(tuple.dst_port)
        };
        let ends = u64::from(tuple.zone) << 48
            | u64::from(tuple.proto) << 40
            | if tuple.ipv6 { IPV6 } else { 0 }
            | u64::from(tuple.src_port) << 16
            | second;
        let ([s0, s1], [d0, d1]) = (halves(&tuple.src), halves(&tuple.dst));
        if tuple.ipv6 {
            Self([ends, s0, s1, d0, d1])
        } else {
            Self([ends, s0 >> 32 << 32 | d0 >> 32, 0, 0, 0])
        }
    }

    /// A TCP or UDP tuple over IPv4: addresses and ports as they stand in the packet, the source first.
    #[inline]
    pub fn of_v4(zone: u16, proto: u8, addresses: u64, ports: u32) -> Self {
        Self([u64::from(zone) << 48 | u64::from(proto) << 40 | u64::from(ports), addresses, 0, 0, 0])
    }

    /// [`Tuple::describe`] without the tuple.
    #[inline]
    pub fn describe(&self, ct: &mut CtMetadata) {
        let [ends, s0, s1, d0, d1] = self.0;
        let v6 = ends & IPV6 != 0;
        (ct.orig_proto, ct.orig_ipv6) = ((ends >> 40) as u8, v6);
        ct.orig_addr = if v6 {
            [whole([s0, s1]), whole([d0, d1])]
        } else {
            [whole([s0 >> 32 << 32, 0]), whole([s0 << 32, 0])]
        };
        let second = ends as u16;
        let icmp = ct.orig_proto == if v6 { 58 } else { 1 };
        ct.orig_ports = if icmp { [second >> 8, second & 0xff] } else { [(ends >> 16) as u16, second] };
    }

    /// The zone.
    pub fn zone(&self) -> u16 {
        (self.0[0] >> 48) as u16
    }

    /// The tuple again.
    #[inline]
    pub fn tuple(&self) -> Tuple {
        let [ends, s0, s1, d0, d1] = self.0;
        let mut tuple = Tuple {
            zone: (ends >> 48) as u16,
            proto: (ends >> 40) as u8,
            ipv6: ends & IPV6 != 0,
            src_port: (ends >> 16) as u16,
            dst_port: ends as u16,
            ..Tuple::default()
        };
        if tuple.is_icmp() {
            [tuple.icmp_type, tuple.icmp_code] = tuple.dst_port.to_be_bytes();
            tuple.dst_port = tuple.src_port;
        }
        if tuple.ipv6 {
            (tuple.src, tuple.dst) = (whole([s0, s1]), whole([d0, d1]));
        } else {
            (tuple.src, tuple.dst) = (whole([s0 >> 32 << 32, 0]), whole([s0 << 32, 0]));
        }
        tuple
    }

    /// A hash that is the same for both directions.
    #[inline]
    pub fn hash(&self, key: &HashKey) -> u64 {
        let [ends, s0, s1, d0, d1] = self.0;
        let (v6, proto, zone) = (ends & IPV6 != 0, ends >> 40 & 0xff, ends >> 48);
        let (mut first, mut second, mut kind) = (ends >> 16 & 0xffff, ends & 0xffff, 0);
        if proto == if v6 { 58 } else { 1 } {
            let query = (second >> 8) as u8;
            kind = 1 << 16 | u64::from(query.min(answer(v6, query))) << 8 | second & 0xff;
            second = first;
        }
        if v6 {
            let (mut a, mut b) = ([s0, s1], [d0, d1]);
            if (b, second) < (a, first) {
                (a, b, first, second) = (b, a, second, first);
            }
            return key.words(&[
                a[0],
                a[1],
                b[0],
                b[1],
                first << 48 | second << 32 | zone << 16 | proto,
                kind,
            ]);
        }
        let (a, b) = (s0 >> 32 << 16 | first, (s0 & 0xffff_ffff) << 16 | second);
        let (a, b) = (a.min(b) | zone << 48, a.max(b) | proto << 48);
        if kind == 0 { key.words(&[a, b]) } else { key.words(&[a, b, kind]) }
    }

    /// The other direction, if nothing is translated.
    #[inline]
    pub fn reversed(&self) -> Self {
        let [ends, s0, s1, d0, d1] = self.0;
        let (v6, proto) = (ends & IPV6 != 0, (ends >> 40) as u8);
        let (first, second) = (ends >> 16 & 0xffff, ends & 0xffff);
        let turned = if proto == if v6 { 58 } else { 1 } {
            ends & !0xff00 | u64::from(answer(v6, (ends >> 8) as u8)) << 8
        } else {
            ends & !0xffff_ffff | second << 16 | first
        };
        Self(if v6 { [turned, d0, d1, s0, s1] } else { [turned, s0.rotate_left(32), 0, 0, 0] })
    }
}

/// Where a packed tuple lies.
#[derive(Debug, Default)]
pub(in super::super) struct Cell([AtomicU64; 5]);

impl Cell {
    #[inline]
    pub fn load(&self) -> Packed {
        let ends = self.0[0].load(Ordering::Relaxed);
        let first = self.0[1].load(Ordering::Relaxed);
        if ends & IPV6 == 0 {
            return Packed([ends, first, 0, 0, 0]);
        }
        let [.., a, b, c] = &self.0;
        Packed([ends, first, a.load(Ordering::Relaxed), b.load(Ordering::Relaxed), c.load(Ordering::Relaxed)])
    }

    pub fn store(&self, packed: &Packed) {
        for (cell, word) in self.0.iter().zip(packed.0) {
            cell.store(word, Ordering::Relaxed);
        }
    }

    /// Whether this tuple lies here.
    #[inline]
    pub fn is(&self, packed: &Packed) -> bool {
        let [ends, first, rest @ ..] = &packed.0;
        let here = |cell: &AtomicU64, word: &u64| cell.load(Ordering::Relaxed) == *word;
        here(&self.0[0], ends)
            && here(&self.0[1], first)
            && (ends & IPV6 == 0 || self.0[2..].iter().zip(rest).all(|(cell, word)| here(cell, word)))
    }
}

/// The two halves of an address; all of an IPv4 address is in the upper half of the first.
#[inline]
fn halves(address: &[u8; 16]) -> [u64; 2] {
    let all = u128::from_be_bytes(*address);
    [(all >> 64) as u64, all as u64]
}

#[inline]
fn whole(halves: [u64; 2]) -> [u8; 16] {
    (u128::from(halves[0]) << 64 | u128::from(halves[1])).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::super::tuple::tests::tuples;
    use super::*;

    proptest! {
        #[test]
        fn nothing_is_lost(tuple in tuples()) {
            let packed = Packed::of(&tuple);
            prop_assert_eq!(packed.tuple(), tuple);
            prop_assert_eq!(packed.reversed(), Packed::of(&tuple.reversed()));
            let [mut plain, mut short] = [CtMetadata::default(); 2];
            tuple.describe(&mut plain);
            packed.describe(&mut short);
            prop_assert_eq!(plain, short);
            let cell = Cell::default();
            cell.store(&packed);
            prop_assert_eq!(cell.load(), packed);
            prop_assert!(cell.is(&packed) && (packed == packed.reversed() || !cell.is(&packed.reversed())));
        }
    }
}
