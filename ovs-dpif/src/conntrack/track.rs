//! A packet's way through the tracker.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use ovs_flow::hash::HashKey;
use ovs_flow::{CtMetadata, CtState};
use ovs_packet::Packet;

use super::connection::Connection;
use super::fields::{self, TRANSLATED, add, has};
use super::helper::{Expectation, Expectations};
use super::index::Index;
use super::limits::ZoneLimits;
use super::nat;
use super::packet::{Parsed, Segment, parse};
use super::slab::Slab;
use super::tcp::{Strictness, Verdict};
use super::tuple::Tuple;
use super::view::CtStats;
use super::{ConntrackConfig, CtAction, TimeoutPolicy};

/// What the trackers of a [`Conntrack`](super::Conntrack) have in common.
#[derive(Debug)]
pub(super) struct Common {
    /// Connections of all of them.
    pub total: AtomicU32,
    pub max: AtomicU32,
    pub sequence_check: AtomicBool,
    pub liberal: AtomicBool,
}

impl Common {
    pub fn new(config: &ConntrackConfig) -> Self {
        Self {
            total: AtomicU32::new(0),
            max: AtomicU32::new(config.max_connections),
            sequence_check: AtomicBool::new(config.tcp_sequence_check),
            liberal: AtomicBool::new(config.tcp_be_liberal),
        }
    }

    fn strictness(&self) -> Strictness {
        Strictness {
            check: self.sequence_check.load(Ordering::Relaxed),
            liberal: self.liberal.load(Ordering::Relaxed),
        }
    }
}

/// Why a connection was not remembered. The packet goes on as a new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Refusal {
    /// There are as many connections as may be.
    Full,
    /// There are as many in the zone as may be.
    ZoneFull,
    /// No address and port is left to translate to, or none of the packet's version.
    NatExhausted,
}

/// What became of a packet beside what its metadata tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Tracked {
    /// Why a connection was not remembered that was to be committed.
    pub refused: Option<Refusal>,
}

/// A connection that was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// The connection's name, as [`CtMetadata::connection`] has it.
    pub connection: u64,
    /// The packet is a reply.
    pub reply: bool,
}

/// Connections, and what is known of them. See the module's head; how it is shared: [`Conntrack`](super::Conntrack).
pub struct Tracker {
    pub(super) hash: HashKey,
    pub(super) index: Index,
    pub(super) slab: Slab,
    pub(super) limits: ZoneLimits,
    pub(super) policies: Vec<(u32, TimeoutPolicy)>,
    pub(super) expectations: Expectations,
    pub(super) common: Arc<Common>,
    pub(super) stats: CtStats,
    /// The place that was swept last.
    pub(super) swept: u32,
}

/// A packet on its way.
pub(super) struct Passage {
    pub parsed: Parsed,
    pub now: Duration,
    pub random: u32,
    /// It goes against the direction in which its connection began.
    pub reply: bool,
    /// Where its connection is.
    pub slot: Option<u32>,
    /// What another connection has said of it.
    pub foretold: Option<Box<Expectation>>,
}

/// A time in whole milliseconds.
pub(super) fn millis(time: Duration) -> u64 {
    time.as_secs() * 1000 + u64::from(time.subsec_millis())
}

impl Tracker {
    /// A tracker without connections.
    pub fn new(config: &ConntrackConfig) -> Self {
        Self::sharing(config, Arc::new(Common::new(config)))
    }

    pub(super) fn sharing(config: &ConntrackConfig, common: Arc<Common>) -> Self {
        Self {
            hash: HashKey::from_seed(config.seed ^ 0x6374),
            index: Index::default(),
            slab: Slab::default(),
            limits: ZoneLimits::default(),
            policies: vec![(u32::MAX, config.timeouts)],
            expectations: Expectations::default(),
            common,
            stats: CtStats::default(),
            swept: 0,
        }
    }

