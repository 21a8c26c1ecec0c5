//! Helpers: they read what a connection says, and foretell the connections that it announces (RFC 959, RFC 2428, RFC 1350).
//!
//! ```text
//!   control packet ─▶ announcement ─▶ Expectation (who ─▶ where, and how that is translated)
//!                          │ translated                  │ a packet comes that fits
//!                          ▼                             ▼
//!                     payload rewritten,          new Connection, related to the
//!                     numbers behind adjusted     one that foretold it
//! ```
//!
//! Commands are lines, and lines come in segments as they please: what of a line has come is kept, up to a length. An announcement
//! of which a part is gone before its end comes cannot be rewritten: where it would have to be, it passes as it is, is
//! counted, and nothing is expected of it.
//!
//! An announcement counts only if it names the host that makes it, and a port that needs no privilege: others pass as they are, are
//! counted, and nothing is expected of them. Expectations are bounded, for each connection and altogether, and
//! end with the connection, with their time, or with the connection that they foretell.

mod adjust;
mod expect;
mod ftp;
mod lines;

pub(super) use self::adjust::Adjust;
pub(super) use self::expect::{Change, Expectation, Expectations};

use std::ops::Range;
use std::sync::atomic::Ordering;

use ovs_flow::{CtMetadata, CtState};
use ovs_packet::Packet;

use self::expect::Key;
use self::ftp::Announced;
use self::lines::Lines;
use super::connection::{Connection, Translated};
use super::fields::has;
use super::table::{HELPED, Hit};
use super::track::{Entry, Passage, millis};
use super::tuple::{Tuple, wide};
use super::{Conntrack, CtAction, Helper, NatRange};

/// Ports below are nobody's to announce.
const LEAST_PORT: u16 = 1024;
/// Ports that are tried for an announcement if others wait at the announced one.
const TRIES: u16 = 16;
/// Announcements of a segment that are looked at.
const MOST_ANNOUNCED: usize = 4;
/// Requests to read and to write (RFC 1350 section 5).
const TFTP_REQUESTS: [[u8; 2]; 2] = [[0, 1], [0, 2]];

/// Who is expected where, how that is translated, and the port as the other side knows it.
type Choice = (Key, Change, u16);
/// Says where nobody else is expected.
type IsFree<'a> = &'a dyn Fn(&Key) -> bool;

/// What a helper keeps with its connection.
#[derive(Clone, Debug, Default)]
pub(super) struct Helped {
    /// How the numbers of each direction are off, the original first.
    pub adjust: [Adjust; 2],
    /// What lines have come of each direction.
    lines: [Lines; 2],
}

impl Conntrack {
    /// The acknowledgment of a segment as its receiver would count, without what was inserted.
    pub(super) fn own_ack(&self, hit: &Hit<'_>, ack: u32, reply: bool) -> u32 {
        let held = self.table.home(hit.place).hold();
        held.helped.get(&hit.name()).map_or(ack, |helped| helped.adjust[usize::from(!reply)].back(ack))
    }

    /// What another connection has said of one that begins.
    pub(super) fn expected(&self, tuple: &Tuple, now: u64) -> Option<Box<Expectation>> {
        if self.table.expected.load(Ordering::Relaxed) == 0 {
            return None;
        }
        let expectations = self.table.expectations.lock();
        let found = expectations.find(tuple, now)?;
        self.table.named(found.parent).is_some().then(|| Box::new(found.clone()))
    }

    /// A connection has begun.
    pub(super) fn fulfil(&self, tuple: &Tuple) {
        if self.table.expected.load(Ordering::Relaxed) != 0 {
            let mut expectations = self.table.expectations.lock();
            expectations.fulfil(tuple);
            self.table.expected.store(expectations.len() as u32, Ordering::Relaxed);
        }
    }

    /// Lets the connection's helper see a packet.
    pub(super) fn help(
        &self,
        entry: &mut Entry<'_>,
        passage: &Passage,
        packet: &mut Packet,
        ct: &CtMetadata,
        action: &CtAction,
    ) {
        let Some(helper) = entry.connection.helper else { return };
        // Of a translated connection once, by the action that translates.
        let due = entry.connection.translated == Translated::No || passage.fresh && action.nat.is_some();
        if !due || passage.parsed.related || has(ct, CtState::INV) {
            return;
        }
        match helper {
            Helper::Ftp => self.help_ftp(entry, passage, packet),
            Helper::Tftp => self.help_tftp(entry, passage, packet),
        }
    }

