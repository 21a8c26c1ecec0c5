//! Reassembly of fragments for the connection tracker: what is set and known of all workers' together.
//!
//! ```text
//!   control ─ sets ─▶ Fragments ◀─ looks at each fragment ─ worker: Held ─▶ Reassembler
//!      ▲                                                       │
//!      └──────────── reads ── Board ◀── writes after a turn ───┘
//! ```
//!
//! Each worker puts together what comes to it; limits are the datapath's. Nobody waits for anybody: settings are
//! atomic, and a worker's board is a snapshot under a sequence lock.

mod board;
mod held;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use ovs_packet::fragment::{DatagramView, Family, ReassemblerConfig};
use parking_lot::Mutex;

use self::board::Board;
pub(crate) use self::held::Held;

/// The least that [`Fragments::set_least`] takes: every link of IPv4 carries that, with some room (RFC 791 wants 68
/// octets of all, and that all hosts take 576).
pub const LEAST_BYTES: u32 = 400;
/// The most that [`Fragments::set_most`] takes.
pub const MOST_FRAGMENTS: u32 = 5_000;

/// Why a limit was not set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FragmentLimitError {
    /// Fragments may not be required to have that little.
    #[error("a fragment must be allowed to be refused below {LEAST_BYTES} bytes")]
    TooSmall,
    /// More than may ever be held.
    #[error("at most {MOST_FRAGMENTS} fragments can be held")]
    TooMany,
}

/// What was done to fragments of one version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct FragmentCounters {
    /// Held, those that completed a datagram included.
    pub accepted: u64,
    /// Became part of a whole.
    pub completed: u64,
    /// Held until their time was over.
    pub expired: u64,
    /// Refused as too small.
    pub too_small: u64,
    /// Refused because they overlap others, or are others come again.
    pub overlapped: u64,
    /// Dropped because of others of their datagram.
    pub purged: u64,
}

/// What is held, and what was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct FragmentStatus {
    /// Fragments held.
    pub held: u64,
    /// IPv4.
    pub v4: FragmentCounters,
    /// IPv6.
    pub v6: FragmentCounters,
}

/// A handle to the settings of reassembly, and to what all workers know; a clone is another to the same.
#[derive(Clone, Debug)]
pub struct Fragments {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    /// Changes with every setting.
    version: AtomicU32,
    enabled: [AtomicBool; 2],
    least: [AtomicU32; 2],
    most: AtomicU32,
    /// Fragments that all workers hold.
    held: AtomicU32,
    /// The lock is for workers that come and go, and for who asks.
    boards: Mutex<Boards>,
}

/// What workers tell.
#[derive(Debug, Default)]
struct Boards {
    present: Vec<Arc<Board>>,
    /// Of the workers that are gone.
    past: FragmentStatus,
}

impl Boards {
    /// A worker goes; what it has counted stays.
    fn part(&mut self, board: &Arc<Board>) {
        board.add_to(&mut self.past);
        self.present.retain(|present| !Arc::ptr_eq(present, board));
    }
}

fn place(family: Family) -> usize {
    usize::from(family == Family::V6)
}

impl Default for Fragments {
    fn default() -> Self {
        let ReassemblerConfig { least_v4, least_v6, fragments, .. } = ReassemblerConfig::default();
        let shared = Shared {
            version: AtomicU32::new(0),
            enabled: [true; 2].map(AtomicBool::new),
            least: [least_v4, least_v6].map(AtomicU32::new),
            most: AtomicU32::new(fragments),
            held: AtomicU32::new(0),
            boards: Mutex::default(),
        };
        Self { shared: Arc::new(shared) }
    }
}

impl Fragments {
    /// Whether fragments of a version are put together.
    pub fn is_enabled(&self, family: Family) -> bool {
        self.shared.enabled[place(family)].load(Ordering::Relaxed)
    }

    /// Sets whether fragments of a version are put together. If not, they are invalid to the connection tracker; what is
    /// held stays until its time is over.
    pub fn set_enabled(&self, family: Family, enabled: bool) {
        self.shared.enabled[place(family)].store(enabled, Ordering::Relaxed);
        self.changed();
    }

    /// Least bytes of a packet that is a fragment, but for the last of a datagram.
    pub fn least(&self, family: Family) -> u32 {
        self.shared.least[place(family)].load(Ordering::Relaxed)
    }

    /// Sets [`Fragments::least`].
    ///
    /// # Errors
    ///
    /// [`FragmentLimitError::TooSmall`] below [`LEAST_BYTES`].
    pub fn set_least(&self, family: Family, bytes: u32) -> Result<(), FragmentLimitError> {
        if bytes < LEAST_BYTES {
            return Err(FragmentLimitError::TooSmall);
        }
        self.shared.least[place(family)].store(bytes, Ordering::Relaxed);
        self.changed();
        Ok(())
    }

    /// Fragments that may be held at once, by all workers.
    pub fn most(&self) -> u32 {
        self.shared.most.load(Ordering::Relaxed)
    }

    /// Sets [`Fragments::most`]. What is held beyond it stays.
    ///
    /// # Errors
    ///
    /// [`FragmentLimitError::TooMany`] above [`MOST_FRAGMENTS`].
    pub fn set_most(&self, fragments: u32) -> Result<(), FragmentLimitError> {
        if fragments > MOST_FRAGMENTS {
            return Err(FragmentLimitError::TooMany);
        }
        self.shared.most.store(fragments, Ordering::Relaxed);
        self.changed();
        Ok(())
    }

    /// What all workers hold and have done, as of each one's last turn; those that are gone included.
    pub fn status(&self) -> FragmentStatus {
        let boards = self.shared.boards.lock();
        let mut sum = boards.past;
        boards.present.iter().for_each(|board| board.add_to(&mut sum));
        sum
    }

    /// The incomplete datagrams of all workers, each one's oldest first: as of its last idle turn, or a few hundred
    /// fragments ago at most, or as many as it has datagrams. A datagram's zone has its number in the
    /// lower 16 bits, and above them the recirculation in which its fragments came.
    pub fn datagrams(&self) -> Vec<DatagramView> {
        self.shared.boards.lock().present.iter().flat_map(|board| board.datagrams()).collect()
    }

    fn changed(&self) {
        self.shared.version.fetch_add(1, Ordering::Release);
    }
}

/// Where fragments of a zone meet: those that have taken one way through the tables.
pub(crate) fn meeting(zone: u16, recirculation: u32) -> u64 {
    u64::from(recirculation) << 16 | u64::from(zone)
}
