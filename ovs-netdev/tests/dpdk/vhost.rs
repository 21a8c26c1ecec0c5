//! vhost-user ports whose frontend is DPDK's virtio-user driver.

use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use ovs_netdev::dpdk::DpdkFactory;
use ovs_netdev::vhost::VhostFactory;
use ovs_netdev::{ConfigError, DeviceConfig, Factory, Netdev, Options, RxQueue, Statistics, Status, TxQueue};
use ovs_packet::{Batch, Offload, Packet, Pool, PoolConfig};

use crate::conformance::{Abilities, Bed, Far};

/// A device that a thread of control polls, for the frontend waits for answers.
pub struct Polled {
    name: String,
    kind: &'static str,
    device: Arc<Mutex<Box<dyn Netdev>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Polled {
    pub fn new(device: Box<dyn Netdev>) -> Self {
        let (name, kind) = (device.name().to_owned(), device.kind());
        let (device, stop) = (Arc::new(Mutex::new(device)), Arc::new(AtomicBool::new(false)));
        let (polled, stopped, began) = (Arc::clone(&device), Arc::clone(&stop), Instant::now());
        let thread = std::thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                polled.lock().unwrap().poll_changes(began.elapsed());
                std::thread::sleep(Duration::from_millis(1));
            }
        });
        Self { name, kind, device, stop, thread: Some(thread) }
    }
}

impl Drop for Polled {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Netdev for Polled {
    fn name(&self) -> &str {
        &self.name
    }

    fn kind(&self) -> &'static str {
        self.kind
    }

    fn status(&mut self) -> Status {
        self.device.lock().unwrap().status()
    }

    fn statistics(&mut self) -> Statistics {
        self.device.lock().unwrap().statistics()
    }

    fn configure(&mut self, config: &DeviceConfig) -> Result<(), ConfigError> {
        self.device.lock().unwrap().configure(config)
    }

    fn take_rx_queues(&mut self) -> Vec<Box<dyn RxQueue>> {
        self.device.lock().unwrap().take_rx_queues()
    }

    fn tx_queue(&mut self) -> Result<Box<dyn TxQueue>, ConfigError> {
        self.device.lock().unwrap().tx_queue()
    }

    fn poll_changes(&mut self, now: Duration) -> u64 {
        self.device.lock().unwrap().poll_changes(now)
    }
}

/// Ports that listen or connect, and frontends that do the other.
pub struct VhostPort {
    dpdk: DpdkFactory,
    dir: tempfile::TempDir,
    made: usize,
    listens: bool,
    /// What else the driver is told, and the features of virtio that come of it.
    driver: &'static str,
    features: u64,
}

impl VhostPort {
    pub fn new(dpdk: DpdkFactory, listens: bool) -> Self {
        // DPDK does not seal its memory.
        ovs_netdev::vhost::guard_memory().unwrap();
        let (dir, made) = (tempfile::tempdir().unwrap(), if listens { 100 } else { 200 });
        Self { dpdk, dir, made, listens, driver: "", features: 0 }
    }

    /// With a driver that is told more, and that then uses these features of virtio.
    pub fn told(self, driver: &'static str, features: u64) -> Self {
        Self { made: self.made + 100 * driver.len(), driver, features, ..self }
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("p0")
    }

    fn factory(&self) -> VhostFactory {
        if self.listens { VhostFactory::server(self.dir.path()) } else { VhostFactory::client() }
    }

    fn options(&self, more: &Options) -> Options {
        let path = self.path().to_string_lossy().into_owned();
        let own = Options::from([("vhost-server-path".to_owned(), path)]);
        own.into_iter().chain(more.clone()).collect()
    }

    /// A frontend with so many pairs of queues.
    pub fn frontend(&mut self, queues: usize) -> Box<dyn Netdev> {
        self.made += 1;
        let (made, path) = (self.made, self.path());
        let more = if queues > 1 { format!(",queues={queues},cq=1") } else { String::new() };
        let server = if self.listens { "" } else { ",server=1" };
        let devargs = format!("net_virtio_user{made},path={}{server}{more}{}", path.display(), self.driver);
        let options =
            Options::from([("dpdk-devargs".to_owned(), devargs), ("n_rxq".to_owned(), queues.to_string())]);
        self.dpdk.open("far", &options).unwrap()
    }
}

