//! The table: connections by either direction, found without a lock. The head of [`super`] says how it is shared.

mod index;
mod packed;
mod place;
mod shard;
mod slab;
mod sweep;
mod words;

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use ovs_flow::hash::HashKey;
use parking_lot::Mutex;

use super::ConntrackConfig;
use super::connection::Connection;
use super::counters::Counted;
use super::helper::Expectations;
use super::limits::Zones;
use super::tcp::Strictness;
use super::timeout::Policies;
use super::tuple::Tuple;

pub(super) use self::index::Bucket;
pub(super) use self::packed::Packed;
pub(super) use self::place::{Place, name};
pub(super) use self::shard::{Inner, Shard};
use self::slab::Slab;
pub(super) use self::words::{HELPED, Words};

/// Parts that connections are spread over by hash.
const SHARDS: usize = 256;
/// How often a lookup that meets changes starts over before it waits for them.
const RETRIES: usize = 16;
/// Dead connections that are taken out when one comes in.
const BURIED: usize = 4;

/// Connections, and what all that track have in common.
pub(super) struct Table {
    pub hash: HashKey,
    shards: Box<[Shard]>,
    slab: Slab,
    pub zones: Zones,
    pub policies: Policies,
    pub expectations: Mutex<Expectations>,
    /// How many expectations there are, so that who begins a connection need not ask where there are none.
    pub expected: AtomicU32,
    pub counted: Counted,
    /// Connections that have begun.
    pub created: AtomicU64,
    pub total: AtomicU32,
    pub max: AtomicU32,
    /// Milliseconds in which all of the table is swept once.
    pub sweep: AtomicU32,
    pub sequence_check: AtomicBool,
    pub liberal: AtomicBool,
    /// The place that was swept last.
    swept: AtomicU32,
}

/// A connection that was found.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hit<'a> {
    pub id: u32,
    pub place: &'a Place,
    pub life: u64,
    /// The tuple was that of its replies.
    pub reply: bool,
}

impl Hit<'_> {
    /// The connection's name.
    pub fn name(&self) -> u64 {
        name(self.id, self.life)
    }
}

/// A connection that is out of its shard's index.
struct Dead {
    /// Hash and place of its entry elsewhere, if it has one.
    alias: Option<(u64, u32)>,
}

/// Why a connection did not come in.
#[derive(Debug)]
pub(super) enum Taken<'a> {
    /// There is no place for it.
    Room,
    /// Another one is answered alike.
    Reply,
    /// It is there already.
    Already(Hit<'a>),
}

impl Table {
    pub fn new(config: &ConntrackConfig) -> Self {
        Self {
            hash: HashKey::from_seed(config.seed ^ 0x6374),
            shards: (0..SHARDS).map(|_| Shard::default()).collect(),
            slab: Slab::default(),
            zones: Zones::default(),
            policies: Policies::new(config.timeouts),
            expectations: Mutex::default(),
            expected: AtomicU32::new(0),
            counted: Counted::default(),
            created: AtomicU64::new(0),
            total: AtomicU32::new(0),
            max: AtomicU32::new(config.max_connections),
            sweep: AtomicU32::new(config.sweep_interval),
            sequence_check: AtomicBool::new(config.tcp_sequence_check),
            liberal: AtomicBool::new(config.tcp_be_liberal),
            swept: AtomicU32::new(0),
        }
    }

    pub fn strictness(&self) -> Strictness {
        Strictness {
            check: self.sequence_check.load(Ordering::Relaxed),
            liberal: self.liberal.load(Ordering::Relaxed),
        }
    }

    #[inline]
    fn shard(&self, hash: u64) -> &Shard {
        &self.shards[(hash >> 56) as usize % SHARDS]
    }

    /// The shard that a connection lives in.
    pub fn home(&self, place: &Place) -> &Shard {
        let [orig, _] = place.directions();
        self.shard(orig.hash(&self.hash))
    }

