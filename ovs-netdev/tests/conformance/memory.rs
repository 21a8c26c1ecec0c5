//! Devices without a system: the dummy, and files.

use ovs_netdev::dummy::{Dummies, DummyHandle};
use ovs_netdev::ovs_packet::Packet;
use ovs_netdev::ovs_packet::pcap::{Reader, Writer};
use ovs_netdev::wrap::{FaultConfig, Faults, Tracer, wrap};
use ovs_netdev::{Factory, Netdev, Options, pcap::PcapFactory};

use super::{Abilities, Bed, Far};

/// Dummy devices.
#[derive(Default)]
pub struct Dummy(Dummies);

impl Bed for Dummy {
    fn abilities(&self) -> Abilities {
        Abilities { vanishes: false, ..Abilities::default() }
    }

    fn open(&mut self, _options: &Options, inbound: Vec<Packet>) -> (Box<dyn Netdev>, Box<dyn Far>) {
        let device = self.0.open("d0", "dummy").unwrap();
        let mut far: Box<dyn Far> = Box::new(DummyFar(device.handle()));
        far.send(inbound);
        (Box::new(device), far)
    }
}

struct DummyFar(DummyHandle);

impl Far for DummyFar {
    fn send(&mut self, packets: Vec<Packet>) {
        for packet in packets {
            assert!(self.0.receive(packet.data().to_vec()));
        }
    }

    fn receive(&mut self) -> Vec<Packet> {
        self.0.take_sent().iter().map(|bytes| Packet::detached(bytes).unwrap()).collect()
    }

    fn set_link(&mut self, up: bool) {
        self.0.set_link(up);
    }
}

/// Dummy devices with a wrapper around them that changes nothing.
#[derive(Default)]
pub struct Wrapped(Dummy);

impl Bed for Wrapped {
    fn abilities(&self) -> Abilities {
        self.0.abilities()
    }

    fn open(&mut self, options: &Options, inbound: Vec<Packet>) -> (Box<dyn Netdev>, Box<dyn Far>) {
        let (device, far) = self.0.open(options, inbound);
        let harmless = wrap(device, Box::new(Faults::new(FaultConfig::default())));
        (wrap(harmless, Box::new(Tracer::new(|_, _, _| ()))), far)
    }
}

/// Pairs of files.
pub struct Pcap {
    dir: tempfile::TempDir,
    made: usize,
}

impl Default for Pcap {
    fn default() -> Self {
        Self { dir: tempfile::tempdir().unwrap(), made: 0 }
    }
}

impl Bed for Pcap {
    fn abilities(&self) -> Abilities {
        // A file has no other end that could do anything.
        Abilities { live: false, refuses_long: false, link: false, vanishes: false, ..Abilities::default() }
    }

    fn open(&mut self, options: &Options, inbound: Vec<Packet>) -> (Box<dyn Netdev>, Box<dyn Far>) {
        self.made += 1;
        let path = |what: &str| self.dir.path().join(format!("{what}{}.pcap", self.made));
        let (from, to) = (path("from"), path("to"));
        let mut writer = Writer::new(std::fs::File::create(&from).unwrap()).unwrap();
        for packet in inbound {
            writer.write(0, packet.data()).unwrap();
        }
        let mut options = options.clone();
        options.insert("rxq_pcap".to_owned(), from.to_string_lossy().into_owned());
        options.insert("tx_pcap".to_owned(), to.to_string_lossy().into_owned());
        (PcapFactory.open("f0", &options).unwrap(), Box::new(PcapFar { to, seen: 0 }))
    }
}

struct PcapFar {
    to: std::path::PathBuf,
    seen: usize,
}

impl Far for PcapFar {
    fn send(&mut self, packets: Vec<Packet>) {
        assert!(packets.is_empty(), "not among its abilities");
    }

    fn receive(&mut self) -> Vec<Packet> {
        let bytes = std::fs::read(&self.to).unwrap();
        let mut new = Vec::new();
        let Ok(reader) = Reader::new(&bytes) else { return new };
        for record in reader.skip(self.seen) {
            // The rest of the last record may not be written yet.
            let Ok(record) = record else { break };
            new.push(Packet::detached(record.data).unwrap());
        }
        self.seen += new.len();
        new
    }
}
