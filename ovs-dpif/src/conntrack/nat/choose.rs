//! Chooses what a connection is translated to: the first candidate that no other connection looks like from behind.

use std::net::IpAddr;

use super::super::connection::Translated;
use super::super::track::{Passage, millis};
use super::super::tuple::{Tuple, wide};
use super::super::{Conntrack, NatRange, NatSelect};

/// Candidates that are looked at before the range counts as exhausted.
const ATTEMPTS: u32 = 4096;
/// Ports that a source may get where no range was given.
const EPHEMERAL: (u16, u16) = (1024, 65535);

impl Conntrack {
    /// The reply direction of a connection that is to be translated; none if no candidate is free.
    pub(in super::super) fn choose(
        &self,
        orig: &Tuple,
        end: Translated,
        range: &NatRange,
        passage: &Passage,
    ) -> Option<Tuple> {
        let dice = self.dice(orig, range, passage);
        let addresses = Addresses::of(orig, end, range, dice)?;
        let now = millis(passage.now);
        let mut attempts = ATTEMPTS;
        let mut free = |tuple: &Tuple| {
            attempts = attempts.saturating_sub(1);
            (self.table.is_free(tuple, now), attempts == 0)
        };
        let (sources, targets) = ports(orig, end, range, dice);
        for address in addresses {
            let mut reply = orig.reversed();
            match end {
                Translated::Source => reply.dst = address,
                Translated::Destination => reply.src = address,
                Translated::No => return Some(reply),
            }
            if !orig.has_ports() {
                match free(&reply) {
                    (true, _) => return Some(reply),
                    (_, true) => return None,
                    _ => continue,
                }
            }
            (reply.src_port, reply.dst_port) = (targets.first, sources.first);
            let by_target = end == Translated::Destination;
            for port in targets.into_iter().filter(|_| by_target) {
                reply.src_port = port;
                match free(&reply) {
                    (true, _) => return Some(reply),
                    (_, true) => return None,
                    _ => {}
                }
            }
            for port in sources {
                reply.dst_port = port;
                match free(&reply) {
                    (true, _) => return Some(reply),
                    (_, true) => return None,
                    _ => {}
                }
            }
        }
        None
    }

    /// The number by which address and port are picked.
    fn dice(&self, orig: &Tuple, range: &NatRange, passage: &Passage) -> u64 {
        if range.select == NatSelect::Random {
            return u64::from(passage.random);
        }
        if range.persistent {
            // A client keeps its address, whatever it talks to.
            let client = Tuple { ipv6: orig.ipv6, zone: orig.zone, src: orig.src, ..Tuple::default() };
            return client.hash(&self.table.hash) >> 16;
        }
        orig.hash(&self.table.hash) >> 16
    }
}

/// A circle of ports.
#[derive(Clone, Copy)]
struct Ports {
    first: u16,
    least: u16,
    most: u16,
}

impl IntoIterator for Ports {
    type Item = u16;
    type IntoIter = Box<dyn Iterator<Item = u16>>;

    fn into_iter(self) -> Self::IntoIter {
        let Self { first, least, most } = self;
        Box::new((first..=most.max(first)).chain(least..first.min(most.saturating_add(1))))
    }
}

/// The ports that a connection's source and destination may get.
fn ports(orig: &Tuple, end: Translated, range: &NatRange, dice: u64) -> (Ports, Ports) {
    let picked = |(least, most): (u16, u16)| {
        let count = u64::from(most.saturating_sub(least)) + 1;
        Ports { first: least + (dice % count) as u16, least, most }
    };
    let any = Ports { first: orig.src_port, least: EPHEMERAL.0, most: EPHEMERAL.1 };
    let same = Ports { first: orig.dst_port, least: orig.dst_port, most: orig.dst_port };
    match (end, range.ports) {
        (Translated::Source, Some(range)) => (picked(range), same),
        (Translated::Destination, Some(range)) => (any, picked(range)),
        _ => (any, same),
    }
}

/// A circle of addresses.
struct Addresses {
    ipv6: bool,
    least: u128,
    count: u128,
    next: u128,
    left: u32,
}

impl Addresses {
    fn of(orig: &Tuple, end: Translated, range: &NatRange, dice: u64) -> Option<Self> {
        let keep = if end == Translated::Source { orig.src_ip() } else { orig.dst_ip() };
        let (first, last) = range.addresses.unwrap_or((keep, keep));
        let (first, last) =
            if first.is_unspecified() && end == Translated::Source { (keep, keep) } else { (first, last) };
        if first.is_ipv6() != orig.ipv6 || last.is_ipv6() != orig.ipv6 {
            return None;
        }
        let (least, most) = (number(first), number(last));
        let count = most.checked_sub(least)?.saturating_add(1);
        let left = u32::try_from(count).unwrap_or(ATTEMPTS).min(ATTEMPTS);
        Some(Self { ipv6: orig.ipv6, least, count, next: u128::from(dice) % count, left })
    }
}

impl Iterator for Addresses {
    type Item = [u8; 16];

    fn next(&mut self) -> Option<[u8; 16]> {
        self.left = self.left.checked_sub(1)?;
        let address = self.least + self.next;
        self.next = (self.next + 1) % self.count;
        Some(if self.ipv6 { address.to_be_bytes() } else { wide(IpAddr::V4((address as u32).into())) })
    }
}

fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(u32::from(address)),
        IpAddr::V6(address) => u128::from(address),
    }
}
