//! Ports, features and configuration.

use core::fmt::{self, Write};

use ovs_flow::OfPort;
use ovs_flow::text::PortNames;

use super::Context;
use crate::{
    Capabilities, ConfigFlags, Features, PortConfig, PortDesc, PortFeatures, PortMod, PortState, PortStats,
    PortStatus, PortStatusReason, QueueConfig, QueueProperty, SwitchConfig, Version,
};

/// Names of the bits that are set, with spaces between them; `none` if there are none.
fn bits(bits: u32, names: &[(u32, &str)], none: &str, out: &mut String) -> fmt::Result {
    let mut rest = bits;
    let mut separator = "";
    for (bit, name) in names {
        if bits & bit != 0 {
            write!(out, "{separator}{name}")?;
            separator = " ";
            rest &= !bit;
        }
    }
    if rest != 0 {
        write!(out, "{separator}{rest:#x}")?;
    } else if bits == 0 {
        out.write_str(none)?;
    }
    Ok(())
}

const CONFIG: [(u32, &str); 7] = [
    (PortConfig::PORT_DOWN.bits(), "PORT_DOWN"),
    (PortConfig::NO_STP.bits(), "NO_STP"),
    (PortConfig::NO_RECV.bits(), "NO_RECV"),
    (PortConfig::NO_RECV_STP.bits(), "NO_RECV_STP"),
    (PortConfig::NO_FLOOD.bits(), "NO_FLOOD"),
    (PortConfig::NO_FWD.bits(), "NO_FWD"),
    (PortConfig::NO_PACKET_IN.bits(), "NO_PACKET_IN"),
];

const FEATURES: [(u32, &str); 16] = [
    (PortFeatures::MB10_HD.bits(), "10MB-HD"),
    (PortFeatures::MB10_FD.bits(), "10MB-FD"),
    (PortFeatures::MB100_HD.bits(), "100MB-HD"),
    (PortFeatures::MB100_FD.bits(), "100MB-FD"),
    (PortFeatures::GB1_HD.bits(), "1GB-HD"),
    (PortFeatures::GB1_FD.bits(), "1GB-FD"),
    (PortFeatures::GB10_FD.bits(), "10GB-FD"),
    (PortFeatures::GB40_FD.bits(), "40GB-FD"),
    (PortFeatures::GB100_FD.bits(), "100GB-FD"),
    (PortFeatures::TB1_FD.bits(), "1TB-FD"),
    (PortFeatures::OTHER.bits(), "OTHER"),
    (PortFeatures::COPPER.bits(), "COPPER"),
    (PortFeatures::FIBER.bits(), "FIBER"),
    (PortFeatures::AUTONEG.bits(), "AUTO_NEG"),
    (PortFeatures::PAUSE.bits(), "AUTO_PAUSE"),
    (PortFeatures::PAUSE_ASYM.bits(), "AUTO_PAUSE_ASYM"),
];

const CAPABILITIES: [(u32, &str); 10] = [
    (Capabilities::FLOW_STATS.bits(), "FLOW_STATS"),
    (Capabilities::TABLE_STATS.bits(), "TABLE_STATS"),
    (Capabilities::PORT_STATS.bits(), "PORT_STATS"),
    (Capabilities::IP_REASM.bits(), "IP_REASM"),
    (Capabilities::QUEUE_STATS.bits(), "QUEUE_STATS"),
    (Capabilities::ARP_MATCH_IP.bits(), "ARP_MATCH_IP"),
    (Capabilities::GROUP_STATS.bits(), "GROUP_STATS"),
    (Capabilities::PORT_BLOCKED.bits(), "PORT_BLOCKED"),
    (Capabilities::BUNDLES.bits(), "BUNDLES"),
    (Capabilities::FLOW_MONITORING.bits(), "FLOW_MONITORING"),
];

