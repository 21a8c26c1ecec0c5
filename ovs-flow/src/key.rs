//! The flow key: everything a packet can be matched on, as one flat value.
//!
//! A [`FlowKey`] is plain data without padding that can be seen as 64-bit words, so that masking,
//! hashing and comparing need no knowledge of fields. Fields that come from a packet keep network
//! byte order (types of [`zerocopy::network_endian`], so their use says so); what the switch itself
//! assigns (ports, registers, marks) is in native order.
//!
//! The order of the fields is the order of the classifier's stages:
//!
//! ```text
//!  word 0            STAGE_ENDS[0]      STAGE_ENDS[1]       STAGE_ENDS[2]           WORDS
//!  │ tunnel, metadata, │ dl_dst … MPLS    │ IP addresses, ct_* │ nd_target, ARP, flags, │
//!  │ registers, ports, │                  │ addresses, label,  │ NSH, ports             │
//!  │ ct_state …        │                  │ frag/tos/ttl/proto │                        │
//! ```

use core::fmt;
use core::mem::offset_of;

use zerocopy::network_endian::{U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use crate::{DpPort, OfPort};

/// 64-bit words of a [`FlowKey`].
pub const WORDS: usize = size_of::<FlowKey>() / 8;
/// Registers, `reg0` to `reg31`.
pub const REGISTERS: usize = 32;
/// VLAN tags that are parsed.
pub const MAX_VLANS: usize = 2;
/// MPLS labels that are parsed.
pub const MAX_MPLS: usize = 3;
/// Bytes of tunnel options (`tun_metadata0` to `63`).
pub const TUN_METADATA_BYTES: usize = 256;
/// The first word after each of the four stages.
pub const STAGE_ENDS: [usize; 4] = [
    offset_of!(FlowKey, dl_dst) / 8,
    offset_of!(FlowKey, nw_src) / 8,
    offset_of!(FlowKey, nd_target) / 8,
    WORDS,
];

/// What the outer headers of a decapsulated packet said (or what an encapsulation shall say).
#[derive(Clone, Copy, PartialEq, Eq, Hash, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C, align(8))]
pub struct TunnelKey {
    /// Tunnel key or VNI, right-aligned.
    pub id: U64,
    /// Outer IPv4 source; zero if the tunnel runs over IPv6.
    pub src: U32,
    /// Outer IPv4 destination; zero if the tunnel runs over IPv6.
    pub dst: U32,
    /// Outer IPv6 source.
    pub ipv6_src: [u8; 16],
    /// Outer IPv6 destination.
    pub ipv6_dst: [u8; 16],
    /// `tun_flags` ([`TunnelFlags`]), native order.
    pub flags: u16,
    /// Outer type of service.
    pub tos: u8,
    /// Outer time to live.
    pub ttl: u8,
    /// Outer UDP source port.
    pub tp_src: U16,
    /// Outer UDP destination port.
    pub tp_dst: U16,
    /// VXLAN group policy identifier.
    pub gbp_id: U16,
    /// VXLAN group policy flags.
    pub gbp_flags: u8,
    /// ERSPAN version (1 or 2).
    pub erspan_ver: u8,
    /// ERSPAN index (version 1).
    pub erspan_idx: U32,
    /// ERSPAN direction (version 2).
    pub erspan_dir: u8,
    /// ERSPAN hardware identifier (version 2).
    pub erspan_hwid: u8,
    /// GTP-U flags.
    pub gtpu_flags: u8,
    /// GTP-U message type.
    pub gtpu_msgtype: u8,
    pad: [u8; 4],
    /// Which of `tun_metadata0` … `63` are present, bit by bit, native order; with
    /// [`TunnelFlags::RAW_OPTIONS`] how many bytes of [`metadata`](Self::metadata) are options.
    pub metadata_present: u64,
    /// The options' values; where each lies is the TLV table's business.
    pub metadata: [u8; TUN_METADATA_BYTES],
}

impl TunnelKey {
    /// Whether the packet came through a tunnel at all.
    pub fn is_present(&self) -> bool {
        self.dst.get() != 0 || self.ipv6_dst != [0; 16]
    }

    /// Geneve options as they are in a packet (RFC 8926 §3.5), which is how a datapath keeps them: it knows no TLV table.
    /// `None` if the key has none, or has them as [`metadata`](Self::metadata) fields.
    pub fn options(&self) -> Option<&[u8]> {
        let raw = self.flags & TunnelFlags::RAW_OPTIONS.bits() != 0;
        let len = usize::try_from(self.metadata_present).unwrap_or(usize::MAX);
        raw.then(|| &self.metadata[..len.min(TUN_METADATA_BYTES)])
    }

    /// Keeps Geneve options as they are in a packet, and says so in the flags; their length, in bytes, is then in
    /// [`metadata_present`](Self::metadata_present). Options of more than [`TUN_METADATA_BYTES`] bytes are refused.
    pub fn set_options(&mut self, options: &[u8]) -> bool {
        let Some(room) = self.metadata.get_mut(..options.len()) else { return false };
        room.copy_from_slice(options);
        self.metadata[options.len()..].fill(0);
        self.metadata_present = options.len() as u64;
        self.flags |= TunnelFlags::RAW_OPTIONS.bits();
        true
    }
}

impl Default for TunnelKey {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}

bitflags::bitflags! {
    /// Bits of [`TunnelKey::flags`] (`tun_flags` in matches; the first alone is visible there).
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
    pub struct TunnelFlags: u16 {
        /// An operations and management frame (Geneve).
        const OAM = 1 << 0;
        /// The outer "do not fragment" bit.
        const DONT_FRAGMENT = 1 << 1;
        /// The outer UDP checksum is present.
        const CSUM = 1 << 2;
        /// The tunnel key is present.
        const KEY = 1 << 3;
        /// Geneve options are kept as they came ([`TunnelKey::options`]); never visible.
        const RAW_OPTIONS = 1 << 4;
        /// A match tells the lengths of its options itself ([`Match::options`](crate::Match::options)); never visible.
        const PACKED_OPTIONS = 1 << 5;
    }
}

/// One 802.1Q tag: protocol identifier and control information, both zero if there is no tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct VlanTag {
    /// 0x8100 or 0x88a8.
    pub tpid: U16,
    /// Priority, [`VLAN_CFI`] (set in every tag that is present, as a mark of presence), VLAN id.
    pub tci: U16,
}

