//! TCP: states and windows.
//!
//! What a middle box can know of a connection (Guido van Rooij, "Real stateful TCP packet filtering in IP Filter", 2000; the same
//! idea stands in the packet filters of BSD and Linux): of each side, how far it has sent, how far the other lets it send,
//! and the largest window it has offered. With `S` the sender of a segment and `R` its receiver, a segment fits if
//!
//! ```text
//!   1  its end        ≤  S.limit                      it stays below what R has allowed
//!   2  its beginning  ≥  S.sent − R.window            no older than one window
//!   3  its ack        ≥  R.sent − (64 KiB + 1500)     an acknowledgment may be late,
//!                     ≤  R.sent + (64 KiB + 1500)     and early by what was not seen
//! ```
//!
//! and a reset must stand exactly where `S` is, or next to it. Where the beginning of a connection was not seen, and after its
//! end, a wider rule holds.

use super::packet::Segment;
use super::timeout::Phase;

const FIN: u16 = 0x01;
const SYN: u16 = 0x02;
const RST: u16 = 0x04;
const PSH: u16 = 0x08;
const ACK: u16 = 0x10;
const URG: u16 = 0x20;

/// How far an acknowledgment may be off: a window without scale, and a segment.
const SLACK: i64 = 0xffff + 1500;
/// The largest shift of a window (RFC 7323 section 2.3).
const MAX_SHIFT: u8 = 14;

/// Where one side of a TCP connection stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[non_exhaustive]
pub enum TcpState {
    /// Nothing was seen of it.
    #[default]
    Closed,
    /// It has sent something.
    SynSent,
    /// What it sent was acknowledged.
    Established,
    /// It has finished.
    Closing,
    /// Its finish was acknowledged.
    FinWait2,
    /// The connection was reset.
    TimeWait,
}

impl TcpState {
    /// As dumps write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Closed => "CLOSED",
            Self::SynSent => "SYN_SENT",
            Self::Established => "ESTABLISHED",
            Self::Closing => "CLOSING",
            Self::FinWait2 => "FIN_WAIT_2",
            Self::TimeWait => "TIME_WAIT",
        }
    }
}

/// Whether and how a side scales its windows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(super) enum Scale {
    /// It does not.
    #[default]
    None,
    /// By this shift.
    Shift(u8),
    /// Its first segment was not seen.
    Unknown,
}

/// One side of a TCP connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct TcpPeer {
    /// Where it stands.
    pub state: TcpState,
    pub(super) scale: Scale,
    /// The largest window it has offered, not scaled.
    pub(super) window: u16,
    /// One past the highest byte that it has sent.
    pub(super) sent: u32,
    /// One past the highest byte that it may send.
    pub(super) limit: u32,
}

impl TcpPeer {
    /// The shift of its windows, if it scales them.
    pub fn scale(&self) -> Option<u8> {
        match self.scale {
            Scale::Shift(shift) => Some(shift),
            Scale::None | Scale::Unknown => None,
        }
    }

    /// Whether its first segment was not seen, so that nobody knows how it scales.
    pub fn is_unknown(&self) -> bool {
        self.scale == Scale::Unknown
    }
}

/// Both sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(super) struct Tcp {
    /// The side that began, and the other.
    pub peers: [TcpPeer; 2],
}

/// How strictly windows are kept.
#[derive(Clone, Copy, Debug)]
pub(super) struct Strictness {
    pub check: bool,
    pub liberal: bool,
}

/// What a segment means to its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Part of it; its time begins again, in this phase, if one is given.
    Valid(Option<Phase>),
    /// It still opens.
    StillNew(Phase),
    /// It begins another connection in the place of this one.
    Anew,
    /// It does not belong here.
    Invalid,
}

/// Whether flags contradict each other (RFC 9293 section 3.10.7).
fn nonsense(flags: u16) -> bool {
    if flags & SYN != 0 {
        flags & (RST | FIN) != 0
    } else {
        flags & (ACK | RST) == 0 || flags & ACK == 0 && flags & (FIN | PSH | URG) != 0
    }
}

impl Segment {
    /// Whether it wants to begin a connection.
    pub fn synchronizes(&self) -> bool {
        self.flags & (SYN | ACK) == SYN
    }
}

