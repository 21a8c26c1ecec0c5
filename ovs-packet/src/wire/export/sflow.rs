//! sFlow version 5 (sflow.org, "sFlow Version 5", July 2004): datagrams of flow samples and counter samples, in XDR.
//!
//! ```text
//! datagram: ├ 5 ┼ agent: type 4, address 4 or 16 ┼ sub-agent 4 ┼ sequence 4 ┼ uptime 4 ┼ samples 4 ┼ sample … ┤
//! sample:   ├ format 4 ┼ length 4 ┼ …, records 4 ┼ record: format 4, length 4, data … ┤
//! ```

use alloc::vec::Vec;
use core::net::IpAddr;

/// A datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SflowDatagram<'a> {
    /// The agent's address.
    pub agent: IpAddr,
    /// Which of the agent's processes this is.
    pub sub_agent: u32,
    /// Datagrams sent before by this sub-agent.
    pub sequence: u32,
    /// Milliseconds since the agent started.
    pub uptime: u32,
    /// The samples.
    pub samples: &'a [Sample<'a>],
}

/// A sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Sample<'a> {
    /// One packet of many.
    Flow(FlowSample<'a>),
    /// Counters of an interface.
    Counters(CounterSample<'a>),
    /// Any other.
    Other {
        /// Enterprise (20 bits) and format (12).
        format: u32,
        /// Its data.
        data: &'a [u8],
    },
}

/// A packet that was sampled (format 1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FlowSample<'a> {
    /// Samples taken before by this source.
    pub sequence: u32,
    /// Where it was taken: type (8 bits, 0 is an interface) and index (24).
    pub source: u32,
    /// One packet of how many is sampled.
    pub rate: u32,
    /// Packets that could have been sampled.
    pub pool: u32,
    /// Samples lost.
    pub drops: u32,
    /// Interface that the packet came by.
    pub input: u32,
    /// Interface that it left by; the highest bit: more than one, and the rest says how many.
    pub output: u32,
    /// What is known of it.
    pub records: &'a [FlowRecord<'a>],
}

/// Something known of a sampled packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FlowRecord<'a> {
    /// Its first bytes (format 1), from the Ethernet header on.
    Header {
        /// Bytes that it had.
        frame_len: u32,
        /// Bytes taken off before sampling, as the frame check sequence.
        stripped: u32,
        /// Its first bytes.
        header: &'a [u8],
    },
    /// Which VLANs it passed (format 1001).
    ExtendedSwitch {
        /// VLAN that it came in.
        src_vlan: u32,
        /// Priority that it came with.
        src_priority: u32,
        /// VLAN that it left in.
        dst_vlan: u32,
        /// Priority that it left with.
        dst_priority: u32,
    },
    /// Any other.
    Other {
        /// Enterprise (20 bits) and format (12).
        format: u32,
        /// Its data.
        data: &'a [u8],
    },
}

/// Counters of a source (format 2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CounterSample<'a> {
    /// Samples taken before of this source.
    pub sequence: u32,
    /// Whose they are: type (8 bits, 0 is an interface) and index (24).
    pub source: u32,
    /// The counters.
    pub records: &'a [CounterRecord<'a>],
}

/// Some counters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum CounterRecord<'a> {
    /// Those of any interface (format 1).
    Interface(InterfaceCounters),
    /// Any other.
    Other {
        /// Enterprise (20 bits) and format (12).
        format: u32,
        /// Its data.
        data: &'a [u8],
    },
}

/// Counters of an interface (RFC 2233's).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct InterfaceCounters {
    /// Index.
    pub index: u32,
    /// Type; 6 is Ethernet.
    pub kind: u32,
    /// Bits a second.
    pub speed: u64,
    /// 0 unknown, 1 full duplex, 2 half, 3 in, 4 out.
    pub direction: u32,
    /// Administratively up (bit 0), operationally up (bit 1).
    pub status: u32,
    /// What came in.
    pub received: Counters,
    /// Packets of an unknown protocol that came in.
    pub unknown_protocols: u32,
    /// What went out.
    pub sent: Counters,
    /// It receives everything.
    pub promiscuous: bool,
}