impl Bed for VhostPort {
    fn abilities(&self) -> Abilities {
        Abilities {
            // What an mbuf of the frontend holds.
            mtu: 1500,
            link: false,
            vanishes: false,
            offloads: Offload::NEEDS_L4_CSUM,
            far_sees_work: false,
            unfinished_in: true,
            queues: 4,
            polled: true,
            depth: 128,
            ..Abilities::default()
        }
    }

    fn open(&mut self, options: &Options, inbound: Vec<Packet>) -> (Box<dyn Netdev>, Box<dyn Far>) {
        let mut device = Polled::new(self.factory().open("p0", &self.options(options)).unwrap());
        let queues = options.get("n_rxq").map_or(1, |text| text.parse().unwrap());
        let frontend = self.frontend(queues);
        crate::conformance::wait_for("the frontend's rings", || {
            let wanted = ("n_vrings".to_owned(), (2 * queues).to_string());
            device.status().details.contains(&wanted).then_some(())
        });
        let features = device.status().details.into_iter().find(|(key, _)| key == "features").unwrap().1;
        let features = u64::from_str_radix(features.trim_start_matches("0x"), 16).unwrap();
        assert_eq!(features & self.features, self.features, "{features:#x}");
        let mut far = Frontend::new(frontend, queues);
        far.send(inbound);
        (Box::new(device), Box::new(far))
    }

    fn refusal(&mut self, options: &Options) -> String {
        self.factory().open("p0", &self.options(options)).err().unwrap().to_string()
    }
}

struct Frontend {
    rx: Vec<Box<dyn RxQueue>>,
    tx: Vec<Box<dyn TxQueue>>,
    pool: Pool,
    _device: Box<dyn Netdev>,
}

impl Frontend {
    fn new(mut device: Box<dyn Netdev>, queues: usize) -> Self {
        let rx = device.take_rx_queues();
        let tx = (0..queues).map(|_| device.tx_queue().unwrap()).collect();
        Self { rx, tx, pool: Pool::new(PoolConfig::default()), _device: device }
    }
}

impl Far for Frontend {
    fn send(&mut self, packets: Vec<Packet>) {
        let mut batch = Batch::new();
        for packet in packets {
            // A flow has a queue.
            let queue = packet.data().get(35).map_or(0, |byte| usize::from(*byte) % self.tx.len());
            batch.push(packet).unwrap();
            assert_eq!(self.tx[queue].send(&mut batch).packets, 1);
        }
    }

    fn receive(&mut self) -> Vec<Packet> {
        let (mut seen, mut batch) = (Vec::new(), Batch::new());
        for rx in &mut self.rx {
            while let Ok(1..) = rx.receive(&mut self.pool, &mut batch) {
                seen.extend(batch.drain());
            }
        }
        seen
    }
}

/// A client whose frontend is not there yet, comes, goes and comes again.
pub fn comes_back(dpdk: DpdkFactory) {
    let mut bed = VhostPort::new(dpdk, false);
    let abandoned = UnixListener::bind(bed.path()).unwrap();
    drop(abandoned);
    std::fs::remove_file(bed.path()).unwrap();
    let mut device = Polled::new(bed.factory().open("p0", &bed.options(&Options::new())).unwrap());
    let (mut rx, mut tx) = (device.take_rx_queues(), device.tx_queue().unwrap());
    let (mut pool, mut batch) = (Pool::new(PoolConfig::default()), Batch::new());
    for _ in 0..3 {
        assert!(!device.status().link_up);
        batch.push(crate::conformance::frame(1, 60)).unwrap();
        assert_eq!(tx.send(&mut batch).down, 1);
        let frontend = bed.frontend(1);
        crate::conformance::wait_for("a link", || device.status().link_up.then_some(()));
        let mut far = Frontend::new(frontend, 1);
        far.send(vec![crate::conformance::frame(2, 70)]);
        crate::conformance::wait_for("a packet", || {
            rx[0].receive(&mut pool, &mut batch).unwrap();
            (batch.len() == 1).then_some(())
        });
        assert_eq!(batch[0].data(), crate::conformance::frame(2, 70).data());
        assert_eq!(tx.send(&mut batch).packets, 1);
        crate::conformance::wait_for("it again", || (far.receive().len() == 1).then_some(()));
        drop(far);
        crate::conformance::wait_for("no link", || (!device.status().link_up).then_some(()));
        // The frontend's socket goes with it.
        let _ = std::fs::remove_file(bed.path());
    }
}