/// The bit of [`VlanTag::tci`] that says "there is a tag".
pub const VLAN_CFI: u16 = 0x1000;

/// Network service header fields (RFC 8300).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct NshKey {
    /// O bit and such.
    pub flags: u8,
    /// Time to live.
    pub ttl: u8,
    /// Metadata type (1 or 2).
    pub mdtype: u8,
    /// Next protocol.
    pub np: u8,
    /// Service path (24 bits) and index (8 bits).
    pub path_hdr: U32,
    /// Context headers of metadata type 1.
    pub context: [U32; 4],
}

bitflags::bitflags! {
    /// Values of [`FlowKey::nw_frag`].
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
    pub struct FragKind: u8 {
        /// A fragment.
        const ANY = 1;
        /// Not the first fragment.
        const LATER = 2;
    }
}

bitflags::bitflags! {
    /// Bits of [`FlowKey::ct_state`].
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
    pub struct CtState: u8 {
        /// A new connection.
        const NEW = 0x01;
        /// Part of an established connection.
        const EST = 0x02;
        /// Related to one (a helper's data connection, an ICMP error).
        const REL = 0x04;
        /// In the reply direction.
        const RPL = 0x08;
        /// Could not be tracked.
        const INV = 0x10;
        /// Went through the tracker.
        const TRK = 0x20;
        /// Its source was translated.
        const SNAT = 0x40;
        /// Its destination was translated.
        const DNAT = 0x80;
    }
}

/// Everything a packet can be matched on. See the module's head for order and byte order.
#[derive(Clone, Copy, PartialEq, Eq, Hash, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C, align(8))]
pub struct FlowKey {
    // ---- stage 1: metadata
    /// Outer headers.
    pub tunnel: TunnelKey,
    /// OpenFlow metadata.
    pub metadata: U64,
    /// Registers, native order; `xreg0` is `reg0 << 32 | reg1`.
    pub regs: [u32; REGISTERS],
    /// Quality-of-service class.
    pub skb_priority: u32,
    /// Packet mark.
    pub pkt_mark: u32,
    /// Hash that the datapath computed, or 0.
    pub dp_hash: u32,
    /// Port of entry: an [`OfPort`] inside a bridge, a [`DpPort`] inside a datapath.
    pub in_port: u32,
    /// Recirculation identifier, 0 for a packet from the wire.
    pub recirc_id: u32,
    /// Connection state ([`CtState`]).
    pub ct_state: u8,
    /// Protocol of the connection's original direction.
    pub ct_nw_proto: u8,
    /// Connection zone.
    pub ct_zone: u16,
    /// Connection mark.
    pub ct_mark: u32,
    /// Namespace (high half) and type (low half); 0 is Ethernet.
    pub packet_type: U32,
    /// Connection label.
    pub ct_label: [u8; 16],
    /// Conjunction being matched; 0 for none.
    pub conj_id: u32,
    /// Output port in the action set ([`OfPort`]).
    pub actset_output: u32,

