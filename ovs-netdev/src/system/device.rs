//! The device and its factory.

use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::{lanes::Way, receive::SystemRx, transmit::SystemTx};
use crate::linux::{Link, Shared, is_on, open_error, queues, sys, tc};
use crate::{
    ConfigError, DeviceConfig, Factory, Netdev, OpenError, Options, Qos, QosError, QosView, RxQueue,
    Statistics, Status, TxQueue, Wait,
};

/// Opens devices of the system (type `system`). Needs `CAP_NET_RAW`, and `CAP_NET_ADMIN` to change them.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemFactory;

impl Factory for SystemFactory {
    fn kind(&self) -> &'static str {
        "system"
    }

    fn open(&self, name: &str, options: &Options) -> Result<Box<dyn Netdev>, OpenError> {
        Ok(Box::new(SystemDevice::open_with(name, options)?))
    }
}

/// A device of the system.
#[derive(Debug)]
pub struct SystemDevice {
    link: Link,
    shared: Arc<Shared>,
    rx: Vec<SystemRx>,
    /// The receive queues' sockets, which count what they lose.
    sockets: Vec<Arc<OwnedFd>>,
    lost: u64,
    /// What all transmit handles send by. Opened with the device, so that a handle made later belongs to the
    /// device's network namespace, whatever the caller's is.
    sender: Arc<OwnedFd>,
    /// How handles make sockets of their own.
    way: Way,
    /// What is sent goes past the queueing discipline.
    bypass: bool,
}

impl SystemDevice {
    /// Opens the device `name` of this network namespace. From then on what arrives waits to be received.
    pub fn open(name: &str) -> Result<Self, OpenError> {
        Self::open_with(name, &Options::new())
    }

    /// As [`SystemDevice::open`], with options: `n_rxq` receive queues, among which flows are spread by their hash;
    /// `qdisc-bypass=true` sends past the device's queueing discipline, which is faster and drops where that would
    /// have waited.
    pub fn open_with(name: &str, options: &Options) -> Result<Self, OpenError> {
        let count = queues(name, options)?;
        let bypass = is_on(name, options, "qdisc-bypass")?;
        let link = Link::open(name, "system")?;
        if !link.is_ethernet() {
            let source = std::io::Error::from_raw_os_error(libc::EPFNOSUPPORT);
            return Err(OpenError::System { name: name.to_owned(), source });
        }
        let failed = |source| open_error(name, source);
        let sockets = sys::packet::receivers(link.ifindex(), count).map_err(failed)?;
        let sockets: Vec<_> = sockets.into_iter().map(Arc::new).collect();
        let sender = Arc::new(sys::packet::sender(link.ifindex(), bypass).map_err(failed)?);
        let shared = Arc::new(Shared::default());
        let rx =
            sockets.iter().map(|socket| SystemRx::new(Arc::clone(socket), Arc::clone(&shared))).collect();
        let way = Way::here(link.ifindex(), bypass);
        Ok(Self { link, shared, rx, sockets, lost: 0, sender, way, bypass })
    }
}

impl Drop for SystemDevice {
    fn drop(&mut self) {
        self.shared.close();
    }
}

impl Netdev for SystemDevice {
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
        let mut statistics = self.link.statistics();
        let mine = |counter: Option<u64>, more: u64| counter.map(|n| n + more);
        let lost = |socket: &Arc<OwnedFd>| sys::packet::lost(socket.as_fd()).unwrap_or(0);
        self.lost += self.sockets.iter().map(lost).sum::<u64>();
        let unusable = self.shared.rx_unusable.load(Ordering::Relaxed);
        statistics.rx_dropped = mine(statistics.rx_dropped, self.lost + unusable);
        statistics.tx_dropped = mine(statistics.tx_dropped, self.shared.tx_lost.load(Ordering::Relaxed));
        statistics
    }

    fn configure(&mut self, config: &DeviceConfig) -> Result<(), ConfigError> {
        self.link.configure(config)
    }

    fn qos_kinds(&self) -> &'static [&'static str] {
        tc::KINDS
    }

    fn set_qos(&mut self, qos: Option<&Qos>) -> Result<(), QosError> {
        match qos {
            Some(qos) if self.bypass && qos.kind != "linux-noop" => Err(QosError::BadOption {
                device: self.link.name().to_owned(),
                qos: qos.kind.clone(),
                option: "qdisc-bypass".to_owned(),
                reason: "what goes past the queueing discipline is not queued by it".to_owned(),
            }),
            qos => self.link.set_qos(qos),
        }
    }

    fn qos(&mut self) -> Option<QosView> {
        self.link.qos()
    }

    fn take_rx_queues(&mut self) -> Vec<Box<dyn RxQueue>> {
        self.rx.drain(..).map(|rx| Box::new(rx) as Box<dyn RxQueue>).collect()
    }

    fn tx_queue(&mut self) -> Result<Box<dyn TxQueue>, ConfigError> {
        if self.link.is_gone() {
            return Err(ConfigError::Gone { device: self.link.name().to_owned() });
        }
        Ok(Box::new(SystemTx::new(Arc::clone(&self.sender), Arc::clone(&self.shared), self.way)))
    }

    fn poll_changes(&mut self, _now: Duration) -> u64 {
        self.link.poll_changes()
    }

    fn wait(&self) -> Wait<'_> {
        self.link.wait()
    }
}
