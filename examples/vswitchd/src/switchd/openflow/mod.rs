//! OpenFlow over sockets: listeners and controllers of all bridges, and the bytes between them and the switch.
//!
//! ```text
//!   BRIDGE.mgmt, ptcp: … ─ accept ─▶ Link ─ feed ────────▶ Switch
//!   BRIDGE.snoop ───────── accept ─▶ Link ◀─ take_output ─ Switch
//!   tcp: unix: controllers ─ Reconnect ─▶ Link
//! ```

mod controller;
mod link;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use ovs_ofproto::{ConnectionKind, Switch};
use ovs_stream::{Listener, PassiveAddress, Remote, Role, StreamConfig, Tls};

use controller::Controller;
pub use controller::ControllerState;
use link::Link;

use super::sleep::Sleeper;

/// What a bridge is to be reached by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Targets {
    /// Controller targets, active and passive, as the database has them.
    pub controllers: Vec<String>,
}

/// A listening socket and whom it brings.
struct Door {
    listener: Listener,
    kind: ConnectionKind,
}

/// The sockets of one bridge.
#[derive(Default)]
struct BridgeSockets {
    doors: BTreeMap<String, Door>,
    controllers: BTreeMap<String, Controller>,
    visitors: Vec<Link>,
}

/// The sockets of all bridges of one switch.
pub struct Sockets {
    stream: StreamConfig,
    bridges: BTreeMap<String, BridgeSockets>,
}

impl Sockets {
    /// None yet; relative socket names and `BRIDGE.mgmt` lie in `rundir`.
    pub fn new(rundir: &Path, tls: Tls) -> Self {
        Self { stream: StreamConfig::default().rundir(rundir).tls(tls), bridges: BTreeMap::new() }
    }

    /// Opens and closes sockets so that they are those of `wanted`.
    pub fn configure(&mut self, wanted: &BTreeMap<String, Targets>, switch: &mut Switch, now: Duration) {
        let gone: Vec<String> =
            self.bridges.keys().filter(|name| !wanted.contains_key(*name)).cloned().collect();
        for name in gone {
            if let Some(mut sockets) = self.bridges.remove(&name) {
                sockets.close(switch, now);
            }
        }
        for (name, targets) in wanted {
            self.bridges.entry(name.clone()).or_default().configure(name, targets, &self.stream, switch, now);
        }
    }

    /// Accepts, connects, reads and writes what can be at once, where the last sleep saw something. Returns whether
    /// the switch has got anything to handle by it.
    pub fn poll(&mut self, switch: &mut Switch, slept: &Sleeper, now: Duration) -> bool {
        let mut fed = false;
        for (name, sockets) in &mut self.bridges {
            fed |= sockets.poll(name, &self.stream, switch, slept, now);
        }
        fed
    }

    /// Writes what the switch has to say, as far as it can be written at once. A connection that breaks by it is
    /// found broken by the next poll.
    pub fn flush(&mut self, switch: &mut Switch) {
        for sockets in self.bridges.values_mut() {
            let controllers = sockets.controllers.values_mut().filter_map(Controller::link_mut);
            for link in controllers.chain(&mut sockets.visitors) {
                link.flush(switch);
            }
        }
    }

    /// What to sleep on.
    pub fn waits(&self, switch: &Switch, sleeper: &mut Sleeper) {
        for sockets in self.bridges.values() {
            for door in sockets.doors.values() {
                sleeper.stream(door.listener.wait());
            }
            for controller in sockets.controllers.values() {
                controller.waits(switch, sleeper);
            }
            for link in &sockets.visitors {
                link.waits(switch, sleeper);
            }
        }
    }

    /// The state of a bridge's controller, by its target.
    pub fn controller(
        &self,
        switch: &Switch,
        bridge: &str,
        target: &str,
        now: Duration,
    ) -> Option<ControllerState> {
        self.bridges.get(bridge)?.controllers.get(target).map(|c| c.state(switch, now))
    }

