//! The types of datapaths and devices that the switch offers, as its options choose them.

use ovs_db::value::Datum;
use std::path::{Path, PathBuf};

use ovs_netdev::dummy::Dummies;
use ovs_netdev::vhost::VhostFactory;
use ovs_netdev::{Factory, Registry};

use super::datapath::Run;
use super::desired::Kinds;
use super::dpdk::Dpdk;
use super::numa::Topology;
use super::report;
use crate::cli::{DummyLevel, SwitchOptions};
use crate::daemon::VERSION;

/// How one datapath type is made.
#[derive(Clone, Copy, Debug)]
pub struct DatapathType {
    /// The type that is shown.
    pub kind: &'static str,
    /// The datapath's name.
    pub name: &'static str,
    /// Who polls its workers.
    pub run: Run,
    /// Whether another datapath stands in for the one that the type means.
    pub is_fallback: bool,
}

/// See the module's head.
#[derive(Clone, Debug)]
pub struct Types {
    dummy: Option<DummyLevel>,
    disable_system: bool,
    seed: u64,
    dpdk: Dpdk,
    /// Types of devices that the program has brought along.
    own: Vec<OwnType>,
    /// Where ports that wait for their frontend listen.
    sockets: PathBuf,
    topology: Topology,
}

/// Makes the factory of a type of device.
pub type OwnType = fn() -> Box<dyn Factory>;

impl Types {
    /// As the command line says; `sockets` is where ports that wait for a frontend listen.
    pub fn new(options: &SwitchOptions, sockets: &Path) -> Self {
        Self {
            dummy: options.enable_dummy,
            disable_system: options.disable_system,
            seed: options.seed.unwrap_or_else(random_seed),
            dpdk: Dpdk::default(),
            own: Vec::new(),
            sockets: sockets.to_owned(),
            topology: Topology::new(&options.dummy_numa),
        }
    }

    /// Adds a type of device.
    pub fn add(&mut self, own: OwnType) {
        self.own.push(own);
    }

    /// Whether the dummy types are there.
    pub fn has_dummy(&self) -> bool {
        self.dummy.is_some()
    }

    /// The cores of the machine.
    pub fn topology(&self) -> &Topology {
        &self.topology
    }

    /// Where all randomness comes from.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// How a datapath type is made; `None` if there is no such type.
    pub fn datapath(&self, kind: &str) -> Option<DatapathType> {
        let dummy = self.is_dummy(kind);
        let run = if dummy { Run::Inline } else { Run::Threads };
        let (kind, name) = match kind {
            "dummy" if self.has_dummy() => ("dummy", "ovs-dummy"),
            "netdev" => ("netdev", "ovs-netdev"),
            "system" if dummy || !self.disable_system => ("system", "ovs-system"),
            _ => return None,
        };
        Some(DatapathType { kind, name, run, is_fallback: kind == "system" && !dummy })
    }

    /// Whether a datapath type is, or is replaced by, the dummy.
    pub fn is_dummy(&self, kind: &str) -> bool {
        match self.dummy {
            None => false,
            Some(DummyLevel::Beside) => kind == "dummy",
            Some(DummyLevel::System) => kind == "dummy" || kind == "system",
            Some(DummyLevel::Override) => true,
        }
    }

    /// What the roles of devices are opened as in a datapath of this type.
    pub fn kinds(&self, datapath: &str) -> Kinds {
        Kinds { internal: if self.is_dummy(datapath) { "dummy-internal" } else { "tap" } }
    }

    /// The device types of a datapath.
    pub fn registry(&self, dummies: &Dummies, _datapath: &str) -> Registry {
        let mut registry = Registry::new();
        ovs_netdev::register_native(&mut registry);
        self.dpdk.register(&mut registry);
        registry.register(Box::new(VhostFactory::server(&self.sockets)));
        for own in &self.own {
            registry.register(own());
        }
        if self.has_dummy() {
            for kind in ["dummy", "dummy-internal", "dummy-pmd"] {
                registry.register(Box::new(dummies.factory(kind)));
            }
        }
        match self.dummy {
            Some(DummyLevel::Override) => {
                let kinds: Vec<String> =
                    registry.kinds().filter(|k| !k.starts_with("dummy")).map(str::to_owned).collect();
                for kind in kinds {
                    registry.register_as(&kind, Box::new(dummies.factory("dummy")));
                }
            }
            Some(DummyLevel::System) => registry.register_as("system", Box::new(dummies.factory("dummy"))),
            _ => {}
        }
        registry
    }

    /// DPDK's part of the configuration.
    pub fn dpdk(&self) -> &Dpdk {
        &self.dpdk
    }

    /// What the root row tells of the switch itself.
    pub fn root_columns(&self) -> Vec<(&'static str, Datum)> {
        let registry = self.registry(&Dummies::new(), "netdev");
        let tunnels = ovs_dpif::TunnelKind::ALL.map(ovs_dpif::TunnelKind::name);
        let interfaces = registry.kinds().chain(["internal", "patch"]).chain(tunnels);
        let datapaths =
            ["dummy", "netdev", "system"].into_iter().filter(|kind| self.datapath(kind).is_some());
        vec![
            ("ovs_version", report::text(Some(VERSION.to_owned()))),
            ("db_version", report::text(Some("8.8.0".to_owned()))),
            ("datapath_types", Datum::set(datapaths)),
            ("iface_types", Datum::set(interfaces)),
            ("dpdk_initialized", Datum::scalar(self.dpdk.runs())),
            ("dpdk_version", report::text(Some(self.dpdk.version()))),
        ]
    }
}

/// A seed that no peer can guess.
fn random_seed() -> u64 {
    let mut bytes = [0_u8; 8];
    // The system's source does not fail once the machine has booted; the clock would be a poor secret then.
    match rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty()) {
        Ok(8) => u64::from_ne_bytes(bytes),
        _ => rustix::time::clock_gettime(rustix::time::ClockId::Realtime).tv_nsec.unsigned_abs(),
    }
}
