//! The naive datapath's ports.

use std::collections::BTreeMap;
use std::os::fd::BorrowedFd;
use std::time::Duration;

use ovs_flow::DpPort;
use ovs_netdev::{Netdev, RxQueue, TxQueue, Wait};

use crate::police::Police;
use crate::userspace::PORT_NUMBERS;
use crate::{DpifError, PortInfo, PortRequest};

pub(super) struct Port {
    pub device: Box<dyn Netdev>,
    pub rx: Vec<Box<dyn RxQueue>>,
    pub tx: Box<dyn TxQueue>,
    pub police: Police,
    changes: u64,
}

#[derive(Default)]
pub(super) struct Ports(BTreeMap<DpPort, Port>);

impl Ports {
    pub fn add(&mut self, request: PortRequest) -> Result<DpPort, DpifError> {
        let PortRequest { mut device, number } = request;
        let number = match number {
            Some(number) if number.0 >= PORT_NUMBERS => return Err(DpifError::PortLimit),
            Some(number) if self.0.contains_key(&number) => return Err(DpifError::PortExists),
            Some(number) => number,
            None => {
                let mut numbers = (0..PORT_NUMBERS).map(DpPort);
                numbers.find(|n| !self.0.contains_key(n)).ok_or(DpifError::PortLimit)?
            }
        };
        if self.0.values().any(|port| port.device.name() == device.name()) {
            return Err(DpifError::PortExists);
        }
        let tx = device.tx_queue().map_err(|error| DpifError::Device(error.to_string()))?;
        let rx = device.take_rx_queues();
        let changes = device.poll_changes(Duration::ZERO);
        self.0.insert(number, Port { device, rx, tx, police: Police::default(), changes });
        Ok(number)
    }

    pub fn remove(&mut self, port: DpPort) -> Result<(), DpifError> {
        self.0.remove(&port).map(drop).ok_or(DpifError::NoPort)
    }

    pub fn get(&mut self, port: DpPort) -> Option<&mut Port> {
        self.0.get_mut(&port)
    }

    pub fn numbers(&self) -> Vec<DpPort> {
        self.0.keys().copied().collect()
    }

    pub fn list(&self) -> Vec<PortInfo> {
        let info = |(number, port): (&DpPort, &Port)| PortInfo {
            number: *number,
            name: port.device.name().to_owned(),
            kind: port.device.kind(),
        };
        self.0.iter().map(info).collect()
    }

    /// Ports whose device has changed since the last call.
    pub fn poll_changes(
        &mut self,
        now: Duration,
        ready: &mut dyn FnMut(BorrowedFd<'_>) -> bool,
    ) -> Vec<DpPort> {
        let mut changed = Vec::new();
        for (number, port) in &mut self.0 {
            if matches!(port.device.wait(), Wait::Fd(fd, _) if !ready(fd)) {
                continue;
            }
            let changes = port.device.poll_changes(now);
            if std::mem::replace(&mut port.changes, changes) != changes {
                changed.push(*number);
            }
        }
        changed
    }

    pub fn waits(&mut self, wait: &mut dyn FnMut(Wait<'_>)) {
        for port in self.0.values() {
            wait(port.device.wait());
            port.rx.iter().for_each(|queue| wait(queue.wait()));
        }
    }
}
