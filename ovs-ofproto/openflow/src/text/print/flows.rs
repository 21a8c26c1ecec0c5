//! Flows: changes, ends, statistics, monitors.

use core::fmt::{self, Write};
use core::time::Duration;

use ovs_flow::text::PortNames;
use ovs_flow::{Match, OfPort, TableId};

use super::Context;
use crate::text::{ActionsDisplay, RuleDisplay};
use crate::{
    FlowEvent, FlowFilter, FlowMod, FlowModCommand, FlowModFlags, FlowRemoved, FlowRemovedReason, FlowStats,
    FlowUpdate, MonitorFlags, MonitorRequest, Version,
};

/// Seconds, with as many decimals as it takes: none, three, or nine.
pub(super) fn duration(duration: Duration, out: &mut String) -> fmt::Result {
    write!(out, "{}", duration.as_secs())?;
    let nanos = duration.subsec_nanos();
    if nanos != 0 && nanos.is_multiple_of(1_000_000) {
        write!(out, ".{:03}", nanos / 1_000_000)?;
    } else if nanos != 0 {
        write!(out, ".{nanos:09}")?;
    }
    out.write_char('s')
}

/// Why a flow went.
fn reason(reason: FlowRemovedReason, out: &mut String) -> fmt::Result {
    out.write_str(match reason {
        FlowRemovedReason::IdleTimeout => "idle",
        FlowRemovedReason::HardTimeout => "hard",
        FlowRemovedReason::Delete => "delete",
        FlowRemovedReason::GroupDelete => "group_delete",
        FlowRemovedReason::MeterDelete => "meter_delete",
        FlowRemovedReason::Eviction => "eviction",
        FlowRemovedReason::Unknown(n) => return write!(out, "{n}"),
    })
}

/// A flag is written with a space behind.
fn flags(flags: FlowModFlags, version: Version, out: &mut String) -> fmt::Result {
    for (flag, name) in [
        (FlowModFlags::SEND_FLOW_REM, "send_flow_rem "),
        (FlowModFlags::CHECK_OVERLAP, "check_overlap "),
        (FlowModFlags::RESET_COUNTS, "reset_counts "),
        (FlowModFlags::NO_PKT_COUNTS, "no_packet_counts "),
        (FlowModFlags::NO_BYT_COUNTS, "no_byte_counts "),
    ] {
        // Before 1.2 it goes without saying.
        let implied = flag == FlowModFlags::RESET_COUNTS && version < Version::V12;
        if flags.contains(flag) && !implied {
            out.write_str(name)?;
        }
    }
    Ok(())
}

/// One space between what stands and what comes.
fn space(out: &mut String) -> fmt::Result {
    if out.ends_with(' ') { Ok(()) } else { out.write_char(' ') }
}

