//! What can be seen of connections from outside: dumps, counts, and which ones to flush.

use std::net::IpAddr;
use std::time::Duration;

use super::connection::Connection;
use super::track::millis;
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
    pub(super) place: u32,
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

    pub(super) fn fits(&self, connection: &Connection) -> bool {
        self.zone.is_none_or(|zone| zone == connection.orig.zone)
            && self.orig.fits(&connection.orig)
            && self.reply.fits(&connection.reply)
            && self.mark.is_none_or(|mark| mark.apply(connection.mark) == connection.mark)
            && self.label.is_none_or(|label| label.apply(connection.label) == connection.label)
    }
}

/// Counters.
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
    /// Lines of helped connections that were longer, or in more pieces, than a helper follows.
    pub lines_cut: u64,
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
            parent: self.parent.as_ref(),
        }
    }
}
