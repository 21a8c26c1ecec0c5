//! Hashes that decide what users see. They are part of the interface: 32-bit Murmur3 (x86, without the tail, because
//! everything comes in words) over the big-endian words named at each, with the length in bytes mixed in at the end.

use crate::field::numbers::{eth, ip};
use crate::{FlowKey, FlowMask, FragKind};

/// What a hash of a flow looks at (`bundle`, `multipath`, select groups, bonds).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fields {
    /// The source Ethernet address.
    EthSrc,
    /// Ethernet addresses, type, VLAN, IP addresses, protocol, and ports of TCP and SCTP; both directions are equal.
    SymmetricL4,
    /// IP addresses, protocol, and ports of TCP and SCTP; both directions are equal.
    SymmetricL3L4,
    /// The same with ports of UDP too.
    SymmetricL3L4Udp,
    /// IP addresses; both directions are equal.
    SymmetricL3,
    /// Ethernet addresses, type and VLAN; both directions are equal.
    SymmetricL2,
    /// The IPv4 source address.
    NwSrc,
    /// The IPv4 destination address.
    NwDst,
    /// IP addresses, protocol and ports, in order: `hash(hash_l4(…))`, `dp_hash`.
    FiveTuple,
}

/// Murmur3, 32 bits.
struct Murmur {
    hash: u32,
    bytes: u32,
}

impl Murmur {
    fn new(basis: u32) -> Self {
        Self { hash: basis, bytes: 0 }
    }

    fn word(&mut self, word: u32) {
        let k = word.wrapping_mul(0xcc9e_2d51).rotate_left(15).wrapping_mul(0x1b87_3593);
        self.hash = (self.hash ^ k).rotate_left(13).wrapping_mul(5).wrapping_add(0xe654_6b64);
        self.bytes += 4;
    }

    fn bytes(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(4) {
            self.word(chunk.iter().fold(0, |word, byte| word << 8 | u32::from(*byte)));
        }
    }

    fn finish(self) -> u32 {
        let h = self.hash ^ self.bytes;
        let h = (h ^ h >> 16).wrapping_mul(0x85eb_ca6b);
        let h = (h ^ h >> 13).wrapping_mul(0xc2b2_ae35);
        h ^ h >> 16
    }
}

impl Fields {
    /// The name in OpenFlow actions, if they have it.
    pub fn name(self) -> Option<&'static str> {
        Some(match self {
            Self::EthSrc => "eth_src",
            Self::SymmetricL4 => "symmetric_l4",
            Self::SymmetricL3L4 => "symmetric_l3l4",
            Self::SymmetricL3L4Udp => "symmetric_l3l4+udp",
            Self::SymmetricL3 => "symmetric_l3",
            Self::NwSrc => "nw_src",
            Self::NwDst => "nw_dst",
            Self::SymmetricL2 | Self::FiveTuple => return None,
        })
    }

    /// The hash of a flow. `basis` tells hashes apart that shall not decide alike.
    pub fn hash(self, key: &FlowKey, basis: u32) -> u32 {
        let mut hash = Murmur::new(basis);
        match self {
            Self::EthSrc => hash.bytes(&key.dl_src),
            Self::NwSrc => hash.word(key.nw_src.get()),
            Self::NwDst => hash.word(key.nw_dst.get()),
            Self::SymmetricL2 => layer2(key, &mut hash),
            Self::SymmetricL3 => symmetric_addresses(key, &mut hash),
            Self::SymmetricL4 => {
                layer2(key, &mut hash);
                symmetric_l3l4(key, false, &mut hash);
            }
            Self::SymmetricL3L4 => symmetric_l3l4(key, false, &mut hash),
            Self::SymmetricL3L4Udp => symmetric_l3l4(key, true, &mut hash),
            Self::FiveTuple => five_tuple(key, &mut hash),
        }
        hash.finish()
    }

    /// Adds to `mask` the bits that [`hash`](Self::hash) looks at in this key.
    pub fn mask_into(self, key: &FlowKey, mask: &mut FlowMask) {
        let m = &mut mask.fields;
        match self {
            Self::EthSrc => m.dl_src = [0xff; 6],
            Self::NwSrc => m.nw_src.set(u32::MAX),
            Self::NwDst => m.nw_dst.set(u32::MAX),
            Self::SymmetricL2 => mask_layer2(m),
            Self::SymmetricL3 => mask_addresses(key, m),
            Self::SymmetricL4 => {
                mask_layer2(m);
                mask_l3l4(key, false, m);
            }
            Self::SymmetricL3L4 => mask_l3l4(key, false, m),
            Self::SymmetricL3L4Udp | Self::FiveTuple => mask_l3l4(key, true, m),
        }
    }
}

