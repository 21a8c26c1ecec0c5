//! Flow monitors: who wants to know of changes of flows is told, after each request, in the request's words.
//!
//! A connection whose other side does not read is told that telling pauses, and afterwards only that flows went which it
//! knew. When it has read everything, what came or changed meanwhile is told at once, and telling goes on.

use std::collections::BTreeMap;
use std::time::Duration;

use ovs_classifier::{RuleRef, Version as TableVersion};
use ovs_flow::{OfPort, TableId};
use ovs_openflow::{
    Action, FlowEvent, FlowMod, FlowUpdate, FlowUpdateFull, Message, MonitorCommand, MonitorFlags,
    MonitorRequest, OfError, StatsReply, StatsReplyBody, Version,
};

use super::connection::{ConnId, Connection};
use crate::bridge::{BridgeState, Criteria, RuleEvent};
use crate::rule::{Flow, told_match};
use crate::switch::Switch;

/// Monitors that a connection may have.
const MONITORS: usize = 1024;
/// With this much output waiting, telling pauses.
const PAUSE: usize = 128 << 10;

/// Since when nothing is told.
#[derive(Clone, Copy, Debug)]
struct Pause {
    /// The version that changes are made for since then.
    version: TableVersion,
    at: Duration,
}

/// The monitors of a connection.
#[derive(Debug, Default)]
pub(in crate::switch) struct Monitors {
    requests: BTreeMap<u32, MonitorRequest>,
    paused: Option<Pause>,
}

impl Monitors {
    pub fn is_empty(&self) -> bool {
        self.requests.is_empty()
    }

    /// Whether telling can go on, with so much output waiting.
    fn may_resume(&self, waiting: usize) -> bool {
        self.paused.is_some() && waiting == 0
    }

    /// Checks and carries out a request; gives the monitors whose flows are to be told at first.
    fn change(
        &mut self,
        requests: Vec<MonitorRequest>,
        version: Version,
    ) -> Result<Vec<MonitorRequest>, OfError> {
        let mut after = self.requests.clone();
        let mut initial = Vec::new();
        for request in requests {
            if request.table != TableId::ALL && request.table >= TableId::INTERNAL {
                let new = version >= Version::V14;
                return Err(if new { OfError::MofcBadTableId } else { OfError::BrcBadTableId });
            }
            match request.command {
                MonitorCommand::Add if after.contains_key(&request.id) => {
                    return Err(OfError::MofcMonitorExists);
                }
                MonitorCommand::Add if after.len() >= MONITORS => return Err(OfError::MofcUnknown),
                MonitorCommand::Modify | MonitorCommand::Delete if !after.contains_key(&request.id) => {
                    return Err(OfError::MofcUnknownMonitor);
                }
                _ => {}
            }
            if request.command == MonitorCommand::Delete {
                after.remove(&request.id);
                continue;
            }
            if request.flags.contains(MonitorFlags::INITIAL) {
                initial.push(request.clone());
            }
            after.insert(request.id, request);
        }
        self.requests = after;
        Ok(initial)
    }

    /// What the monitors that watch this rule for one of these events say together.
    fn flags(&self, rule: &RuleRef<Flow>, old: Option<&RuleRef<Flow>>, events: MonitorFlags) -> MonitorFlags {
        let mut flags = MonitorFlags::empty();
        for request in self.requests.values().filter(|request| request.flags.intersects(events)) {
            if watches(request, rule, old) {
                flags |= request.flags;
            }
        }
        flags
    }
}

/// Whether a monitor is for this rule: by table, by what it does or did, and by match.
fn watches(request: &MonitorRequest, rule: &RuleRef<Flow>, old: Option<&RuleRef<Flow>>) -> bool {
    let flow = rule.value();
    if request.table != TableId::ALL && request.table != flow.table {
        return false;
    }
    let lists = || std::iter::once(rule).chain(old).map(|rule| &*rule.value().actions);
    let port = request.out_port == OfPort::NONE
        || lists().any(|list| Action::list_outputs_to(list, request.out_port));
    let group = request.out_group == FlowMod::ANY_GROUP
        || lists().any(|list| Action::list_uses_group(list, request.out_group));
    let matching = rule.to_match();
    let covered = matching.mask.covers(&request.matching.mask)
        && request.matching.mask.agree(&matching.key, &request.matching.key);
    port && group && covered
}

