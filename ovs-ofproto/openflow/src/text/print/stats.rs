//! Requests for statistics, and answers.

use core::fmt::{self, Write};

use ovs_flow::OfPort;
use ovs_flow::text::PortNames;

use super::{Context, flows, ports, small};
use crate::text::meter::{MeterId, write_flags};
use crate::text::{GroupDisplay, MeterDisplay};
use crate::{
    GroupFeatures, GroupMod, GroupStats, IpfixStats, MeterFeatures, MeterStats, QueueStats, StatsReply,
    StatsReplyBody, StatsRequest, SwitchDesc, TableStats, Version,
};

/// A counter; `?` where it is not known.
pub(super) fn count(n: u64, out: &mut String) -> fmt::Result {
    if n == u64::MAX { out.write_char('?') } else { write!(out, "{n}") }
}

impl<P: PortNames> Context<'_, P> {
    pub(super) fn stats_request(&self, request: &StatsRequest, out: &mut String) -> fmt::Result {
        match request {
            StatsRequest::Flow(filter, _) | StatsRequest::Aggregate(filter, _) => self.filter(filter, out),
            StatsRequest::Port(port) => {
                out.write_str(" port_no=")?;
                self.port(*port, out)
            }
            StatsRequest::PortDesc(port) | StatsRequest::QueueDesc { port, .. } => {
                out.write_str(" port=")?;
                self.port(*port, out)
            }
            StatsRequest::Queue { port, queue } => {
                out.write_str(" port=")?;
                // 1.0 says ALL where later versions say ANY.
                let all = self.version == Version::V10 && *port == OfPort::ALL;
                self.port(if all { OfPort::NONE } else { *port }, out)?;
                out.write_str(" queue=")?;
                queue_id(*queue, out)
            }
            StatsRequest::Group(id) | StatsRequest::GroupDesc(id) => match *id {
                GroupMod::ALL => out.write_str(" group_id=ALL"),
                id => write!(out, " group_id={id}"),
            },
            StatsRequest::Meter(id) | StatsRequest::MeterConfig(id) => write!(out, " meter={}", MeterId(*id)),
            StatsRequest::FlowMonitor(monitors) => {
                monitors.iter().try_for_each(|request| self.monitor(request, out))
            }
            _ => Ok(()),
        }
    }

    pub(super) fn stats_reply(&self, reply: &StatsReply, out: &mut String) -> fmt::Result {
        if reply.more {
            out.write_str(" ***more to come***")?;
        }
        match &reply.body {
            StatsReplyBody::Desc(desc) => switch_desc(desc, out),
            StatsReplyBody::Flow(list, _) => list.iter().try_for_each(|flow| self.flow_stats(flow, out)),
            StatsReplyBody::Aggregate(sums, _) => write!(
                out,
                " packet_count={} byte_count={} flow_count={}",
                sums.packets, sums.bytes, sums.flows
            ),
            StatsReplyBody::Table(list) => self.tables(list, out),
            StatsReplyBody::Port(list) => self.port_stats(list, out),
            StatsReplyBody::Queue(list) => self.queue_stats(list, out),
            StatsReplyBody::PortDesc(list) => {
                out.write_char('\n')?;
                list.iter().try_for_each(|port| self.port_desc(port, out))
            }
            StatsReplyBody::Group(list) => list.iter().try_for_each(|group| group_stats(group, out)),
            StatsReplyBody::GroupDesc(list) => list
                .iter()
                .try_for_each(|group| write!(out, "\n {}", GroupDisplay::of_desc(group, self.ports))),
            StatsReplyBody::GroupFeatures(features) => group_features(features, self.version, out),
            StatsReplyBody::Meter(list) => list.iter().try_for_each(|meter| meter_stats(meter, out)),
            StatsReplyBody::MeterConfig(list) => {
                list.iter().try_for_each(|meter| write!(out, "\n{}", MeterDisplay(meter)))
            }
            StatsReplyBody::MeterFeatures(features) => meter_features(*features, out),
            StatsReplyBody::TableDesc(list) => list.iter().try_for_each(|desc| small::table_desc(desc, out)),
            StatsReplyBody::QueueDesc(list) => self.queue_descs(list, out),
            StatsReplyBody::FlowMonitor(list) => list.iter().try_for_each(|update| self.update(update, out)),
            StatsReplyBody::IpfixBridge(stats) => {
                out.write_char('\n')?;
                ipfix("  bridge ipfix: ", stats, out)
            }
            StatsReplyBody::IpfixFlow(list) => {
                writeln!(out, " {} ids", list.len())?;
                list.iter()
                    .try_for_each(|stats| ipfix(&format!("  id {:3}: ", stats.collector_set), stats, out))
            }
            StatsReplyBody::TableFeatures(list) => list
                .iter()
                .try_for_each(|table| write!(out, "\n  table {} (\"{}\")", table.table, table.name)),
        }
    }

    fn tables(&self, list: &[TableStats], out: &mut String) -> fmt::Result {
        for table in list {
            write!(out, "\n  table {}", table.table)?;
            if !table.name.is_empty() {
                write!(out, " (\"{}\")", table.name)?;
            }
            write!(
                out,
                ":\n    active={}, lookup={}, matched={}",
                table.active, table.lookups, table.matched
            )?;
            if matches!(self.version, Version::V11 | Version::V12) {
                let miss = ["controller", "continue", "drop"].get(table.abilities.config as usize & 3);
                write!(out, "\n    config={}", miss.unwrap_or(&"unknown"))?;
            }
            if self.version < Version::V13 {
                write!(out, "\n    max_entries={}", table.max_entries)?;
            }
            out.write_char('\n')?;
        }
        Ok(())
    }

    fn queue_stats(&self, list: &[QueueStats], out: &mut String) -> fmt::Result {
        writeln!(out, " {} queues", list.len())?;
        for stats in list {
            out.write_str("  port ")?;
            self.port(stats.port, out)?;
            out.write_str(" queue ")?;
            queue_id(stats.queue, out)?;
            for (name, n) in
                [(": bytes=", stats.tx_bytes), (", pkts=", stats.tx_packets), (", errors=", stats.tx_errors)]
            {
                out.write_str(name)?;
                count(n, out)?;
            }
            out.write_str(", duration=")?;
            if self.version >= Version::V13 {
                flows::duration(stats.duration, out)?;
            } else {
                out.write_char('?')?;
            }
            out.write_char('\n')?;
        }
        Ok(())
    }

    fn queue_descs(&self, list: &[crate::QueueDesc], out: &mut String) -> fmt::Result {
        let mut last = None;
        for desc in list {
            if last != Some(desc.port) {
                out.write_str(" port=")?;
                self.port(desc.port, out)?;
                out.write_char('\n')?;
                last = Some(desc.port);
            }
            ports::queue_line(desc.queue, &desc.properties, out)?;
        }
        Ok(())
    }
}

