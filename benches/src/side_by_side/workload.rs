//! The table of workloads.

use super::{flows, hosts, ports};
use crate::{BenchError, Programs, Who};

/// Which figures are good ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Better {
    /// Great ones: rates.
    More,
    /// Small ones: times.
    Less,
}

impl Better {
    /// How many times as good `ours` is.
    pub fn ratio(self, ours: f64, peer: f64) -> f64 {
        match self {
            Self::More => ours / peer,
            Self::Less => peer / ours,
        }
    }
}

/// A piece of work that both switches can do.
#[derive(Debug)]
pub struct Workload {
    /// What it is called.
    pub name: &'static str,
    /// What it is, in a line.
    pub what: &'static str,
    /// The unit of its figures.
    pub unit: &'static str,
    /// Which figures are good.
    pub better: Better,
    /// Whether our switch must be built with its feature `dpdk`.
    pub dpdk: bool,
    /// Does it once on a fresh switch; the last argument is seconds of traffic.
    pub measure: fn(&Programs, Who, u32) -> Result<f64, BenchError>,
}

/// All of them.
pub const WORKLOADS: &[Workload] = &[
    Workload {
        name: "simple",
        what: "1,000 flows by one rule for their port, between DPDK's ports",
        unit: "cycles/packet",
        better: Better::Less,
        dpdk: true,
        measure: ports::simple,
    },
    Workload {
        name: "emc1k",
        what: "1,000 flows by one rule for their network, between DPDK's ports",
        unit: "cycles/packet",
        better: Better::Less,
        dpdk: true,
        measure: ports::emc1k,
    },
    Workload {
        name: "warm10k",
        what: "10,000 flows by that rule, between DPDK's ports",
        unit: "cycles/packet",
        better: Better::Less,
        dpdk: true,
        measure: ports::warm10k,
    },
    Workload {
        name: "cold100k",
        what: "100,000 flows by that rule, between DPDK's ports",
        unit: "cycles/packet",
        better: Better::Less,
        dpdk: true,
        measure: ports::cold100k,
    },
    Workload {
        name: "normal1k",
        what: "1,000 flows through a switch that learns, between DPDK's ports",
        unit: "cycles/packet",
        better: Better::Less,
        dpdk: true,
        measure: ports::normal1k,
    },
    Workload {
        name: "ct1k",
        what: "1,000 tracked connections, between DPDK's ports",
        unit: "cycles/packet",
        better: Better::Less,
        dpdk: true,
        measure: ports::ct1k,
    },
    Workload {
        name: "ct100k",
        what: "100,000 tracked connections, between DPDK's ports",
        unit: "cycles/packet",
        better: Better::Less,
        dpdk: true,
        measure: ports::ct100k,
    },
    Workload {
        name: "ct500k",
        what: "100,000 flows, each tracked in five zones, between DPDK's ports",
        unit: "cycles/packet",
        better: Better::Less,
        dpdk: true,
        measure: ports::ct500k,
    },
    Workload {
        name: "ctnew",
        what: "TCP connections of two packets each, a SYN and a reset, between DPDK's ports",
        unit: "cycles/packet",
        better: Better::Less,
        dpdk: true,
        measure: ports::ctnew,
    },
    Workload {
        name: "vxlan1k",
        what: "1,000 flows into a VXLAN tunnel, between DPDK's ports",
        unit: "cycles/packet",
        better: Better::Less,
        dpdk: true,
        measure: ports::vxlan1k,
    },
    Workload {
        name: "geneve1k",
        what: "1,000 flows into a Geneve tunnel, between DPDK's ports",
        unit: "cycles/packet",
        better: Better::Less,
        dpdk: true,
        measure: ports::geneve1k,
    },
    Workload {
        name: "acl",
        what: "20,000 flows through an access list of 500 rules, between DPDK's ports",
        unit: "cycles/packet",
        better: Better::Less,
        dpdk: true,
        measure: ports::acl,
    },
    Workload {
        name: "tse",
        what: "web traffic among packets that spawn 8,192 masks, between DPDK's ports",
        unit: "cycles/packet",
        better: Better::Less,
        dpdk: true,
        measure: ports::tse,
    },
    Workload {
        name: "tcp",
        what: "one TCP connection between two hosts on veth pairs",
        unit: "Gbit/s",
        better: Better::More,
        dpdk: false,
        measure: hosts::tcp,
    },
    Workload {
        name: "udp64",
        what: "UDP in frames of 64 bytes between two hosts, as many as arrive",
        unit: "packets/s",
        better: Better::More,
        dpdk: false,
        measure: hosts::udp64,
    },
    Workload {
        name: "add100k",
        what: "ovs-ofctl add-flows of 100,000 flows",
        unit: "s",
        better: Better::Less,
        dpdk: false,
        measure: flows::add,
    },
    Workload {
        name: "bundle100k",
        what: "the same in one bundle of OpenFlow 1.4",
        unit: "s",
        better: Better::Less,
        dpdk: false,
        measure: flows::bundle,
    },
    Workload {
        name: "dump100k",
        what: "ovs-ofctl dump-flows of 100,000 flows",
        unit: "s",
        better: Better::Less,
        dpdk: false,
        measure: flows::dump,
    },
    Workload {
        name: "del100k",
        what: "ovs-ofctl del-flows of 100,000 flows",
        unit: "s",
        better: Better::Less,
        dpdk: false,
        measure: flows::delete,
    },
    Workload {
        name: "native100k",
        what: "100,000 flow_mods and a barrier from a sender of ours, by a unix socket",
        unit: "flow_mods/s",
        better: Better::More,
        dpdk: false,
        measure: flows::native,
    },
    Workload {
        name: "native1m",
        what: "the same with a million",
        unit: "flow_mods/s",
        better: Better::More,
        dpdk: false,
        measure: flows::native_million,
    },
    Workload {
        name: "nativebundle1m",
        what: "a million flow_mods in one bundle from that sender, up to the answer to its commit",
        unit: "flow_mods/s",
        better: Better::More,
        dpdk: false,
        measure: flows::bundle_million,
    },
    Workload {
        name: "memory1m",
        what: "resident memory that each of a million flows adds",
        unit: "bytes",
        better: Better::Less,
        dpdk: false,
        measure: flows::memory,
    },
];

/// A figure with three digits that count, and thousands apart.
pub fn figure(value: f64) -> String {
    match value {
        v if v < 10.0 => format!("{v:.3}"),
        v if v < 1000.0 => format!("{v:.1}"),
        v => {
            let digits = format!("{v:.0}");
            let mut text = String::new();
            for (index, digit) in digits.chars().enumerate() {
                if index > 0 && (digits.len() - index).is_multiple_of(3) {
                    text.push(',');
                }
                text.push(digit);
            }
            text
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_short() {
        let shown = [0.12345, 9.5, 12.34, 999.9, 1000.0, 1_234_567.8].map(figure);
        assert_eq!(shown, ["0.123", "9.500", "12.3", "999.9", "1,000", "1,234,568"]);
    }

    #[test]
    fn ratios_above_one_are_ours() {
        assert!(Better::More.ratio(2.0, 1.0) > 1.0);
        assert!(Better::Less.ratio(1.0, 2.0) > 1.0);
    }
}
