//! A switch over dummy devices under virtual time, over either datapath.

use std::time::Duration;

use ovs_dpif::{Budget, NaiveDatapath, NaiveWorker, UserspaceConfig, UserspaceDatapath, Worker};
use ovs_netdev::Registry;
use ovs_netdev::dummy::{Dummies, DummyHandle};
use ovs_ofproto::{
    BridgeConfig, DesiredState, InterfaceConfig, Limits, PortConfig, Switch, SwitchConfig, SwitchEvent,
};

/// Which datapath is below.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Below {
    Naive,
    Userspace { workers: usize },
}

/// All that tests run over.
pub const BELOW: [Below; 3] =
    [Below::Naive, Below::Userspace { workers: 1 }, Below::Userspace { workers: 2 }];

enum Workers {
    Naive(NaiveWorker),
    Userspace(Vec<Worker>),
}

pub struct World {
    pub switch: Switch,
    pub dummies: Dummies,
    workers: Workers,
    pub now: Duration,
    pub events: Vec<SwitchEvent>,
}

impl World {
    pub fn new(below: Below) -> Self {
        Self::with(below, SwitchConfig::default())
    }

    pub fn with(below: Below, config: SwitchConfig) -> Self {
        let dummies = Dummies::new();
        let mut registry = Registry::new();
        registry.register(Box::new(dummies.factory("dummy")));
        registry.register_as("internal", Box::new(dummies.factory("dummy-internal")));
        let (switch, workers) = match below {
            Below::Naive => {
                let dpif = NaiveDatapath::new("ovs-dummy", "dummy", config.seed, 1000);
                let worker = dpif.worker();
                (Switch::new(config, registry, Box::new(dpif)), Workers::Naive(worker))
            }
            Below::Userspace { workers } => {
                let settings = UserspaceConfig::default().named("ovs-dummy", "dummy").seed(config.seed);
                let mut dpif = UserspaceDatapath::new(settings);
                let workers = (0..workers).map(|_| dpif.add_worker(None)).collect();
                (Switch::new(config, registry, Box::new(dpif)), Workers::Userspace(workers))
            }
        };
        Self { switch, dummies, workers, now: Duration::from_secs(1), events: Vec::new() }
    }

    pub fn apply(&mut self, wanted: &DesiredState) {
        let plan = self.switch.plan(wanted);
        let applied = self.switch.apply(plan, self.now);
        for (name, result) in applied.interfaces {
            assert!(result.is_ok(), "{name:?}: {result:?}");
        }
        self.settle();
    }

    /// One turn of everything.
    pub fn turn(&mut self) {
        match &mut self.workers {
            Workers::Naive(worker) => {
                worker.run(self.now);
            }
            Workers::Userspace(workers) => {
                for worker in workers {
                    worker.poll(self.now, Budget::default());
                }
            }
        }
        let turn = self.switch.poll(self.now, 10_000);
        self.events.extend(turn.events);
    }

    /// Turns until nothing can be left to do.
    pub fn settle(&mut self) {
        for _ in 0..12 {
            self.turn();
        }
    }

    /// Lets time go by in small steps.
    pub fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while self.now < end {
            self.now = (self.now + Duration::from_millis(250)).min(end);
            self.turn();
        }
        self.settle();
    }

    pub fn device(&self, name: &str) -> DummyHandle {
        self.dummies.handle(name).unwrap_or_else(|| panic!("no device {name}"))
    }

    /// Lets a frame arrive and returns what leaves by which device.
    pub fn send(&mut self, device: &str, frame: &[u8]) -> Vec<(String, Vec<u8>)> {
        assert!(self.device(device).receive(frame.to_vec()));
        self.settle();
        self.sent()
    }

    pub fn sent(&self) -> Vec<(String, Vec<u8>)> {
        let mut sent = Vec::new();
        for handle in self.dummies.handles() {
            sent.extend(handle.take_sent().into_iter().map(|frame| (handle.name().to_owned(), frame)));
        }
        sent
    }

    /// The names of the devices by which a frame leaves.
    pub fn leaves_by(&mut self, device: &str, frame: &[u8]) -> Vec<String> {
        self.send(device, frame).into_iter().map(|(name, _)| name).collect()
    }
}

pub fn port(name: &str) -> PortConfig {
    PortConfig::new(name).interface(InterfaceConfig::new(name, "dummy"))
}

pub fn bridge(name: &str, ports: &[&str]) -> BridgeConfig {
    ports.iter().fold(BridgeConfig::new(name).datapath_type("dummy"), |bridge, name| bridge.port(port(name)))
}

pub fn state(bridges: impl IntoIterator<Item = BridgeConfig>) -> DesiredState {
    bridges.into_iter().fold(DesiredState::default(), DesiredState::bridge)
}

/// An address for tests.
pub fn mac(n: u8) -> [u8; 6] {
    [0x50, 0x54, 0, 0, 0, n]
}

/// An Ethernet frame of 60 bytes with type 0x88b5 (local experiments).
pub fn frame(dst: [u8; 6], src: [u8; 6]) -> Vec<u8> {
    let mut bytes = [dst.as_slice(), src.as_slice(), &[0x88, 0xb5]].concat();
    bytes.resize(60, 0);
    bytes
}

/// A frame with an 802.1Q tag.
pub fn tagged(dst: [u8; 6], src: [u8; 6], tci: u16) -> Vec<u8> {
    let mut bytes = frame(dst, src);
    let [high, low] = tci.to_be_bytes();
    bytes.splice(12..12, [0x81, 0, high, low]);
    bytes
}

/// An IPv4/UDP frame.
pub fn udp(dst: [u8; 6], src: [u8; 6], to: [u8; 4], port: u16, ttl: u8) -> Vec<u8> {
    let mut bytes = [dst.as_slice(), src.as_slice(), &[0x08, 0x00]].concat();
    let mut ip = vec![0x45, 0, 0, 46, 0, 0, 0, 0, ttl, 17, 0, 0, 10, 0, 0, 1];
    ip.extend(to);
    let sum = ip.chunks(2).map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]]))).sum::<u32>();
    let sum = !((sum & 0xffff) + (sum >> 16)) as u16;
    ip[10..12].copy_from_slice(&sum.to_be_bytes());
    bytes.extend(ip);
    bytes.extend([0x10, 0x00]);
    bytes.extend(port.to_be_bytes());
    bytes.extend([0, 26, 0, 0]);
    bytes.resize(60, 0);
    bytes
}

#[expect(dead_code, reason = "for tests of limits")]
pub fn limited(limits: Limits) -> SwitchConfig {
    SwitchConfig::default().limits(limits)
}