/// Counters of one direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// Bytes.
    pub octets: u64,
    /// Unicast packets.
    pub unicast: u32,
    /// Multicast packets.
    pub multicast: u32,
    /// Broadcast packets.
    pub broadcast: u32,
    /// Packets that were dropped.
    pub discards: u32,
    /// Packets that were bad.
    pub errors: u32,
}

impl SflowDatagram<'_> {
    /// The datagram as it stands on the wire.
    pub fn to_vec(&self) -> Vec<u8> {
        let mut out = Vec::new();
        word(&mut out, 5);
        match self.agent {
            IpAddr::V4(address) => {
                word(&mut out, 1);
                out.extend(address.octets());
            }
            IpAddr::V6(address) => {
                word(&mut out, 2);
                out.extend(address.octets());
            }
        }
        words(&mut out, &[self.sub_agent, self.sequence, self.uptime, self.samples.len() as u32]);
        for sample in self.samples {
            sample.put(&mut out);
        }
        out
    }
}

impl Sample<'_> {
    fn put(&self, out: &mut Vec<u8>) {
        match *self {
            Self::Flow(sample) => framed(out, 1, |out| {
                words(out, &[sample.sequence, sample.source, sample.rate, sample.pool, sample.drops]);
                words(out, &[sample.input, sample.output, sample.records.len() as u32]);
                for record in sample.records {
                    record.put(out);
                }
            }),
            Self::Counters(sample) => framed(out, 2, |out| {
                words(out, &[sample.sequence, sample.source, sample.records.len() as u32]);
                for record in sample.records {
                    match record {
                        CounterRecord::Interface(counters) => framed(out, 1, |out| counters.put(out)),
                        CounterRecord::Other { format, data } => {
                            framed(out, *format, |out| opaque(out, data));
                        }
                    }
                }
            }),
            Self::Other { format, data } => framed(out, format, |out| opaque(out, data)),
        }
    }
}

impl FlowRecord<'_> {
    fn put(&self, out: &mut Vec<u8>) {
        match *self {
            Self::Header { frame_len, stripped, header } => framed(out, 1, |out| {
                // Header protocol 1 is Ethernet.
                words(out, &[1, frame_len, stripped, header.len() as u32]);
                opaque(out, header);
            }),
            Self::ExtendedSwitch { src_vlan, src_priority, dst_vlan, dst_priority } => {
                framed(out, 1001, |out| words(out, &[src_vlan, src_priority, dst_vlan, dst_priority]));
            }
            Self::Other { format, data } => framed(out, format, |out| opaque(out, data)),
        }
    }
}

impl InterfaceCounters {
    fn put(&self, out: &mut Vec<u8>) {
        words(out, &[self.index, self.kind]);
        out.extend(self.speed.to_be_bytes());
        words(out, &[self.direction, self.status]);
        self.received.put(out);
        word(out, self.unknown_protocols);
        self.sent.put(out);
        word(out, u32::from(self.promiscuous));
    }
}

impl Counters {
    fn put(&self, out: &mut Vec<u8>) {
        out.extend(self.octets.to_be_bytes());
        words(out, &[self.unicast, self.multicast, self.broadcast, self.discards, self.errors]);
    }
}

/// A format, the length of what `content` writes, and that.
fn framed(out: &mut Vec<u8>, format: u32, content: impl FnOnce(&mut Vec<u8>)) {
    words(out, &[format, 0]);
    let from = out.len();
    content(out);
    let len = (out.len() - from) as u32;
    out[from - 4..from].copy_from_slice(&len.to_be_bytes());
}

fn word(out: &mut Vec<u8>, word: u32) {
    out.extend(word.to_be_bytes());
}

fn words(out: &mut Vec<u8>, words: &[u32]) {
    out.extend(words.iter().flat_map(|word| word.to_be_bytes()));
}

/// Bytes, padded to whole words.
fn opaque(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(bytes);
    out.resize(out.len() + bytes.len().next_multiple_of(4) - bytes.len(), 0);
}
