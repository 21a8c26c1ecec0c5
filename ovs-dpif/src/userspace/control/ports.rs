//! Ports: which there are, and which are going.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::os::fd::BorrowedFd;
use std::time::Duration;

use ovs_flow::DpPort;
use ovs_netdev::{Netdev, Qos, QosView, Statistics, Wait};

use super::super::message::Command;
use super::super::worker::PORT_NUMBERS;
use super::link::Link;
use super::queues::Queues;
use crate::police::Police;
use crate::{DpifError, Event, Policing, PortConfigError, PortInfo, PortRequest, TunnelKind, WorkerId};

struct Port {
    device: Box<dyn Netdev>,
    /// The device's change number when it was last polled.
    changes: u64,
    police: Police,
}

struct Leaving {
    /// Closed when the last worker has let go.
    device: Box<dyn Netdev>,
    workers: BTreeSet<WorkerId>,
}

/// The ports of a datapath.
pub(super) struct Ports {
    live: BTreeMap<DpPort, Port>,
    leaving: BTreeMap<DpPort, Leaving>,
    /// Their receive queues.
    pub queues: Queues,
}

impl Ports {
    /// None yet; `clock` counts what queues cost.
    pub fn new(clock: Option<fn() -> u64>) -> Self {
        Self { live: BTreeMap::new(), leaving: BTreeMap::new(), queues: Queues::new(clock) }
    }

    pub fn add(&mut self, request: PortRequest, links: &mut [Link]) -> Result<DpPort, DpifError> {
        let PortRequest { mut device, number } = request;
        let port = self.number(number)?;
        let devices = self.live.values().map(|p| &p.device);
        // A tunnel's port is but a name, which is free at once.
        let closing = self.leaving.values().map(|l| &l.device);
        let closing = closing.filter(|d| TunnelKind::from_name(d.kind()).is_none());
        if devices.chain(closing).any(|d| d.name() == device.name()) {
            return Err(DpifError::PortExists);
        }
        // First all that can fail.
        let mut queues = Vec::new();
        for _ in links.iter().filter(|link| !link.gone) {
            queues.push(device.tx_queue().map_err(|error| DpifError::Device(error.to_string()))?);
        }
        for (link, queue) in links.iter_mut().filter(|link| !link.gone).zip(queues) {
            link.push(Command::AddTx(port, queue));
        }
        // A device that does not say counts as on the first node.
        self.queues.add(port, device.numa().unwrap_or(0), device.take_rx_queues(), links);
        let changes = device.poll_changes(Duration::ZERO);
        self.live.insert(port, Port { device, changes, police: Police::default() });
        Ok(port)
    }

    /// The number that a new port gets.
    fn number(&self, wanted: Option<DpPort>) -> Result<DpPort, DpifError> {
        let taken = |port: &DpPort| self.live.contains_key(port) || self.leaving.contains_key(port);
        match wanted {
            Some(port) if taken(&port) => Err(DpifError::PortExists),
            Some(port) if port.0 < PORT_NUMBERS => Ok(port),
            Some(_) => Err(DpifError::PortLimit),
            None => (0..PORT_NUMBERS).map(DpPort).find(|p| !taken(p)).ok_or(DpifError::PortLimit),
        }
    }

    /// Introduces a new worker to all ports.
    pub fn join(&mut self, link: &mut Link) {
        for (port, state) in &mut self.live {
            // A device that gives no further queue cannot be sent to by this worker; its drops say so.
            if let Ok(queue) = state.device.tx_queue() {
                link.push(Command::AddTx(*port, queue));
            }
            if let Some(policer) = state.police.rx() {
                link.push(Command::PoliceRx(*port, Some(policer)));
            }
            if let Some(policer) = state.police.tx() {
                link.push(Command::PoliceTx(*port, Some(policer)));
            }
        }
    }