fn queue_id(queue: u32, out: &mut String) -> fmt::Result {
    if queue == QueueStats::ALL { out.write_str("ALL") } else { write!(out, "{queue}") }
}

fn switch_desc(desc: &SwitchDesc, out: &mut String) -> fmt::Result {
    write!(
        out,
        "\nManufacturer: {}\nHardware: {}\nSoftware: {}\nSerial Num: {}\nDP Description: {}\n",
        desc.manufacturer, desc.hardware, desc.software, desc.serial, desc.datapath
    )
}

fn group_stats(group: &GroupStats, out: &mut String) -> fmt::Result {
    write!(out, "\n group_id={},", group.group)?;
    if let Some(duration) = group.duration {
        out.write_str("duration=")?;
        flows::duration(duration, out)?;
        out.write_char(',')?;
    }
    write!(out, "ref_count={},packet_count={},byte_count={}", group.references, group.packets, group.bytes)?;
    for (i, (packets, bytes)) in group.buckets.iter().enumerate() {
        write!(out, ",bucket{i}:packet_count={packets},byte_count={bytes}")?;
    }
    Ok(())
}

/// The actions of group buckets in the order in which the tools name them, with their number in 1.1 and later.
const GROUP_ACTIONS: [(u32, &str); 12] = [
    (0, "output"),
    (22, "group"),
    (25, "set_field"),
    (18, "strip_vlan"),
    (17, "push_vlan"),
    (23, "mod_nw_ttl"),
    (24, "dec_ttl"),
    (15, "set_mpls_ttl"),
    (16, "dec_mpls_ttl"),
    (19, "push_mpls"),
    (20, "pop_mpls"),
    (21, "set_queue"),
];

