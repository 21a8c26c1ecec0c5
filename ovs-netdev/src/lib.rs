//! Network devices behind one pair of traits: a control side, and queues that move batches of packets.
//!
//! ```text
//!            Registry ── open("tap", "br0", options) ──▶ Box<dyn Netdev>      control: MAC, MTU, state
//!                                                          │ take_rx_queues()   statistics, changes
//!                                                          │ tx_queue()
//!                 device memory ──▶ RxQueue ── Batch ──▶ a worker ── Batch ──▶ TxQueue ──▶ device memory
//!                                   wait()                                     offloads()
//! ```
//!
//! Nothing here blocks, sleeps or starts a thread: what to sleep on is told as a [`Wait`] value.
//! Behaviour is added by wrapping a device in another one (see the `pcap` wrappers), never by flags.
//!
//! ```
//! use std::collections::BTreeMap;
//! use ovs_netdev::{Netdev, Registry, dummy::Dummies};
//! use ovs_packet::{Batch, Pool, PoolConfig};
//!
//! let dummies = Dummies::new();
//! let mut registry = Registry::new();
//! registry.register(Box::new(dummies.factory("dummy")));
//!
//! let mut device = registry.open("dummy", "p1", &BTreeMap::new())?;
//! let mut queues = device.take_rx_queues();
//! dummies.handle("p1").unwrap().receive(vec![0; 60]);
//!
//! let (mut pool, mut batch) = (Pool::new(PoolConfig::default()), Batch::new());
//! queues[0].receive(&mut pool, &mut batch)?;
//! assert_eq!(batch.len(), 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod device;
pub mod dummy;
#[cfg(target_os = "linux")]
mod linux;
pub mod pcap;
mod queue;
mod registry;
#[cfg(target_os = "linux")]
pub mod system;
#[cfg(target_os = "linux")]
pub mod tap;
mod wait;

pub use device::{ConfigError, DeviceConfig, Duplex, EtherAddr, Netdev, Statistics, Status};
pub use ovs_packet;
pub use queue::{RxError, RxQueue, Sent, TxQueue};
pub use registry::{Factory, OpenError, Options, Registry};
pub use wait::{Interest, Wait};

/// Registers the types that need nothing but the system: `system`, `tap`, `internal` (on Linux) and `pcap`.
pub fn register_native(registry: &mut Registry) {
    #[cfg(target_os = "linux")]
    {
        registry.register(Box::new(system::SystemFactory));
        registry.register(Box::new(tap::TapFactory::tap()));
        registry.register(Box::new(tap::TapFactory::internal()));
    }
    registry.register(Box::new(pcap::PcapFactory));
}