    pub fn remove(&mut self, port: DpPort, links: &mut [Link]) -> Result<(), DpifError> {
        let Port { device, .. } = self.live.remove(&port).ok_or(DpifError::NoPort)?;
        let mut workers = BTreeSet::new();
        for link in links.iter_mut().filter(|link| !link.gone) {
            link.push(Command::RemovePort(port));
            workers.insert(link.id);
        }
        self.queues.remove(port);
        self.leaving.insert(port, Leaving { device, workers });
        Ok(())
    }

    /// A worker has let go of a port.
    pub fn released(&mut self, port: DpPort, worker: WorkerId) {
        if let Some(leaving) = self.leaving.get_mut(&port) {
            leaving.workers.remove(&worker);
        }
    }

    /// A worker is gone, and with it its queues.
    pub fn worker_gone(&mut self, worker: WorkerId) {
        for leaving in self.leaving.values_mut() {
            leaving.workers.remove(&worker);
        }
        self.queues.worker_gone(worker);
    }

    /// Whether a port is about to be gone.
    pub fn any_released(&self) -> bool {
        self.leaving.values().any(|leaving| leaving.workers.is_empty())
    }

    /// Tells which ports are gone and which have changed.
    pub fn poll(
        &mut self,
        now: Duration,
        ready: &mut dyn FnMut(BorrowedFd<'_>) -> bool,
        events: &mut VecDeque<Event>,
    ) {
        self.leaving.retain(|port, leaving| {
            let stays = !leaving.workers.is_empty();
            if !stays {
                events.push_back(Event::PortGone(*port));
            }
            stays
        });
        for (number, port) in &mut self.live {
            if matches!(port.device.wait(), Wait::Fd(fd, _) if !ready(fd)) {
                continue;
            }
            let changes = port.device.poll_changes(now);
            if std::mem::replace(&mut port.changes, changes) != changes {
                events.push_back(Event::PortChanged(*number));
            }
        }
    }

    pub fn device(&mut self, port: DpPort) -> Option<&mut Box<dyn Netdev>> {
        self.live.get_mut(&port).map(|port| &mut port.device)
    }

    /// What a port's device has counted, and its policers.
    pub fn statistics(&mut self, port: DpPort) -> Option<Statistics> {
        let Port { device, police, .. } = self.live.get_mut(&port)?;
        let mut statistics = device.statistics();
        police.count_into(&mut statistics);
        Some(statistics)
    }

    pub fn set_policing(
        &mut self,
        port: DpPort,
        policing: Policing,
        links: &mut [Link],
    ) -> Result<(), PortConfigError> {
        let police = &mut self.live.get_mut(&port).ok_or(PortConfigError::NoPort)?.police;
        if police.set_policing(policing) {
            for link in links.iter_mut().filter(|link| !link.gone) {
                link.push(Command::PoliceRx(port, police.rx()));
            }
        }
        Ok(())
    }

    pub fn set_qos(
        &mut self,
        port: DpPort,
        qos: Option<&Qos>,
        links: &mut [Link],
    ) -> Result<(), PortConfigError> {
        let Port { device, police, .. } = self.live.get_mut(&port).ok_or(PortConfigError::NoPort)?;
        if police.set_qos(&mut **device, qos)? {
            for link in links.iter_mut().filter(|link| !link.gone) {
                link.push(Command::PoliceTx(port, police.tx()));
            }
        }
        Ok(())
    }

    pub fn qos_kinds(&self, port: DpPort) -> &'static [&'static str] {
        self.live.get(&port).map_or(&[], |port| Police::kinds(&*port.device))
    }

    pub fn qos(&mut self, port: DpPort) -> Option<QosView> {
        let Port { device, police, .. } = self.live.get_mut(&port)?;
        police.qos(&mut **device)
    }

    pub fn list(&self) -> Vec<PortInfo> {
        let info = |(number, port): (&DpPort, &Port)| PortInfo {
            number: *number,
            name: port.device.name().to_owned(),
            kind: port.device.kind(),
        };
        self.live.iter().map(info).collect()
    }

    pub fn waits(&self, wait: &mut dyn FnMut(Wait<'_>)) {
        self.live.values().for_each(|port| wait(port.device.wait()));
    }
}