    // ---- stage 2: Ethernet to MPLS
    /// Ethernet destination.
    pub dl_dst: [u8; 6],
    /// Ethernet source.
    pub dl_src: [u8; 6],
    /// Ethernet type; 0x05ff for 802.2 frames without SNAP.
    pub dl_type: U16,
    pad1: [u8; 2],
    /// Tags, outermost first.
    pub vlans: [VlanTag; MAX_VLANS],
    /// Label stack entries, outermost first.
    pub mpls_lse: [U32; MAX_MPLS + 1],

    // ---- stage 3: network layer
    /// IPv4 source (or ARP sender).
    pub nw_src: U32,
    /// IPv4 destination (or ARP target).
    pub nw_dst: U32,
    /// Original-direction IPv4 source of the connection.
    pub ct_nw_src: U32,
    /// Original-direction IPv4 destination of the connection.
    pub ct_nw_dst: U32,
    /// IPv6 source.
    pub ipv6_src: [u8; 16],
    /// IPv6 destination.
    pub ipv6_dst: [u8; 16],
    /// Original-direction IPv6 source of the connection.
    pub ct_ipv6_src: [u8; 16],
    /// Original-direction IPv6 destination of the connection.
    pub ct_ipv6_dst: [u8; 16],
    /// IPv6 flow label, 20 bits.
    pub ipv6_label: U32,
    /// Fragment kind ([`FragKind`]).
    pub nw_frag: u8,
    /// Type of service or traffic class (DSCP and ECN).
    pub nw_tos: u8,
    /// Time to live or hop limit.
    pub nw_ttl: u8,
    /// IP protocol; low byte of the ARP operation.
    pub nw_proto: u8,

    // ---- stage 4: transport layer
    /// Neighbour discovery target.
    pub nd_target: [u8; 16],
    /// ARP sender's, or neighbour discovery source's, Ethernet address.
    pub arp_sha: [u8; 6],
    /// ARP target's, or neighbour discovery target's, Ethernet address.
    pub arp_tha: [u8; 6],
    /// TCP flags, 12 bits.
    pub tcp_flags: U16,
    pad2: [u8; 2],
    /// Network service header.
    pub nsh: NshKey,
    /// Transport source port, or ICMP type in the low byte.
    pub tp_src: U16,
    /// Transport destination port, or ICMP code in the low byte.
    pub tp_dst: U16,
    /// Original-direction source port of the connection.
    pub ct_tp_src: U16,
    /// Original-direction destination port of the connection.
    pub ct_tp_dst: U16,
    /// IGMP group.
    pub igmp_group_ip4: U32,
    /// Neighbour discovery: reserved field.
    pub nd_reserved: U32,
    /// Neighbour discovery: type of the first option that was taken.
    pub nd_options_type: u8,
    pad3: [u8; 7],
}

const _: () = assert!(size_of::<FlowKey>().is_multiple_of(8) && WORDS <= 128);
const _: () = assert!(offset_of!(FlowKey, dl_dst).is_multiple_of(8));
const _: () = assert!(offset_of!(FlowKey, nw_src).is_multiple_of(8));
const _: () = assert!(offset_of!(FlowKey, nd_target).is_multiple_of(8));

impl FlowKey {
    /// The key as words, for code that need not know fields.
    pub fn words(&self) -> &[u64; WORDS] {
        zerocopy::transmute_ref!(self)
    }

    /// The key as words that can be changed.
    pub fn words_mut(&mut self) -> &mut [u64; WORDS] {
        zerocopy::transmute_mut!(self)
    }

    /// [`FlowKey::in_port`] inside a bridge.
    pub fn of_port(&self) -> OfPort {
        OfPort(self.in_port as u16)
    }

    /// [`FlowKey::in_port`] inside a datapath.
    pub fn dp_port(&self) -> DpPort {
        DpPort(self.in_port)
    }

    /// This key with every bit cleared that `mask` does not have.
    #[must_use]
    pub fn masked(&self, mask: &Self) -> Self {
        let mut out = *self;
        for (word, bits) in out.words_mut().iter_mut().zip(mask.words()) {
            *word &= bits;
        }
        out
    }
}

impl Default for FlowKey {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}

impl fmt::Debug for FlowKey {
    /// The words that are not zero, by index: fields are printed by the text formats.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.words().iter().enumerate().filter(|(_, w)| **w != 0)).finish()
    }
}

impl fmt::Debug for TunnelKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TunnelKey")
            .field("id", &self.id)
            .field("src", &self.src)
            .field("dst", &self.dst)
            .finish_non_exhaustive()
    }
}
