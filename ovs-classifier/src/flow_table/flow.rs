//! One flow and its counters.

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::fmt;
use core::sync::atomic::{AtomicBool, AtomicU16, AtomicU32, AtomicU64, Ordering::Acquire, Ordering::Relaxed};
use core::time::Duration;

use ovs_flow::{FlowKey, Match, SparseKey};

use super::buckets::END;
use super::masks::TableMask;
use crate::hash::WordHash;

/// Names a flow of one table: what the caches hold. An id of a flow that is gone finds nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FlowId {
    pub(super) slot: u32,
    pub(super) serial: u32,
}

/// A flow in a table. What every hit touches stands in its first two cache lines.
#[repr(C, align(64))]
pub struct Flow<V> {
    values: Values,
    pub(super) mask: Arc<TableMask>,
    pub(super) id: FlowId,
    pub(super) counters: FlowCounters,
    /// The values, if they are more than have room above.
    many: Option<Box<Box<[u64]>>>,
    mark: AtomicU32,
    pub(super) removed: AtomicBool,
    /// The next flow's slot by generation of buckets, or [`super::buckets::END`].
    pub(super) links: [AtomicU32; 2],
    pub(super) hash: u64,
    pub(super) value: V,
}

/// Most masks have no more words: Ethernet, IPv4 and transport fields are in so many.
type Values = [u64; 8];

const _: () = assert!(core::mem::offset_of!(Flow<u64>, removed) < 128);

impl<V> Flow<V> {
    /// The flow for `key` under a mask, in no chain yet.
    pub(super) fn new(
        id: FlowId,
        mask: Arc<TableMask>,
        key: &FlowKey,
        hash: WordHash,
        stats: FlowStats,
        value: V,
    ) -> Self {
        let mut values = Values::default();
        let many = (mask.words().len() > values.len()).then(|| Box::new(mask.values(key).collect()));
        for (place, value) in values.iter_mut().zip(mask.values(key)) {
            *place = value;
        }
        Self {
            values,
            hash: mask.hash(key, hash),
            mask,
            id,
            counters: FlowCounters::new(stats),
            many,
            mark: AtomicU32::new(0),
            removed: AtomicBool::new(false),
            links: [AtomicU32::new(END), AtomicU32::new(END)],
            value,
        }
    }

    /// The key's words, one for each of the mask, and zeros behind them.
    #[inline]
    pub(super) fn values(&self) -> &[u64] {
        match &self.many {
            None => &self.values,
            Some(many) => many,
        }
    }

    /// The number that [`Flow::set_mark`] has set; 0 at first.
    #[inline]
    pub fn mark(&self) -> u32 {
        self.mark.load(Relaxed)
    }

    /// Sets a number of the owner's, which lies where every hit looks anyway, unlike the value.
    #[inline]
    pub fn set_mark(&self, mark: u32) {
        self.mark.store(mark, Relaxed);
    }

    /// Its id.
    pub fn id(&self) -> FlowId {
        self.id
    }

    /// The user's value.
    pub fn value(&self) -> &V {
        &self.value
    }

    /// Whether it has not been removed: a reader may stand on a flow that has.
    pub fn is_present(&self) -> bool {
        !self.removed.load(Acquire)
    }

    /// What it has counted.
    pub fn stats(&self) -> FlowStats {
        self.counters.read()
    }

    /// The counters, for the worker that owns the table.
    pub fn counters(&self) -> &FlowCounters {
        &self.counters
    }

    /// Whether a packet with this key is the flow's.
    #[inline]
    pub fn matches(&self, key: &SparseKey) -> bool {
        self.mask.matches(self.values(), |at| key.word(at))
    }

    /// What it matches.
    pub fn to_match(&self) -> Match {
        self.mask.to_match(self.values())
    }
}

impl<V: fmt::Debug> fmt::Debug for Flow<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flow")
            .field("id", &self.id)
            .field("match", &self.to_match())
            .field("stats", &self.stats())
            .field("value", &self.value)
            .finish_non_exhaustive()
    }
}

/// What a flow has counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FlowStats {
    /// Packets.
    pub packets: u64,
    /// Bytes of these packets.
    pub bytes: u64,
    /// When the last packet came, `None` if none did; monotonic, since the embedder's origin.
    pub used: Option<Duration>,
    /// All TCP flags seen.
    pub tcp_flags: u16,
}

/// Counters with one writer, which loads and stores without locking anything; everybody may read. Each number is
/// right by itself; together they may be of different moments.
#[derive(Default)]
pub struct FlowCounters {
    packets: AtomicU64,
    bytes: AtomicU64,
    /// Milliseconds and one; 0 for never.
    used: AtomicU64,
    tcp_flags: AtomicU16,
}

impl FlowCounters {
    /// That begin at `stats`.
    pub fn new(stats: FlowStats) -> Self {
        Self {
            packets: AtomicU64::new(stats.packets),
            bytes: AtomicU64::new(stats.bytes),
            used: AtomicU64::new(stats.used.map_or(0, stamp)),
            tcp_flags: AtomicU16::new(stats.tcp_flags),
        }
    }

    /// Counts packets. Only one thread at a time may call this, or counts are lost.
    #[inline]
    pub fn add(&self, packets: u64, bytes: u64, tcp_flags: u16, now: Duration) {
        self.packets.store(self.packets.load(Relaxed).wrapping_add(packets), Relaxed);
        self.bytes.store(self.bytes.load(Relaxed).wrapping_add(bytes), Relaxed);
        self.used.store(stamp(now), Relaxed);
        let flags = self.tcp_flags.load(Relaxed);
        if flags | tcp_flags != flags {
            self.tcp_flags.store(flags | tcp_flags, Relaxed);
        }
    }

    /// What has been counted.
    pub fn read(&self) -> FlowStats {
        FlowStats {
            packets: self.packets.load(Relaxed),
            bytes: self.bytes.load(Relaxed),
            used: self.used.load(Relaxed).checked_sub(1).map(Duration::from_millis),
            tcp_flags: self.tcp_flags.load(Relaxed),
        }
    }

    /// Begins again. Only the thread that calls [`FlowCounters::add`] may call this.
    pub fn clear(&self) {
        self.packets.store(0, Relaxed);
        self.bytes.store(0, Relaxed);
        self.used.store(0, Relaxed);
        self.tcp_flags.store(0, Relaxed);
    }
}

fn stamp(at: Duration) -> u64 {
    at.as_millis() as u64 + 1
}

impl fmt::Debug for FlowCounters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.read().fmt(f)
    }
}