    fn help_tftp(&self, entry: &Entry<'_>, passage: &Passage, packet: &Packet) {
        let payload = packet.data().get(passage.parsed.l4 + 8..passage.parsed.end);
        let asks = payload.and_then(|bytes| bytes.first_chunk()).is_some_and(|op| TFTP_REQUESTS.contains(op));
        if !asks || passage.reply {
            return;
        }
        // The server answers from a port that it chooses then.
        let connection = &entry.connection;
        let (port, seen) = (connection.orig.src_port, connection.reply.dst_port);
        let (key, change) = from_server(connection, port, seen);
        self.expect(entry, &|_| Some((key, change, seen)), passage);
    }

    fn help_ftp(&self, entry: &mut Entry<'_>, passage: &Passage, packet: &mut Packet) {
        let Some(segment) = passage.parsed.segment else { return };
        let side = usize::from(passage.reply);
        let begin = passage.parsed.end - segment.payload as usize;
        let payload = packet.data().get(begin..passage.parsed.end).unwrap_or_default();
        let mut helped = self.helped(entry);
        let changes = self.read_lines(entry, helped.lines[side].before(segment.seq), payload, passage);
        let ends_whole = payload.last().is_none_or(|byte| lines::is_end(*byte));
        let mut keep = false;
        if segment.payload > 0 && !(ends_whole && helped.lines[side].is_idle()) {
            let cut = helped.lines[side].note(segment.seq, payload);
            (0..usize::from(cut)).for_each(|_| self.counters.line_cut());
            keep = true;
        }
        // From the last to the first, so that none is moved before its turn.
        let mut parsed = passage.parsed;
        let mut grown = 0;
        for (at, text) in changes.into_iter().rev() {
            if adjust::replace(packet, &parsed, begin + at.start..begin + at.end, text.as_bytes()) {
                let more = text.len() as i32 - at.len() as i32;
                parsed.end = parsed.end.saturating_add_signed(more as isize);
                grown += more;
            } else {
                self.counters.line_cut();
            }
        }
        if grown != 0 {
            helped.adjust[side].note(segment.seq, grown);
            keep = true;
        }
        adjust::renumber(packet, parsed.l4, &helped.adjust[side], &helped.adjust[1 - side]);
        if keep {
            self.set_helped(entry, helped, side);
        }
    }

    /// What the helper has kept.
    fn helped(&self, entry: &Entry<'_>) -> Helped {
        if !entry.hit.place.words().summary & HELPED != 0 {
            return Helped::default();
        }
        let held = self.table.home(entry.hit.place).hold();
        held.helped.get(&entry.hit.name()).cloned().unwrap_or_default()
    }

    /// Keeps what is known of one side.
    fn set_helped(&self, entry: &mut Entry<'_>, mut helped: Helped, side: usize) {
        let place = entry.hit.place;
        let mut held = self.table.home(place).hold();
        if place.lives(entry.hit.life) {
            let kept = held.helped.entry(entry.hit.name()).or_default();
            kept.adjust[side] = helped.adjust[side];
            kept.lines[side] = std::mem::take(&mut helped.lines[side]);
            let words = place.words();
            place.set_words(&super::table::Words { summary: words.summary | HELPED, ..words });
            entry.connection.helped = true;
        }
    }

    /// Reads the lines that end in a payload, the first of which began with `before`, if it is to be read. Gives what is to be
    /// written where.
    fn read_lines(
        &self,
        entry: &Entry<'_>,
        before: Option<&[u8]>,
        payload: &[u8],
        passage: &Passage,
    ) -> Vec<(Range<usize>, String)> {
        let (mut changes, mut announcements, mut start) = (Vec::new(), 0, 0);
        while let Some(length) = payload[start..].iter().position(|byte| lines::is_end(*byte)) {
            let sent = if start == 0 { before } else { Some(&[][..]) };
            let (from, line) = (start, &payload[start..start + length]);
            start += length + 1;
            let Some(sent) = sent.filter(|sent| !(line.is_empty() && sent.is_empty())) else { continue };
            let joined = [sent, line].concat();
            let Some(announced) = ftp::read(&joined, passage.reply) else { continue };
            announcements += 1;
            if announcements > MOST_ANNOUNCED {
                self.counters.line_cut();
                break;
            }
            let gone = sent.len().saturating_sub(announced.at.start);
            let Some(text) = self.announce(entry, &announced, passage, gone > 0) else { continue };
            if text.as_bytes() != &joined[announced.at.clone()] {
                let at = announced.at.start - sent.len()..announced.at.end - sent.len();
                changes.push((from + at.start..from + at.end, text));
            }
        }
        changes
    }

