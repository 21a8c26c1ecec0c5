//! A packet's way through the tracker.

use std::time::Duration;

use ovs_flow::{CtMetadata, CtState};
use ovs_packet::Packet;

use super::connection::Connection;
use super::fields::{self, TRANSLATED, add, has};
use super::helper::Expectation;
use super::nat;
use super::packet::{Parsed, Segment, parse};
use super::table::{Hit, Packed, Place};
use super::tcp::Verdict;
use super::timeout::Phase;
use super::{Conntrack, CtAction};

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
    /// The packet may have been rewritten: it was to be translated, or a helper has read it.
    pub rewritten: bool,
}

/// The packet's connection: where it lives, and what it was when it was found.
pub(super) struct Entry<'a> {
    pub hit: Hit<'a>,
    pub connection: Connection,
}

impl<'a> Entry<'a> {
    #[inline]
    pub fn of(hit: Hit<'a>) -> Self {
        Self { connection: hit.place.load(), hit }
    }
}

/// A packet on its way.
pub(super) struct Passage {
    pub parsed: Parsed,
    pub now: Duration,
    pub random: u32,
    /// It goes against the direction in which its connection began.
    pub reply: bool,
    /// No `ct` has translated it before.
    pub fresh: bool,
    /// What another connection has said of it.
    pub foretold: Option<Box<Expectation>>,
}

/// A time in whole milliseconds.
#[inline]
pub(super) fn millis(time: Duration) -> u64 {
    time.as_secs() * 1000 + u64::from(time.subsec_millis())
}

impl Conntrack {
    /// Takes a packet through the tracker: finds or makes its connection, moves that on, translates the packet if the
    /// action says so, and writes into `ct` what came of it. `random` is a number that nobody can foretell.
    pub fn track(
        &self,
        packet: &mut Packet,
        ct: &mut CtMetadata,
        action: &CtAction,
        now: Duration,
        random: u32,
    ) -> Tracked {
        if ct.connection != 0 && action.nat.is_none() && action.only_looks() && self.look_again(ct, action) {
            return Tracked::default();
        }
        if ct.connection != 0
            && !action.force
            && let Some(hit) = self.seen_before(ct, action)
        {
            self.again(hit, packet, ct, action);
            return Tracked { refused: None, rewritten: action.nat.is_some() };
        }
        ct.connection = 0;
        let Some(parsed) = parse(packet, action.zone) else {
            ct.state = CtState::INV.bits();
            fields::write(ct, action.zone, None, None);
            self.counters.invalid();
            return Tracked::default();
        };
        if ct.zone != action.zone {
            ct.state = 0;
        }
        let fresh = !has(ct, TRANSLATED);
        let begins = parsed.segment.as_ref().is_some_and(Segment::synchronizes);
        if action.only_looks()
            && fresh
            && !begins
            && !parsed.related
            && let Some(hit) = self.table.find(&parsed.tuple, millis(now))
            && self.pass(&hit, &Packed::of(&parsed.tuple), parsed.segment.as_ref(), ct, action, millis(now))
        {
            return Tracked::default();
        }
        let mut passage = Passage { parsed, now, random, reply: false, fresh, foretold: None };
        let mut entry = self.look_up(&mut passage);
        if action.force
            && passage.reply
            && let Some(entry) = entry.take()
        {
            self.table.end(&entry.hit);
        }
        let mut tracked = Tracked { refused: None, rewritten: action.nat.is_some() };
        if self.is_new(&mut entry, &mut passage, packet, ct, action) {
            match self.begin(&mut passage, packet, ct, action) {
                Ok(begun) => entry = begun,
                Err(refusal) => tracked.refused = Some(refusal),
            }
        }
        if let Some(entry) = &mut entry
            && entry.connection.helper.is_some()
        {
            tracked.rewritten = true;
            self.help(entry, &passage, packet, ct, action);
        }
        self.finish(entry.as_mut(), &passage, ct, action);
        tracked
    }

