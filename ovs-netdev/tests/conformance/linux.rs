//! Devices of the system. All of it runs on a thread that is in a network namespace of its own.

use std::process::Command;

use ovs_netdev::ovs_packet::{Batch, Packet, Pool, PoolConfig};
use ovs_netdev::{DeviceConfig, Netdev, OpenError, Options, Registry, RxQueue, TxQueue};
use ovs_netdev::{register_native, system::SystemDevice};

use super::{Abilities, Bed, Far};

/// Runs `ip` in the thread's namespace and wants it to succeed.
fn ip(arguments: &str) {
    let output = Command::new("ip").args(arguments.split_whitespace()).output().unwrap();
    assert!(output.status.success(), "ip {arguments}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Keeps the namespace's own stack from sending anything by itself.
pub fn silence() {
    for which in ["all", "default"] {
        // A kernel without IPv6 is silent.
        let _ = std::fs::write(format!("/proc/sys/net/ipv6/conf/{which}/disable_ipv6"), "1");
    }
}

fn open(kind: &str, name: &str, options: &Options) -> Result<Box<dyn Netdev>, OpenError> {
    let mut registry = Registry::new();
    register_native(&mut registry);
    let mut device = registry.open(kind, name, options)?;
    device.configure(&DeviceConfig::default().admin_up(true)).unwrap();
    Ok(device)
}

/// A device of type `kind` on one end of a veth pair, whose other end is a packet socket.
pub struct Veth {
    pub kind: &'static str,
    /// Options beyond a case's own.
    pub options: Options,
    pub abilities: Abilities,
}

/// The pair, with as many queues as the options ask for, so that every packet comes by one of them.
fn make_pair(options: &Options) {
    silence();
    let asked = options.get("n_rxq").and_then(|text| text.parse().ok());
    let queues: usize = asked.filter(|count| (1..=64).contains(count)).unwrap_or(1);
    let count = format!("numrxqueues {queues} numtxqueues {queues}");
    ip(&format!("link add v0 {count} type veth peer name v1 {count}"));
    ip("link set v1 up");
}

impl Veth {
    fn options(&self, more: &Options) -> Options {
        self.options.clone().into_iter().chain(more.clone()).collect()
    }
}

impl Bed for Veth {
    fn abilities(&self) -> Abilities {
        self.abilities.clone()
    }

    fn open(&mut self, options: &Options, inbound: Vec<Packet>) -> (Box<dyn Netdev>, Box<dyn Far>) {
        make_pair(options);
        let device = open(self.kind, "v0", &self.options(options)).unwrap();
        let mut far = SocketFar::new("v1", "v0");
        far.send(inbound);
        (device, Box::new(far))
    }

    fn refusal(&mut self, options: &Options) -> String {
        make_pair(options);
        let message = open(self.kind, "v0", &self.options(options)).err().expect("it is refused").to_string();
        ip("link del v0");
        message
    }
}

/// A TAP device, whose other end is a packet socket on the side of the host.
pub struct Tap {
    pub kind: &'static str,
    pub abilities: Abilities,
}

impl Bed for Tap {
    fn abilities(&self) -> Abilities {
        self.abilities.clone()
    }

    fn open(&mut self, options: &Options, inbound: Vec<Packet>) -> (Box<dyn Netdev>, Box<dyn Far>) {
        silence();
        let device = open(self.kind, "t0", options).unwrap();
        let mut far = SocketFar::new("t0", "t0");
        far.send(inbound);
        (device, Box::new(far))
    }

    fn refusal(&mut self, options: &Options) -> String {
        open(self.kind, "t0", options).err().expect("it is refused").to_string()
    }
}

/// A packet socket on `name`, the other end of the device `near`.
pub struct SocketFar {
    name: &'static str,
    near: &'static str,
    device: SystemDevice,
    rx: Box<dyn RxQueue>,
    tx: Box<dyn TxQueue>,
    pool: Pool,
}

impl SocketFar {
    pub fn new(name: &'static str, near: &'static str) -> Self {
        let mut device = SystemDevice::open(name).unwrap();
        let (rx, tx) = (device.take_rx_queues().remove(0), device.tx_queue().unwrap());
        Self { name, near, device, rx, tx, pool: Pool::new(PoolConfig::default()) }
    }
}

impl Far for SocketFar {
    fn send(&mut self, packets: Vec<Packet>) {
        let mut batch = Batch::new();
        for packet in packets {
            batch.push(packet).unwrap();
            assert_eq!(self.tx.send(&mut batch).packets, 1);
        }
    }

    fn receive(&mut self) -> Vec<Packet> {
        let (mut seen, mut batch) = (Vec::new(), Batch::new());
        while let Ok(1..) = self.rx.receive(&mut self.pool, &mut batch) {
            seen.extend(batch.drain());
        }
        seen
    }

    fn set_mtu(&mut self, mtu: u32) {
        self.device.configure(&DeviceConfig::default().mtu(mtu)).unwrap();
    }

    fn set_link(&mut self, up: bool) {
        if self.name == self.near {
            ip(&format!("link set {} carrier {}", self.name, if up { "on" } else { "off" }));
        } else {
            self.device.configure(&DeviceConfig::default().admin_up(up)).unwrap();
        }
    }

    fn vanish(&mut self) {
        ip(&format!("link del {}", self.near));
    }
}

impl Drop for SocketFar {
    fn drop(&mut self) {
        // What is gone is gone.
        let _ = Command::new("ip").args(["link", "del", self.name]).output();
    }
}
