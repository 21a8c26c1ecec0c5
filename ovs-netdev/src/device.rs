//! The control side of a network device.

use std::fmt;
use std::time::Duration;

use crate::{Qos, QosError, QosView, RxQueue, TxQueue, Wait};

/// A device, as a control thread sees it. Dropping it closes the device, and removes it from the system
/// if the switch created it.
///
/// Queues are separate values that move to workers; they may outlive the `Netdev`, and then report
/// [`crate::RxError::Gone`] or drop what is sent.
pub trait Netdev: Send {
    /// Name, unique among the devices of a switch.
    fn name(&self) -> &str;

    /// Type, as the `type` column of an interface names it (`system`, `tap`, `dummy` …).
    fn kind(&self) -> &'static str;

    /// What the device says of itself now. Unless a device has more to say, nothing is known of it.
    fn status(&mut self) -> Status {
        Status::default()
    }

    /// What it has counted since it was opened (or since the system made it). Unless a device counts, nothing.
    fn statistics(&mut self) -> Statistics {
        Statistics::default()
    }

    /// Changes what `config` names and leaves the rest as it is. Unless a device says otherwise, it has nothing that could
    /// be changed, and what is named is refused.
    fn configure(&mut self, config: &DeviceConfig) -> Result<(), ConfigError> {
        let Some(property) = config.first() else { return Ok(()) };
        Err(ConfigError::Unsupported { device: self.name().to_owned(), kind: self.kind(), property })
    }

    /// The NUMA node that it is on; `None` where that is not known.
    fn numa(&self) -> Option<u32> {
        None
    }

    /// The types of quality of service that it has, by the names of the `type` column of table `QoS`. Unless a device says
    /// otherwise, none.
    fn qos_kinds(&self) -> &'static [&'static str] {
        &[]
    }

    /// Sets how what it sends is queued; `None` takes away what was set, by whomever. What is as it was before is left
    /// alone. Unless a device says otherwise, nothing can be set.
    fn set_qos(&mut self, qos: Option<&Qos>) -> Result<(), QosError> {
        match qos {
            None => Ok(()),
            Some(qos) => Err(QosError::unsupported(self.name(), self.kind(), qos, &[])),
        }
    }

    /// What [`Netdev::set_qos`] has set, as it is in effect, and what the queues have counted.
    fn qos(&mut self) -> Option<QosView> {
        None
    }

    /// The receive queues. Each queue is handed out once: a second call gives none.
    fn take_rx_queues(&mut self) -> Vec<Box<dyn RxQueue>>;

    /// A new handle to send by, for one worker.
    fn tx_queue(&mut self) -> Result<Box<dyn TxQueue>, ConfigError>;

    /// A number that moves whenever [`Netdev::status`] may have changed. Non-blocking; takes in what the
    /// system has notified since the last call. Unless a device says otherwise, nothing changes.
    fn poll_changes(&mut self, _now: Duration) -> u64 {
        0
    }

    /// What to sleep on until [`Netdev::poll_changes`] may move.
    fn wait(&self) -> Wait<'_> {
        Wait::Never
    }
}

/// An Ethernet address.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct EtherAddr(pub [u8; 6]);

impl fmt::Display for EtherAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, byte) in self.0.iter().enumerate() {
            write!(f, "{}{byte:02x}", if i == 0 { "" } else { ":" })?;
        }
        Ok(())
    }
}

/// The text is not an Ethernet address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an Ethernet address")]
pub struct NotAnAddress;

impl std::str::FromStr for EtherAddr {
    type Err = NotAnAddress;

    /// Six bytes of one or two hexadecimal digits, colons between them.
    fn from_str(text: &str) -> Result<Self, NotAnAddress> {
        let mut parts = text.split(':');
        let mut bytes = [0; 6];
        for byte in &mut bytes {
            let digits = parts.next().filter(|part| (1..=2).contains(&part.len()));
            let digits = digits.filter(|part| part.bytes().all(|b| b.is_ascii_hexdigit()));
            *byte = digits.and_then(|part| u8::from_str_radix(part, 16).ok()).ok_or(NotAnAddress)?;
        }
        if parts.next().is_some() { Err(NotAnAddress) } else { Ok(Self(bytes)) }
    }
}

