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
//! An announcement counts only if it names the host that makes it, and a port that needs no privilege: others pass as they are, are
//! counted, and nothing is expected of them. Expectations are bounded, for each connection and altogether, and
//! end with the connection, with their time, or with the connection that they foretell.

mod adjust;
mod expect;
mod ftp;

pub(super) use self::adjust::Adjust;
pub(super) use self::expect::{Change, Expectation, Expectations};

use ovs_flow::{CtMetadata, CtState};
use ovs_packet::Packet;

use self::expect::Key;
use self::ftp::Announced;
use super::connection::{Connection, Translated};
use super::fields::has;
use super::track::{Passage, Tracker, millis};
use super::tuple::{Tuple, wide};
use super::{CtAction, Helper, NatRange};

/// Ports below are nobody's to announce.
const LEAST_PORT: u16 = 1024;
/// Ports that are tried for an announcement if others wait at the announced one.
const TRIES: u16 = 16;
/// Requests to read and to write (RFC 1350 section 5).
const TFTP_REQUESTS: [[u8; 2]; 2] = [[0, 1], [0, 2]];

/// What a helper keeps with its connection.
#[derive(Clone, Debug, Default)]
pub(super) struct Helped {
    /// How the numbers of each direction are off, the original first.
    pub adjust: [Adjust; 2],
    /// Something was expected.
    pub expects: bool,
}

impl Connection {
    /// The acknowledgment of a segment as its receiver would count, without what was inserted.
    pub fn own_ack(&self, ack: u32, reply: bool) -> u32 {
        self.helped.as_deref().map_or(ack, |helped| helped.adjust[usize::from(!reply)].back(ack))
    }
}

impl Tracker {
    /// Lets the connection's helper see a packet. `fresh` if no `ct` has translated the packet before.
    pub(super) fn help(
        &mut self,
        slot: u32,
        passage: &Passage,
        packet: &mut Packet,
        ct: &CtMetadata,
        action: &CtAction,
        fresh: bool,
    ) {
        let Some(connection) = self.slab.get(slot) else { return };
        let Some(helper) = connection.helper else { return };
        // Of a translated connection once, by the action that translates.
        let due = connection.translated == Translated::No || fresh && action.nat.is_some();
        if !due || passage.parsed.related || has(ct, CtState::INV) {
            return;
        }
        match helper {
            Helper::Ftp => self.help_ftp(slot, passage, packet),
            Helper::Tftp => self.help_tftp(slot, passage, packet),
        }
    }

    fn help_tftp(&mut self, slot: u32, passage: &Passage, packet: &Packet) {
        let payload = packet.data().get(passage.parsed.l4 + 8..passage.parsed.end);
        let asks = payload.and_then(|bytes| bytes.first_chunk()).is_some_and(|op| TFTP_REQUESTS.contains(op));
        let Some(connection) = self.slab.get(slot).filter(|_| asks && !passage.reply) else { return };
        // The server answers from a port that it chooses then.
        let (port, seen) = (connection.orig.src_port, connection.reply.dst_port);
        let (key, change) = from_server(connection, port, seen);
        self.expect(slot, key, change, passage);
    }

    fn help_ftp(&mut self, slot: u32, passage: &Passage, packet: &mut Packet) {
        let Some(segment) = passage.parsed.segment else { return };
        let begin = passage.parsed.end - segment.payload as usize;
        let payload = packet.data().get(begin..passage.parsed.end).unwrap_or_default();
        let side = usize::from(passage.reply);
        if let Some(announced) = ftp::read(payload, passage.reply)
            && let Some(text) = self.announce(slot, &announced, passage)
            && text.as_bytes() != &payload[announced.at.clone()]
        {
            let grown = text.len() as i32 - announced.at.len() as i32;
            let at = begin + announced.at.start..begin + announced.at.end;
            if adjust::replace(packet, &passage.parsed, at, text.as_bytes())
                && let Some(connection) = self.slab.get_mut(slot)
            {
                connection.helped.get_or_insert_default().adjust[side].note(segment.seq, grown);
            }
        }
        if let Some(helped) = self.slab.get(slot).and_then(|connection| connection.helped.as_deref()) {
            adjust::renumber(packet, passage.parsed.l4, &helped.adjust[side], &helped.adjust[1 - side]);
        }
    }

    /// Expects what was announced; gives how that is to be written, if it is to be changed.
    fn announce(&mut self, slot: u32, announced: &Announced, passage: &Passage) -> Option<String> {
        let connection = self.slab.get(slot)?;
        let own = if passage.reply { &connection.reply } else { &connection.orig };
        let honest =
            announced.address.is_none_or(|address| address.is_ipv6() == own.ipv6 && wide(address) == own.src);
        if !honest || announced.port < LEAST_PORT {
            self.stats.lies += 1;
            return None;
        }
        let place = |port| {
            if passage.reply {
                to_server(connection, announced.port, port)
            } else {
                from_server(connection, announced.port, port)
            }
        };
        let moves = connection.translated != Translated::No;
        let name = self.slab.name(slot);
        let last = announced.port.saturating_add(if moves { TRIES } else { 0 });
        let seen = (announced.port..=last).find(|port| self.expectations.is_free(&place(*port).0, name))?;
        let (key, change) = place(seen);
        let host = if passage.reply { connection.orig.dst_ip() } else { connection.reply.dst_ip() };
        let text = announced.form.write(host, seen);
        self.expect(slot, key, change, passage);
        moves.then_some(text)
    }

    fn expect(&mut self, slot: u32, key: Key, change: Change, passage: &Passage) {
        let name = self.slab.name(slot);
        let Some(connection) = self.slab.get_mut(slot) else { return };
        let expectation = Expectation {
            parent: name,
            tuple: connection.orig,
            mark: connection.mark,
            label: connection.label,
            change,
            until: 0,
        };
        if self.expectations.add(key, expectation, millis(passage.now)) {
            connection.helped.get_or_insert_default().expects = true;
        } else {
            self.stats.expectations_full += 1;
        }
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
                let free = self.find(&reply, millis(passage.now)).is_none();
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
