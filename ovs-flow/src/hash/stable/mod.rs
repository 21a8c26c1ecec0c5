//! Hashes that decide what users see: the bucket of a select group, the link of `multipath` and `bundle`, the member of a
//! bond, `dp_hash`. They are part of the interface, and equal to the original's in its portable build on little-endian
//! machines (the distributions' x86-64), so that a flow goes the same way through both; tests compare them.
//!
//! Two functions are used: 32-bit Murmur3 (x86) over words, of whose last step the caller says what is mixed in, and Bob
//! Jenkins' lookup3 (`hashlittle`, words padded with zeros) over bytes. Words are read from the headers' bytes with the
//! first byte in the low bits, on any machine.

mod jenkins;
mod murmur;

use crate::field::numbers::{eth, ip};
use crate::{FlowKey, FlowMask, FragKind};
use jenkins::jenkins;
use murmur::Murmur;

/// What a hash of a flow looks at (`bundle`, `multipath`, select groups, bonds).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fields {
    /// The source Ethernet address.
    EthSrc,
    /// Ethernet addresses, type, VLANs, IP addresses, protocol, and ports of TCP and SCTP; both directions are equal.
    SymmetricL4,
    /// IP addresses, protocol, and ports of TCP and SCTP; both directions are equal. Of other packets as
    /// [`Fields::SymmetricL2`].
    SymmetricL3L4,
    /// The same with ports of UDP too.
    SymmetricL3L4Udp,
    /// IP addresses and the Ethernet type; both directions are equal.
    SymmetricL3,
    /// Ethernet addresses, type and VLANs; both directions are equal.
    SymmetricL2,
    /// The IP source address. Of other packets the hash is its basis.
    NwSrc,
    /// The IP destination address. Of other packets the hash is its basis.
    NwDst,
    /// IP or ARP addresses, protocol and ports, in order: what a network card's receive hash is made of.
    FiveTuple,
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
        match self {
            Self::EthSrc => jenkins(&key.dl_src, basis),
            Self::NwSrc => address(key, basis, key.nw_src.as_ref(), &key.ipv6_src),
            Self::NwDst => address(key, basis, key.nw_dst.as_ref(), &key.ipv6_dst),
            Self::SymmetricL2 => symmetric_l2(key, basis),
            Self::SymmetricL3 => symmetric_l3(key, basis),
            Self::SymmetricL4 => symmetric_l4(key, basis),
            Self::SymmetricL3L4 => symmetric_l3l4(key, false, basis),
            Self::SymmetricL3L4Udp => symmetric_l3l4(key, true, basis),
            Self::FiveTuple => five_tuple(key, basis),
        }
    }

    /// Adds to `mask` the bits that [`hash`](Self::hash) looks at in this key. That the type and the fragment kind of a
    /// packet are always looked at is taken for granted.
    pub fn mask_into(self, key: &FlowKey, mask: &mut FlowMask) {
        let m = &mut mask.fields;
        match self {
            Self::EthSrc => m.dl_src = [0xff; 6],
            Self::NwSrc => mask_addresses(key, m, true, false),
            Self::NwDst => mask_addresses(key, m, false, true),
            Self::SymmetricL2 => mask_layer2(m),
            Self::SymmetricL3 => mask_addresses(key, m, true, true),
            Self::SymmetricL4 => {
                mask_layer2(m);
                mask_l3l4(key, false, m);
                // As in the original, ports of other protocols are looked at too, and fit no hash.
                if is_ip(key) && key.nw_proto != ip::UDP {
                    match key.nw_proto {
                        ip::ICMP => mask_icmp(m),
                        _ => mask_ports(m),
                    }
                }
            }
            Self::SymmetricL3L4 | Self::SymmetricL3L4Udp if !is_ip(key) => mask_layer2(m),
            Self::SymmetricL3L4 => mask_l3l4(key, false, m),
            Self::SymmetricL3L4Udp => mask_l3l4(key, true, m),
            Self::FiveTuple => mask_five_tuple(key, m),
        }
    }
}

/// XOR of two arrays.
fn xor<const N: usize>(a: [u8; N], b: [u8; N]) -> [u8; N] {
    core::array::from_fn(|i| a[i] ^ b[i])
}

fn is_ip(key: &FlowKey) -> bool {
    matches!(key.ethertype(), eth::IPV4 | eth::IPV6)
}

/// Whether the packet has ports that count: those of a first fragment do not, so that all fragments go the same way.
fn has_ports(key: &FlowKey, udp: bool) -> bool {
    let counted = matches!(key.nw_proto, ip::TCP | ip::SCTP) || (udp && key.nw_proto == ip::UDP);
    counted && key.nw_frag & FragKind::ANY.bits() == 0
}

