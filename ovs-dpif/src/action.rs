//! What a datapath does to a packet: the actions of megaflows.

use std::sync::Arc;

use ovs_flow::{DpPort, TunnelKey};

use crate::conntrack::CtAction;
use crate::{Masked, MeterId, TnlPush, TunnelFormat};

/// A list of actions, shared between megaflow, dump and translation.
pub type Actions = Arc<[Action]>;

/// One datapath action. An empty list drops the packet.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// Send a copy out of a port.
    Output(DpPort),
    /// Hand a copy to the switch's logic, with what it needs to know why.
    Userspace(UserspaceAction),
    /// Overwrite header fields or metadata, under a mask.
    Set(SetField),
    /// Push an 802.1Q tag.
    PushVlan {
        /// 0x8100 or 0x88a8.
        tpid: u16,
        /// Tag control information, [`ovs_flow::VLAN_CFI`] set.
        tci: u16,
    },
    /// Pop the outermost 802.1Q tag.
    PopVlan,
    /// Push an MPLS label stack entry.
    PushMpls {
        /// Ethernet type that the packet gets, 0x8847 or 0x8848.
        ethertype: u16,
        /// The whole entry: label, traffic class, bottom of stack, time to live.
        lse: u32,
    },
    /// Pop the outermost MPLS label stack entry.
    PopMpls {
        /// Ethernet type that the packet gets.
        ethertype: u16,
    },
    /// Push an MPLS label stack entry, of a packet that may have no Ethernet header or is to get a label in front of it.
    AddMpls {
        /// Ethernet type that the packet gets, 0x8847 or 0x8848.
        ethertype: u16,
        /// The whole entry.
        lse: u32,
        /// Whether it goes behind the Ethernet header; else in front of it.
        behind_eth: bool,
    },
    /// Push a network service header.
    PushNsh(Box<NshHeader>),
    /// Pop the outermost network service header.
    PopNsh,
    /// Push an Ethernet header.
    PushEth {
        /// Source.
        src: [u8; 6],
        /// Destination.
        dst: [u8; 6],
    },
    /// Pop the Ethernet header.
    PopEth,
    /// Compute `dp_hash`.
    Hash {
        /// How.
        algorithm: HashAlgorithm,
        /// Seed.
        basis: u32,
    },
    /// Start over with this recirculation identifier.
    Recirc(u32),
    /// Cut the packet to this many bytes at the next output.
    Trunc(u32),
    /// Execute a list on a copy, with a probability.
    Sample(SampleAction),
    /// Execute a list on a copy.
    Clone(Actions),
    /// Count the packet in a meter, which may drop it.
    Meter(MeterId),
    /// Execute one list on a packet longer than so many bytes, the other on the rest.
    CheckPktLen(CheckPktLenAction),
    /// Drop, with a reason that is counted.
    Drop(u32),
    /// Take the packet through the connection tracker.
    Ct(Box<CtAction>),
    /// Forget what the connection tracker said.
    CtClear,
    /// Put a tunnel's headers around the packet.
    TnlPush(Box<TnlPush>),
    /// Take a tunnel's headers off, and start over with what was inside as a packet of that port.
    TnlPop {
        /// The tunnel's port.
        port: DpPort,
        /// What the headers are.
        format: TunnelFormat,
        /// The port of mirrored frames (ERSPAN), where that is another: no other header tells them from what else comes in
        /// GRE.
        mirrored: Option<DpPort>,
    },
}

/// [`Action::PushNsh`]: a network service header (RFC 8300 section 2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NshHeader {
    /// The O bit (2) and the reserved bit behind it (1).
    pub flags: u8,
    /// Time to live, 0 to 63.
    pub ttl: u8,
    /// Next protocol, as it was known when the action was made; what is written is the packet's own.
    pub np: u8,
    /// Service path identifier, 24 bits.
    pub spi: u32,
    /// Service index.
    pub si: u8,
    /// What follows.
    pub context: NshMetadata,
}

/// Metadata of a network service header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NshMetadata {
    /// MD type 1: four words.
    Fixed([u32; 4]),
    /// MD type 2: options in whole words, at most 244 bytes.
    Options(Box<[u8]>),
}

/// [`Action::CheckPktLen`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckPktLenAction {
    /// Bytes from the first header on.
    pub len: u16,
    /// What is done with a longer packet.
    pub greater: Actions,
    /// What is done with one of this length or less.
    pub less_equal: Actions,
}

/// The hash of [`Action::Hash`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HashAlgorithm {
    /// Of layers 3 and 4, `l4(basis)`.
    L4,
    /// Symmetric, `sym_l4(basis)`.
    SymmetricL4,
}

/// [`Action::Sample`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SampleAction {
    /// How often, as a fraction of 2^32 − 1.
    pub probability: u32,
    /// What is done with the copy.
    pub actions: Actions,
}

/// [`Action::Userspace`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserspaceAction {
    /// Why, and what the switch's logic needs to go on.
    pub cookie: PuntCookie,
    /// The port that the packet would have left by, where that matters.
    pub egress: Option<DpPort>,
}

/// Why a packet goes to the switch's logic.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PuntCookie {
    /// Every packet of this flow needs the switch's logic.
    SlowPath(SlowPath),
    /// A controller asked for it.
    Controller(ControllerPunt),
    /// It is too long for a tunnel, and its sender is to be told.
    TooBig(TooBigPunt),
}

