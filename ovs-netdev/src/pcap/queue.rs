//! Reading records as packets, and writing packets as records.

use std::fs::File;
use std::io::{self, BufReader, BufWriter};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ovs_packet::pcap::{ReadError, StreamReader, Writer};
use ovs_packet::{Batch, Pool};

use crate::{RxError, RxQueue, Sent, TxQueue, Wait};

/// The file that is written, shared by all handles; none if nothing is to be written.
pub(super) type Sink = Arc<Mutex<Option<Writer<BufWriter<File>>>>>;

/// What the device tells its queues, and what they have counted.
#[derive(Debug, Default)]
pub(super) struct Counters {
    /// The device was dropped.
    pub closed: AtomicBool,
    /// The device is administratively down.
    pub down: AtomicBool,
    pub rx_packets: AtomicU64,
    pub rx_bytes: AtomicU64,
    /// Records longer than any frame.
    pub rx_dropped: AtomicU64,
    pub tx_packets: AtomicU64,
    pub tx_bytes: AtomicU64,
    /// Packets that the file did not take.
    pub tx_dropped: AtomicU64,
}

/// The receive queue.
#[derive(Debug)]
pub(super) struct PcapRx {
    /// None at the end of the file, and after an error.
    source: Option<StreamReader<BufReader<File>>>,
    counters: Arc<Counters>,
    /// The next record, if it was read and no frame was to be had: its time and bytes.
    waiting: Option<u64>,
    bytes: Vec<u8>,
}

impl PcapRx {
    pub fn new(source: Option<StreamReader<BufReader<File>>>, counters: Arc<Counters>) -> Self {
        Self { source, counters, waiting: None, bytes: Vec::new() }
    }

    /// Makes `bytes` the next record and returns its time; None at the end.
    fn next(&mut self) -> Result<Option<u64>, RxError> {
        if let Some(time) = self.waiting.take() {
            return Ok(Some(time));
        }
        let Some(source) = &mut self.source else { return Ok(None) };
        match source.read(&mut self.bytes) {
            Ok(Some(header)) => Ok(Some(header.timestamp)),
            Ok(None) => {
                self.source = None;
                Ok(None)
            }
            Err(error) => {
                self.source = None;
                Err(RxError::System(match error {
                    ReadError::Io(error) => error,
                    other => io::Error::new(io::ErrorKind::InvalidData, other),
                }))
            }
        }
    }
}

impl RxQueue for PcapRx {
    fn receive(&mut self, pool: &mut Pool, batch: &mut Batch) -> Result<usize, RxError> {
        if self.counters.closed.load(Ordering::Relaxed) {
            return Err(RxError::Gone);
        }
        let before = batch.len();
        while !batch.is_full() {
            let Some(time) = self.next()? else { break };
            if self.bytes.len() > pool.large_size() {
                self.counters.rx_dropped.fetch_add(1, Ordering::Relaxed);
                continue;
            }
            let Some(mut packet) = pool.packet_from(&self.bytes) else {
                self.waiting = Some(time);
                break;
            };
            packet.facts_mut().timestamp = Some(time);
            self.counters.rx_packets.fetch_add(1, Ordering::Relaxed);
            self.counters.rx_bytes.fetch_add(self.bytes.len() as u64, Ordering::Relaxed);
            // It fits, by the condition above.
            drop(batch.push(packet));
        }
        Ok(batch.len() - before)
    }

    fn wait(&self) -> Wait<'_> {
        if self.source.is_some() || self.waiting.is_some() { Wait::Ready } else { Wait::Never }
    }

    fn drain(&mut self) -> u64 {
        let mut drained = 0;
        while let Ok(Some(_)) = self.next() {
            drained += 1;
        }
        drained
    }
}

/// A handle to send by.
#[derive(Debug)]
pub(super) struct PcapTx {
    sink: Sink,
    counters: Arc<Counters>,
}

impl PcapTx {
    pub fn new(sink: Sink, counters: Arc<Counters>) -> Self {
        Self { sink, counters }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Writer<BufWriter<File>>>> {
        // A writer that panicked has left whole records or one torn at the end; nothing else is guarded.
        self.sink.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TxQueue for PcapTx {
    fn send(&mut self, batch: &mut Batch) -> Sent {
        let mut sent = Sent::default();
        if self.counters.closed.load(Ordering::Relaxed) || self.counters.down.load(Ordering::Relaxed) {
            sent.down = batch.len() as u64;
            batch.clear();
            self.counters.tx_dropped.fetch_add(sent.down, Ordering::Relaxed);
            return sent;
        }
        let mut sink = self.lock();
        for packet in batch.iter() {
            let written = match sink.as_mut() {
                Some(writer) => writer.write(packet.facts().timestamp.unwrap_or(0), packet.data()),
                None => Ok(()),
            };
            match written {
                Ok(()) => {
                    sent.packets += 1;
                    sent.bytes += packet.len() as u64;
                }
                Err(_) => sent.refused += 1,
            }
        }
        drop(sink);
        batch.clear();
        self.counters.tx_packets.fetch_add(sent.packets, Ordering::Relaxed);
        self.counters.tx_bytes.fetch_add(sent.bytes, Ordering::Relaxed);
        self.counters.tx_dropped.fetch_add(sent.refused, Ordering::Relaxed);
        sent
    }

    fn flush(&mut self) -> Sent {
        if let Some(writer) = self.lock().as_mut() {
            // A full disk is told by the next write.
            let _ = writer.flush();
        }
        Sent::default()
    }
}