fn address(key: &FlowKey, basis: u32, v4: &[u8], v6: &[u8]) -> u32 {
    match key.ethertype() {
        eth::IPV4 => jenkins(v4, basis),
        eth::IPV6 => jenkins(v6, basis),
        _ => basis,
    }
}

/// XOR of the addresses, IPv4 ones in the first four bytes; zeros if there are none.
fn both_addresses(key: &FlowKey) -> [u8; 16] {
    let mut both = [0; 16];
    match key.ethertype() {
        eth::IPV4 => {
            both[..4].copy_from_slice(&(key.nw_src.get() ^ key.nw_dst.get()).to_be_bytes());
            both
        }
        eth::IPV6 => xor(key.ipv6_src, key.ipv6_dst),
        _ => both,
    }
}

/// XOR of the tags' VLAN numbers.
fn vlans(key: &FlowKey) -> [u8; 2] {
    key.vlans.iter().fold(0, |vid, tag| vid ^ (tag.tci.get() & 0x0fff)).to_be_bytes()
}

/// XOR of the ports.
fn both_ports(key: &FlowKey) -> [u8; 2] {
    (key.tp_src.get() ^ key.tp_dst.get()).to_be_bytes()
}

/// Type, VLAN, XOR of the Ethernet addresses and two zeros, in three words.
fn symmetric_l2(key: &FlowKey, basis: u32) -> u32 {
    let mut bytes = [0; 12];
    bytes[..2].copy_from_slice(&key.dl_type.to_bytes());
    bytes[2..4].copy_from_slice(&vlans(key));
    bytes[4..10].copy_from_slice(&xor(key.dl_src, key.dl_dst));
    Murmur::new(basis).bytes(&bytes).finish(basis)
}

/// Addresses and type, padded to 20 bytes.
fn symmetric_l3(key: &FlowKey, basis: u32) -> u32 {
    let mut bytes = [0; 20];
    bytes[..16].copy_from_slice(&both_addresses(key));
    bytes[16..18].copy_from_slice(&key.dl_type.to_bytes());
    jenkins(&bytes, basis)
}

/// Addresses, type, VLAN, ports, Ethernet addresses and protocol, padded to 32 bytes.
fn symmetric_l4(key: &FlowKey, basis: u32) -> u32 {
    let mut bytes = [0; 32];
    bytes[..16].copy_from_slice(&both_addresses(key));
    bytes[16..18].copy_from_slice(&key.dl_type.to_bytes());
    bytes[18..20].copy_from_slice(&vlans(key));
    bytes[22..28].copy_from_slice(&xor(key.dl_src, key.dl_dst));
    if is_ip(key) {
        bytes[28] = key.nw_proto;
        // Ports of a first fragment count here.
        if matches!(key.nw_proto, ip::TCP | ip::SCTP) {
            bytes[20..22].copy_from_slice(&both_ports(key));
        }
    }
    jenkins(&bytes, basis)
}

/// Addresses, protocol, XOR of the ports.
fn symmetric_l3l4(key: &FlowKey, udp: bool, basis: u32) -> u32 {
    let addresses = both_addresses(key);
    let hash = match key.ethertype() {
        eth::IPV4 => Murmur::new(basis).bytes(&addresses[..4]),
        eth::IPV6 => Murmur::new(basis).bytes(&addresses),
        _ => return symmetric_l2(key, basis),
    };
    let hash = hash.word(key.nw_proto.into());
    if has_ports(key, udp) { hash.bytes(&both_ports(key)).finish(basis) } else { hash.finish(basis) }
}

/// Whether the protocol has a word of ports, or of type and code; a fragment without them has a word of zeros.
fn has_transport(key: &FlowKey) -> bool {
    matches!(key.nw_proto, ip::TCP | ip::UDP | ip::SCTP | ip::ICMP | ip::ICMPV6)
}

/// Addresses in order, protocol, ports in order.
fn five_tuple(key: &FlowKey, basis: u32) -> u32 {
    let hash = Murmur::new(basis);
    let hash = match key.ethertype() {
        eth::IPV4 | eth::ARP => hash.bytes(key.nw_src.as_ref()).bytes(key.nw_dst.as_ref()),
        eth::IPV6 => hash.bytes(&key.ipv6_src).bytes(&key.ipv6_dst),
        _ => return hash.finish(FIVE_TUPLE),
    };
    let hash = hash.word(key.nw_proto.into());
    if has_transport(key) {
        hash.bytes([key.tp_src.to_bytes(), key.tp_dst.to_bytes()].as_flattened()).finish(FIVE_TUPLE)
    } else {
        hash.finish(FIVE_TUPLE)
    }
}

/// What is mixed in at the end of a five-tuple's hash.
const FIVE_TUPLE: u32 = 42;

