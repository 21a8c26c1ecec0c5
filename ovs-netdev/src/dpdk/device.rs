//! The device and its factory.

use std::ffi::CString;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use ovs_packet::Offload;

use super::eal::Eal;
use super::pool::LONGEST;
use super::queue::{DpdkRx, DpdkTx, Port};
use super::sys::{self, Info, Link, Queues};
use crate::{
    ConfigError, DeviceConfig, Duplex, EtherAddr, Factory, Netdev, OpenError, Options, RxQueue, Statistics,
    Status, TxQueue,
};

/// Send queues that are set up, if the device has so many.
const TX_QUEUES: u16 = 8;
/// Descriptors of a queue, unless `n_rxq_desc` and `n_txq_desc` say otherwise.
const DESCRIPTORS: u16 = 2048;
/// Ethernet header, two tags and frame check sequence: what a frame is longer than the MTU.
const OVERHEAD: usize = 14 + 8 + 4;
/// The MTU to begin with, unless `mtu_request` says otherwise.
const MTU: u16 = 1500;
/// Mbufs of the longest packet that there is.
const MBUFS_MAX: u32 = (65_535 + OVERHEAD).div_ceil(LONGEST) as u32;
/// How often the link is looked at.
const LINK_INTERVAL: Duration = Duration::from_millis(200);

/// Opens devices of type `dpdk`, once the environment runs.
#[derive(Clone, Debug, Default)]
pub struct DpdkFactory {
    eal: Arc<OnceLock<Eal>>,
}

impl DpdkFactory {
    /// Without an environment yet: opening fails by name until [`DpdkFactory::start`]. Clones share it.
    pub fn new() -> Self {
        Self::default()
    }

    /// Devices can be opened from now on.
    pub fn start(&self, eal: Eal) {
        let _ = self.eal.set(eal);
    }

    /// The environment, if it runs.
    pub fn eal(&self) -> Option<&Eal> {
        self.eal.get()
    }
}

impl Factory for DpdkFactory {
    fn kind(&self) -> &'static str {
        "dpdk"
    }

    fn open(&self, name: &str, options: &Options) -> Result<Box<dyn Netdev>, OpenError> {
        let Some(eal) = self.eal.get() else {
            let source = io::Error::other("DPDK is not initialised: set other_config:dpdk-init=true");
            return Err(OpenError::System { name: name.to_owned(), source });
        };
        Ok(Box::new(DpdkDevice::open(eal, name, options)?))
    }
}

/// A device that DPDK drives. Options: `dpdk-devargs` (what to probe; required), `n_rxq`, `n_rxq_desc`, `n_txq_desc`, and
/// `mtu_request` for the MTU to begin with.
#[derive(Debug)]
pub struct DpdkDevice {
    name: String,
    port: Arc<Port>,
    info: Info,
    mtu: u32,
    /// It was started for packets of several mbufs.
    large: bool,
    mac: EtherAddr,
    rx_queues: u16,
    rx_taken: bool,
    /// One for each send queue; handles go round.
    turns: Vec<Arc<Mutex<()>>>,
    handles: usize,
    link: Link,
    looked: Option<Duration>,
    resets: u64,
    changes: u64,
}

