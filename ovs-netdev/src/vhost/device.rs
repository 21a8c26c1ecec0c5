//! The device and its factory.

use std::io;
use std::os::fd::AsFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ovs_packet::Offload;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with};

use super::connection::{Connection, Ended};
use super::queue::{Port, Slot, VhostRx, VhostTx};
use super::session::{Session, feature};
use crate::linux::queues;
use crate::{
    ConfigError, DeviceConfig, EtherAddr, Factory, Interest, Netdev, OpenError, Options, RxQueue, Statistics,
    Status, TxQueue, Wait,
};

/// How long a client waits until it tries again.
const RETRY: Duration = Duration::from_secs(1);
/// Messages that are read in one call.
const MESSAGES: usize = 64;
/// What a frame is longer than the MTU: the Ethernet header and one tag.
const OVERHEAD: u32 = 14 + 4;
/// What a device without super-packets sends at most: a large frame holds it.
const MTU_MAX: u32 = 65_535 - OVERHEAD;

/// Opens vhost-user ports.
#[derive(Clone, Debug)]
pub struct VhostFactory {
    /// Where sockets are made; None for clients.
    directory: Option<PathBuf>,
}

impl VhostFactory {
    /// For the type `dpdkvhostuserclient`: connects to the socket that the option `vhost-server-path` names.
    pub const fn client() -> Self {
        Self { directory: None }
    }

    /// For the type `dpdkvhostuser`: listens in `directory`, at a socket with the port's name.
    pub fn server(directory: impl Into<PathBuf>) -> Self {
        Self { directory: Some(directory.into()) }
    }
}

impl Factory for VhostFactory {
    fn kind(&self) -> &'static str {
        if self.directory.is_some() { "dpdkvhostuser" } else { "dpdkvhostuserclient" }
    }

    fn open(&self, name: &str, options: &Options) -> Result<Box<dyn Netdev>, OpenError> {
        let system = |source| OpenError::System { name: name.to_owned(), source };
        let bad = |option: &str, reason: &str| OpenError::BadOption {
            name: name.to_owned(),
            option: option.to_owned(),
            reason: reason.to_owned(),
        };
        let pairs = queues(name, options)?;
        let end = match (&self.directory, options.get("vhost-server-path")) {
            (None, Some(path)) if !path.is_empty() => End::Client(PathBuf::from(path)),
            (None, _) => return Err(bad("vhost-server-path", "is missing: it names the frontend's socket")),
            (Some(_), _) if name.contains('/') || name.is_empty() => {
                let reason = "it cannot be the name of a socket";
                return Err(OpenError::BadName { name: name.to_owned(), reason });
            }
            (Some(directory), _) => listen(directory.join(name)).map_err(system)?,
        };
        Ok(Box::new(VhostDevice::new(name, self.kind(), end, pairs).map_err(system)?))
    }
}

/// Listens at a path, in place of a socket that nobody listens at any more.
fn listen(path: PathBuf) -> io::Result<End> {
    let listener = match UnixListener::bind(&path) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse && is_abandoned(&path) => {
            std::fs::remove_file(&path)?;
            UnixListener::bind(&path)?
        }
        result => result?,
    };
    listener.set_nonblocking(true)?;
    Ok(End::Server(listener, path))
}

/// Connects without waiting, not even for a listener whose queue is full.
fn dial(path: &Path) -> io::Result<UnixStream> {
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    connect(&socket, &SocketAddrUnix::new(path)?)?;
    Ok(socket.into())
}

fn is_abandoned(path: &Path) -> bool {
    dial(path).is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
}

#[derive(Debug)]
enum End {
    Client(PathBuf),
    Server(UnixListener, PathBuf),
}

/// A vhost-user port. See the module's head.
#[derive(Debug)]
pub struct VhostDevice {
    name: String,
    kind: &'static str,
    end: End,
    port: Arc<Port>,
    /// For each pair of queues the frontend's receive ring, then its send ring.
    slots: Arc<[Slot]>,
    connection: Option<(Connection, Session)>,
    /// When to try again.
    next: Duration,
    mac: EtherAddr,
    mtu: u32,
    rx_taken: bool,
    handles: usize,
    link_up: bool,
    resets: u64,
    changes: u64,
    /// Why the last connection ended.
    ended: Option<String>,
}

impl VhostDevice {
    fn new(name: &str, kind: &'static str, end: End, pairs: usize) -> io::Result<Self> {
        let slots: Vec<Slot> = (0..2 * pairs).map(|_| Slot::new()).collect::<io::Result<_>>()?;
        let port = Port::default();
        port.up.store(true, Ordering::Relaxed);
        port.longest.store(1500 + OVERHEAD, Ordering::Relaxed);
        Ok(Self {
            name: name.to_owned(),
            kind,
            end,
            port: Arc::new(port),
            slots: slots.into(),
            connection: None,
            next: Duration::ZERO,
            mac: EtherAddr::default(),
            mtu: 1500,
            rx_taken: false,
            handles: 0,
            link_up: false,
            resets: 0,
            changes: 0,
            ended: None,
        })
    }

    /// A frontend, if one is there.
    fn connect(&mut self, now: Duration) {
        let socket = match &self.end {
            End::Client(_) if now < self.next => return,
            End::Client(path) => dial(path),
            End::Server(listener, _) => listener.accept().map(|(socket, _)| socket),
        };
        match socket.and_then(Connection::new) {
            Ok(connection) => {
                self.connection = Some((connection, Session::new(Arc::clone(&self.slots))));
                self.changes += 1;
            }
            Err(_) => self.next = now + RETRY,
        }
    }

