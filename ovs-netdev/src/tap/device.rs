//! The device and its factory.

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::queue::{TapRx, TapTx};
use crate::linux::{Link, Shared, check_name, open_error, queues, sys, tc};
use crate::{
    ConfigError, DeviceConfig, Factory, Netdev, OpenError, Options, Qos, QosError, QosView, RxQueue,
    Statistics, Status, TxQueue, Wait,
};

/// Makes TAP devices, under the type `tap` or `internal`. Needs `CAP_NET_ADMIN`.
#[derive(Debug, Clone, Copy)]
pub struct TapFactory {
    kind: &'static str,
}

impl TapFactory {
    /// For the type `tap`.
    pub const fn tap() -> Self {
        Self { kind: "tap" }
    }

    /// For the type `internal`: ports that belong to the host that the switch runs on.
    pub const fn internal() -> Self {
        Self { kind: "internal" }
    }
}

impl Factory for TapFactory {
    fn kind(&self) -> &'static str {
        self.kind
    }

    fn open(&self, name: &str, options: &Options) -> Result<Box<dyn Netdev>, OpenError> {
        Ok(Box::new(TapDevice::open_with(name, self.kind, options)?))
    }
}

/// A TAP device.
#[derive(Debug)]
pub struct TapDevice {
    link: Link,
    /// One for each queue.
    fds: Vec<Arc<OwnedFd>>,
    shared: Arc<Shared>,
    rx_taken: bool,
    /// Handles to send by that were given.
    handles: usize,
    /// It was not there before.
    made: bool,
}

impl TapDevice {
    /// Makes the TAP device `name`, or takes it if it is there and is one.
    pub fn open(name: &str, kind: &'static str) -> Result<Self, OpenError> {
        Self::open_with(name, kind, &Options::new())
    }

    /// As [`TapDevice::open`], with options: `n_rxq` queues, on which the host spreads flows by their hash, and which
    /// follow the queue that their other direction is sent by.
    pub fn open_with(name: &str, kind: &'static str, options: &Options) -> Result<Self, OpenError> {
        let count = queues(name, options)?;
        check_name(name)?;
        let system = |source| open_error(name, source);
        let made = !Link::exists(name).map_err(system)?;
        let refused = |source: std::io::Error| match source.raw_os_error() {
            // A device of another kind has the name.
            Some(libc::EINVAL) if !made => OpenError::InUse { name: name.to_owned() },
            Some(libc::ENOENT) => OpenError::System { name: name.to_owned(), source },
            _ => open_error(name, source),
        };
        let mut fds = Vec::new();
        for _ in 0..count {
            let fd = sys::tun::open(name, count > 1).map_err(refused)?;
            sys::tun::take_offloads(&fd).map_err(system)?;
            fds.push(Arc::new(fd));
        }
        let link = Link::open(name, kind)?;
        Ok(Self { link, fds, shared: Arc::default(), rx_taken: false, handles: 0, made })
    }
}

impl Drop for TapDevice {
    fn drop(&mut self) {
        self.shared.close();
        if self.made {
            // Queues may hold the descriptor for a while; the device shall go now.
            self.link.delete();
        }
    }
}

impl Netdev for TapDevice {
    fn name(&self) -> &str {
        self.link.name()
    }

    fn kind(&self) -> &'static str {
        self.link.kind()
    }

    fn status(&mut self) -> Status {
        self.link.status()
    }

    fn statistics(&mut self) -> Statistics {
        let host = self.link.statistics();
        let mine = |counter: Option<u64>, more: u64| counter.map(|n| n + more);
        Statistics {
            rx_packets: host.tx_packets,
            rx_bytes: host.tx_bytes,
            rx_errors: host.tx_errors,
            rx_dropped: mine(host.tx_dropped, self.shared.rx_unusable.load(Ordering::Relaxed)),
            tx_packets: host.rx_packets,
            tx_bytes: host.rx_bytes,
            tx_errors: host.rx_errors,
            tx_dropped: mine(host.rx_dropped, self.shared.tx_lost.load(Ordering::Relaxed)),
            collisions: host.collisions,
            // There is no wire on which these could happen, and no buffer of a device that could be full.
            rx_frame_errors: Some(0),
            rx_over_errors: Some(0),
            rx_crc_errors: Some(0),
            rx_missed_errors: Some(0),
            multicast: host.multicast,
            ..Statistics::default()
        }
    }

    fn configure(&mut self, config: &DeviceConfig) -> Result<(), ConfigError> {
        self.link.configure(config)
    }

    fn qos_kinds(&self) -> &'static [&'static str] {
        tc::KINDS
    }

    fn set_qos(&mut self, qos: Option<&Qos>) -> Result<(), QosError> {
        self.link.set_qos(qos)
    }

    fn qos(&mut self) -> Option<QosView> {
        self.link.qos()
    }

    fn take_rx_queues(&mut self) -> Vec<Box<dyn RxQueue>> {
        if std::mem::replace(&mut self.rx_taken, true) {
            return Vec::new();
        }
        let queue = |fd| Box::new(TapRx::new(Arc::clone(fd), Arc::clone(&self.shared))) as Box<dyn RxQueue>;
        self.fds.iter().map(queue).collect()
    }

    fn tx_queue(&mut self) -> Result<Box<dyn TxQueue>, ConfigError> {
        if self.link.is_gone() {
            return Err(ConfigError::Gone { device: self.link.name().to_owned() });
        }
        let fd = &self.fds[self.handles % self.fds.len()];
        self.handles += 1;
        Ok(Box::new(TapTx::new(Arc::clone(fd), Arc::clone(&self.shared))))
    }

    fn poll_changes(&mut self, _now: Duration) -> u64 {
        self.link.poll_changes()
    }

    fn wait(&self) -> Wait<'_> {
        self.link.wait()
    }
}
