//! Where tunnels end: the addresses of bridges' local ports, under the ports of tunnels.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;

use ovs_classifier::rcu::{Domain, Guard};
use ovs_classifier::{ClassifierConfig, ClassifierReader, ClassifierWriter, PrefixField, Version};
use ovs_dpif::{TunnelFormat, TunnelKind};
use ovs_flow::{DpPort, FlowKey, FlowMask, Match, U16, U32};

const VERSION: Version = Version(1);
const UDP: u8 = 17;

/// What a tunnel's packets come as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Transport {
    /// To that port.
    Udp(u16),
    /// As that IP protocol.
    Ip(u8),
}

/// What is done with packets that end in a tunnel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Pop {
    pub port: DpPort,
    pub format: TunnelFormat,
    /// The port of mirrored frames, if that is another.
    pub mirrored: Option<DpPort>,
}

/// The ports of tunnels in a datapath: what comes there, and by which UDP port.
pub(crate) type Ports = BTreeMap<DpPort, (TunnelFormat, u16)>;

/// What ends in these tunnels, over one version of IP. All GRE comes as one protocol: over IPv6 the types that are named after
/// it go first, and mirrored frames go to a port of theirs if there is one.
pub(crate) fn transports(ports: &Ports, ipv6: bool) -> Vec<(Transport, Pop)> {
    let mut list = Vec::new();
    for (&port, &(format, dst_port)) in ports {
        let pop = Pop { port, format, mirrored: None };
        match format.kind {
            TunnelKind::Srv6 if ipv6 => {
                list.extend(format.kind.protocols().iter().map(|protocol| (Transport::Ip(*protocol), pop)));
            }
            kind if kind.default_port().is_some() => list.push((Transport::Udp(dst_port), pop)),
            _ => {}
        }
    }
    let pick = |of_v4: TunnelKind, of_v6: TunnelKind| {
        let find = |kind| ports.iter().find(|(_, (format, _))| format.kind == kind);
        let (first, second) = if ipv6 { (of_v6, of_v4) } else { (of_v4, of_v6) };
        find(first).or_else(|| find(second))
    };
    let gre = pick(TunnelKind::Gre, TunnelKind::Ip6Gre);
    let mirrored = pick(TunnelKind::Erspan, TunnelKind::Ip6Erspan);
    if let Some((&port, &(format, _))) = gre.or(mirrored) {
        let mirrored = mirrored.map(|(port, _)| *port);
        let protocols = format.kind.protocols().iter();
        list.extend(protocols.map(|protocol| (Transport::Ip(*protocol), Pop { port, format, mirrored })));
    }
    list
}

/// One end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct End {
    /// The address of the device.
    pub mac: [u8; 6],
    pub address: IpAddr,
    pub transport: Transport,
    pub pop: Pop,
}

impl End {
    /// The packets that end here.
    fn matching(&self) -> Match {
        let (mut key, mut mask) = (FlowKey::default(), FlowMask::default());
        let bits = &mut mask.fields;
        (key.dl_dst, bits.dl_dst) = (self.mac, [0xff; 6]);
        bits.dl_type = U16::new(u16::MAX);
        match self.address {
            IpAddr::V4(address) => {
                key.dl_type = U16::new(0x0800);
                (key.nw_dst, bits.nw_dst) = (U32::new(address.to_bits()), U32::new(u32::MAX));
            }
            IpAddr::V6(address) => {
                key.dl_type = U16::new(0x86dd);
                (key.ipv6_dst, bits.ipv6_dst) = (address.octets(), [0xff; 16]);
            }
        }
        bits.nw_proto = 0xff;
        bits.nw_frag = 3;
        match self.transport {
            Transport::Udp(port) => {
                key.nw_proto = UDP;
                (key.tp_dst, bits.tp_dst) = (U16::new(port), U16::new(u16::MAX));
            }
            Transport::Ip(protocol) => key.nw_proto = protocol,
        }
        Match::new(&key, mask)
    }
}

/// All ends, to be looked up as rules are, so that masks are no wider than they need be.
#[derive(Default)]
pub(crate) struct Ends {
    list: BTreeSet<End>,
    reader: Option<ClassifierReader<Pop>>,
}

impl Ends {
    pub fn new(list: BTreeSet<End>, domain: &Domain) -> Self {
        if list.is_empty() {
            return Self { list, reader: None };
        }
        let config = ClassifierConfig::default().prefixes([] as [PrefixField; 0]);
        let mut writer = ClassifierWriter::new(domain, config);
        for end in &list {
            // Ends are few and have but four masks: no limit is in reach.
            let _ = writer.insert(&end.matching(), 0, end.pop, VERSION);
        }
        let reader = Some(writer.reader());
        Self { list, reader }
    }

    pub fn list(&self) -> &BTreeSet<End> {
        &self.list
    }

    /// The tunnel that ends where this packet goes; what was looked at is added to the mask.
    pub fn find(&self, key: &FlowKey, mask: &mut FlowMask, guard: &Guard<'_>) -> Option<Pop> {
        let rule = self.reader.as_ref()?.lookup(VERSION, key, Some(mask), guard)?;
        Some(*rule.value())
    }
}

impl End {
    /// As `tnl/ports/show -v` prints it, with the name of the port.
    pub fn describe(&self, name: &str) -> String {
        let mac = ovs_netdev::EtherAddr(self.mac);
        let (kind, ip) = if self.address.is_ipv4() { ("0x0800", "ipv4") } else { ("0x86dd", "ipv6") };
        let (protocol, port) = match self.transport {
            Transport::Udp(port) => (UDP, format!(",udp(dst={port})")),
            Transport::Ip(protocol) => (protocol, String::new()),
        };
        format!(
            "{name} ({}) : eth(dst={mac}),eth_type({kind}),{ip}(dst={},proto={protocol},frag=no){port}",
            self.pop.port, self.address
        )
    }
}

impl fmt::Debug for Ends {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.list.fmt(f)
    }
}
