//! What the options of an interface say of its tunnel (`ovs-vswitchd.conf.db(5)`, "Tunnel Options").

use std::net::{IpAddr, Ipv6Addr};

use ovs_dpif::{FlowLabel, Sequence, TunnelFormat, TunnelKind};
use ovs_netdev::Options;

use super::TunnelError;
use super::read::Reader;

/// Time to live of outer packets unless an interface says otherwise.
const DEFAULT_TTL: u8 = 64;

/// A tunnel's key in one direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Key {
    /// None: zero.
    Absent,
    /// That of the flow (`tun_id`).
    Flow,
    /// This one.
    Fixed(u64),
}

impl Key {
    /// The key if it is the same for all packets.
    pub fn fixed(self) -> Option<u64> {
        match self {
            Self::Absent => Some(0),
            Self::Flow => None,
            Self::Fixed(key) => Some(key),
        }
    }
}

/// An end of a tunnel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Remote {
    /// Whatever the route says (of a tunnel's own end only).
    Any,
    /// What the flow says (`tun_src`, `tun_dst`).
    Flow,
    /// This address.
    Fixed(IpAddr),
}

/// What a tunnel carries, and as what rules see it (`packet_type`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Carries {
    /// Ethernet frames.
    Frames,
    /// Bare packets, which rules see as frames without addresses.
    Packets,
    /// Either, as it is.
    Any,
}

impl Carries {
    /// The value of `packet_type`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Frames => "legacy_l2",
            Self::Packets => "legacy_l3",
            Self::Any => "ptap",
        }
    }
}

/// What becomes of packets that are too long for the underlay once they are wrapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TooBig {
    /// They are sent, and the device refuses them.
    Send,
    /// They are dropped by name.
    Drop,
    /// They are dropped, and those who sent them are told what fits.
    Icmp,
}

/// What ERSPAN headers say; `None` for what the flow says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Erspan {
    pub version: Option<u8>,
    pub index: Option<u32>,
    pub direction: Option<u8>,
    pub hardware: Option<u8>,
}

/// A tunnel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TunnelConfig {
    pub format: TunnelFormat,
    /// 0 where there is no UDP header.
    pub dst_port: u16,
    pub in_key: Key,
    pub out_key: Key,
    pub remote: Remote,
    pub local: Remote,
    pub carries: Carries,
    /// `None` to inherit.
    pub tos: Option<u8>,
    /// `None` to inherit.
    pub ttl: Option<u8>,
    pub dont_fragment: bool,
    pub csum: bool,
    pub egress_mark: Option<u32>,
    /// Of GRE whose packets are numbered.
    pub sequence: Option<Sequence>,
    pub erspan: Erspan,
    /// The segments of a segment routing path; none for the other end alone.
    pub segments: Vec<Ipv6Addr>,
    pub label: FlowLabel,
    pub too_big: TooBig,
}

impl TunnelConfig {
    /// Reads the options of interface `name`; unknown ones say nothing, as in the original.
    pub fn parse(name: &str, kind: TunnelKind, options: &Options) -> Result<Self, TunnelError> {
        let reader = Reader::new(name, kind, options);
        let (remote, local) = reader.ends()?;
        let format = reader.format()?;
        let numbered = kind.is_erspan() || kind.is_gre() && reader.is("seq", "true");
        Ok(Self {
            format,
            dst_port: kind.default_port().map_or(0, |port| reader.port(port)),
            in_key: reader.key("in_key").or(reader.key("key")).unwrap_or(Key::Absent),
            out_key: reader.key("out_key").or(reader.key("key")).unwrap_or(Key::Absent),
            remote,
            local,
            carries: reader.carries(format)?,
            tos: if reader.is("tos", "inherit") { None } else { Some(reader.tos()) },
            ttl: if reader.is("ttl", "inherit") {
                None
            } else {
                Some(reader.number("ttl").map(|ttl| ttl as u8).filter(|ttl| *ttl != 0).unwrap_or(DEFAULT_TTL))
            },
            dont_fragment: !reader.is("df_default", "false"),
            csum: reader.is("csum", "true"),
            egress_mark: reader.number("egress_pkt_mark").map(|mark| mark as u32),
            sequence: numbered.then(Sequence::default),
            erspan: reader.erspan()?,
            segments: reader.segments()?,
            label: reader.label()?,
            too_big: reader.too_big(),
        })
    }

    /// The kind of tunnel.
    pub fn kind(&self) -> TunnelKind {
        self.format.kind
    }

    /// The name of the datapath's port, which all tunnels of the same type and port share.
    pub fn system_name(&self) -> String {
        let name = self.kind().system_name();
        match self.kind().default_port() {
            Some(_) => format!("{name}_{}", self.dst_port),
            None => name.to_owned(),
        }
    }
}