/// The actions of 1.0, by number.
const ACTIONS: [&str; 12] = [
    "output",
    "set_vlan_vid",
    "set_vlan_pcp",
    "strip_vlan",
    "mod_dl_src",
    "mod_dl_dst",
    "mod_nw_src",
    "mod_nw_dst",
    "mod_nw_tos",
    "mod_tp_src",
    "mod_tp_dst",
    "enqueue",
];

fn mac(address: [u8; 6], out: &mut String) -> fmt::Result {
    address
        .iter()
        .enumerate()
        .try_for_each(|(i, byte)| write!(out, "{}{byte:02x}", if i > 0 { ":" } else { "" }))
}

fn state(state: PortState, out: &mut String) -> fmt::Result {
    const STATE: [(u32, &str); 3] = [
        (PortState::LINK_DOWN.bits(), "LINK_DOWN"),
        (PortState::BLOCKED.bits(), "BLOCKED"),
        (PortState::LIVE.bits(), "LIVE"),
    ];
    let stp = match state.intersection(PortState::STP_LEARN | PortState::STP_FORWARD) {
        both if both.is_empty() => "STP_LISTEN",
        PortState::STP_LEARN => "STP_LEARN",
        PortState::STP_FORWARD => "STP_FORWARD",
        _ => "STP_BLOCK",
    };
    let rest = state.difference(PortState::STP_LEARN | PortState::STP_FORWARD);
    let has_stp = stp != "STP_LISTEN";
    bits(rest.bits(), &STATE, if has_stp { "" } else { "0" }, out)?;
    match (has_stp, rest.is_empty()) {
        (false, _) => Ok(()),
        (true, true) => out.write_str(stp),
        (true, false) => write!(out, " {stp}"),
    }
}

/// What the switch does with fragments, and how much of a packet it sends.
pub(super) fn switch_config(config: SwitchConfig, _: Version, out: &mut String) -> fmt::Result {
    let frags = match config.flags.bits() & 3 {
        0 => "normal",
        1 => "drop",
        2 => "reassemble",
        _ => "nx-match",
    };
    write!(out, " frags={frags}")?;
    if config.flags.contains(ConfigFlags::INVALID_TTL_TO_CONTROLLER) {
        out.write_str(" invalid_ttl_to_controller")?;
    }
    write!(out, " miss_send_len={}", config.miss_send_len)
}