    /// Takes a packet through the tracker: finds or makes its connection, moves that on, translates the packet if the
    /// action says so, and writes into `ct` what came of it. `random` is a number that nobody can foretell.
    pub fn track(
        &mut self,
        packet: &mut Packet,
        ct: &mut CtMetadata,
        action: &CtAction,
        now: Duration,
        random: u32,
    ) -> Tracked {
        if !action.force
            && let Some(slot) = self.seen_before(ct, action)
        {
            self.again(slot, packet, ct, action);
            return Tracked::default();
        }
        ct.connection = 0;
        let Some(parsed) = parse(packet, action.zone) else {
            ct.state = CtState::INV.bits();
            fields::write(ct, action.zone, None, None);
            self.stats.invalid += 1;
            return Tracked::default();
        };
        if ct.zone != action.zone {
            ct.state = 0;
        }
        let fresh = !has(ct, TRANSLATED);
        let mut passage = Passage { parsed, now, random, reply: false, slot: None, foretold: None };
        self.look_up(&mut passage, !fresh);
        if action.force && passage.reply {
            passage.slot.take().into_iter().for_each(|slot| self.remove(slot));
        }
        let mut tracked = Tracked::default();
        if self.is_new(&mut passage, packet, ct, action) {
            passage.slot = match self.begin(&mut passage, packet, ct, action) {
                Ok(slot) => slot,
                Err(refusal) => {
                    tracked.refused = Some(refusal);
                    None
                }
            };
        }
        if let Some(slot) = passage.slot {
            self.help(slot, &passage, packet, ct, action, fresh);
        }
        self.finish(&passage, ct, action);
        tracked
    }

    /// The connection that an earlier `ct` action in this zone has moved on by this very packet.
    fn seen_before(&self, ct: &CtMetadata, action: &CtAction) -> Option<u32> {
        if ct.connection == 0 {
            return None;
        }
        let slot = self.slab.named(ct.connection)?;
        let connection = self.slab.get(slot)?;
        (connection.orig.zone == action.zone && connection.helper.is_none()).then_some(slot)
    }

    /// Another action for a packet that has moved its connection on already.
    fn again(&mut self, slot: u32, packet: &mut Packet, ct: &mut CtMetadata, action: &CtAction) {
        let Some(connection) = self.slab.get_mut(slot) else { return };
        if action.nat.is_some() {
            ct.connection = 0;
            if let Some(parsed) = parse(packet, action.zone)
                && let Some(reply) = connection.direction(&parsed.tuple)
            {
                nat::translate(packet, ct, connection, &parsed, reply);
            }
        }
        (ct.zone, ct.mark, ct.label) = (action.zone, connection.mark, connection.label);
        fields::set(ct, connection, action);
    }

    /// Where the connection of a tuple is, and whether the tuple is its reply direction. Of several (what one sends can be what
    /// another is answered by) the last that began.
    #[inline]
    pub(super) fn find(&self, tuple: &Tuple, now: u64) -> Option<(u32, bool)> {
        let mut best: Option<(u64, u32, bool)> = None;
        self.index.each(tuple.hash(&self.hash), |slot| {
            let found = self.slab.get(slot).filter(|connection| connection.expires > now);
            if let Some(connection) = found
                && let Some(reply) = connection.direction(tuple)
                && best.is_none_or(|(serial, ..)| serial < connection.serial)
            {
                best = Some((connection.serial, slot, reply));
            }
        });
        best.map(|(_, slot, reply)| (slot, reply))
    }

    /// Looks up all packets of a batch, step by step together: how packet `i` of `tuples` is known is written to `found[i]`.
    /// Nothing is moved on.
    pub fn find_batch(&self, tuples: &[Tuple], found: &mut [Option<Found>], now: Duration) {
        const BATCH: usize = 32;
        let now = millis(now);
        for (tuples, found) in tuples.chunks(BATCH).zip(found.chunks_mut(BATCH)) {
            let mut hashes = [0; BATCH];
            for (hash, tuple) in hashes.iter_mut().zip(tuples) {
                *hash = tuple.hash(&self.hash);
            }
            let mut likely = [(None, false); BATCH];
            for (likely, hash) in likely.iter_mut().zip(&hashes).take(tuples.len()) {
                *likely = self.index.touch(*hash);
            }
            for ((likely, tuple), found) in likely.iter().zip(tuples).zip(found.iter_mut()) {
                let right = match *likely {
                    // Others have the same hash, which is rare.
                    (_, true) => self.find(tuple, now),
                    (slot, false) => slot.and_then(|slot| {
                        let connection = self.slab.get(slot).filter(|connection| connection.expires > now)?;
                        Some((slot, connection.direction(tuple)?))
                    }),
                };
                *found = right.map(|(slot, reply)| Found { connection: self.slab.name(slot), reply });
            }
        }
    }

    /// Finds the packet's connection. One that was translated already is known by what comes back.
    fn look_up(&mut self, passage: &mut Passage, translated: bool) {
        let now = millis(passage.now);
        let tuple = passage.parsed.tuple;
        if !translated {
            if let Some((slot, reply)) = self.find(&tuple, now) {
                (passage.slot, passage.reply) = (Some(slot), reply);
            }
        } else if let Some((slot, reply)) = self.find(&tuple.reversed(), now)
            && let Some(connection) = self.slab.get(slot)
        {
            (passage.slot, passage.reply) = (Some(slot), !reply);
            passage.parsed.tuple = if reply { connection.orig } else { connection.reply };
        }
    }

