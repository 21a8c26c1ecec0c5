//! Counters of ports and queues.

use core::time::Duration;

use ovs_flow::OfPort;

use super::parts::{take_with_length, with_length};
use crate::header::{Put, Reader};
use crate::message::flow_removed::decode_duration;
use crate::message::port::{decode_port, encode_port, property};
use crate::{EncodeError, OfError, Version};

/// A port's counters; all ones where nothing is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PortStats {
    /// Which.
    pub port: OfPort,
    /// How long it has been counting (from 1.3).
    pub duration: Duration,
    /// Packets received.
    pub rx_packets: u64,
    /// Packets sent.
    pub tx_packets: u64,
    /// Bytes received.
    pub rx_bytes: u64,
    /// Bytes sent.
    pub tx_bytes: u64,
    /// Packets dropped on reception.
    pub rx_dropped: u64,
    /// Packets dropped on sending.
    pub tx_dropped: u64,
    /// Receive errors.
    pub rx_errors: u64,
    /// Send errors.
    pub tx_errors: u64,
    /// Frame alignment errors.
    pub rx_frame_errors: u64,
    /// Overruns.
    pub rx_over_errors: u64,
    /// Checksum errors of frames.
    pub rx_crc_errors: u64,
    /// Collisions.
    pub collisions: u64,
}

impl PortStats {
    /// A port of which nothing is known.
    pub const fn unknown(port: OfPort) -> Self {
        const NONE: u64 = u64::MAX;
        Self {
            port,
            duration: Duration::ZERO,
            rx_packets: NONE,
            tx_packets: NONE,
            rx_bytes: NONE,
            tx_bytes: NONE,
            rx_dropped: NONE,
            tx_dropped: NONE,
            rx_errors: NONE,
            tx_errors: NONE,
            rx_frame_errors: NONE,
            rx_over_errors: NONE,
            rx_crc_errors: NONE,
            collisions: NONE,
        }
    }

    /// The counters in the order of the wire; the last four are Ethernet's own.
    fn counters(&mut self) -> [&mut u64; 12] {
        [
            &mut self.rx_packets,
            &mut self.tx_packets,
            &mut self.rx_bytes,
            &mut self.tx_bytes,
            &mut self.rx_dropped,
            &mut self.tx_dropped,
            &mut self.rx_errors,
            &mut self.tx_errors,
            &mut self.rx_frame_errors,
            &mut self.rx_over_errors,
            &mut self.rx_crc_errors,
            &mut self.collisions,
        ]
    }

    pub(super) fn encode(mut self, version: Version, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let (secs, nanos) = (self.duration.as_secs() as u32, self.duration.subsec_nanos());
        let port = self.port;
        let counters = self.counters();
        if version < Version::V14 {
            encode_port(version, port, out);
            out.zeros(if version == Version::V10 { 6 } else { 4 });
            for n in counters {
                out.u64(*n);
            }
            if version >= Version::V13 {
                out.u32(secs);
                out.u32(nanos);
            }
            return Ok(());
        }
        with_length(out, |out| {
            out.zeros(2);
            out.u32(port.to_u32());
            out.u32(secs);
            out.u32(nanos);
            let (common, ethernet) = counters.split_at(8);
            for n in common {
                out.u64(**n);
            }
            out.u16(0);
            out.u16(40);
            out.zeros(4);
            for n in ethernet {
                out.u64(**n);
            }
            Ok(())
        })
    }

    pub(super) fn decode(version: Version, r: &mut Reader<'_>) -> Result<Self, OfError> {
        if version < Version::V14 {
            let mut this = Self::unknown(decode_port(version, r)?);
            r.skip(if version == Version::V10 { 6 } else { 4 })?;
            for counter in this.counters() {
                *counter = r.u64()?;
            }
            if version >= Version::V13 {
                this.duration = decode_duration(r)?;
            }
            return Ok(this);
        }
        let mut r = take_with_length(r)?;
        r.skip(2)?;
        let mut this = Self::unknown(decode_port(version, &mut r)?);
        this.duration = decode_duration(&mut r)?;
        for counter in this.counters().into_iter().take(8) {
            *counter = r.u64()?;
        }
        while !r.is_empty() {
            let (kind, mut p) = property(&mut r)?;
            if kind == 0 {
                p.skip(4)?;
                for counter in this.counters().into_iter().skip(8) {
                    *counter = p.u64()?;
                }
            }
        }
        Ok(this)
    }
}

/// A queue's counters; all ones where nothing is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueStats {
    /// Port.
    pub port: OfPort,
    /// Queue.
    pub queue: u32,
    /// Bytes sent.
    pub tx_bytes: u64,
    /// Packets sent.
    pub tx_packets: u64,
    /// Packets dropped.
    pub tx_errors: u64,
    /// How long it has been counting (from 1.3).
    pub duration: Duration,
}

impl QueueStats {
    /// Every queue, where a request may ask for all (`OFPQ_ALL`).
    pub const ALL: u32 = u32::MAX;

    pub(super) fn encode(&self, version: Version, out: &mut Vec<u8>) {
        if version >= Version::V14 {
            out.u16(48);
            out.zeros(6);
        }
        encode_port(version, self.port, out);
        out.zeros(if version == Version::V10 { 2 } else { 0 });
        out.u32(self.queue);
        out.u64(self.tx_bytes);
        out.u64(self.tx_packets);
        out.u64(self.tx_errors);
        if version >= Version::V13 {
            out.u32(self.duration.as_secs() as u32);
            out.u32(self.duration.subsec_nanos());
        }
    }

    pub(super) fn decode(version: Version, r: &mut Reader<'_>) -> Result<Self, OfError> {
        if version >= Version::V14 {
            let mut r = take_with_length(r)?;
            r.skip(6)?;
            return Self::decode_fields(version, &mut r);
        }
        Self::decode_fields(version, r)
    }

    fn decode_fields(version: Version, r: &mut Reader<'_>) -> Result<Self, OfError> {
        let port = decode_port(version, r)?;
        r.skip(if version == Version::V10 { 2 } else { 0 })?;
        let queue = r.u32()?;
        let (tx_bytes, tx_packets, tx_errors) = (r.u64()?, r.u64()?, r.u64()?);
        let duration = if version >= Version::V13 { decode_duration(r)? } else { Duration::ZERO };
        Ok(Self { port, queue, tx_bytes, tx_packets, tx_errors, duration })
    }
}