impl<P: PortNames> Context<'_, P> {
    fn rule(&self, matching: &Match, priority: u16, out: &mut String) -> fmt::Result {
        write!(out, "{}", RuleDisplay::new(matching, priority).with_ports(self.ports))
    }

    fn matching(&self, matching: &Match, out: &mut String) -> fmt::Result {
        self.rule(matching, FlowMod::DEFAULT_PRIORITY, out)
    }

    pub(super) fn flow_mod(&self, change: &FlowMod, out: &mut String) -> fmt::Result {
        out.write_str(match change.command {
            FlowModCommand::Add => " ADD",
            FlowModCommand::Modify => " MOD",
            FlowModCommand::ModifyStrict => " MOD_STRICT",
            FlowModCommand::Delete => " DEL",
            FlowModCommand::DeleteStrict => " DEL_STRICT",
        })?;
        if change.table.0 != 0 {
            write!(out, " table:{}", change.table)?;
        }
        out.write_char(' ')?;
        self.rule(&change.matching, change.priority, out)?;
        space(out)?;
        if change.new_cookie != 0 && change.new_cookie != u64::MAX {
            write!(out, "cookie:{:#x} ", change.new_cookie)?;
        }
        if change.cookie_mask != 0 {
            write!(out, "cookie:{:#x}/{:#x} ", change.cookie, change.cookie_mask)?;
        }
        for (name, value) in
            [("idle", change.idle_timeout), ("hard", change.hard_timeout), ("importance", change.importance)]
        {
            if value != 0 {
                write!(out, "{name}:{value} ")?;
            }
        }
        if let Some(id) = change.buffer_id {
            write!(out, "buf:{id:#x} ")?;
        }
        if change.out_port != OfPort::NONE {
            out.write_str("out_port:")?;
            self.port(change.out_port, out)?;
            out.write_char(' ')?;
        }
        flags(change.flags, self.version, out)?;
        write!(out, "actions={}", ActionsDisplay::with_ports(&change.actions, self.ports))
    }

    pub(super) fn flow_removed(&self, removed: &FlowRemoved, out: &mut String) -> fmt::Result {
        out.write_char(' ')?;
        self.rule(&removed.matching, removed.priority, out)?;
        out.write_str(" reason=")?;
        reason(removed.reason, out)?;
        if removed.table != TableId::ALL {
            write!(out, " table_id={}", removed.table)?;
        }
        if removed.cookie != 0 {
            write!(out, " cookie:{:#x}", removed.cookie)?;
        }
        out.write_str(" duration")?;
        duration(removed.duration, out)?;
        write!(out, " idle{}", removed.idle_timeout)?;
        if removed.hard_timeout != 0 {
            write!(out, " hard{}", removed.hard_timeout)?;
        }
        write!(out, " pkts{} bytes{}", removed.packets, removed.bytes)
    }

    pub(super) fn filter(&self, filter: &FlowFilter, out: &mut String) -> fmt::Result {
        if filter.table != TableId::ALL {
            write!(out, " table={}", filter.table)?;
        }
        if filter.out_port != OfPort::NONE {
            out.write_str(" out_port=")?;
            self.port(filter.out_port, out)?;
        }
        out.write_char(' ')?;
        self.matching(&filter.matching, out)
    }

    pub(super) fn flow_stats(&self, flow: &FlowStats, out: &mut String) -> fmt::Result {
        let facts = &flow.facts;
        write!(out, "\n cookie={:#x}, duration=", facts.cookie)?;
        duration(facts.duration, out)?;
        write!(out, ", table={}, n_packets=", facts.table)?;
        super::stats::count(facts.packets, out)?;
        out.write_str(", n_bytes=")?;
        super::stats::count(facts.bytes, out)?;
        out.write_str(", ")?;
        if facts.idle_timeout != 0 {
            write!(out, "idle_timeout={}, ", facts.idle_timeout)?;
        }
        if facts.hard_timeout != 0 {
            write!(out, "hard_timeout={}, ", facts.hard_timeout)?;
        }
        flags(facts.flags, self.version, out)?;
        if facts.importance != 0 {
            write!(out, "importance={}, ", facts.importance)?;
        }
        if let Some(age) = facts.idle_age {
            write!(out, "idle_age={age}, ")?;
        }
        // The age since the last change is told where it is another than that since the first.
        if let Some(age) = facts.hard_age.filter(|age| u64::from(*age) != facts.duration.as_secs()) {
            write!(out, "hard_age={age}, ")?;
        }
        self.rule(&flow.matching, facts.priority, out)?;
        space(out)?;
        write!(out, "actions={}", ActionsDisplay::with_ports(&flow.actions, self.ports))
    }

    pub(super) fn monitor(&self, request: &MonitorRequest, out: &mut String) -> fmt::Result {
        write!(out, "\n id={} flags=", request.id)?;
        let own = if self.version >= Version::V14 { "only_own" } else { "own" };
        let mut comma = "";
        for (flag, name) in [
            (MonitorFlags::INITIAL, "initial"),
            (MonitorFlags::ADD, "add"),
            (MonitorFlags::REMOVED, "delete"),
            (MonitorFlags::MODIFY, "modify"),
            (MonitorFlags::INSTRUCTIONS, "actions"),
            (MonitorFlags::NO_ABBREV, "no_abbrev"),
            (MonitorFlags::ONLY_OWN, own),
        ] {
            if request.flags.contains(flag) {
                write!(out, "{comma}{name}")?;
                comma = ",";
            }
        }
        if request.out_port != OfPort::NONE {
            out.write_str(" out_port=")?;
            self.port(request.out_port, out)?;
        }
        if request.table != TableId::ALL {
            write!(out, " table={}", request.table)?;
        }
        out.write_char(' ')?;
        self.matching(&request.matching, out)?;
        let end = out.trim_end_matches(' ').len();
        out.truncate(end);
        Ok(())
    }

    pub(super) fn update(&self, update: &FlowUpdate, out: &mut String) -> fmt::Result {
        out.write_str("\n event=")?;
        let full = match update {
            FlowUpdate::Abbrev(xid) => return write!(out, "ABBREV xid={xid:#x}"),
            FlowUpdate::Paused => return out.write_str("PAUSED"),
            FlowUpdate::Resumed => return out.write_str("RESUMED"),
            FlowUpdate::Full(full) => full,
        };
        match full.event {
            FlowEvent::Initial => out.write_str("INITIAL")?,
            FlowEvent::Added => out.write_str("ADDED")?,
            FlowEvent::Modified => out.write_str("MODIFIED")?,
            FlowEvent::Removed(why) => {
                out.write_str("DELETED reason=")?;
                reason(why, out)?;
            }
        }
        write!(out, " table={}", full.table)?;
        if full.idle_timeout != 0 {
            write!(out, " idle_timeout={}", full.idle_timeout)?;
        }
        if full.hard_timeout != 0 {
            write!(out, " hard_timeout={}", full.hard_timeout)?;
        }
        write!(out, " cookie={:#x} ", full.cookie)?;
        self.matching(&full.matching, out)?;
        if !full.actions.is_empty() {
            space(out)?;
            write!(out, "actions={}", ActionsDisplay::with_ports(&full.actions, self.ports))?;
        }
        let end = out.trim_end_matches(' ').len();
        out.truncate(end);
        Ok(())
    }
}
