//! The device and its factory.

use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use super::bind::{self, BindError, Bound};
use super::options::Asked;
use super::queue::{Counters, Port};
use super::rx::AfxdpRx;
use super::tx::AfxdpTx;
use super::umem::CHUNK;
use crate::linux::sys::{bpf, packet, xsk};
use crate::linux::{Link, open_error};
use crate::{
    ConfigError, DeviceConfig, Factory, Netdev, OpenError, Options, RxQueue, Statistics, Status, TxQueue,
    Wait,
};

/// What a frame is longer than the MTU: the Ethernet header and one tag.
const OVERHEAD: u32 = 14 + 4;
/// What the kernel leaves free in front of a packet in its chunk.
const HEADROOM: u32 = 256;
/// The largest MTU: a received frame lies in one chunk.
const MTU_MAX: u32 = CHUNK as u32 - HEADROOM - OVERHEAD;

/// Opens devices of the system by AF_XDP sockets. Needs `CAP_NET_ADMIN`, `CAP_NET_RAW` and `CAP_BPF`.
#[derive(Debug, Clone, Copy)]
pub struct AfxdpFactory {
    kind: &'static str,
    polled: bool,
}

impl AfxdpFactory {
    /// For the type `afxdp`, whose queues belong to workers with a processor of their own.
    pub const fn polled() -> Self {
        Self { kind: "afxdp", polled: true }
    }

    /// For the type `afxdp-nonpmd`, whose queues any worker may have.
    pub const fn waited() -> Self {
        Self { kind: "afxdp-nonpmd", polled: false }
    }
}

impl Factory for AfxdpFactory {
    fn kind(&self) -> &'static str {
        self.kind
    }

    fn open(&self, name: &str, options: &Options) -> Result<Box<dyn Netdev>, OpenError> {
        Ok(Box::new(AfxdpDevice::open(name, *self, options)?))
    }
}

/// A device of the system whose packets come by AF_XDP sockets. See the module's head.
#[derive(Debug)]
pub struct AfxdpDevice {
    link: Link,
    port: Arc<Port>,
    bound: Bound,
    polled: bool,
    handles: usize,
    /// The device is promiscuous as long as this is open.
    _promiscuity: OwnedFd,
}

impl AfxdpDevice {
    /// Opens the device `name` of this network namespace, as `factory` would. From then on what it receives waits to
    /// be received here, and its host no longer sees it.
    pub fn open(name: &str, factory: AfxdpFactory, options: &Options) -> Result<Self, OpenError> {
        let asked = Asked::read(name, options)?;
        let mut link = Link::open(name, factory.kind)?;
        let failed = |source| OpenError::System { name: name.to_owned(), source };
        let status = link.status();
        if status.mtu > MTU_MAX {
            let text = format!("AF_XDP: an MTU of {} is beyond {MTU_MAX}", status.mtu);
            return Err(failed(std::io::Error::other(text)));
        }
        let promiscuity = packet::promiscuity(link.ifindex()).map_err(|source| open_error(name, source))?;
        let port = Arc::new(Port {
            closed: AtomicBool::new(false),
            up: AtomicBool::new(status.admin_up),
            longest: AtomicU32::new(status.mtu + OVERHEAD),
            tx_lost: AtomicU64::new(0),
        });
        // Sockets can be bound only while the device is up.
        let up = |up| DeviceConfig::default().admin_up(up);
        let refused = |error: ConfigError| failed(std::io::Error::other(error.to_string()));
        if !status.admin_up {
            link.configure(&up(true)).map_err(refused)?;
        }
        let bound = bind::bind(&port, link.ifindex(), asked);
        if !status.admin_up {
            link.configure(&up(false)).map_err(refused)?;
        }
        let bound = bound.map_err(|error| match error {
            error if error.is_about_queues() => OpenError::BadOption {
                name: name.to_owned(),
                option: "n_rxq".to_owned(),
                reason: format!("{} queues, but {}", asked.queues, std::io::Error::from(error)),
            },
            BindError::Program(error) if error.raw_os_error() == Some(libc::ENODEV) => {
                open_error(name, error)
            }
            error => failed(error.into()),
        })?;
        Ok(Self { link, port, bound, polled: factory.polled, handles: 0, _promiscuity: promiscuity })
    }

