#![doc = include_str!("../README.md")]

#[cfg(all(feature = "afxdp", target_os = "linux"))]
pub mod afxdp;
mod device;
#[cfg(all(feature = "dpdk", target_os = "linux"))]
pub mod dpdk;
pub mod dummy;
#[cfg(target_os = "linux")]
mod linux;
pub mod pcap;
mod qos;
mod queue;
mod registry;
#[cfg(target_os = "linux")]
pub mod system;
#[cfg(target_os = "linux")]
pub mod tap;
mod tunnel;
#[cfg(all(feature = "vhost-user", target_os = "linux"))]
pub mod vhost;
mod wait;
pub mod wrap;

pub use device::{ConfigError, DeviceConfig, Duplex, EtherAddr, Netdev, NotAnAddress, Statistics, Status};
pub use ovs_packet;
pub use qos::{Qos, QosError, QosView, QueueCounters, QueueView};
pub use queue::{RxError, RxQueue, Sent, TxQueue};
pub use registry::{Factory, OpenError, Options, Registry};
pub use tunnel::TunnelPort;
pub use wait::{Interest, Wait};

/// Registers the types that need nothing but the system: `system`, `tap`, `internal`, `afxdp` and
/// `afxdp-nonpmd` (on Linux; the latter with the feature `afxdp`), and `pcap`.
pub fn register_native(registry: &mut Registry) {
    #[cfg(target_os = "linux")]
    {
        registry.register(Box::new(system::SystemFactory));
        registry.register(Box::new(tap::TapFactory::tap()));
        registry.register(Box::new(tap::TapFactory::internal()));
        #[cfg(feature = "afxdp")]
        for factory in [afxdp::AfxdpFactory::polled(), afxdp::AfxdpFactory::waited()] {
            registry.register(Box::new(factory));
        }
        #[cfg(feature = "vhost-user")]
        registry.register(Box::new(vhost::VhostFactory::client()));
    }
    registry.register(Box::new(pcap::PcapFactory));
}