impl fmt::Debug for EtherAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What a device says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Status {
    /// Its Ethernet address.
    pub mac: EtherAddr,
    /// Largest payload of a frame in bytes, without the Ethernet header.
    pub mtu: u32,
    /// Smallest and largest MTU it takes, where it says so.
    pub mtu_range: Option<(u32, u32)>,
    /// Whether it is administratively up.
    pub admin_up: bool,
    /// Whether it has carrier.
    pub link_up: bool,
    /// How often carrier has changed since the device was opened.
    pub link_resets: u64,
    /// Interface index, where the system gives one.
    pub ifindex: Option<u32>,
    /// Bits per second, where known.
    pub link_speed: Option<u64>,
    /// Duplex mode, where known.
    pub duplex: Option<Duplex>,
    /// Key-value pairs of the `status` column (`driver_name` …), sorted by key.
    pub details: Vec<(String, String)>,
    /// The device has vanished under us; the reason, for the user.
    pub gone: Option<String>,
}

/// Duplex mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Duplex {
    /// One direction at a time.
    Half,
    /// Both at once.
    Full,
}

/// Counters of a device; `None` where it does not count that.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Statistics {
    /// Packets received by the switch.
    pub rx_packets: Option<u64>,
    /// Packets sent by the switch.
    pub tx_packets: Option<u64>,
    /// Bytes received.
    pub rx_bytes: Option<u64>,
    /// Bytes sent.
    pub tx_bytes: Option<u64>,
    /// Packets that were lost on receipt.
    pub rx_dropped: Option<u64>,
    /// Packets that could not be sent.
    pub tx_dropped: Option<u64>,
    /// Bad packets received.
    pub rx_errors: Option<u64>,
    /// Errors on sending.
    pub tx_errors: Option<u64>,
    /// Collisions.
    pub collisions: Option<u64>,
    /// Received with a framing error.
    pub rx_frame_errors: Option<u64>,
    /// Lost because the receiver was overrun.
    pub rx_over_errors: Option<u64>,
    /// Received with a wrong frame check sequence.
    pub rx_crc_errors: Option<u64>,
    /// Lost because the device had no buffer.
    pub rx_missed_errors: Option<u64>,
    /// Multicast packets received.
    pub multicast: Option<u64>,
    /// Of those lost on receipt, how many a policer dropped; `None` if there has been none.
    pub rx_policed: Option<u64>,
    /// Of those that could not be sent, how many a policer dropped; `None` if there has been none.
    pub tx_policed: Option<u64>,
}

/// A wanted state; `None` leaves that part as it is.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct DeviceConfig {
    /// Ethernet address.
    pub mac: Option<EtherAddr>,
    /// MTU in bytes.
    pub mtu: Option<u32>,
    /// Administratively up.
    pub admin_up: Option<bool>,
}

impl DeviceConfig {
    /// The first property that it names, if any.
    fn first(&self) -> Option<&'static str> {
        let named = [
            (self.mac.is_some(), "MAC address"),
            (self.mtu.is_some(), "MTU"),
            (self.admin_up.is_some(), "state"),
        ];
        named.into_iter().find(|(is, _)| *is).map(|(_, property)| property)
    }

    /// Sets the Ethernet address.
    pub fn mac(mut self, mac: EtherAddr) -> Self {
        self.mac = Some(mac);
        self
    }

    /// Sets the MTU.
    pub fn mtu(mut self, mtu: u32) -> Self {
        self.mtu = Some(mtu);
        self
    }

    /// Sets the administrative state.
    pub fn admin_up(mut self, up: bool) -> Self {
        self.admin_up = Some(up);
        self
    }
}

/// Why a device could not be changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The device has no such property, or it cannot be changed.
    #[error("{device}: {property} cannot be changed on a device of type {kind}")]
    Unsupported {
        /// The device.
        device: String,
        /// Its type.
        kind: &'static str,
        /// What was to be changed.
        property: &'static str,
    },
    /// The system refused.
    #[error("{device}: setting {property} failed ({source})")]
    System {
        /// The device.
        device: String,
        /// What was to be changed.
        property: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
    /// The device has vanished.
    #[error("{device}: device is gone")]
    Gone {
        /// The device.
        device: String,
    },
}
