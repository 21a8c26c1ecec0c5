//! Sessions of forwarding detection on the switch's ports: configured with them, heard by workers, sent by the control side.

use std::collections::BTreeMap;
use std::time::Duration;

use ahash::RandomState;
use ovs_flow::OfPort;
use ovs_openflow::Action;

use super::{Switch, SwitchEvent};
use crate::InterfaceConfig;
use crate::bfd::{BfdStatus, Session};
use crate::translate::BfdFilter;
use crate::upcall::HeardPacket;

/// A session, and where it runs.
#[derive(Debug)]
struct Monitor {
    bridge: String,
    port: OfPort,
    session: Session,
}

/// All sessions, by the names of their interfaces.
#[derive(Debug, Default)]
pub(super) struct Monitors(BTreeMap<String, Monitor>);

impl Monitors {
    /// What of an interface's packets is for its session.
    pub fn filter_of(&self, interface: &str) -> Option<BfdFilter> {
        let config = self.0.get(interface)?.session.config();
        Some(BfdFilter { dst: config.local_dst_mac.map(|mac| mac.0), keyless: config.check_tunnel_key })
    }

    /// The interface is gone.
    pub fn remove(&mut self, interface: &str) {
        self.0.remove(interface);
    }

    /// When a session has something to do.
    pub fn next(&self) -> Option<Duration> {
        self.0.values().map(|monitor| monitor.session.next()).min().filter(|at| *at < Duration::MAX)
    }
}

impl Switch {
    /// The state of an interface's session; `None` if it has none.
    pub fn bfd_status(&self, interface: &str) -> Option<BfdStatus> {
        Some(self.monitors.0.get(interface)?.session.status(self.now))
    }

    /// The sessions, by the names of their interfaces.
    pub fn bfd_sessions(&self) -> impl Iterator<Item = (&str, &Session)> {
        self.monitors.0.iter().map(|(name, monitor)| (name.as_str(), &monitor.session))
    }

    /// Says of an interface's session, or of all, whether packets get through, whatever is heard; `None` leaves it to
    /// what is heard. `false` if there is no such session.
    pub fn force_bfd(&mut self, interface: Option<&str>, forwarding: Option<bool>, now: Duration) -> bool {
        self.now = self.now.max(now);
        let names = self.monitors.0.keys().filter(|name| interface.is_none_or(|wanted| wanted == *name));
        let names: Vec<String> = names.cloned().collect();
        for name in &names {
            if let Some(monitor) = self.monitors.0.get_mut(name) {
                monitor.session.force(forwarding, self.now);
            }
            self.note_monitor(name);
        }
        interface.is_none() || !names.is_empty()
    }

    /// Begins, changes or ends the session of a port as wanted.
    pub(super) fn configure_monitor(&mut self, bridge: &str, port: OfPort, wanted: &InterfaceConfig) {
        let name = wanted.name.as_str();
        let Some(config) = wanted.bfd.clone() else {
            if self.monitors.0.remove(name).is_some() {
                self.world_changed = true;
                self.set_stalled(bridge, port, false);
            }
            return;
        };
        let mac = self.mac_of(bridge, port);
        let now = self.now;
        if let Some(monitor) = self.monitors.0.get_mut(name) {
            monitor.session.configure(config, mac, now);
        } else {
            let seed = RandomState::with_seeds(self.config.seed, 0x6d6f_6e69, 0, 0).hash_one(name);
            let session = Session::new(config, mac, seed, now);
            let monitor = Monitor { bridge: bridge.to_owned(), port, session };
            self.monitors.0.insert(name.to_owned(), monitor);
        }
        self.world_changed = true;
        self.note_monitor(name);
    }

    fn mac_of(&mut self, bridge: &str, port: OfPort) -> [u8; 6] {
        let record = self.bridges.get(bridge).and_then(|bridge| bridge.ports.get(&port));
        let Some(record) = record else { return [0; 6] };
        let mac = match record.dp_port.filter(|_| record.tunnel.is_none()) {
            Some(dp_port) => self.dpif.port_status(dp_port).map(|status| status.mac),
            None => Some(self.patch_mac(bridge, record)),
        };
        mac.unwrap_or_default().0
    }

    /// Sends what is due, and gives up who was not heard.
    pub(super) fn run_monitors(&mut self) {
        let now = self.now;
        let due = self.monitors.0.iter().filter(|(_, monitor)| monitor.session.next() <= now);
        let due: Vec<String> = due.map(|(name, _)| name.clone()).collect();
        for name in due {
            let received = self.received_by(&name);
            let Some(monitor) = self.monitors.0.get_mut(&name) else { continue };
            let (frame, changed) = monitor.session.poll(received, now);
            let (bridge, port) = (monitor.bridge.clone(), monitor.port);
            if changed {
                self.note_monitor(&name);
            }
            let Some(frame) = frame else { continue };
            let out = [Action::Output { port, max_len: 0 }];
            if let Err(error) = self.packet_out(&bridge, OfPort::NONE, &out, &frame) {
                tracing::debug!(target: "bfd", "{name}: cannot send: {error:?}");
            }
        }
    }

    /// Packets that the interface of a session has received, if that is of interest to it.
    fn received_by(&mut self, name: &str) -> u64 {
        let Some(monitor) = self.monitors.0.get(name).filter(|monitor| monitor.session.watches_traffic())
        else {
            return 0;
        };
        let record = self.bridges.get(&monitor.bridge).and_then(|bridge| bridge.ports.get(&monitor.port));
        let Some(record) = record else { return 0 };
        match record.dp_port.filter(|_| record.tunnel.is_none()) {
            Some(dp_port) => self.dpif.port_statistics(dp_port).and_then(|told| told.rx_packets).unwrap_or(0),
            None => record.counters.rx_packets,
        }
    }

    /// A worker has heard something for a session.
    pub(super) fn hear(&mut self, heard: &HeardPacket) {
        let Some(bridge) = self.bridge_by_id(heard.bridge).map(|bridge| bridge.config.name.clone()) else {
            return;
        };
        let mut monitors = self.monitors.0.iter_mut();
        let found = monitors.find(|(_, monitor)| monitor.port == heard.port && monitor.bridge == bridge);
        let Some((name, monitor)) = found else { return };
        let name = name.clone();
        match monitor.session.receive(&heard.frame, heard.now.max(self.now)) {
            Ok(true) => self.note_monitor(&name),
            Ok(false) => {}
            Err(error) => tracing::debug!(target: "bfd", "{name}: {error}"),
        }
    }

    /// The state of a session may have changed: that is told, and decides whether its port is of use.
    fn note_monitor(&mut self, name: &str) {
        let Some(monitor) = self.monitors.0.get(name) else { return };
        let stalled = !monitor.session.status(self.now).forwarding;
        let (bridge, port) = (monitor.bridge.clone(), monitor.port);
        self.set_stalled(&bridge, port, stalled);
        self.events.push(SwitchEvent::InterfaceChanged { bridge, interface: name.to_owned() });
    }

    fn set_stalled(&mut self, bridge: &str, port: OfPort, stalled: bool) {
        let record = self.bridges.get_mut(bridge).and_then(|bridge| bridge.ports.get_mut(&port));
        let Some(record) = record.filter(|record| record.is_stalled != stalled) else { return };
        record.is_stalled = stalled;
        self.world_changed = true;
        self.tell_port_modified(bridge, port);
    }
}
