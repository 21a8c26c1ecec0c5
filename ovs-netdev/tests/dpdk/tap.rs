//! DPDK's driver of TAP devices: ports whose other end is the host.

use ovs_netdev::dpdk::DpdkFactory;
use ovs_netdev::{DeviceConfig, Factory, Netdev, Options};
use ovs_packet::{Offload, Packet};

use crate::conformance::linux::SocketFar;
use crate::conformance::{Abilities, Bed, Far};

pub struct TapPort {
    factory: DpdkFactory,
    made: usize,
}

impl TapPort {
    pub fn new(factory: DpdkFactory) -> Self {
        Self { factory, made: 0 }
    }

    fn options(&self, more: &Options) -> Options {
        let devargs = format!("net_tap{},iface=t0", self.made);
        let own = Options::from([("dpdk-devargs".to_owned(), devargs)]);
        own.into_iter().chain(more.clone()).collect()
    }
}

impl Bed for TapPort {
    fn abilities(&self) -> Abilities {
        Abilities {
            // The driver takes no more.
            mtu: 1500,
            link: false,
            // The driver sees no end of its device.
            vanishes: false,
            refuses_long: false,
            queues: 4,
            polled: true,
            offloads: Offload::NEEDS_L4_CSUM,
            ..Abilities::default()
        }
    }

    fn open(&mut self, options: &Options, inbound: Vec<Packet>) -> (Box<dyn Netdev>, Box<dyn Far>) {
        self.made += 1;
        crate::conformance::linux::silence();
        let mut device = self.factory.open("p0", &self.options(options)).unwrap();
        device.configure(&DeviceConfig::default().admin_up(true)).unwrap();
        let mut far = SocketFar::new("t0", "t0");
        far.send(inbound);
        (device, Box::new(far))
    }

    fn refusal(&mut self, options: &Options) -> String {
        self.factory.open("p0", &self.options(options)).err().unwrap().to_string()
    }
}