impl DpdkDevice {
    /// Probes and starts the device that the options name.
    pub fn open(eal: &Eal, name: &str, options: &Options) -> Result<Self, OpenError> {
        let bad = |option: &str, reason: String| OpenError::BadOption {
            name: name.to_owned(),
            option: option.to_owned(),
            reason,
        };
        let devargs = options
            .get("dpdk-devargs")
            .ok_or_else(|| bad("dpdk-devargs", "is missing: it names the device".to_owned()))?;
        let text =
            CString::new(devargs.as_str()).map_err(|_| bad("dpdk-devargs", "has a zero byte".to_owned()))?;
        let number = |option: &'static str, least: u16, usual: u16| match options.get(option) {
            None => Ok(usual),
            Some(text) => match text.parse::<u16>() {
                Ok(n) if n >= least => Ok(n),
                _ => Err(bad(option, format!("{text} is not a number from {least} on"))),
            },
        };
        let (wanted, rx_size, tx_size) = (
            number("n_rxq", 1, 1)?,
            number("n_rxq_desc", 1, DESCRIPTORS)?,
            number("n_txq_desc", 1, DESCRIPTORS)?,
        );
        let (found, attached) =
            sys::find(&text).map_err(|error| bad("dpdk-devargs", format!("{devargs}: {error}")))?;
        let failed = |source| OpenError::System { name: name.to_owned(), source };
        let info = sys::describe(found).map_err(failed)?;
        let mtu = number("mtu_request", 68, MTU)?;
        if u32::from(mtu) > mtu_max(&info) {
            return Err(bad("mtu_request", format!("the device takes no more than {}", mtu_max(&info))));
        }
        let large = usize::from(mtu) + OVERHEAD > LONGEST;
        let pool = eal.pool(info.socket.max(0)).map_err(failed)?;
        // From here on the port is closed again if anything fails.
        let port = Arc::new(Port {
            number: found,
            pool,
            detach: attached,
            offloads: offloads(&info),
            completes_ipv4: info.completes_ipv4(),
            chains: large && info.sends_chains(1) || info.cuts(MBUFS_MAX),
            closed: AtomicBool::new(false),
            up: AtomicBool::new(true),
            rx_unusable: AtomicU64::new(0),
            tx_lost: AtomicU64::new(0),
        });
        let rx = wanted.min(info.rx_queues_max).max(1);
        let tx = TX_QUEUES.min(info.tx_queues_max).max(1);
        let start = |tx| sys::start(found, port.pool.raw(), Queues { rx, tx, rx_size, tx_size }, mtu, large);
        // Some drivers take only as many queues to send by as to receive by.
        let tx = match start(tx) {
            Err(_) if tx != rx && rx <= info.tx_queues_max => start(rx).map(|()| rx),
            result => result.map(|()| tx),
        };
        let tx = tx.map_err(failed)?;
        Ok(Self {
            name: name.to_owned(),
            link: sys::link(found),
            port,
            mac: EtherAddr(info.mac),
            info,
            mtu: u32::from(mtu),
            large,
            rx_queues: rx,
            rx_taken: false,
            turns: (0..tx).map(|_| Arc::default()).collect(),
            handles: 0,
            looked: None,
            resets: 0,
            changes: 0,
        })
    }

    fn refuse(&self, property: &'static str) -> impl Fn(io::Error) -> ConfigError {
        let device = self.name.clone();
        move |source| ConfigError::System { device: device.clone(), property, source }
    }

    /// The largest MTU that it can have as it was opened.
    fn mtu_most(&self) -> u32 {
        if self.large { mtu_max(&self.info) } else { (LONGEST - OVERHEAD) as u32 }
    }

    fn set_mtu(&mut self, mtu: u32) -> Result<(), ConfigError> {
        let fits = u16::try_from(mtu).ok().filter(|mtu| u32::from(*mtu) <= self.mtu_most());
        let Some(small) = fits else {
            let text = if mtu <= mtu_max(&self.info) {
                format!("frames of more than {LONGEST} bytes need a port that is added with that MTU")
            } else {
                format!("the device takes no more than {}", mtu_max(&self.info))
            };
            return Err(self.refuse("MTU")(io::Error::new(io::ErrorKind::InvalidInput, text)));
        };
        if mtu != self.mtu {
            sys::set_mtu(self.port.number, small).map_err(self.refuse("MTU"))?;
            self.mtu = mtu;
        }
        Ok(())
    }
}

impl Drop for DpdkDevice {
    fn drop(&mut self) {
        self.port.closed.store(true, Ordering::Relaxed);
        self.port.up.store(false, Ordering::Relaxed);
    }
}

impl Netdev for DpdkDevice {
    fn name(&self) -> &str {
        &self.name
    }

