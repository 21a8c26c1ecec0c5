//! Connections that begin.

use std::sync::atomic::Ordering;

use ovs_flow::{CtMetadata, CtState};
use ovs_packet::Packet;

use super::connection::{Connection, Translated};
use super::fields::add;
use super::nat;
use super::protocol::{State, begins};
use super::table::Taken;
use super::track::{Entry, Passage, Refusal, millis};
use super::{Conntrack, CtAction, NatAction};

/// Places that are swept when a connection finds the table full.
const SWEPT_WHEN_FULL: u32 = 64;
/// How often a translation is chosen anew because another worker has just taken it.
const CHOICES: usize = 8;

impl Conntrack {
    /// A packet without a connection: says whether it may begin one, and if it is to be committed, where that is.
    pub(super) fn begin(
        &self,
        passage: &mut Passage,
        packet: &mut Packet,
        ct: &mut CtMetadata,
        action: &CtAction,
    ) -> Result<Option<Entry<'_>>, Refusal> {
        if !begins(&passage.parsed) {
            ct.state = CtState::INV.bits();
            self.counters.invalid();
            return Ok(None);
        }
        ct.state = CtState::NEW.bits();
        passage.foretold = self.expected(&passage.parsed.tuple, millis(passage.now));
        if passage.foretold.is_some() {
            add(ct, CtState::REL);
        }
        if !action.commit && !action.force {
            return Ok(None);
        }
        let zone = passage.parsed.tuple.zone;
        let made = self
            .make_room(zone, passage)
            .and_then(|()| self.create(passage, action).inspect_err(|_| self.table.release(zone)));
        match made {
            Ok(entry) => {
                if action.nat.is_some() {
                    nat::translate(packet, ct, &entry.connection, &passage.parsed, false);
                }
                self.fulfil(&entry.connection.orig);
                Ok(Some(entry))
            }
            Err(refused) => {
                self.counters.refuse(refused);
                Err(refused)
            }
        }
    }

    /// Counts one more connection, if there may be one.
    fn make_room(&self, zone: u16, passage: &Passage) -> Result<(), Refusal> {
        self.count(zone).or_else(|_| {
            self.sweep(passage.now, SWEPT_WHEN_FULL);
            self.count(zone)
        })
    }

    fn count(&self, zone: u16) -> Result<(), Refusal> {
        let table = &*self.table;
        if !table.zones.add(zone) {
            return Err(Refusal::ZoneFull);
        }
        if table.total.fetch_add(1, Ordering::Relaxed) < table.max.load(Ordering::Relaxed) {
            return Ok(());
        }
        table.release(zone);
        Err(Refusal::Full)
    }

    /// Makes a connection that has been counted.
    fn create(&self, passage: &Passage, action: &CtAction) -> Result<Entry<'_>, Refusal> {
        let now = millis(passage.now);
        // A packet that was translated may begin a connection that looks like another's.
        let again = !passage.fresh;
        for _ in 0..CHOICES {
            let mut connection = self.design(passage, action)?;
            match self.table.insert(&mut connection, now, again) {
                Ok(hit) => return Ok(Entry { hit, connection }),
                Err(Taken::Room) => return Err(Refusal::Full),
                Err(Taken::Reply) => {}
                Err(Taken::Already(hit)) => {
                    // Another worker has just begun it by a packet like this one.
                    self.table.release(passage.parsed.tuple.zone);
                    return Ok(Entry::of(hit));
                }
            }
        }
        Err(Refusal::NatExhausted)
    }

    fn design(&self, passage: &Passage, action: &CtAction) -> Result<Connection, Refusal> {
        let orig = passage.parsed.tuple;
        let (state, phase) = State::new(&orig, passage.parsed.segment.as_ref());
        let (translated, range) = match &action.nat {
            Some(NatAction::Source(range)) => (Translated::Source, Some(range)),
            Some(NatAction::Destination(range)) => (Translated::Destination, Some(range)),
            Some(NatAction::Existing) | None => (Translated::No, None),
        };
        let foretold = passage.foretold.as_deref();
        let (reply, translated) = match (foretold, range) {
            (Some(foretold), _) if action.nat.is_some() => {
                self.foretold(&orig, &foretold.change, passage).ok_or(Refusal::NatExhausted)?
            }
            (None, Some(range)) => {
                let chosen = self.choose(&orig, translated, range, passage);
                (chosen.ok_or(Refusal::NatExhausted)?, translated)
            }
            _ => (orig.reversed(), Translated::No),
        };
        let policy = self.policy(action);
        Ok(Connection {
            orig,
            reply,
            expires: millis(passage.now) + self.table.policies.millis(policy, phase),
            state,
            mark: foretold.map_or(0, |foretold| foretold.mark),
            label: foretold.map_or([0; 16], |foretold| foretold.label),
            translated,
            related: foretold.is_some(),
            helper: action.helper,
            helped: false,
            serial: 0,
            policy,
            parent: foretold.map(|foretold| foretold.tuple),
        })
    }

    /// Index of the policy that the action names; of the default one if it names none that is known.
    fn policy(&self, action: &CtAction) -> u16 {
        let number = action.timeout.as_ref().and_then(|name| name.parse().ok());
        number.map_or(0, |number| self.table.policies.index_of(number))
    }
}