/// Whether a segment may begin a connection: a SYN, or any of one whose beginning was not seen, but not the answer to a SYN.
pub(super) fn may_begin(segment: &Segment) -> bool {
    !nonsense(segment.flags) && segment.flags & (SYN | ACK) != SYN | ACK
}

/// Whether sequence number `a` is at or behind `b`.
fn at_or_after(a: u32, b: u32) -> bool {
    a.wrapping_sub(b).cast_signed() >= 0
}

fn after(a: u32, b: u32) -> bool {
    a.wrapping_sub(b).cast_signed() > 0
}

/// A segment on its way through the rules.
struct Flight {
    /// Shifts of the sender's and the receiver's windows.
    shifts: [u8; 2],
    window: u16,
    /// As it stands in the header.
    seq: u32,
    /// As the rules take it.
    begin: u32,
    end: u32,
    ack: u32,
    /// The acknowledgment may be anything.
    any_ack: bool,
}

impl Tcp {
    /// A connection that begins with this segment.
    pub fn new(segment: &Segment) -> Self {
        let syn = segment.flags & SYN != 0;
        let scale = match (syn, segment.scale) {
            (false, _) => Scale::Unknown,
            (true, Some(shift)) => Scale::Shift(shift),
            (true, None) => Scale::None,
        };
        let extra = 1 + u32::from(syn) + u32::from(segment.flags & FIN != 0);
        let mut window = segment.window.max(1);
        if let Scale::Shift(shift) = scale {
            window = window.div_ceil(1 << shift);
        }
        let source = TcpPeer {
            state: TcpState::SynSent,
            scale,
            window,
            sent: segment.seq,
            limit: segment.seq.wrapping_add(segment.payload).wrapping_add(extra),
        };
        let unseen = if syn { Scale::None } else { Scale::Unknown };
        let target = TcpPeer { state: TcpState::Closed, scale: unseen, window: 1, sent: 0, limit: 1 };
        Self { peers: [source, target] }
    }

    /// Takes a segment of the original or reply direction.
    pub fn update(&mut self, segment: &Segment, reply: bool, strict: Strictness) -> Verdict {
        let flags = segment.flags;
        if nonsense(flags) {
            return Verdict::Invalid;
        }
        let [first, second] = &mut self.peers;
        let (src, dst) = if reply { (second, first) } else { (first, second) };
        if flags & (SYN | ACK) == SYN {
            if src.state >= TcpState::FinWait2 && dst.state >= TcpState::FinWait2 {
                src.state = TcpState::Closed;
                dst.state = TcpState::Closed;
                return Verdict::Anew;
            } else if src.state <= TcpState::SynSent {
                src.state = TcpState::SynSent;
                return Verdict::StillNew(Phase::TcpSynSent);
            }
        }
        let flight = Flight::new(segment, src, dst);
        if flight.fits(flags, src, dst) || !strict.check || strict.liberal && flags & RST == 0 {
            flight.advance(src, dst);
            change_states(flags, src, dst);
            Verdict::Valid(Some(phase(src.state, dst.state)))
        } else if flight.fits_widely(src, dst) {
            flight.advance(src, dst);
            if flags & FIN != 0 {
                src.state = src.state.max(TcpState::Closing);
            }
            if flags & RST != 0 {
                src.state = TcpState::TimeWait;
                dst.state = TcpState::TimeWait;
            }
            Verdict::Valid(None)
        } else {
            Verdict::Invalid
        }
    }
}

impl Flight {
    fn new(segment: &Segment, src: &mut TcpPeer, dst: &mut TcpPeer) -> Self {
        let syn = segment.flags & SYN != 0;
        let shifts = match (src.scale, dst.scale) {
            _ if syn => [0; 2],
            (Scale::Shift(a), Scale::Shift(b)) => [a, b],
            (Scale::Unknown, Scale::Unknown) => [MAX_SHIFT; 2],
            _ => [0; 2],
        };
        let length = segment.payload + u32::from(syn) + u32::from(segment.flags & FIN != 0);
        let end = segment.seq.wrapping_add(length);
        let (seq, window) = (segment.seq, segment.window);
        let mut flight = Self { shifts, window, seq, begin: seq, end, ack: segment.ack, any_ack: false };
        if src.state < TcpState::SynSent {
            flight.first(segment, src, dst);
        }
        let broken_reset = segment.ack == 0 && segment.flags & (ACK | RST) == ACK | RST;
        if segment.flags & ACK == 0 || broken_reset {
            flight.ack = dst.sent;
        }
        if flight.begin == flight.end {
            // Nothing is sent, so it does not matter where.
            (flight.begin, flight.end) = (src.sent, src.sent);
        }
        flight
    }

