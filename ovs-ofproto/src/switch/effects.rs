//! What workers have handed over: statistics, learning, new megaflows, packets for controllers.

use std::net::IpAddr;
use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::time::Duration;

use ovs_dpif::{Event, FlowStats};
use ovs_flow::OfPort;
use ovs_netdev::EtherAddr;

use super::rule_changes::RuleChange;
use super::{Switch, SwitchEvent};
use crate::bridge::BridgeState;
use crate::mac_learning::Learned;
use crate::revalidate::{Change, Changes, Megaflow, Revalidator};
use crate::snapshot::{BridgeId, Shared};
use crate::traffic::Traffic;
use crate::translate::{Dep, Push, Solicit};
use crate::upcall::{Message, Miss, NewFlow};

/// Where pushes go: everything of a switch that counts or learns.
pub(super) struct Sink<'a> {
    pub bridges: &'a mut std::collections::BTreeMap<String, BridgeState>,
    pub shared: &'a Shared,
    pub now: Duration,
    pub learned: Vec<(BridgeId, u64)>,
    pub flows: Vec<(BridgeId, RuleChange)>,
    /// Neighbours that were sent to, or that have told their address.
    neighbors: Vec<(Arc<str>, IpAddr, Option<EtherAddr>)>,
    solicits: Vec<Arc<Solicit>>,
}

/// What is to be done about what was pushed, once nothing is being pushed any more.
#[derive(Debug, Default)]
pub(super) struct News {
    flows: Vec<(BridgeId, RuleChange)>,
    neighbors: Vec<(Arc<str>, IpAddr, Option<EtherAddr>)>,
    solicits: Vec<Arc<Solicit>>,
}

impl<'a> Sink<'a> {
    /// For pushes to these bridges at this time.
    pub fn new(
        bridges: &'a mut std::collections::BTreeMap<String, BridgeState>,
        shared: &'a Shared,
        now: Duration,
    ) -> Self {
        let (learned, flows) = (Vec::new(), Vec::new());
        Self { bridges, shared, now, learned, flows, neighbors: Vec::new(), solicits: Vec::new() }
    }

    fn bridge(&mut self, id: BridgeId) -> Option<&mut BridgeState> {
        self.bridges.values_mut().find(|bridge| bridge.id == id)
    }

    /// Counts packets for everything in a list, and refreshes what they refresh.
    pub fn push(&mut self, list: &[Push], traffic: Traffic) {
        let Traffic { packets, mut bytes, used, .. } = traffic;
        for push in list {
            match push {
                Push::Rule(stats) => stats.add(packets, bytes, used),
                Push::Table { bridge, table, matched } => {
                    if let Some(bridge) = self.bridge(*bridge) {
                        bridge.tables.count(*table, *matched, packets);
                    }
                }
                Push::Learn { bridge, vlan, mac, port } => self.learn(*bridge, *vlan, *mac, *port),
                Push::LearnFlow { bridge, learned } => {
                    self.flows.push((*bridge, RuleChange::Learned(Arc::clone(learned))));
                }
                Push::FinTimeout { bridge, fin } if traffic.ends_connection() => {
                    self.flows.push((*bridge, RuleChange::Fin(Arc::clone(fin))));
                }
                Push::FinTimeout { .. } => {}
                Push::Patch { from, to } => self.count_patch(*from, *to, packets, bytes),
                Push::Tunnel { port, header, incoming } => {
                    self.count_tunnel(*port, *incoming, packets, bytes);
                    bytes += packets * u64::from(*header);
                }
                Push::TunnelEnd { header } => {
                    bytes = bytes.saturating_sub(packets * u64::from(*header));
                }
                Push::Neighbor { device, address, learned } => {
                    self.neighbors.push((Arc::clone(device), *address, *learned));
                }
                Push::Solicit(asked) => self.solicits.push(Arc::clone(asked)),
            }
        }
    }