impl<P: PortNames> Context<'_, P> {
    pub(super) fn features(&self, features: &Features, out: &mut String) -> fmt::Result {
        writeln!(out, " dpid:{:016x}", features.datapath_id)?;
        write!(out, "n_tables:{}, n_buffers:{}", features.n_tables, features.n_buffers)?;
        if features.auxiliary_id != 0 {
            write!(out, ", auxiliary_id:{}", features.auxiliary_id)?;
        }
        out.write_str("\ncapabilities: ")?;
        bits(features.capabilities.bits(), &CAPABILITIES, "0", out)?;
        out.write_char('\n')?;
        if self.version == Version::V10 {
            out.write_str("actions:")?;
            // Output by a queue stands behind output.
            let order = [0, 11].into_iter().chain(1..11);
            for n in order.filter(|n| features.actions >> n & 1 == 1) {
                write!(out, " {}", ACTIONS[n])?;
            }
            out.write_char('\n')?;
        }
        features.ports.iter().try_for_each(|port| self.port_desc(port, out))
    }

    pub(super) fn port_desc(&self, desc: &PortDesc, out: &mut String) -> fmt::Result {
        out.write_char(' ')?;
        self.port(desc.port, out)?;
        write!(out, "({}): addr:", desc.name)?;
        mac(desc.hw_addr, out)?;
        out.write_str("\n     config:     ")?;
        bits(desc.config.bits(), &CONFIG, "0", out)?;
        out.write_str("\n     state:      ")?;
        state(desc.state, out)?;
        out.write_char('\n')?;
        for (name, features) in [
            ("current:    ", desc.current),
            ("advertised: ", desc.advertised),
            ("supported:  ", desc.supported),
            ("peer:       ", desc.peer),
        ] {
            if !features.is_empty() {
                write!(out, "     {name}")?;
                bits(features.bits(), &FEATURES, "0", out)?;
                out.write_char('\n')?;
            }
        }
        let (now, max) = (desc.current_speed / 1000, desc.max_speed / 1000);
        writeln!(out, "     speed: {now} Mbps now, {max} Mbps max")
    }

    pub(super) fn port_status(&self, status: &PortStatus, out: &mut String) -> fmt::Result {
        out.write_str(match status.reason {
            PortStatusReason::Add => " ADD:",
            PortStatusReason::Delete => " DEL:",
            PortStatusReason::Modify => " MOD:",
        })?;
        self.port_desc(&status.desc, out)
    }

    pub(super) fn port_mod(&self, change: &PortMod, out: &mut String) -> fmt::Result {
        out.write_str(" port: ")?;
        self.port(change.port, out)?;
        out.write_str(": addr:")?;
        mac(change.hw_addr, out)?;
        out.write_str("\n     config: ")?;
        bits(change.config.bits(), &CONFIG, "0", out)?;
        out.write_str("\n     mask:   ")?;
        bits(change.mask.bits(), &CONFIG, "0", out)?;
        out.write_str("\n     advertise: ")?;
        match change.advertise {
            None => out.write_str("UNCHANGED")?,
            Some(features) => bits(features.bits(), &FEATURES, "0", out)?,
        }
        out.write_char('\n')
    }

    pub(super) fn port_stats(&self, ports: &[PortStats], out: &mut String) -> fmt::Result {
        writeln!(out, " {} ports", ports.len())?;
        for stats in ports {
            let mut name = String::new();
            self.port(stats.port, &mut name)?;
            write!(out, "  port {name:>2}: ")?;
            counters(
                "rx",
                &[
                    ("pkts", stats.rx_packets),
                    ("bytes", stats.rx_bytes),
                    ("drop", stats.rx_dropped),
                    ("errs", stats.rx_errors),
                    ("frame", stats.rx_frame_errors),
                    ("over", stats.rx_over_errors),
                    ("crc", stats.rx_crc_errors),
                ],
                out,
            )?;
            out.write_str("           ")?;
            counters(
                "tx",
                &[
                    ("pkts", stats.tx_packets),
                    ("bytes", stats.tx_bytes),
                    ("drop", stats.tx_dropped),
                    ("errs", stats.tx_errors),
                    ("coll", stats.collisions),
                ],
                out,
            )?;
            if self.version >= Version::V13 {
                out.write_str("           duration=")?;
                super::flows::duration(stats.duration, out)?;
                out.write_char('\n')?;
            }
        }
        Ok(())
    }

    pub(super) fn queues(&self, port: OfPort, queues: &[QueueConfig], out: &mut String) -> fmt::Result {
        out.write_str(" port=")?;
        self.port(port, out)?;
        out.write_char('\n')?;
        for queue in queues {
            queue_line(queue.id, &queue.properties, out)?;
        }
        Ok(())
    }
}

/// A queue's rates.
pub(super) fn queue_line(id: u32, properties: &[QueueProperty], out: &mut String) -> fmt::Result {
    write!(out, "queue {id}:")?;
    for property in properties {
        let (name, rate) = match *property {
            QueueProperty::MinRate(rate) => ("min_rate", rate),
            QueueProperty::MaxRate(rate) => ("max_rate", rate),
        };
        write!(out, " {name}:")?;
        if rate <= 1000 {
            write!(out, "{}.{}%", rate / 10, rate % 10)?;
        } else {
            out.write_str("(disabled)")?;
        }
    }
    out.write_char('\n')
}

fn counters(side: &str, list: &[(&str, u64)], out: &mut String) -> fmt::Result {
    write!(out, "{side} ")?;
    for (i, (name, n)) in list.iter().enumerate() {
        write!(out, "{}{name}=", if i > 0 { ", " } else { "" })?;
        super::stats::count(*n, out)?;
    }
    out.write_char('\n')
}