    /// The first segment of a side.
    fn first(&mut self, segment: &Segment, src: &mut TcpPeer, dst: &mut TcpPeer) {
        if segment.flags & SYN != 0
            && let Scale::Shift(other) = dst.scale
        {
            if let Some(shift) = segment.scale {
                src.scale = Scale::Shift(shift);
                self.window = self.window.div_ceil(1 << shift);
                self.shifts = [shift, other];
            } else {
                // Scaling takes two: the other side's offer was meant as it stood.
                src.scale = Scale::None;
                dst.window = (u32::from(dst.window) << other) as u16;
                dst.scale = Scale::None;
            }
        }
        src.sent = self.begin;
        src.state = TcpState::SynSent;
        let allowed = self.end.wrapping_add((u32::from(dst.window) << self.shifts[1]).max(1));
        if src.limit == 1 || at_or_after(allowed, src.limit) {
            // Nobody has said what it may send: its acknowledgment says nothing wrong either.
            src.limit = allowed;
            self.any_ack = true;
        }
        src.window = src.window.max(self.window);
    }

    fn fits(&self, flags: u16, src: &TcpPeer, dst: &TcpPeer) -> bool {
        let skew = if self.any_ack { 0 } else { i64::from(dst.sent.wrapping_sub(self.ack).cast_signed()) };
        let oldest = src.sent.wrapping_sub(u32::from(dst.window) << self.shifts[1]);
        let here = flags & RST == 0
            || [0, 1, u32::MAX].into_iter().any(|off| self.seq == src.sent.wrapping_add(off));
        at_or_after(src.limit, self.end)
            && at_or_after(self.begin, oldest)
            && skew >= -SLACK
            && skew <= SLACK << self.shifts[0]
            && here
    }

    /// Before one side was seen, and after the end: about where the sender is.
    fn fits_widely(&self, src: &TcpPeer, dst: &TcpPeer) -> bool {
        let edge = dst.state < TcpState::SynSent || dst.state.max(src.state) >= TcpState::FinWait2;
        edge && at_or_after(src.limit.wrapping_add(SLACK as u32), self.end)
            && at_or_after(self.begin, src.sent.wrapping_sub(SLACK as u32))
    }

    fn advance(&self, src: &mut TcpPeer, dst: &mut TcpPeer) {
        src.window = src.window.max(self.window);
        if after(self.end, src.sent) {
            src.sent = self.end;
        }
        let window = u32::from(self.window) << self.shifts[0];
        if at_or_after(self.ack.wrapping_add(window), dst.limit) {
            dst.limit = self.ack.wrapping_add(window.max(1));
        }
    }
}

fn change_states(flags: u16, src: &mut TcpPeer, dst: &mut TcpPeer) {
    if flags & SYN != 0 {
        src.state = src.state.max(TcpState::SynSent);
    }
    if flags & FIN != 0 {
        src.state = src.state.max(TcpState::Closing);
    }
    if flags & ACK != 0 {
        dst.state = match dst.state {
            TcpState::SynSent => TcpState::Established,
            TcpState::Closing => TcpState::FinWait2,
            state => state,
        };
    }
    if flags & RST != 0 {
        src.state = TcpState::TimeWait;
        dst.state = TcpState::TimeWait;
    }
}

fn phase(a: TcpState, b: TcpState) -> Phase {
    let (least, most) = (a.min(b), a.max(b));
    if least >= TcpState::FinWait2 {
        Phase::TcpClose
    } else if least >= TcpState::Closing {
        Phase::TcpTimeWait
    } else if least < TcpState::Established {
        Phase::TcpSynRecv
    } else if most >= TcpState::Closing {
        Phase::TcpFinWait
    } else {
        Phase::TcpEstablished
    }
}