fn group_features(features: &GroupFeatures, version: Version, out: &mut String) -> fmt::Result {
    write!(
        out,
        "\n Group table:\n    Types:  {:#x}\n    Capabilities:  {:#x}\n",
        features.types, features.capabilities
    )?;
    for (i, name) in ["all", "select", "indirect", "fast failover"].into_iter().enumerate() {
        if features.types >> i & 1 == 0 {
            continue;
        }
        write!(out, "    {name} group:\n       max_groups={:#x}\n       actions: ", features.max_groups[i])?;
        let known = if version == Version::V10 { 1 } else { GROUP_ACTIONS.len() };
        let names: Vec<&str> = GROUP_ACTIONS[..known]
            .iter()
            .filter(|(bit, _)| features.actions[i] >> bit & 1 == 1)
            .map(|(_, name)| *name)
            .collect();
        writeln!(out, "{}", names.join(" "))?;
    }
    Ok(())
}

fn meter_stats(meter: &MeterStats, out: &mut String) -> fmt::Result {
    write!(
        out,
        "\nmeter:{} flow_count:{} packet_in_count:{} byte_in_count:{} duration:",
        MeterId(meter.meter),
        meter.flows,
        meter.packets,
        meter.bytes
    )?;
    flows::duration(meter.duration, out)?;
    out.write_str(" bands:\n")?;
    for (i, (packets, bytes)) in meter.bands.iter().enumerate() {
        writeln!(out, "{i}: packet_count:{packets} byte_count:{bytes}")?;
    }
    Ok(())
}

fn meter_features(features: MeterFeatures, out: &mut String) -> fmt::Result {
    write!(
        out,
        "\nmax_meter:{} max_bands:{} max_color:{}\nband_types: ",
        features.max_meters, features.max_bands, features.max_color
    )?;
    let names = [(1, "drop"), (2, "dscp_remark")];
    let names: Vec<&str> = names
        .into_iter()
        .filter(|(bit, _)| features.band_types >> bit & 1 == 1)
        .map(|(_, name)| name)
        .collect();
    out.write_str(&names.join(" "))?;
    out.write_str("\ncapabilities: ")?;
    write_flags(features.capabilities, out)?;
    out.write_char('\n')
}

/// Two lines, the second of which begins where the first one's counters do.
fn ipfix(head: &str, stats: &IpfixStats, out: &mut String) -> fmt::Result {
    writeln!(
        out,
        "{head}flows={}, current flows={}, sampled pkts={}, ipv4 ok={}, ipv6 ok={}, tx pkts={}",
        stats.total_flows,
        stats.current_flows,
        stats.packets,
        stats.ipv4_packets,
        stats.ipv6_packets,
        stats.tx_packets
    )?;
    writeln!(
        out,
        "{:width$}pkts errs={}, ipv4 errs={}, ipv6 errs={}, tx errs={}",
        "",
        stats.errors,
        stats.ipv4_errors,
        stats.ipv6_errors,
        stats.tx_errors,
        width = head.len()
    )
}