/// What is told of one flow.
fn update(event: FlowEvent, rule: &RuleRef<Flow>, flags: MonitorFlags) -> FlowUpdate {
    let flow = rule.value();
    let actions = if flags.contains(MonitorFlags::INSTRUCTIONS) { flow.actions.to_vec() } else { Vec::new() };
    FlowUpdate::Full(Box::new(FlowUpdateFull {
        event,
        table: flow.table,
        priority: rule.priority() as u16,
        idle_timeout: flow.idle_timeout,
        hard_timeout: flow.hard_timeout,
        cookie: flow.cookie,
        matching: told_match(rule),
        actions,
    }))
}

const fn wanted_by(event: FlowEvent) -> MonitorFlags {
    match event {
        FlowEvent::Initial => MonitorFlags::INITIAL,
        FlowEvent::Added => MonitorFlags::ADD,
        FlowEvent::Removed(_) => MonitorFlags::REMOVED,
        FlowEvent::Modified => MonitorFlags::MODIFY,
    }
}

impl Connection {
    /// What this connection is told of events; `own` is the transaction, if it asked for them itself.
    fn updates_of(&self, events: &[RuleEvent], own: Option<u32>) -> Vec<FlowUpdate> {
        let (mut updates, mut short) = (Vec::new(), false);
        for RuleEvent { event, rule, old } in events {
            let removed = matches!(event, FlowEvent::Removed(_));
            if self.monitors.paused.is_some_and(|pause| !removed || rule.value().created > pause.at) {
                continue;
            }
            let flags = self.monitors.flags(rule, old.as_ref(), wanted_by(*event));
            if flags.is_empty() {
                continue;
            }
            // What 1.4 calls "only own" the original takes for what its extension has in that place: its own as
            // others'. The distribution's `ovs-ofctl` asks for that.
            let whole = flags.intersects(MonitorFlags::NO_ABBREV | MonitorFlags::ONLY_OWN);
            match own {
                Some(xid) if !whole && self.monitors.paused.is_none() => {
                    if !std::mem::replace(&mut short, true) {
                        updates.push(FlowUpdate::Abbrev(xid));
                    }
                }
                _ => {
                    updates.push(update(*event, rule, flags));
                    short = false;
                }
            }
        }
        updates
    }

    fn send_updates(&mut self, xid: u32, updates: Vec<FlowUpdate>) {
        self.send(
            xid,
            &Message::StatsReply(Box::new(StatsReply::from(StatsReplyBody::FlowMonitor(updates)))),
        );
    }

    /// Says that telling pauses, or goes on.
    fn send_pause(&mut self, paused: bool) {
        let new = self.protocol.is_some_and(|protocol| protocol.version >= Version::V14);
        match (new, paused) {
            (true, true) => self.send_updates(0, vec![FlowUpdate::Paused]),
            (true, false) => self.send_updates(0, vec![FlowUpdate::Resumed]),
            (false, true) => self.send(0, &Message::FlowMonitorPaused),
            (false, false) => self.send(0, &Message::FlowMonitorResumed),
        }
    }
}

/// The rules that a monitor is for, by table and order of insertion.
fn select(bridge: &mut BridgeState, request: &MonitorRequest, version: TableVersion) -> Vec<RuleRef<Flow>> {
    let criteria = Criteria {
        table: request.table,
        matching: &request.matching,
        strict: None,
        cookie: 0,
        cookie_mask: 0,
        out_port: request.out_port,
        out_group: request.out_group,
        hidden: false,
    };
    bridge.select(&criteria, version)
}

