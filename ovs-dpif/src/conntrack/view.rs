//! What can be seen of connections from outside: dumps, counts, and which ones to flush.

use std::net::IpAddr;
use std::time::Duration;

use super::connection::Connection;
use super::track::{Refusal, Tracker, millis};
use super::tuple::Tuple;
use super::{Helper, ProtocolState};
use crate::Masked;

/// A connection, in a dump.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConnectionView<'a> {
    /// Packets of the one that began, as they came.
    pub orig: &'a Tuple,
    /// Packets of the other, as they come.
    pub reply: &'a Tuple,
    /// Mark.
    pub mark: u32,
    /// Label, network order.
    pub label: [u8; 16],
    /// State.
    pub state: ProtocolState,
    /// How long it lives if no packet comes.
    pub left: Duration,
    /// Who reads its payload.
    pub helper: Option<Helper>,
    /// The original direction of the connection that foretold it.
    pub parent: Option<&'a Tuple>,
}

/// Where a dump or a flush stands. Begin with `CtCursor::default()`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct CtCursor {
    pub(super) tracker: u32,
    pub(super) slot: u32,
}

/// Which connections are meant: those that all that is set fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct CtFilter {
    /// Zone.
    pub zone: Option<u16>,
    /// Original direction.
    pub orig: TupleFilter,
    /// Reply direction.
    pub reply: TupleFilter,
    /// Mark.
    pub mark: Option<Masked<u32>>,
    /// Label.
    pub label: Option<Masked<[u8; 16]>>,
}

/// Which tuples are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct TupleFilter {
    /// Whether addresses are IPv6.
    pub ipv6: Option<bool>,
    /// IP protocol.
    pub proto: Option<u8>,
    /// Source address.
    pub src: Option<IpAddr>,
    /// Destination address.
    pub dst: Option<IpAddr>,
    /// Source port, or identifier of an ICMP query.
    pub src_port: Option<u16>,
    /// Destination port.
    pub dst_port: Option<u16>,
    /// Type of an ICMP query.
    pub icmp_type: Option<u8>,
    /// Code of an ICMP query.
    pub icmp_code: Option<u8>,
}

impl TupleFilter {
    /// Whether nothing is set.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether a tuple is meant.
    pub fn fits(&self, tuple: &Tuple) -> bool {
        fn fits<T: PartialEq + Copy>(wanted: Option<T>, is: T) -> bool {
            wanted.is_none_or(|wanted| wanted == is)
        }
        fits(self.ipv6, tuple.ipv6)
            && fits(self.proto, tuple.proto)
            && fits(self.src, tuple.src_ip())
            && fits(self.dst, tuple.dst_ip())
            && fits(self.src_port, tuple.src_port)
            && fits(self.dst_port, tuple.dst_port)
            && fits(self.icmp_type, tuple.icmp_type)
            && fits(self.icmp_code, tuple.icmp_code)
    }
}

impl CtFilter {
    /// All connections of a zone.
    pub fn of_zone(zone: u16) -> Self {
        Self { zone: Some(zone), ..Self::default() }
    }

    fn fits(&self, connection: &Connection) -> bool {
        self.zone.is_none_or(|zone| zone == connection.orig.zone)
            && self.orig.fits(&connection.orig)
            && self.reply.fits(&connection.reply)
            && self.mark.is_none_or(|mark| mark.apply(connection.mark) == connection.mark)
            && self.label.is_none_or(|label| label.apply(connection.label) == connection.label)
    }
}

/// Counters of a tracker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct CtStats {
    /// Connections that began.
    pub created: u64,
    /// Connections whose time was over.
    pub expired: u64,
    /// Connections that were flushed.
    pub flushed: u64,
    /// Packets that belong to no connection and cannot begin one.
    pub invalid: u64,
    /// Connections refused because there were as many as may be (`conntrack_full`).
    pub full: u64,
    /// Connections refused because their zone had as many as it may (`conntrack_zone_full`).
    pub zone_full: u64,
    /// Connections refused because nothing was left to translate them to.
    pub nat_exhausted: u64,
    /// Announcements in the payload that named another host, or a port that needs privilege.
    pub lies: u64,
    /// Announcements that nothing was expected of because there were as many expectations as may be.
    pub expectations_full: u64,
}

impl CtStats {
    pub(super) fn refuse(&mut self, refusal: Refusal) {
        match refusal {
            Refusal::Full => self.full += 1,
            Refusal::ZoneFull => self.zone_full += 1,
            Refusal::NatExhausted => self.nat_exhausted += 1,
        }
    }

    /// Adds the counts of another tracker.
    pub fn add(&mut self, other: &Self) {
        self.created += other.created;
        self.expired += other.expired;
        self.flushed += other.flushed;
        self.invalid += other.invalid;
        self.full += other.full;
        self.zone_full += other.zone_full;
        self.nat_exhausted += other.nat_exhausted;
        self.lies += other.lies;
        self.expectations_full += other.expectations_full;
    }
}

impl Connection {
    /// What can be seen of it.
    pub fn view(&self, now: Duration) -> ConnectionView<'_> {
        ConnectionView {
            orig: &self.orig,
            reply: &self.reply,
            mark: self.mark,
            label: self.label,
            state: self.state.view(),
            left: Duration::from_millis(self.expires.saturating_sub(millis(now))),
            helper: self.helper,
            parent: self.parent.as_deref(),
        }
    }
}

impl Tracker {
    /// Shows the connections that `filter` means, from `from` on, looking at `max` places at most; gives where to go on, if
    /// there may be more.
    pub fn dump(
        &self,
        from: u32,
        max: u32,
        filter: &CtFilter,
        now: Duration,
        show: &mut dyn FnMut(ConnectionView<'_>),
    ) -> Option<u32> {
        self.copy(from, max, filter, now, &mut |connection| show(connection.view(now)))
    }

    /// The same with the connections themselves.
    pub(super) fn copy(
        &self,
        from: u32,
        max: u32,
        filter: &CtFilter,
        now: Duration,
        show: &mut dyn FnMut(&Connection),
    ) -> Option<u32> {
        let now = millis(now);
        let to = from.saturating_add(max).min(self.slab.slots());
        for slot in from..to {
            let live = self.slab.get(slot).filter(|connection| connection.expires > now);
            live.filter(|connection| filter.fits(connection)).into_iter().for_each(&mut *show);
        }
        (to < self.slab.slots()).then_some(to)
    }

    /// Takes the connections out that `filter` means, like [`Tracker::dump`] shows them.
    pub fn flush(&mut self, from: u32, max: u32, filter: &CtFilter) -> Option<u32> {
        let to = from.saturating_add(max).min(self.slab.slots());
        for slot in from..to {
            if self.slab.get(slot).is_some_and(|connection| filter.fits(connection)) {
                self.remove(slot);
                self.stats.flushed += 1;
            }
        }
        (to < self.slab.slots()).then_some(to)
    }

    /// Connections, those whose time is over but which were not swept yet included.
    pub fn len(&self) -> u32 {
        self.slab.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.slab.len() == 0
    }

    /// Entries and buckets of the index.
    pub fn index_size(&self) -> (usize, usize) {
        (self.index.len(), self.index.buckets())
    }

    /// Counters.
    pub fn stats(&self) -> &CtStats {
        &self.stats
    }
}