    /// The short way, for packets whose connection is there and neither translated, foretold nor helped, and which do not begin
    /// it anew, by an action that [only looks](CtAction::only_looks); false if the packet is none, and then nothing has happened.
    #[inline]
    pub(super) fn pass(
        &self,
        hit: &Hit<'_>,
        key: &Packed,
        segment: Option<&Segment>,
        ct: &mut CtMetadata,
        action: &CtAction,
        now: u64,
    ) -> bool {
        let place = hit.place;
        if place.words().is_special() {
            return false;
        }
        if ct.zone != action.zone {
            ct.state = 0;
        }
        let ((mark, policy, label), reply) =
            (place.marks(), if hit.reply { CtState::RPL } else { CtState::empty() });
        let verdict = self.advance(hit, segment, hit.reply);
        if let Some(phase) = self.judge(verdict, ct, reply) {
            place.set_expires(now + self.table.policies.millis(policy, phase));
        }
        add(ct, CtState::TRK);
        let name = if action.nat.is_none() { hit.name() } else { 0 };
        (ct.zone, ct.mark, ct.label, ct.connection) = (action.zone, mark, label, name);
        let orig = if hit.reply { key.reversed() } else { *key };
        orig.describe(ct);
        true
    }

    /// Writes what a packet means to its connection into the packet's state; gives the phase in which the connection's time
    /// begins again.
    #[inline]
    fn judge(&self, verdict: Verdict, ct: &mut CtMetadata, reply: CtState) -> Option<Phase> {
        match verdict {
            Verdict::Valid(phase) => {
                ct.state &= !CtState::NEW.bits();
                add(ct, CtState::EST | reply);
                phase
            }
            Verdict::StillNew(phase) => {
                add(ct, CtState::NEW);
                Some(phase)
            }
            Verdict::Invalid | Verdict::Anew => {
                ct.state = CtState::INV.bits();
                self.counters.invalid();
                None
            }
        }
    }