/// Reasons of the slow path, as `userspace(pid=0,slow_path(REASON))` names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum SlowPath {
    /// An action that the datapath cannot do.
    Action,
    /// A match that the datapath cannot do.
    Match,
    /// Connectivity fault management frame.
    Cfm,
    /// Bidirectional forwarding detection frame.
    Bfd,
    /// Link aggregation control frame.
    Lacp,
    /// Spanning tree frame.
    Stp,
    /// Link layer discovery frame.
    Lldp,
}

/// What somebody who is told that a packet is too long needs beside the packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooBigPunt {
    /// The bridge that the packet is in; the switch's own number of it.
    pub bridge: u32,
    /// The tunnel's OpenFlow port.
    pub port: u16,
    /// Bytes of the longest frame that fits, from its Ethernet header on.
    pub most: u16,
}

/// What a packet-in needs beside the packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ControllerPunt {
    /// OpenFlow's reason for a packet-in (0 no match, 1 action, 2 invalid TTL …).
    pub reason: u8,
    /// Translate only; do not send.
    pub dont_send: bool,
    /// The controller may resume.
    pub continuation: bool,
    /// Frozen state with the packet's metadata.
    pub recirc_id: u32,
    /// Cookie of the rule.
    pub rule_cookie: u64,
    /// Which controllers get it.
    pub controller_id: u16,
    /// Bytes of the packet that they get.
    pub max_len: u16,
}

/// Header fields that one `set` action overwrites. Numbers are in host order, addresses in network order.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SetField {
    /// Quality-of-service class.
    Priority(u32),
    /// Packet mark.
    Mark(Masked<u32>),
    /// Ethernet addresses.
    Ethernet {
        /// Source.
        src: Masked<[u8; 6]>,
        /// Destination.
        dst: Masked<[u8; 6]>,
    },
    /// Outermost MPLS label stack entry.
    Mpls(Masked<u32>),
    /// Network service header.
    Nsh(Box<SetNsh>),
    /// IPv4 header.
    Ipv4 {
        /// Source.
        src: Masked<[u8; 4]>,
        /// Destination.
        dst: Masked<[u8; 4]>,
        /// Type of service.
        tos: Masked<u8>,
        /// Time to live.
        ttl: Masked<u8>,
        /// What else is told of the header where all of it is written.
        whole: Option<WholeIp>,
    },
    /// IPv6 header.
    Ipv6 {
        /// Source.
        src: Masked<[u8; 16]>,
        /// Destination.
        dst: Masked<[u8; 16]>,
        /// Flow label.
        label: Masked<u32>,
        /// Traffic class.
        tclass: Masked<u8>,
        /// Hop limit.
        hlimit: Masked<u8>,
        /// What else is told of the header where all of it is written.
        whole: Option<WholeIp>,
    },
    /// ARP.
    Arp {
        /// Sender's IPv4 address.
        sip: Masked<[u8; 4]>,
        /// Target's IPv4 address.
        tip: Masked<[u8; 4]>,
        /// Operation.
        op: Masked<u16>,
        /// Sender's Ethernet address.
        sha: Masked<[u8; 6]>,
        /// Target's Ethernet address.
        tha: Masked<[u8; 6]>,
    },
    /// TCP ports.
    Tcp {
        /// Source.
        src: Masked<u16>,
        /// Destination.
        dst: Masked<u16>,
    },
    /// UDP ports.
    Udp {
        /// Source.
        src: Masked<u16>,
        /// Destination.
        dst: Masked<u16>,
    },
    /// SCTP ports.
    Sctp {
        /// Source.
        src: Masked<u16>,
        /// Destination.
        dst: Masked<u16>,
    },
    /// ICMP type and code.
    Icmp {
        /// Type.
        kind: Masked<u8>,
        /// Code.
        code: Masked<u8>,
    },
    /// ICMPv6 type and code.
    Icmpv6 {
        /// Type.
        kind: Masked<u8>,
        /// Code.
        code: Masked<u8>,
    },
    /// Neighbour discovery.
    Nd {
        /// Target address.
        target: Masked<[u8; 16]>,
        /// Source link-layer address option.
        sll: Masked<[u8; 6]>,
        /// Target link-layer address option.
        tll: Masked<[u8; 6]>,
    },
    /// The rest of neighbour discovery.
    NdExtension {
        /// Flags of an advertisement and reserved bits: the word behind the checksum.
        reserved: Masked<u32>,
        /// Type of the first option.
        option: Masked<u8>,
    },
    /// Outer headers of the encapsulation that an output will add.
    Tunnel(Box<TunnelKey>),
}

/// What a write of a whole IP header names although it cannot be written: for datapaths that do not know masks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WholeIp {
    /// The packet's protocol.
    pub proto: u8,
    /// Which fragment it is: bits as in [`ovs_flow::FlowKey::nw_frag`].
    pub frag: u8,
}

/// [`SetField::Nsh`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct SetNsh {
    /// The O bit (2) and the reserved bit behind it (1).
    pub flags: Masked<u8>,
    /// Time to live, 0 to 63.
    pub ttl: Masked<u8>,
    /// Service path identifier, 24 bits.
    pub spi: Masked<u32>,
    /// Service index.
    pub si: Masked<u8>,
    /// Words of MD type 1.
    pub context: [Masked<u32>; 4],
}
