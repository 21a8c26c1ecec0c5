//! A batch's way through the tracker: all packets through each step together, so that what they wait for from memory comes at
//! once.
//!
//! ```text
//!   parse, hash ─▶ fetch buckets ─▶ look into them ─▶ fetch connections ─▶ in order: the short way, or else the long one
//! ```
//!
//! What is looked up ahead is a hint and no more: a place where the connection may be. It is compared with the packet in the
//! packet's turn; and once one of the batch has gone the long way, on which connections begin and end, those behind it are looked
//! up anew. So the result is that of one packet after the other.

use std::time::Duration;

use ovs_flow::Metadata;
use ovs_packet::Packet;

use super::fields::{TRANSLATED, has};
use super::packet::{Brief, brief};
use super::table::{Bucket, Packed, Place, Table};
use super::track::{Tracked, millis};
use super::tuple::Tuple;
use super::{Conntrack, CtAction};

/// Packets that are under way together.
const BATCH: usize = 32;

/// What the tracker is to do with a packet of a batch.
#[derive(Clone, Copy, Debug)]
pub struct CtTurn<'a> {
    /// The settings.
    pub action: &'a CtAction,
    /// A number that nobody can foretell, if [`CtAction::needs_chance`].
    pub random: u32,
}

/// A connection that was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// The connection's name, as [`CtMetadata::connection`](ovs_flow::CtMetadata::connection) has it.
    pub connection: u64,
    /// The packet is a reply.
    pub reply: bool,
}

impl Conntrack {
    /// [`Conntrack::track`] for the packets of a batch, one after the other: packet `i` with what is known of it in `metadata[i]`
    /// as `turns[i]` says, which is none for a packet to be left alone. What came of it is in the metadata and in `tracked[i]`.
    pub fn track_batch(
        &self,
        packets: &mut [Packet],
        metadata: &mut [Metadata],
        turns: &[Option<CtTurn<'_>>],
        now: Duration,
        tracked: &mut [Tracked],
    ) {
        let chunks = packets.chunks_mut(BATCH).zip(metadata.chunks_mut(BATCH));
        for (((packets, metadata), turns), tracked) in
            chunks.zip(turns.chunks(BATCH)).zip(tracked.chunks_mut(BATCH))
        {
            let mut ahead = Ahead::default();
            ahead.read(self, packets, metadata, turns);
            ahead.look(self);
            for (i, (packet, tracked)) in packets.iter_mut().zip(tracked).enumerate() {
                if let (Some(turn), Some(metadata)) =
                    (turns.get(i).and_then(Option::as_ref), metadata.get_mut(i))
                {
                    *tracked = ahead.track(self, i, packet, metadata, turn, now);
                }
            }
        }
    }

    /// Looks up all packets of a batch, step by step together: how packet `i` of `tuples` is known is written to `found[i]`.
    /// Nothing is moved on.
    pub fn find_batch(&self, tuples: &[Tuple], found: &mut [Option<Found>], now: Duration) {
        let (now, table) = (millis(now), &*self.table);
        for (tuples, found) in tuples.chunks(BATCH).zip(found.chunks_mut(BATCH)) {
            let (mut hashes, mut buckets) = ([0; BATCH], [None; BATCH]);
            for ((hash, bucket), tuple) in hashes.iter_mut().zip(&mut buckets).zip(tuples) {
                *hash = tuple.hash(&table.hash);
                *bucket = table.prefetch(*hash);
            }
            let mut likely = [None; BATCH];
            for ((likely, hash), bucket) in likely.iter_mut().zip(&hashes).zip(buckets) {
                *likely = bucket.and_then(|bucket| table.only(bucket, *hash, false));
            }
            for (((likely, tuple), found), hash) in likely.iter().zip(tuples).zip(found).zip(hashes) {
                let key = Packed::of(tuple);
                let hit = likely.and_then(|place| Table::find_at(place, &key, now));
                let hit = hit.or_else(|| table.find_hashed(&key, hash, now));
                *found = hit.map(|hit| Found { connection: hit.name(), reply: hit.reply });
            }
        }
    }
}

/// What is known of the packets before their turn comes.
struct Ahead<'a> {
    briefs: [Option<Brief>; BATCH],
    hashes: [u64; BATCH],
    buckets: [Option<&'a Bucket>; BATCH],
    likely: [Option<(u32, &'a Place)>; BATCH],
    /// A packet has gone the long way.
    stale: bool,
}

impl Default for Ahead<'_> {
    fn default() -> Self {
        let (buckets, likely) = ([None; BATCH], [None; BATCH]);
        Self { briefs: [None; BATCH], hashes: [0; BATCH], buckets, likely, stale: false }
    }
}

impl<'a> Ahead<'a> {
    /// Reads the packets for which there may be a short way.
    #[inline]
    fn read(
        &mut self,
        conntrack: &'a Conntrack,
        packets: &[Packet],
        metadata: &[Metadata],
        turns: &[Option<CtTurn<'_>>],
    ) {
        let table = &*conntrack.table;
        let places = self.briefs.iter_mut().zip(&mut self.hashes).zip(&mut self.buckets);
        for (((packet, Metadata { ct, .. }), turn), ((place, hash), bucket)) in
            packets.iter().zip(metadata).zip(turns).zip(places)
        {
            let Some(CtTurn { action, .. }) = turn else { continue };
            if ct.connection != 0 && ct.zone == action.zone && !action.force {
                table.prefetch_named(ct.connection);
                continue;
            }
            let fresh = ct.zone != action.zone || !has(ct, TRANSLATED);
            if !action.only_looks() || !fresh {
                continue;
            }
            if let Some(brief) = brief(packet, action.zone) {
                *hash = brief.key.hash(&table.hash);
                *bucket = table.prefetch(*hash);
                *place = Some(brief);
            }
        }
    }

    /// Looks where their connections may be.
    #[inline]
    fn look(&mut self, conntrack: &'a Conntrack) {
        let known = self.briefs.iter().zip(&self.hashes).zip(&self.buckets);
        for (((brief, hash), bucket), likely) in known.zip(&mut self.likely) {
            if let (Some(brief), Some(bucket)) = (brief, bucket) {
                *likely = conntrack.table.only(bucket, *hash, brief.segment.is_some());
            }
        }
    }

    /// Packet `i` has its turn.
    #[inline]
    fn track(
        &mut self,
        conntrack: &Conntrack,
        i: usize,
        packet: &mut Packet,
        Metadata { ct, .. }: &mut Metadata,
        turn: &CtTurn<'_>,
        now: Duration,
    ) -> Tracked {
        let (table, time, action) = (&*conntrack.table, millis(now), turn.action);
        if ct.connection != 0
            && action.nat.is_none()
            && action.only_looks()
            && conntrack.look_again(ct, action)
        {
            return Tracked::default();
        }
        if let Some(Brief { key, segment }) = &self.briefs[i] {
            let hit =
                self.likely[i].filter(|_| !self.stale).and_then(|place| Table::find_at(place, key, time));
            let hit = hit.or_else(|| table.find_hashed(key, self.hashes[i], time));
            if hit.is_some_and(|hit| conntrack.pass(&hit, key, segment.as_ref(), ct, action, time)) {
                return Tracked::default();
            }
        }
        self.stale = true;
        conntrack.track(packet, ct, action, now, turn.random)
    }
}