/// The rules of several monitors, each once, with what the monitors say together.
fn select_all(
    bridge: &mut BridgeState,
    requests: &[MonitorRequest],
    version: TableVersion,
) -> Vec<(RuleRef<Flow>, MonitorFlags)> {
    let mut found: BTreeMap<(u8, u64), (RuleRef<Flow>, MonitorFlags)> = BTreeMap::new();
    for request in requests {
        for rule in select(bridge, request, version) {
            let key = (rule.value().table.0, rule.serial());
            found.entry(key).or_insert((rule, MonitorFlags::empty())).1 |= request.flags;
        }
    }
    found.into_values().collect()
}

impl Switch {
    pub(super) fn serve_flow_monitor(
        &mut self,
        id: ConnId,
        xid: u32,
        mut requests: Vec<MonitorRequest>,
    ) -> Result<(), OfError> {
        let version = self.version;
        let bridge = self.bridge_of(id)?;
        for request in &mut requests {
            bridge.place_options(&mut request.matching)?;
        }
        let Some(conn) = self.connections.get_mut(&id) else { return Ok(()) };
        let spoken = conn.protocol.map_or(Version::V10, |protocol| protocol.version);
        let initial = conn.monitors.change(requests, spoken)?;
        let name = conn.bridge.clone();
        self.count_monitors(&name);
        let Some(bridge) = self.bridges.get_mut(&name) else { return Err(OfError::BrcEperm) };
        let rules = select_all(bridge, &initial, version);
        let updates = rules.iter().map(|(rule, flags)| update(FlowEvent::Initial, rule, *flags)).collect();
        if let Some(conn) = self.connections.get_mut(&id) {
            conn.send_updates(xid, updates);
        }
        Ok(())
    }

    pub(super) fn cancel_monitor(&mut self, id: ConnId, monitor: u32) -> Result<(), OfError> {
        let Some(conn) = self.connections.get_mut(&id) else { return Ok(()) };
        conn.monitors.requests.remove(&monitor).ok_or(OfError::MofcUnknownMonitor)?;
        let name = conn.bridge.clone();
        self.count_monitors(&name);
        Ok(())
    }

    /// Remembers whether anybody watches a bridge: otherwise changes need not be collected.
    pub(super) fn count_monitors(&mut self, name: &str) {
        let watched = self.connections.values().any(|conn| conn.bridge == name && !conn.monitors.is_empty());
        if let Some(bridge) = self.bridges.get_mut(name) {
            bridge.watched = watched;
        }
    }

    /// Tells those who watch a bridge what has happened to its rules.
    pub(in crate::switch) fn tell_monitors(&mut self, name: &str, events: &[RuleEvent]) {
        let (source, pause) = (self.source, Pause { version: self.version, at: self.now });
        let watching = |conn: &&mut Connection| conn.bridge == name && !conn.monitors.is_empty();
        let connections = self.connections.iter_mut().map(|(id, conn)| (*id, conn));
        for (id, conn) in connections.filter(|(_, conn)| watching(conn)) {
            let own = source.filter(|(source, _)| *source == id).map(|(_, xid)| xid);
            let updates = conn.updates_of(events, own);
            if !updates.is_empty() {
                conn.send_updates(0, updates);
            }
            if conn.monitors.paused.is_none() && conn.output.len() > PAUSE {
                conn.monitors.paused = Some(pause);
                conn.send_pause(true);
            }
        }
    }

    /// Goes on telling those who have read everything.
    pub(in crate::switch) fn resume_monitors(&mut self) {
        let version = self.version;
        for conn in self.connections.values_mut() {
            if !conn.monitors.may_resume(conn.output.len()) {
                continue;
            }
            let Some(pause) = conn.monitors.paused.take() else { continue };
            let Some(bridge) = self.bridges.get_mut(&conn.bridge) else { continue };
            let requests: Vec<MonitorRequest> = conn.monitors.requests.values().cloned().collect();
            let mut updates = Vec::new();
            for (rule, flags) in select_all(bridge, &requests, version) {
                let event =
                    if rule.value().created >= pause.at { FlowEvent::Added } else { FlowEvent::Modified };
                if rule.added_in() >= pause.version && flags.intersects(wanted_by(event)) {
                    updates.push(update(event, &rule, flags));
                }
            }
            if !updates.is_empty() {
                conn.send_updates(0, updates);
            }
            conn.send_pause(false);
        }
    }
}
