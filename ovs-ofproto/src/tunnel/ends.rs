//! Where tunnels end: the addresses of bridges' local ports, under the ports of tunnels.

use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;

use ovs_classifier::rcu::{Domain, Guard};
use ovs_classifier::{ClassifierConfig, ClassifierReader, ClassifierWriter, PrefixField, Version};
use ovs_dpif::TunnelKind;
use ovs_flow::{DpPort, FlowKey, FlowMask, Match, U16, U32};

const VERSION: Version = Version(1);
const UDP: u8 = 17;

/// One end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct End {
    /// The address of the device.
    pub mac: [u8; 6],
    pub address: IpAddr,
    /// UDP destination port.
    pub port: u16,
    pub dp_port: DpPort,
    pub kind: TunnelKind,
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
        (key.nw_proto, bits.nw_proto) = (UDP, 0xff);
        bits.nw_frag = 3;
        (key.tp_dst, bits.tp_dst) = (U16::new(self.port), U16::new(u16::MAX));
        Match::new(&key, mask)
    }
}

/// All ends, to be looked up as rules are, so that masks are no wider than they need be.
#[derive(Default)]
pub(crate) struct Ends {
    list: BTreeSet<End>,
    reader: Option<ClassifierReader<(DpPort, TunnelKind)>>,
}

impl Ends {
    pub fn new(list: BTreeSet<End>, domain: &Domain) -> Self {
        if list.is_empty() {
            return Self { list, reader: None };
        }
        let config = ClassifierConfig::default().prefixes([] as [PrefixField; 0]);
        let mut writer = ClassifierWriter::new(domain, config);
        for end in &list {
            // Ends are few and have but two masks: no limit is in reach.
            let _ = writer.insert(&end.matching(), 0, (end.dp_port, end.kind), VERSION);
        }
        let reader = Some(writer.reader());
        Self { list, reader }
    }

    pub fn list(&self) -> &BTreeSet<End> {
        &self.list
    }

    /// The tunnel that ends where this packet goes; what was looked at is added to the mask.
    pub fn find(
        &self,
        key: &FlowKey,
        mask: &mut FlowMask,
        guard: &Guard<'_>,
    ) -> Option<(DpPort, TunnelKind)> {
        let rule = self.reader.as_ref()?.lookup(VERSION, key, Some(mask), guard)?;
        Some(*rule.value())
    }
}

impl fmt::Debug for Ends {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.list.fmt(f)
    }
}
