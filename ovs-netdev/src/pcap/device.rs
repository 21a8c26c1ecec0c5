//! The device and its factory.

use std::fs::File;
use std::io::{BufReader, BufWriter};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ovs_packet::pcap::{LINKTYPE_ETHERNET, ReadError, StreamReader, Writer};

use super::queue::{Counters, PcapRx, PcapTx, Sink};
use crate::{
    ConfigError, DeviceConfig, EtherAddr, Factory, Netdev, OpenError, Options, RxQueue, Statistics, Status,
    TxQueue,
};

/// Opens pairs of files as devices (type `pcap`).
#[derive(Debug, Clone, Copy, Default)]
pub struct PcapFactory;

impl Factory for PcapFactory {
    fn kind(&self) -> &'static str {
        "pcap"
    }

    fn open(&self, name: &str, options: &Options) -> Result<Box<dyn Netdev>, OpenError> {
        Ok(Box::new(PcapDevice::open(name, options)?))
    }
}

/// A device made of files.
#[derive(Debug)]
pub struct PcapDevice {
    name: String,
    mac: EtherAddr,
    mtu: u32,
    admin_up: bool,
    changes: u64,
    rx: Option<PcapRx>,
    sink: Sink,
    counters: Arc<Counters>,
}

impl PcapDevice {
    /// Opens the files that `options` name.
    pub fn open(name: &str, options: &Options) -> Result<Self, OpenError> {
        let bad = |option: &str, reason: String| OpenError::BadOption {
            name: name.to_owned(),
            option: option.to_owned(),
            reason,
        };
        let counters = Arc::new(Counters::default());
        let rx = match options.get("rxq_pcap") {
            Some(path) => Some(source(path).map_err(|error| bad("rxq_pcap", format!("{path}: {error}")))?),
            None => None,
        };
        let sink = match options.get("tx_pcap") {
            Some(path) => {
                let made = File::create(path).and_then(|file| Writer::new(BufWriter::new(file)));
                Some(made.map_err(|error| bad("tx_pcap", format!("{path}: {error}")))?)
            }
            None => None,
        };
        Ok(Self {
            name: name.to_owned(),
            mac: EtherAddr::default(),
            mtu: 1500,
            admin_up: true,
            changes: 0,
            rx: Some(PcapRx::new(rx, Arc::clone(&counters))),
            sink: Arc::new(Mutex::new(sink)),
            counters,
        })
    }
}

/// Opens a file to receive from.
fn source(path: &str) -> Result<StreamReader<BufReader<File>>, ReadError> {
    let reader = StreamReader::new(BufReader::new(File::open(path)?))?;
    match reader.header().link_type {
        LINKTYPE_ETHERNET => Ok(reader),
        other => {
            let text = format!("link type {other} is not Ethernet");
            Err(std::io::Error::new(std::io::ErrorKind::Unsupported, text).into())
        }
    }
}

impl Drop for PcapDevice {
    fn drop(&mut self) {
        self.counters.closed.store(true, Ordering::Relaxed);
    }
}

impl Netdev for PcapDevice {
    fn name(&self) -> &str {
        &self.name
    }

    fn kind(&self) -> &'static str {
        "pcap"
    }

    fn status(&mut self) -> Status {
        Status { mac: self.mac, mtu: self.mtu, admin_up: self.admin_up, link_up: true, ..Status::default() }
    }

    fn statistics(&mut self) -> Statistics {
        let read = |counter: &std::sync::atomic::AtomicU64| Some(counter.load(Ordering::Relaxed));
        Statistics {
            rx_packets: read(&self.counters.rx_packets),
            rx_bytes: read(&self.counters.rx_bytes),
            rx_dropped: read(&self.counters.rx_dropped),
            tx_packets: read(&self.counters.tx_packets),
            tx_bytes: read(&self.counters.tx_bytes),
            tx_dropped: read(&self.counters.tx_dropped),
            ..Statistics::default()
        }
    }

    fn configure(&mut self, config: &DeviceConfig) -> Result<(), ConfigError> {
        self.mac = config.mac.unwrap_or(self.mac);
        self.mtu = config.mtu.unwrap_or(self.mtu);
        self.admin_up = config.admin_up.unwrap_or(self.admin_up);
        self.counters.down.store(!self.admin_up, Ordering::Relaxed);
        self.changes += 1;
        Ok(())
    }

    fn take_rx_queues(&mut self) -> Vec<Box<dyn RxQueue>> {
        self.rx.take().map(|rx| Box::new(rx) as Box<dyn RxQueue>).into_iter().collect()
    }

    fn tx_queue(&mut self) -> Result<Box<dyn TxQueue>, ConfigError> {
        Ok(Box::new(PcapTx::new(Arc::clone(&self.sink), Arc::clone(&self.counters))))
    }

    fn poll_changes(&mut self, _now: Duration) -> u64 {
        self.changes
    }
}