    /// An address is as young as the news of its traffic, as the original has it.
    fn learn(&mut self, id: BridgeId, vlan: u16, mac: [u8; 6], port: OfPort) {
        let now = self.now;
        let Some(bridge) = self.bridge(id) else { return };
        if !bridge.ports.contains_key(&port) {
            return;
        }
        if let Learned::Changed { evicted } = bridge.macs.learn(vlan, mac, port, now) {
            self.shared.count_mac_change();
            self.learned.push((id, crate::mac_learning::mac_key(vlan, mac)));
            self.learned.extend(evicted.map(|key| (id, key)));
        }
    }

    fn count_patch(&mut self, from: (BridgeId, OfPort), to: (BridgeId, OfPort), packets: u64, bytes: u64) {
        if let Some(port) = self.bridge(from.0).and_then(|bridge| bridge.ports.get_mut(&from.1)) {
            port.counters.tx_packets += packets;
            port.counters.tx_bytes += bytes;
        }
        if let Some(port) = self.bridge(to.0).and_then(|bridge| bridge.ports.get_mut(&to.1)) {
            port.counters.rx_packets += packets;
            port.counters.rx_bytes += bytes;
        }
    }

    fn count_tunnel(&mut self, port: (BridgeId, OfPort), incoming: bool, packets: u64, bytes: u64) {
        let Some(port) = self.bridge(port.0).and_then(|bridge| bridge.ports.get_mut(&port.1)) else { return };
        if incoming {
            port.counters.rx_packets += packets;
            port.counters.rx_bytes += bytes;
        } else {
            port.counters.tx_packets += packets;
            port.counters.tx_bytes += bytes;
        }
    }

    /// Tells the revalidator which addresses are elsewhere now; gives what else is to be done.
    pub fn note_learned(self, changes: &mut Changes) -> News {
        for (bridge, key) in self.learned {
            changes.note(Change::Mac { bridge, key });
        }
        News { flows: self.flows, neighbors: self.neighbors, solicits: self.solicits }
    }
}

impl Switch {
    /// Does what the pushes lead to.
    pub(super) fn follow_up(&mut self, news: News) {
        self.change_by_packets(news.flows);
        for (device, address, learned) in news.neighbors {
            match learned {
                Some(mac) => self.learn_neighbor(&device, address, mac),
                None => self.net.neighbors.touch(&device, address, self.now),
            }
        }
        for asked in news.solicits {
            self.solicit(&asked);
        }
    }

    /// Takes in up to `budget` messages of workers; says how many.
    pub(super) fn take_messages(&mut self, budget: usize) -> usize {
        let mut taken = 0;
        while taken < budget {
            let Ok(message) = self.messages.try_recv() else { break };
            taken += 1;
            match *message {
                Message::Miss(miss) => self.take_miss(miss),
                Message::Refused { ufid, worker } => {
                    if let Some(flow) = self.revalidator.index.get_mut(&ufid) {
                        flow.seen.remove(&worker);
                        if flow.seen.is_empty() && !flow.busy {
                            self.revalidator.index.remove(&ufid);
                        }
                    }
                }
                Message::Punted(packet) => self.send_packet_in(&packet),
                Message::Held(held) => self.take_held(*held),
                Message::Heard(heard) => self.hear(&heard),
                Message::TooBig(long) => self.tell_too_big(&long),
            }
        }
        taken
    }

    /// Counts one translated packet, and does what it leads to.
    pub(super) fn push_packet(&mut self, push: &[Push], traffic: Traffic) {
        let mut sink = Sink::new(&mut self.bridges, &self.shared, self.now);
        sink.push(push, traffic);
        let news = sink.note_learned(&mut self.revalidator.changes);
        self.follow_up(news);
    }

    fn take_miss(&mut self, miss: Miss) {
        let Miss { now, bytes, tcp_flags, push, install } = miss;
        self.push_packet(&push, Traffic { packets: 1, bytes, used: now, tcp_flags });
        if let Some(new) = install {
            self.register(new, push, now);
        }
    }