    fn kind(&self) -> &'static str {
        "dpdk"
    }

    fn numa(&self) -> Option<u32> {
        u32::try_from(self.info.socket).ok()
    }

    fn status(&mut self) -> Status {
        let details = vec![
            ("driver_name".to_owned(), self.info.driver()),
            ("max_rx_queues".to_owned(), self.info.rx_queues_max.to_string()),
            ("max_tx_queues".to_owned(), self.info.tx_queues_max.to_string()),
            ("n_rxq".to_owned(), self.rx_queues.to_string()),
            ("n_txq".to_owned(), self.turns.len().to_string()),
            ("numa_id".to_owned(), self.info.socket.max(0).to_string()),
            ("port_no".to_owned(), self.port.number.to_string()),
        ];
        Status {
            mac: self.mac,
            mtu: self.mtu,
            mtu_range: Some((u32::from(self.info.mtu_min), self.mtu_most())),
            admin_up: self.port.up.load(Ordering::Relaxed),
            link_up: self.link.up != 0,
            link_resets: self.resets,
            ifindex: Some(self.info.if_index).filter(|index| *index != 0),
            // All ones: the driver does not know.
            link_speed: Some(self.link.megabits)
                .filter(|megabits| *megabits != u32::MAX)
                .map(|megabits| u64::from(megabits) * 1_000_000),
            duplex: Some(if self.link.full_duplex != 0 { Duplex::Full } else { Duplex::Half }),
            details,
            ..Status::default()
        }
    }

    fn statistics(&mut self) -> Statistics {
        let Ok(counters) = sys::counters(self.port.number) else { return Statistics::default() };
        let unusable = self.port.rx_unusable.load(Ordering::Relaxed);
        Statistics {
            rx_packets: Some(counters.rx_packets),
            tx_packets: Some(counters.tx_packets),
            rx_bytes: Some(counters.rx_bytes),
            tx_bytes: Some(counters.tx_bytes),
            rx_dropped: Some(counters.rx_no_mbuf + unusable),
            tx_dropped: Some(self.port.tx_lost.load(Ordering::Relaxed)),
            rx_errors: Some(counters.rx_errors),
            tx_errors: Some(counters.tx_errors),
            rx_missed_errors: Some(counters.rx_missed),
            ..Statistics::default()
        }
    }

    fn configure(&mut self, config: &DeviceConfig) -> Result<(), ConfigError> {
        if let Some(mtu) = config.mtu {
            self.set_mtu(mtu)?;
        }
        if let Some(mac) = config.mac.filter(|mac| *mac != self.mac) {
            sys::set_mac(self.port.number, mac.0).map_err(self.refuse("MAC address"))?;
            self.mac = mac;
        }
        if let Some(up) = config.admin_up {
            // Not every driver can switch its link; the queues rest all the same.
            let _ = sys::set_link(self.port.number, up);
            self.port.up.store(up, Ordering::Relaxed);
        }
        self.changes += 1;
        Ok(())
    }

    fn take_rx_queues(&mut self) -> Vec<Box<dyn RxQueue>> {
        if std::mem::replace(&mut self.rx_taken, true) {
            return Vec::new();
        }
        let queue = |queue| Box::new(DpdkRx::new(Arc::clone(&self.port), queue)) as Box<dyn RxQueue>;
        (0..self.rx_queues).map(queue).collect()
    }

    fn tx_queue(&mut self) -> Result<Box<dyn TxQueue>, ConfigError> {
        let queue = self.handles % self.turns.len();
        self.handles += 1;
        let turn = Arc::clone(&self.turns[queue]);
        Ok(Box::new(DpdkTx::new(Arc::clone(&self.port), queue as u16, turn)))
    }

    fn poll_changes(&mut self, now: Duration) -> u64 {
        if self.looked.is_none_or(|looked| now >= looked + LINK_INTERVAL) {
            self.looked = Some(now);
            let link = sys::link(self.port.number);
            if link != self.link {
                self.resets += u64::from(link.up != self.link.up);
                self.changes += 1;
                self.link = link;
            }
        }
        self.changes
    }
}

/// The largest MTU that a device can have here.
fn mtu_max(info: &Info) -> u32 {
    let one = (LONGEST - OVERHEAD) as u32;
    let own = u32::from(info.mtu_max).max(one);
    let mbufs = own.div_ceil(LONGEST as u32) + 1;
    if info.receives_chains() && info.sends_chains(mbufs) { own } else { one }
}

/// The work that a device does to packets that are sent.
fn offloads(info: &Info) -> Offload {
    let mut can = Offload::empty();
    can.set(Offload::NEEDS_L4_CSUM, info.completes_checksums());
    can.set(Offload::TSO4 | Offload::TSO6, info.cuts(MBUFS_MAX));
    can
}