    /// Moves the packet's connection on. Says whether it is to begin one.
    fn is_new(
        &mut self,
        passage: &mut Passage,
        packet: &mut Packet,
        ct: &mut CtMetadata,
        action: &CtAction,
    ) -> bool {
        let Some(slot) = passage.slot else {
            if passage.parsed.related {
                // An error about nothing that is known.
                ct.state = CtState::INV.bits();
            }
            return !passage.parsed.related;
        };
        if self.update(slot, passage, ct) {
            self.remove(slot);
            passage.slot = None;
            passage.reply = false;
            return true;
        }
        if action.nat.is_some()
            && let Some(connection) = self.slab.get(slot)
        {
            nat::translate(packet, ct, connection, &passage.parsed, passage.reply);
        }
        false
    }

    /// Moves a connection on. Says whether the packet begins another one in its place.
    fn update(&mut self, slot: u32, passage: &Passage, ct: &mut CtMetadata) -> bool {
        let strict = self.common.strictness();
        let Some(connection) = self.slab.get_mut(slot) else { return false };
        let reply = if passage.reply { CtState::RPL } else { CtState::empty() };
        if passage.parsed.related {
            add(ct, CtState::REL | reply);
            return false;
        }
        if connection.related {
            add(ct, CtState::REL);
        }
        let segment = passage
            .parsed
            .segment
            .map(|segment| Segment { ack: connection.own_ack(segment.ack, passage.reply), ..segment });
        let phase = match connection.state.update(segment.as_ref(), passage.reply, strict) {
            Verdict::Valid(phase) => {
                ct.state &= !CtState::NEW.bits();
                add(ct, CtState::EST | reply);
                phase
            }
            Verdict::StillNew(phase) => {
                add(ct, CtState::NEW);
                Some(phase)
            }
            Verdict::Invalid => {
                ct.state = CtState::INV.bits();
                self.stats.invalid += 1;
                None
            }
            Verdict::Anew => return true,
        };
        if let Some(phase) = phase {
            let policy = &self.policies[usize::from(connection.policy)].1;
            connection.expires = millis(passage.now + policy.get(phase));
        }
        false
    }

    /// Writes what is known now into the packet's metadata, and the action's mark and label into the connection.
    fn finish(&mut self, passage: &Passage, ct: &mut CtMetadata, action: &CtAction) {
        let own = &passage.parsed.tuple;
        let Some((slot, connection)) = passage.slot.and_then(|slot| Some((slot, self.slab.get_mut(slot)?)))
        else {
            let foretold = passage.foretold.as_deref();
            fields::write(ct, action.zone, None, Some(foretold.map_or(own, |foretold| &foretold.tuple)));
            if let Some(foretold) = foretold {
                (ct.mark, ct.label) = (foretold.mark, foretold.label);
            }
            return;
        };
        fields::write(ct, action.zone, Some(connection), Some(own));
        fields::set(ct, connection, action);
        ct.connection = if action.nat.is_none() { self.slab.name(slot) } else { 0 };
    }

    /// Takes a connection out.
    pub(super) fn remove(&mut self, slot: u32) {
        let name = self.slab.name(slot);
        let Some(connection) = self.slab.remove(slot) else { return };
        if connection.helped.as_deref().is_some_and(|helped| helped.expects) {
            self.expectations.forget(name);
        }
        let (orig, reply) = (&connection.orig, &connection.reply);
        let hashes = [orig, reply].map(|tuple| tuple.hash(&self.hash));
        self.index.remove(hashes[0], slot);
        if hashes[0] != hashes[1] {
            self.index.remove(hashes[1], slot);
        }
        self.limits.subtract(orig.zone);
        self.common.total.fetch_sub(1, Ordering::Relaxed);
    }

    /// Takes a new connection in.
    pub(super) fn insert(&mut self, connection: Connection) -> u32 {
        let hashes = [&connection.orig, &connection.reply].map(|tuple| tuple.hash(&self.hash));
        self.limits.add(connection.orig.zone);
        self.common.total.fetch_add(1, Ordering::Relaxed);
        let slot = self.slab.insert(connection);
        self.index.insert(hashes[0], slot);
        if hashes[0] != hashes[1] {
            self.index.insert(hashes[1], slot);
        }
        self.stats.created += 1;
        slot
    }
}

impl std::fmt::Debug for Tracker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tracker").field("connections", &self.slab.len()).finish_non_exhaustive()
    }
}
