//! Connections that begin.

use std::sync::atomic::Ordering;

use ovs_flow::{CtMetadata, CtState};
use ovs_packet::Packet;

use super::connection::{Connection, Translated};
use super::fields::add;
use super::nat;
use super::protocol::{State, begins};
use super::track::{Passage, Refusal, Tracker, millis};
use super::{CtAction, NatAction, TimeoutPolicy};

/// Places that are swept when a connection finds the table full.
const SWEPT_WHEN_FULL: u32 = 64;

impl Tracker {
    /// A packet without a connection: says whether it may begin one, and if it is to be committed, where that is.
    pub(super) fn begin(
        &mut self,
        passage: &mut Passage,
        packet: &mut Packet,
        ct: &mut CtMetadata,
        action: &CtAction,
    ) -> Result<Option<u32>, Refusal> {
        if !begins(&passage.parsed) {
            ct.state = CtState::INV.bits();
            self.stats.invalid += 1;
            return Ok(None);
        }
        ct.state = CtState::NEW.bits();
        passage.foretold =
            self.expectations.find(&passage.parsed.tuple, millis(passage.now)).cloned().map(Box::new);
        if passage.foretold.is_some() {
            add(ct, CtState::REL);
        }
        if !action.commit && !action.force {
            return Ok(None);
        }
        let result = self.make_room(passage).and_then(|()| self.create(passage, action));
        let refused = match result {
            Ok(connection) => {
                if action.nat.is_some() {
                    nat::translate(packet, ct, &connection, &passage.parsed, false);
                }
                self.expectations.fulfil(&connection.orig);
                return Ok(Some(self.insert(connection)));
            }
            Err(refused) => refused,
        };
        self.stats.refuse(refused);
        Err(refused)
    }

    /// Whether there may be one more connection.
    fn make_room(&mut self, passage: &Passage) -> Result<(), Refusal> {
        let zone = passage.parsed.tuple.zone;
        if self.limits.is_full(zone) || self.is_full() {
            self.sweep(passage.now, SWEPT_WHEN_FULL);
        }
        match (self.limits.is_full(zone), self.is_full()) {
            (true, _) => Err(Refusal::ZoneFull),
            (_, true) => Err(Refusal::Full),
            _ => Ok(()),
        }
    }

    fn is_full(&self) -> bool {
        self.common.total.load(Ordering::Relaxed) >= self.common.max.load(Ordering::Relaxed)
    }

    fn create(&self, passage: &Passage, action: &CtAction) -> Result<Connection, Refusal> {
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
        let expires = millis(passage.now + self.policies[usize::from(policy)].1.get(phase));
        Ok(Connection {
            orig,
            reply,
            expires,
            state,
            mark: foretold.map_or(0, |foretold| foretold.mark),
            label: foretold.map_or([0; 16], |foretold| foretold.label),
            translated,
            related: foretold.is_some(),
            helper: action.helper,
            helped: None,
            serial: self.stats.created,
            policy,
            parent: foretold.map(|foretold| Box::new(foretold.tuple)),
        })
    }

    /// Index of the policy that the action names; of the default one if it names none that is known.
    fn policy(&self, action: &CtAction) -> u16 {
        let Some(name) = &action.timeout else { return 0 };
        let Ok(number) = name.parse::<u32>() else { return 0 };
        let at = self.policies.iter().skip(1).position(|(other, _)| *other == number);
        at.map_or(0, |at| at as u16 + 1)
    }

    /// Sets or replaces the timeout policy that actions name by this number (`ct(timeout=N)`). Connections that have it live by
    /// its new times from their next packet on. There may be 65,535; false if there are.
    pub fn set_policy(&mut self, number: u32, policy: TimeoutPolicy) -> bool {
        if let Some((_, old)) = self.policies.iter_mut().skip(1).find(|(other, _)| *other == number) {
            *old = policy;
            return true;
        }
        let room = self.policies.len() < usize::from(u16::MAX);
        if room {
            self.policies.push((number, policy));
        }
        room
    }

    /// Sets the times to live of connections without a policy of their own.
    pub fn set_default_policy(&mut self, policy: TimeoutPolicy) {
        self.policies[0].1 = policy;
    }
}