    /// Drops all connections of a bridge, so that controllers are connected anew.
    pub fn reconnect(&mut self, bridge: &str, switch: &mut Switch, now: Duration) {
        if let Some(sockets) = self.bridges.get_mut(bridge) {
            for controller in sockets.controllers.values_mut() {
                controller.reconnect(switch, now);
            }
        }
    }

    /// Closes everything.
    pub fn close(&mut self, switch: &mut Switch, now: Duration) {
        self.configure(&BTreeMap::new(), switch, now);
    }
}

impl BridgeSockets {
    fn configure(
        &mut self,
        name: &str,
        targets: &Targets,
        config: &StreamConfig,
        switch: &mut Switch,
        now: Duration,
    ) {
        let mut doors = BTreeMap::from([
            (format!("punix:{name}.mgmt"), ConnectionKind::Service),
            (format!("punix:{name}.snoop"), ConnectionKind::Snoop),
        ]);
        let mut active = BTreeMap::new();
        for target in &targets.controllers {
            match Remote::parse(target, Role::OpenFlow) {
                Ok(Remote::Active(address)) => {
                    active.insert(target.clone(), address);
                }
                Ok(Remote::Passive(_)) => {
                    doors.insert(target.clone(), ConnectionKind::Service);
                }
                Err(error) => tracing::error!(target: "connmgr", "{name}: controller {error}"),
            }
        }
        self.doors.retain(|target, _| doors.contains_key(target));
        for (target, kind) in doors {
            if !self.doors.contains_key(&target) {
                self.open(name, target, kind, config);
            }
        }
        let gone: Vec<String> =
            self.controllers.keys().filter(|t| !active.contains_key(*t)).cloned().collect();
        for target in gone {
            if let Some(mut controller) = self.controllers.remove(&target) {
                controller.close(switch, now);
            }
        }
        for (target, address) in active {
            self.controllers.entry(target).or_insert_with(|| Controller::new(name, address, now));
        }
    }

    fn open(&mut self, bridge: &str, target: String, kind: ConnectionKind, config: &StreamConfig) {
        let opened = PassiveAddress::parse(&target, Role::OpenFlow)
            .map_err(|e| e.to_string())
            .and_then(|address| Listener::bind(&address, config).map_err(|e| e.to_string()));
        match opened {
            Ok(listener) => {
                self.doors.insert(target, Door { listener, kind });
            }
            Err(error) => {
                tracing::error!(target: "connmgr", "{bridge}: failed to listen on {target}: {error}");
            }
        }
    }

    fn poll(
        &mut self,
        bridge: &str,
        config: &StreamConfig,
        switch: &mut Switch,
        slept: &Sleeper,
        now: Duration,
    ) -> bool {
        let mut fed = false;
        for door in self.doors.values_mut().filter(|door| slept.is_due(&door.listener.wait(), now)) {
            while let Ok(Some(stream)) = door.listener.accept() {
                match switch.open_connection(bridge, door.kind, now) {
                    Ok(id) => self.visitors.push(Link::new(stream, id)),
                    Err(error) => tracing::warn!(target: "connmgr", "{bridge}: {}: {error}", stream.name()),
                }
            }
        }
        for controller in self.controllers.values_mut() {
            fed |= controller.poll(bridge, config, switch, slept, now);
        }
        self.visitors.retain_mut(|link| match link.poll(switch, slept, now) {
            Ok(received) => {
                fed |= received;
                true
            }
            Err(error) => {
                if !matches!(error, ovs_stream::StreamError::Closed) {
                    tracing::info!(target: "rconn", "{bridge}<->{}: connection dropped ({error})", link.name());
                }
                switch.close_connection(link.id(), now);
                false
            }
        });
        fed
    }

    fn close(&mut self, switch: &mut Switch, now: Duration) {
        for controller in self.controllers.values_mut() {
            controller.close(switch, now);
        }
        for link in self.visitors.drain(..) {
            switch.close_connection(link.id(), now);
        }
    }
}