fn mask_layer2(m: &mut FlowKey) {
    m.dl_src = [0xff; 6];
    m.dl_dst = [0xff; 6];
    m.dl_type.set(0xffff);
    for tag in &mut m.vlans {
        // Whether there is a tag is looked at with it.
        tag.tci.set(tag.tci.get() | 0x0fff | crate::VLAN_CFI);
    }
}

fn mask_addresses(key: &FlowKey, m: &mut FlowKey, src: bool, dst: bool) {
    match key.ethertype() {
        eth::IPV4 => {
            m.nw_src.set(if src { u32::MAX } else { m.nw_src.get() });
            m.nw_dst.set(if dst { u32::MAX } else { m.nw_dst.get() });
        }
        eth::IPV6 => {
            m.ipv6_src = if src { [0xff; 16] } else { m.ipv6_src };
            m.ipv6_dst = if dst { [0xff; 16] } else { m.ipv6_dst };
        }
        _ => {}
    }
}

/// Type and code have eight bits each.
fn mask_icmp(m: &mut FlowKey) {
    m.tp_src.set(m.tp_src.get() | 0xff);
    m.tp_dst.set(m.tp_dst.get() | 0xff);
}

fn mask_ports(m: &mut FlowKey) {
    m.tp_src.set(0xffff);
    m.tp_dst.set(0xffff);
}

fn mask_l3l4(key: &FlowKey, udp: bool, m: &mut FlowKey) {
    if !is_ip(key) {
        return;
    }
    mask_addresses(key, m, true, true);
    m.nw_proto = 0xff;
    if has_ports(key, udp) {
        mask_ports(m);
    }
}

fn mask_five_tuple(key: &FlowKey, m: &mut FlowKey) {
    if key.ethertype() == eth::ARP {
        m.nw_src.set(u32::MAX);
        m.nw_dst.set(u32::MAX);
        m.nw_proto = 0xff;
    } else if is_ip(key) {
        mask_addresses(key, m, true, true);
        m.nw_proto = 0xff;
        if has_transport(key) && key.nw_frag & FragKind::LATER.bits() == 0 {
            mask_ports(m);
        }
    }
}

/// The hash of a packet's five-tuple: addresses, protocol and ports, in order. With basis 0 it stands for the receive hash
/// of a packet whose network card computed none.
pub fn five_tuple_hash(key: &FlowKey, basis: u32) -> u32 {
    Fields::FiveTuple.hash(key, basis)
}

/// `dp_hash` as the action `hash(l4(basis))` computes it from a packet's receive hash.
pub fn dp_hash_of(receive_hash: u32, basis: u32) -> u32 {
    Murmur::new(receive_hash).word(0).word(basis).finish(8)
}

/// `dp_hash` as the action `hash(l4(basis))` computes it for a packet without a receive hash.
pub fn dp_hash(key: &FlowKey, basis: u32) -> u32 {
    dp_hash_of(five_tuple_hash(key, 0), basis)
}

/// `dp_hash` as `hash(sym_l4(basis))` computes it: equal in both directions.
pub fn dp_hash_symmetric(key: &FlowKey, basis: u32) -> u32 {
    Fields::SymmetricL3L4.hash(key, basis)
}

/// The hash of two words, in order: the weights of links in `multipath` (hash, link) and of members in `bundle` (member,
/// hash), and how `iter_hash` goes on (hash, round).
pub fn pair_hash(first: u32, second: u32) -> u32 {
    Murmur::new(first).word(0).word(second).finish(8)
}

/// The hash by which a bond's members share source addresses (`balance-slb`); `bond/hash` shows its low eight bits.
pub fn bond_hash(mac: [u8; 6], vlan: u16, basis: u32) -> u32 {
    let number = mac.iter().fold(u64::from(vlan), |number, byte| number << 8 | u64::from(*byte));
    let (low, high) = (number as u32, (number >> 32) as u32);
    Murmur::new(basis).word(low).word(high).finish(8)
}

/// The hash by which a select group scores its bucket of this number: the highest of the low 16 bits, times the weight,
/// wins. `basis` is the packet's hash.
pub fn bucket_hash(bucket: u32, basis: u32) -> u32 {
    Murmur::new(bucket).word(0).word(basis).finish(8)
}

/// The basis that a select group of method `hash` starts from, made of the method's parameter.
pub fn selection_basis(param: u64) -> u32 {
    Murmur::new(0).word(param as u32).word((param >> 32) as u32).finish(8)
}

/// The hash of a field's bytes (masked, in network order), continued from that of the fields before it.
pub fn field_hash(value: &[u8], basis: u32) -> u32 {
    Murmur::new(basis).bytes(value).finish(value.len() as u32)
}