    /// Takes in what the frontend has said.
    fn listen_to(&mut self) -> Result<(), Ended> {
        let Some((connection, session)) = &mut self.connection else { return Ok(()) };
        session.check()?;
        for _ in 0..MESSAGES {
            let Some(message) = connection.receive()? else { break };
            if let Some(reply) = session.handle(message)? {
                connection.reply(&reply)?;
            }
        }
        self.port.offloads.store(offloads(session.features()).bits(), Ordering::Relaxed);
        Ok(())
    }

    /// Follows the rings: without any there is no link.
    fn follow(&mut self) {
        let up = self.connection.as_ref().is_some_and(|(_, session)| session.running() > 0);
        if up != self.link_up {
            self.link_up = up;
            self.resets += 1;
            self.changes += 1;
        }
    }
}

/// What the frontend can be left to do.
fn offloads(features: u64) -> Offload {
    let pairs = [
        (feature::GUEST_CSUM, Offload::NEEDS_L4_CSUM),
        (feature::GUEST_TSO4, Offload::TSO4),
        (feature::GUEST_TSO6, Offload::TSO6),
        (feature::GUEST_ECN, Offload::ECN),
    ];
    let has = pairs.into_iter().filter(|(feature, _)| features & feature != 0);
    has.map(|(_, offload)| offload).collect()
}

impl Drop for VhostDevice {
    fn drop(&mut self) {
        self.port.closed.store(true, Ordering::Relaxed);
        if let End::Server(_, path) = &self.end {
            // Somebody may have removed it.
            let _ = std::fs::remove_file(path);
        }
    }
}

impl Netdev for VhostDevice {
    fn name(&self) -> &str {
        &self.name
    }

    fn kind(&self) -> &'static str {
        self.kind
    }

    fn status(&mut self) -> Status {
        let (mode, path) = match &self.end {
            End::Client(path) => ("client", path),
            End::Server(_, path) => ("server", path),
        };
        let running = self.connection.as_ref().map_or(0, |(_, session)| session.running());
        let mut details = vec![
            ("mode", mode.to_owned()),
            ("n_vrings", running.to_string()),
            ("socket", path.to_string_lossy().into_owned()),
            ("status", if self.connection.is_some() { "connected" } else { "disconnected" }.to_owned()),
        ];
        let features = self.connection.as_ref().map(|(_, session)| format!("0x{:016x}", session.features()));
        details.extend(features.map(|features| ("features", features)));
        details.extend(self.ended.clone().map(|reason| ("last_end", reason)));
        details.sort();
        Status {
            mac: self.mac,
            mtu: self.mtu,
            mtu_range: Some((68, MTU_MAX)),
            admin_up: self.port.up.load(Ordering::Relaxed),
            link_up: self.link_up,
            link_resets: self.resets,
            details: details.into_iter().map(|(key, value)| (key.to_owned(), value)).collect(),
            ..Status::default()
        }
    }

    fn statistics(&mut self) -> Statistics {
        let read = |counter: &AtomicU64| Some(counter.load(Ordering::Relaxed));
        Statistics {
            rx_packets: read(&self.port.rx_packets),
            rx_bytes: read(&self.port.rx_bytes),
            rx_dropped: read(&self.port.rx_unusable),
            rx_errors: read(&self.port.rx_errors),
            tx_packets: read(&self.port.tx_packets),
            tx_bytes: read(&self.port.tx_bytes),
            tx_dropped: read(&self.port.tx_lost),
            ..Statistics::default()
        }
    }

    fn configure(&mut self, config: &DeviceConfig) -> Result<(), ConfigError> {
        if config.mtu.is_some_and(|mtu| !(68..=MTU_MAX).contains(&mtu)) {
            let source = io::Error::from(io::ErrorKind::InvalidInput);
            return Err(ConfigError::System { device: self.name.clone(), property: "mtu", source });
        }
        self.mac = config.mac.unwrap_or(self.mac);
        self.mtu = config.mtu.unwrap_or(self.mtu);
        self.port.longest.store(self.mtu + OVERHEAD, Ordering::Relaxed);
        if let Some(up) = config.admin_up {
            self.port.up.store(up, Ordering::Relaxed);
        }
        self.changes += 1;
        Ok(())
    }

    fn take_rx_queues(&mut self) -> Vec<Box<dyn RxQueue>> {
        if std::mem::replace(&mut self.rx_taken, true) {
            return Vec::new();
        }
        let queue = |number| {
            let rx = VhostRx::new(Arc::clone(&self.port), Arc::clone(&self.slots), number);
            Box::new(rx) as Box<dyn RxQueue>
        };
        (1..self.slots.len()).step_by(2).map(queue).collect()
    }

    fn tx_queue(&mut self) -> Result<Box<dyn TxQueue>, ConfigError> {
        let number = 2 * self.handles % self.slots.len();
        self.handles += 1;
        Ok(Box::new(VhostTx::new(Arc::clone(&self.port), Arc::clone(&self.slots), number)))
    }

    fn poll_changes(&mut self, now: Duration) -> u64 {
        if self.connection.is_none() {
            self.connect(now);
        }
        if let Err(ended) = self.listen_to() {
            // Its rings stop with it.
            self.connection = None;
            self.ended = Some(ended.to_string());
            self.next = now + RETRY;
            self.changes += 1;
        }
        self.follow();
        self.changes
    }

    fn wait(&self) -> Wait<'_> {
        match (&self.connection, &self.end) {
            (Some((connection, _)), _) => Wait::Fd(connection.fd(), Interest::Read),
            (None, End::Server(listener, _)) => Wait::Fd(listener.as_fd(), Interest::Read),
            (None, End::Client(_)) => Wait::At(self.next),
        }
    }
}