    /// Remembers a megaflow that is being installed, and looks at it again if what it was made from has changed.
    pub(super) fn register(&mut self, new: NewFlow, push: Vec<Push>, now: Duration) {
        let NewFlow { ufid, worker, key, mask, actions, deps, frozen, age } = new;
        let stale = age.version != self.shared.version()
            || age.generation != self.world.generation
            || self.rules_changed
            || self.world_changed
            || age.macs != self.shared.mac_changes() && deps.iter().any(|dep| matches!(dep, Dep::Mac(..)));
        let mut flow = Megaflow {
            key,
            mask,
            actions,
            push,
            deps,
            frozen,
            seen: [(worker, FlowStats::default())].into(),
            created: now,
            used: now,
            round: self.revalidator.sweep.round,
            busy: false,
            again: false,
            doomed: false,
            next: None,
        };
        match self.revalidator.index.get_mut(&ufid) {
            Some(present) if present.busy => {
                present.next = Some(Box::new(flow));
                return;
            }
            Some(present) => {
                // On one more worker, or installed anew on the same one: counting goes on.
                flow.seen.extend(present.seen.iter().filter(|(w, _)| **w != worker).map(|(w, s)| (*w, *s)));
                flow.created = present.created;
            }
            None => {}
        }
        self.revalidator.index.insert(ufid, flow);
        if stale {
            self.revalidator.mark(ufid);
        }
    }

    /// Takes in what the datapath tells.
    pub(super) fn take_events(&mut self, now: Duration, ready: &mut dyn FnMut(BorrowedFd<'_>) -> bool) {
        let mut events = Vec::new();
        self.dpif.poll_ready(now, ready, &mut |event| events.push(event));
        for event in events {
            match event {
                Event::Done { ticket, result } => {
                    if self.settler.done(ticket) {
                        continue;
                    }
                    if self.operations.remove(&ticket) {
                        self.events.push(SwitchEvent::Operation { ticket, result });
                        continue;
                    }
                    let completion = result.ok();
                    self.with_revalidator(|revalidator, sink| {
                        revalidator.complete(ticket, completion.as_ref(), &mut |list, traffic| {
                            sink.push(list, traffic);
                        });
                    });
                }
                Event::FlowGone { ufid, worker, stats } => self.with_revalidator(|revalidator, sink| {
                    revalidator
                        .push_growth(ufid, worker, &stats, &mut |list, traffic| sink.push(list, traffic));
                    if let Some(flow) = revalidator.index.get_mut(&ufid) {
                        flow.seen.remove(&worker);
                        if flow.seen.is_empty() && !flow.busy {
                            revalidator.index.remove(&ufid);
                        }
                    }
                }),
                Event::PortChanged(port) => {
                    if let Some((bridge, number)) = self.by_dp.get(&port).cloned() {
                        self.port_changed(&bridge, number);
                    }
                }
                _ => {}
            }
        }
    }

    fn port_changed(&mut self, bridge: &str, number: OfPort) {
        if !self.refresh_port(bridge, number) {
            return;
        }
        let Some(name) = self.bridges.get(bridge).and_then(|b| b.ports.get(&number)).map(|p| p.name.clone())
        else {
            return;
        };
        self.world_changed = true;
        self.tell_port_modified(bridge, number);
        self.events.push(SwitchEvent::InterfaceChanged { bridge: bridge.to_owned(), interface: name });
    }

    /// Lets the revalidator work with a place to push counters to.
    pub(super) fn with_revalidator<R>(
        &mut self,
        work: impl FnOnce(&mut Revalidator, &mut Sink<'_>) -> R,
    ) -> R {
        let mut sink = Sink::new(&mut self.bridges, &self.shared, self.now);
        let result = work(&mut self.revalidator, &mut sink);
        let news = sink.note_learned(&mut self.revalidator.changes);
        self.follow_up(news);
        result
    }
}