    /// Expects what was announced; gives how that is to be written, if it is to be changed. Of what has `begun` to go on as it is
    /// nothing can be.
    fn announce(
        &self,
        entry: &Entry<'_>,
        announced: &Announced,
        passage: &Passage,
        begun: bool,
    ) -> Option<String> {
        let connection = &entry.connection;
        let own = if passage.reply { &connection.reply } else { &connection.orig };
        let honest =
            announced.address.is_none_or(|address| address.is_ipv6() == own.ipv6 && wide(address) == own.src);
        if !honest || announced.port < LEAST_PORT {
            self.counters.lie();
            return None;
        }
        let moves = connection.translated != Translated::No;
        if moves && begun {
            self.counters.line_cut();
            return None;
        }
        let last = announced.port.saturating_add(if moves { TRIES } else { 0 });
        let choose = |is_free: IsFree<'_>| {
            (announced.port..=last).find_map(|seen| {
                let (key, change) = if passage.reply {
                    to_server(connection, announced.port, seen)
                } else {
                    from_server(connection, announced.port, seen)
                };
                is_free(&key).then_some((key, change, seen))
            })
        };
        let seen = self.expect(entry, &choose, passage)?;
        let host = if passage.reply { connection.orig.dst_ip() } else { connection.reply.dst_ip() };
        moves.then(|| announced.form.write(host, seen))
    }

    /// Expects what `choose` makes of the places that are free; gives the port that it names.
    fn expect(
        &self,
        entry: &Entry<'_>,
        choose: &dyn Fn(IsFree<'_>) -> Option<Choice>,
        passage: &Passage,
    ) -> Option<u16> {
        let (connection, name) = (&entry.connection, entry.hit.name());
        let lives = |parent| self.table.named(parent).is_some();
        let mut expectations = self.table.expectations.lock();
        let (key, change, seen) = choose(&|key| expectations.is_free(key, name, &lives))?;
        let expectation = Expectation {
            parent: name,
            tuple: connection.orig,
            mark: connection.mark,
            label: connection.label,
            change,
            until: 0,
        };
        let added = expectations.add(key, expectation, millis(passage.now), &lives);
        self.table.expected.store(expectations.len() as u32, Ordering::Relaxed);
        if !added {
            self.counters.expectation_refused();
        }
        added.then_some(seen)
    }

    /// The reply direction of a connection that was foretold, and which end is translated.
    pub(super) fn foretold(
        &self,
        orig: &Tuple,
        change: &Change,
        passage: &Passage,
    ) -> Option<(Tuple, Translated)> {
        let mut reply = orig.reversed();
        match *change {
            Change::None => Some((reply, Translated::No)),
            Change::Destination(address, port) => {
                (reply.src, reply.src_port) = (address, port);
                let free = self.table.is_free(&reply, millis(passage.now));
                free.then_some((reply, Translated::Destination))
            }
            Change::Source(address) => {
                let source = Tuple { src: address, ..*orig }.src_ip();
                let range = NatRange { addresses: Some((source, source)), ..NatRange::default() };
                Some((self.choose(orig, Translated::Source, &range, passage)?, Translated::Source))
            }
        }
    }
}

/// A connection from the server to the client's `port`, that the server knows as `seen`.
fn from_server(connection: &Connection, port: u16, seen: u16) -> (Key, Change) {
    let (orig, reply) = (&connection.orig, &connection.reply);
    let key = Key::new(orig, reply.src, reply.dst, seen);
    let change = match connection.translated {
        Translated::No => Change::None,
        Translated::Source => Change::Destination(orig.src, port),
        Translated::Destination => Change::Source(orig.dst),
    };
    (key, change)
}

/// A connection from the client to the server's `port`, that the client knows as `seen`.
fn to_server(connection: &Connection, port: u16, seen: u16) -> (Key, Change) {
    let (orig, reply) = (&connection.orig, &connection.reply);
    let key = Key::new(orig, orig.src, orig.dst, seen);
    let change = match connection.translated {
        Translated::No => Change::None,
        Translated::Source => Change::Source(reply.dst),
        Translated::Destination => Change::Destination(reply.src, port),
    };
    (key, change)
}