    /// Takes in what the system says, for the queues to know.
    fn look(&mut self) -> Status {
        let status = self.link.status();
        self.port.up.store(status.admin_up, Ordering::Relaxed);
        self.port.longest.store(status.mtu.min(MTU_MAX) + OVERHEAD, Ordering::Relaxed);
        status
    }
}

impl Drop for AfxdpDevice {
    fn drop(&mut self) {
        self.port.closed.store(true, Ordering::Relaxed);
        // Nothing more shall come to sockets that a worker still has. The program goes with its link.
        for number in 0..self.bound.queues.len() as u32 {
            let _ = bpf::clear_socket(self.bound.map.as_fd(), number);
        }
    }
}

impl Netdev for AfxdpDevice {
    fn name(&self) -> &str {
        self.link.name()
    }

    fn kind(&self) -> &'static str {
        self.link.kind()
    }

    fn status(&mut self) -> Status {
        let mut status = self.look();
        status.mtu_range = status.mtu_range.map(|(least, most)| (least, most.min(MTU_MAX)));
        let queues = self.bound.queues.len();
        let mut more = vec![("n_rxq", queues.to_string()), ("xdp-mode", self.bound.mode.to_string())];
        if !self.bound.refused.is_empty() {
            more.push(("xdp-mode-refused", bind::reasons(&self.bound.refused)));
        }
        status.details.extend(more.into_iter().map(|(key, value)| (key.to_owned(), value)));
        status.details.sort();
        status
    }

    fn statistics(&mut self) -> Statistics {
        let link = self.link.statistics();
        let sum = |counter: fn(&Counters) -> &AtomicU64| {
            self.bound.queues.iter().map(|queue| counter(&queue.counters).load(Ordering::Relaxed)).sum()
        };
        let (mut lost, mut invalid) = (sum(|counters| &counters.rx_unusable), 0);
        for fd in self.bound.queues.iter().filter_map(|queue| queue.fd()) {
            let Ok(told) = xsk::statistics(fd.as_fd()) else { continue };
            lost += told.rx_dropped + told.rx_ring_full + told.rx_invalid_descs;
            invalid += told.tx_invalid_descs;
        }
        Statistics {
            // The host's counters may leave out what its stack has not seen.
            rx_packets: Some(sum(|counters| &counters.rx_packets)),
            rx_bytes: Some(sum(|counters| &counters.rx_bytes)),
            tx_packets: Some(sum(|counters| &counters.tx_packets)),
            tx_bytes: Some(sum(|counters| &counters.tx_bytes)),
            rx_dropped: link.rx_dropped.map(|dropped| dropped + lost),
            tx_dropped: Some(self.port.tx_lost.load(Ordering::Relaxed)),
            tx_errors: link.tx_errors.map(|errors| errors + invalid),
            ..link
        }
    }

    fn configure(&mut self, config: &DeviceConfig) -> Result<(), ConfigError> {
        if config.mtu.is_some_and(|mtu| mtu > MTU_MAX) {
            let source = std::io::Error::other(format!("AF_XDP takes an MTU of at most {MTU_MAX}"));
            let device = self.link.name().to_owned();
            return Err(ConfigError::System { device, property: "mtu", source });
        }
        let result = self.link.configure(config);
        self.look();
        result
    }

    fn take_rx_queues(&mut self) -> Vec<Box<dyn RxQueue>> {
        let queues = self.bound.queues.iter();
        let taken = queues.filter_map(|queue| AfxdpRx::new(Arc::clone(queue), self.polled));
        taken.map(|rx| Box::new(rx) as Box<dyn RxQueue>).collect()
    }

    fn tx_queue(&mut self) -> Result<Box<dyn TxQueue>, ConfigError> {
        if self.link.is_gone() {
            return Err(ConfigError::Gone { device: self.link.name().to_owned() });
        }
        let queue = &self.bound.queues[self.handles % self.bound.queues.len()];
        self.handles += 1;
        Ok(Box::new(AfxdpTx::new(Arc::clone(queue))))
    }

    fn poll_changes(&mut self, _now: Duration) -> u64 {
        let before = self.link.changes();
        let now = self.link.poll_changes();
        if now != before {
            self.look();
        }
        now
    }

    fn wait(&self) -> Wait<'_> {
        self.link.wait()
    }
}