    /// The connection of a tuple. Of several (what one sends can be what another is answered by) the last that began.
    #[inline]
    pub fn find(&self, tuple: &Tuple, now: u64) -> Option<Hit<'_>> {
        let key = Packed::of(tuple);
        self.find_hashed(&key, key.hash(&self.hash), now)
    }

    #[inline]
    pub fn find_hashed(&self, key: &Packed, hash: u64, now: u64) -> Option<Hit<'_>> {
        let index = &self.shard(hash).index;
        for _ in 0..RETRIES {
            let version = index.version();
            let found = self.look(index, key, hash, now);
            if found.is_some() || index.is_still(version) {
                return found;
            }
        }
        let _held = self.shard(hash).hold();
        self.look(index, key, hash, now)
    }

    #[inline]
    fn look(&self, index: &index::Index, key: &Packed, hash: u64, now: u64) -> Option<Hit<'_>> {
        let mut best: Option<Hit<'_>> = None;
        index.each(hash as u32, |id| {
            let Some(place) = self.slab.get(id) else { return };
            let Some((life, reply)) = place.find(key, now) else { return };
            if best.is_none_or(|best| best.place.serial() < place.serial()) {
                best = Some(Hit { id, place, life, reply });
            }
        });
        best
    }

    /// What [`Table::only`] reads, which begins to be fetched.
    #[inline]
    pub fn prefetch(&self, hash: u64) -> Option<&Bucket> {
        self.shard(hash).index.prefetch(hash as u32)
    }

    /// The place where the connection of a hash is, if there is just one, which begins to be fetched.
    #[inline]
    pub fn only(&self, bucket: &Bucket, hash: u64, tcp: bool) -> Option<(u32, &Place)> {
        let id = self.shard(hash).index.only(bucket, hash as u32)?;
        let place = self.slab.get(id)?;
        place.prefetch(tcp);
        Some((id, place))
    }

    /// Begins to fetch the connection of a name.
    #[inline]
    pub fn prefetch_named(&self, of: u64) {
        if let Some(place) = (of as u32).checked_sub(1).and_then(|id| self.slab.get(id)) {
            place.prefetch(false);
        }
    }

    /// The connection of a tuple, if it lives at this place.
    #[inline]
    pub fn find_at<'a>((id, place): (u32, &'a Place), key: &Packed, now: u64) -> Option<Hit<'a>> {
        let (life, reply) = place.find(key, now)?;
        Some(Hit { id, place, life, reply })
    }

    /// The connection of a name, if it still lives.
    #[inline]
    pub fn named(&self, of: u64) -> Option<Hit<'_>> {
        let id = (of as u32).checked_sub(1)?;
        let place = self.slab.get(id)?;
        let life = place.life().filter(|life| name(id, *life) == of)?;
        Some(Hit { id, place, life, reply: false })
    }

    /// The connection at a place, if there is one.
    pub fn at(&self, id: u32) -> Option<Hit<'_>> {
        let place = self.slab.get(id)?;
        Some(Hit { id, place, life: place.life()?, reply: false })
    }

    /// Places, lived in or not.
    pub fn places(&self) -> u32 {
        self.slab.len()
    }

    /// Ends a connection. Anyone may: nothing is waited for. It is out of the index later.
    pub fn end(&self, hit: &Hit<'_>) -> bool {
        let [orig, _] = hit.place.directions();
        let ended = hit.place.kill(hit.life);
        if ended {
            self.release(orig.zone());
            self.shard(orig.hash(&self.hash)).bury(hit.id, hit.place);
        }
        ended
    }

    /// Counts a connection that is no more.
    pub fn release(&self, zone: u16) {
        self.zones.subtract(zone);
        self.total.fetch_sub(1, Ordering::Relaxed);
    }

    /// Takes in a connection that has been counted. `again` if there may be others of its original direction.
    pub fn insert(&self, connection: &mut Connection, now: u64, again: bool) -> Result<Hit<'_>, Taken<'_>> {
        connection.serial = self.created.fetch_add(1, Ordering::Relaxed);
        let hashes = [&connection.orig, &connection.reply].map(|tuple| tuple.hash(&self.hash));
        let home = self.shard(hashes[0]);
        let key = Packed::of(&connection.orig);
        let mut held = home.hold();
        let id = held.vacancy(&self.slab, now).ok_or(Taken::Room)?;
        let place = self.slab.get(id).ok_or(Taken::Room)?;
        let life = place.conceive(connection);
        if hashes[1] != hashes[0] {
            drop(held);
            if !self.reserve(&connection.reply, hashes[1], id, now) {
                place.abandon(life);
                home.hold().give_back(id);
                return Err(Taken::Reply);
            }
            held = home.hold();
        }
        let other = if again { None } else { self.look(&home.index, &key, hashes[0], now) };
        let room = other.is_none() && home.index.insert(&mut held.spare, hashes[0] as u32, id);
        if !room {
            place.abandon(life);
            home.bury(id, place);
            return Err(other.map_or(Taken::Room, Taken::Already));
        }
        place.bear(life);
        let mut aliases = [None; BURIED];
        for alias in &mut aliases {
            let Some(dead) = self.unlink_one(home, &mut held, now) else { break };
            *alias = dead.alias;
        }
        drop(held);
        for (hash, id) in aliases.into_iter().flatten() {
            self.unlink_alias(hash, id);
        }
        Ok(Hit { id, place, life, reply: false })
    }

    /// Whether no connection, and none that is about to be, has this tuple for one of its directions.
    pub fn is_free(&self, tuple: &Tuple, now: u64) -> bool {
        let (key, hash) = (Packed::of(tuple), tuple.hash(&self.hash));
        let index = &self.shard(hash).index;
        for _ in 0..RETRIES {
            let version = index.version();
            let taken = self.is_claimed(index, &key, hash, now);
            if taken || index.is_still(version) {
                return !taken;
            }
        }
        let _held = self.shard(hash).hold();
        !self.is_claimed(index, &key, hash, now)
    }

    fn is_claimed(&self, index: &index::Index, key: &Packed, hash: u64, now: u64) -> bool {
        let mut claimed = false;
        index.each(hash as u32, |id| {
            claimed |= self.slab.get(id).is_some_and(|place| place.claims(key, now));
        });
        claimed
    }

    /// Enters a connection by its reply direction; false if another one is answered alike.
    fn reserve(&self, reply: &Tuple, hash: u64, id: u32, now: u64) -> bool {
        let (shard, key) = (self.shard(hash), Packed::of(reply));
        let mut held = shard.hold();
        let free = !self.is_claimed(&shard.index, &key, hash, now);
        free && shard.index.insert(&mut held.spare, hash as u32, id)
    }

    /// Takes one that has ended out of its shard's index, if there is one.
    fn unlink_one(&self, shard: &Shard, held: &mut Inner, now: u64) -> Option<Dead> {
        let id = shard.exhume(held, &self.slab)?;
        let place = self.slab.get(id)?;
        let [orig, reply] = place.directions().map(|packed| packed.hash(&self.hash));
        shard.index.remove(&mut held.spare, orig as u32, id);
        held.helped.remove(&name(id, place.last_life()));
        held.vacate(id, now);
        Some(Dead { alias: (reply != orig).then_some((reply, id)) })
    }

    fn unlink_alias(&self, hash: u64, id: u32) {
        let shard = self.shard(hash);
        shard.index.remove(&mut shard.hold().spare, hash as u32, id);
    }

    /// Takes all that has ended out of the index. For who is alone: it holds shards for as long as that takes, and places need
    /// not rest.
    pub fn tidy(&self) {
        for shard in &self.shards {
            let mut held = shard.hold();
            let mut aliases = Vec::new();
            while let Some(dead) = self.unlink_one(shard, &mut held, 0) {
                aliases.extend(dead.alias);
            }
            drop(held);
            for (hash, id) in aliases {
                self.unlink_alias(hash, id);
            }
        }
    }

    /// Entries and buckets of the index.
    pub fn index_size(&self) -> (usize, usize) {
        self.shards.iter().fold((0, 0), |(entries, buckets), shard| {
            (entries + shard.hold().spare.entries(), buckets + shard.index.buckets())
        })
    }
}