/// XOR of the Ethernet addresses, type, VLAN of the outermost tag.
fn layer2(key: &FlowKey, hash: &mut Murmur) {
    let mut both = [0; 8];
    for ((to, a), b) in both.iter_mut().zip(key.dl_src).zip(key.dl_dst) {
        *to = a ^ b;
    }
    hash.bytes(&both);
    let vlan = key.vlans[0].tci.get() & 0x0fff;
    hash.word(u32::from(key.dl_type.get()) << 16 | u32::from(vlan));
}

fn mask_layer2(m: &mut FlowKey) {
    m.dl_src = [0xff; 6];
    m.dl_dst = [0xff; 6];
    m.dl_type.set(0xffff);
    m.vlans[0].tci.set(m.vlans[0].tci.get() | 0x0fff);
}

/// XOR of the addresses: one word for IPv4, four for IPv6, none for anything else.
fn symmetric_addresses(key: &FlowKey, hash: &mut Murmur) {
    match key.ethertype() {
        eth::IPV4 => hash.word(key.nw_src.get() ^ key.nw_dst.get()),
        eth::IPV6 => {
            let both = u128::from_be_bytes(key.ipv6_src) ^ u128::from_be_bytes(key.ipv6_dst);
            hash.bytes(&both.to_be_bytes());
        }
        _ => {}
    }
}

fn mask_addresses(key: &FlowKey, m: &mut FlowKey) {
    match key.ethertype() {
        eth::IPV4 => {
            m.nw_src.set(u32::MAX);
            m.nw_dst.set(u32::MAX);
        }
        eth::IPV6 => {
            m.ipv6_src = [0xff; 16];
            m.ipv6_dst = [0xff; 16];
        }
        _ => {}
    }
}

fn is_ip(key: &FlowKey) -> bool {
    matches!(key.ethertype(), eth::IPV4 | eth::IPV6)
}

/// Whether the packet has ports that count.
fn has_ports(key: &FlowKey, udp: bool) -> bool {
    let counted = matches!(key.nw_proto, ip::TCP | ip::SCTP) || (udp && key.nw_proto == ip::UDP);
    counted && key.nw_frag & FragKind::LATER.bits() == 0
}

/// Addresses, protocol, XOR of the ports.
fn symmetric_l3l4(key: &FlowKey, udp: bool, hash: &mut Murmur) {
    if !is_ip(key) {
        return;
    }
    symmetric_addresses(key, hash);
    hash.word(key.nw_proto.into());
    if has_ports(key, udp) {
        hash.word(u32::from(key.tp_src.get() ^ key.tp_dst.get()));
    }
}

fn mask_l3l4(key: &FlowKey, udp: bool, m: &mut FlowKey) {
    if !is_ip(key) {
        return;
    }
    mask_addresses(key, m);
    m.nw_proto = 0xff;
    if has_ports(key, udp) {
        m.tp_src.set(0xffff);
        m.tp_dst.set(0xffff);
    }
}

/// Addresses in order, protocol, ports in order.
fn five_tuple(key: &FlowKey, hash: &mut Murmur) {
    match key.ethertype() {
        eth::IPV4 => {
            hash.word(key.nw_src.get());
            hash.word(key.nw_dst.get());
        }
        eth::IPV6 => {
            hash.bytes(&key.ipv6_src);
            hash.bytes(&key.ipv6_dst);
        }
        _ => return,
    }
    hash.word(key.nw_proto.into());
    if has_ports(key, true) {
        hash.word(u32::from(key.tp_src.get()) << 16 | u32::from(key.tp_dst.get()));
    }
}

/// The hash of a packet's five-tuple: addresses, protocol and ports, in order.
pub fn five_tuple_hash(key: &FlowKey, basis: u32) -> u32 {
    Fields::FiveTuple.hash(key, basis)
}

/// `dp_hash` as the action `hash(hash_l4(basis))` computes it. Never zero, because zero means "not computed".
pub fn dp_hash(key: &FlowKey, basis: u32) -> u32 {
    match five_tuple_hash(key, basis) {
        0 => 1,
        hash => hash,
    }
}

/// `dp_hash` as `hash(sym_l4(basis))` computes it: equal in both directions, never zero.
pub fn dp_hash_symmetric(key: &FlowKey, basis: u32) -> u32 {
    match Fields::SymmetricL3L4Udp.hash(key, basis) {
        0 => 1,
        hash => hash,
    }
}