    /// The connection that an earlier `ct` action in this zone has moved on by this very packet.
    fn seen_before(&self, ct: &CtMetadata, action: &CtAction) -> Option<Hit<'_>> {
        // Names are those of the zone that gave them; connections that are helped have none.
        if ct.zone == action.zone { self.table.named(ct.connection) } else { None }
    }

    /// The same for one that [only looks](CtAction::only_looks) and does not translate; false if there is none.
    #[inline]
    pub(super) fn look_again(&self, ct: &mut CtMetadata, action: &CtAction) -> bool {
        let Some(hit) = self.seen_before(ct, action) else { return false };
        (ct.mark, _, ct.label) = hit.place.marks();
        true
    }

    /// Another action for a packet that has moved its connection on already.
    fn again(&self, hit: Hit<'_>, packet: &mut Packet, ct: &mut CtMetadata, action: &CtAction) {
        let mut entry = Entry::of(hit);
        let connection = &entry.connection;
        if action.nat.is_some() {
            ct.connection = 0;
            if let Some(parsed) = parse(packet, action.zone)
                && let Some(reply) = connection.direction(&parsed.tuple)
            {
                nat::translate(packet, ct, connection, &parsed, reply);
            }
        }
        (ct.zone, ct.mark, ct.label) = (action.zone, connection.mark, connection.label);
        self.set(&mut entry, ct, action);
    }

    /// Finds the packet's connection. One that was translated already is known by what comes back.
    #[inline]
    fn look_up(&self, passage: &mut Passage) -> Option<Entry<'_>> {
        let now = millis(passage.now);
        let tuple = passage.parsed.tuple;
        if passage.fresh {
            let entry = Entry::of(self.table.find(&tuple, now)?);
            passage.reply = entry.hit.reply;
            return Some(entry);
        }
        let entry = Entry::of(self.table.find(&tuple.reversed(), now)?);
        passage.reply = !entry.hit.reply;
        let connection = &entry.connection;
        passage.parsed.tuple = if entry.hit.reply { connection.orig } else { connection.reply };
        Some(entry)
    }

    /// Moves the packet's connection on. Says whether it is to begin one.
    fn is_new(
        &self,
        found: &mut Option<Entry<'_>>,
        passage: &mut Passage,
        packet: &mut Packet,
        ct: &mut CtMetadata,
        action: &CtAction,
    ) -> bool {
        let Some(entry) = found else {
            if passage.parsed.related {
                // An error about nothing that is known.
                ct.state = CtState::INV.bits();
            }
            return !passage.parsed.related;
        };
        if self.update(entry, passage, ct) {
            self.table.end(&entry.hit);
            *found = None;
            passage.reply = false;
            return true;
        }
        if action.nat.is_some() {
            nat::translate(packet, ct, &entry.connection, &passage.parsed, passage.reply);
        }
        false
    }

    /// Moves a connection on. Says whether the packet begins another one in its place.
    fn update(&self, entry: &mut Entry<'_>, passage: &Passage, ct: &mut CtMetadata) -> bool {
        let reply = if passage.reply { CtState::RPL } else { CtState::empty() };
        if passage.parsed.related {
            add(ct, CtState::REL | reply);
            return false;
        }
        if entry.connection.related {
            add(ct, CtState::REL);
        }
        let mut segment = passage.parsed.segment;
        if entry.connection.helped
            && let Some(segment) = &mut segment
        {
            segment.ack = self.own_ack(&entry.hit, segment.ack, passage.reply);
        }
        let verdict = self.advance(&entry.hit, segment.as_ref(), passage.reply);
        if verdict == Verdict::Anew {
            return true;
        }
        if let Some(phase) = self.judge(verdict, ct, reply) {
            let ttl = self.table.policies.millis(entry.connection.policy, phase);
            entry.connection.expires = millis(passage.now) + ttl;
            entry.hit.place.set_expires(entry.connection.expires);
        }
        false
    }

    /// Takes a packet into its connection's state. What only packets of its direction change is written as it is; for all
    /// else the shard is held, and the state that is there then counts.
    #[inline]
    fn advance(&self, hit: &Hit<'_>, segment: Option<&Segment>, reply: bool) -> Verdict {
        let (strict, place): (_, &Place) = (self.table.strictness(), hit.place);
        let before = place.words();
        if let Some(verdict) = before.unmoved(reply) {
            return verdict;
        }
        let mut state = before.state();
        let verdict = state.update(segment, reply, strict);
        let after = before.with(&state);
        if after == before {
            return verdict;
        }
        if after.differ_by_own(&before, reply) {
            place.set_own(&after, reply);
            return verdict;
        }
        let _held = self.table.home(place).hold();
        if !place.lives(hit.life) {
            // It has ended meanwhile, by a packet or a command that came after this one.
            return verdict;
        }
        let before = place.words();
        let mut state = before.state();
        let verdict = state.update(segment, reply, strict);
        place.set_words(&before.with(&state));
        verdict
    }

    /// Writes what is known now into the packet's metadata, and the action's mark and label into the connection.
    #[inline]
    fn finish(
        &self,
        entry: Option<&mut Entry<'_>>,
        passage: &Passage,
        ct: &mut CtMetadata,
        action: &CtAction,
    ) {
        let own = &passage.parsed.tuple;
        let Some(entry) = entry else {
            let foretold = passage.foretold.as_deref();
            fields::write(ct, action.zone, None, Some(foretold.map_or(own, |foretold| &foretold.tuple)));
            if let Some(foretold) = foretold {
                (ct.mark, ct.label) = (foretold.mark, foretold.label);
            }
            return;
        };
        fields::write(ct, action.zone, Some(&entry.connection), Some(own));
        self.set(entry, ct, action);
        let named = action.nat.is_none() && entry.connection.helper.is_none();
        ct.connection = if named { entry.hit.name() } else { 0 };
    }

    /// Sets mark and label of connection and packet as the action says.
    fn set(&self, entry: &mut Entry<'_>, ct: &mut CtMetadata, action: &CtAction) {
        if action.mark.is_none() && action.label.is_none() {
            return;
        }
        let (connection, place) = (&mut entry.connection, entry.hit.place);
        let before = (connection.mark, connection.label);
        fields::set(ct, connection, action);
        if before == (connection.mark, connection.label) {
            return;
        }
        let _held = self.table.home(place).hold();
        if place.lives(entry.hit.life) {
            place.set_marks(connection);
        }
    }
}
