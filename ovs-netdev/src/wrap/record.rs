//! Writing what passes into pcap files.

use std::fs::File;
use std::io::{self, BufWriter};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ovs_packet::pcap::Writer;
use ovs_packet::{Batch, Offload, Packet, Pool, PoolConfig, edit};

use super::{Direction, Hook, Wrapper};

/// One file, and what went wrong with it.
#[derive(Debug)]
struct Tape {
    /// None after an error: the rest is not recorded.
    writer: Option<Writer<BufWriter<File>>>,
    error: Option<String>,
}

type Shared = Arc<Mutex<Tape>>;

/// Records what is received, what is sent, or both, as it is on a wire: unfinished checksums are completed and
/// super-packets cut, in the record only. Packets have the time of their facts, or 0 without one: this module reads no
/// clock. A file that takes no more is told of in the status, and traffic goes on.
///
/// What was received by one device can be received again by a `pcap` device.
#[derive(Clone, Debug, Default)]
pub struct Recorder {
    received: Option<Shared>,
    sent: Option<Shared>,
}

impl Recorder {
    /// Records nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes or empties a file for what goes this way. One file can serve both.
    pub fn record(mut self, direction: Direction, path: &Path) -> io::Result<Self> {
        let writer = Writer::new(BufWriter::new(File::create(path)?))?;
        let tape = Arc::new(Mutex::new(Tape { writer: Some(writer), error: None }));
        match direction {
            Direction::Received => self.received = Some(tape),
            Direction::Sent => self.sent = Some(tape),
        }
        Ok(self)
    }

    fn tape(&self, direction: Direction) -> Option<&Shared> {
        match direction {
            Direction::Received => self.received.as_ref(),
            Direction::Sent => self.sent.as_ref(),
        }
    }
}

/// Locks, also after another thread panicked: at worst the last record is torn.
fn lock(tape: &Shared) -> MutexGuard<'_, Tape> {
    tape.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Wrapper for Recorder {
    fn hook(&mut self, direction: Direction, _number: usize) -> Box<dyn Hook> {
        let pool = Pool::new(PoolConfig::default());
        Box::new(RecordHook { tape: self.tape(direction).cloned(), pool })
    }

    fn details(&self) -> Vec<(String, String)> {
        let error = |tape: &Shared| lock(tape).error.clone();
        let both = [("record-rx-error", &self.received), ("record-tx-error", &self.sent)];
        let told = both.into_iter().filter_map(|(key, tape)| Some((key, tape.as_ref().and_then(error)?)));
        told.map(|(key, error)| (key.to_owned(), error)).collect()
    }
}

struct RecordHook {
    tape: Option<Shared>,
    /// For segments of super-packets.
    pool: Pool,
}

impl Hook for RecordHook {
    fn pass(&mut self, batch: &mut Batch, first: usize) -> u64 {
        if let Some(tape) = &self.tape {
            let mut tape = lock(tape);
            let Tape { writer, error } = &mut *tape;
            if let Some(open) = writer
                && let Err(failed) = write_all(open, &mut self.pool, batch.get(first..).unwrap_or(&[]))
            {
                *error = Some(failed.to_string());
                *writer = None;
            }
        }
        0
    }
}

/// Writes packets and lets readers see them.
fn write_all(writer: &mut Writer<BufWriter<File>>, pool: &mut Pool, packets: &[Packet]) -> io::Result<()> {
    for packet in packets {
        let time = packet.facts().timestamp.unwrap_or(0);
        if !packet.facts().is_unfinished() {
            writer.write(time, packet.data())?;
            continue;
        }
        let Some(copy) = packet.try_clone_into(pool) else { continue };
        let mut result = Ok(());
        let mut write = |piece: Packet| {
            if result.is_ok() {
                result = writer.write(time, piece.data());
            }
        };
        // What cannot be finished cannot be sent either.
        let _ = edit::finish(copy, Offload::empty(), pool, &mut write);
        result?;
    }
    writer.flush()
}
