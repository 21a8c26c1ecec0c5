//! A connection's state in three words: what hardly ever changes, and what the packets of each direction change.
//!
//! An established TCP connection moves on by numbers alone, and those that packets of one direction move are no others' to
//! write: so a packet that changes nothing else writes its word and waits for nobody.

use super::super::Helper;
use super::super::connection::{Connection, Translated};
use super::super::protocol::{State, Traffic};
use super::super::tcp::{Scale, Tcp, TcpPeer, TcpState, Verdict};
use super::super::timeout::Phase;
use super::super::tuple::Tuple;

/// See the module's head.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(in super::super) struct Words {
    /// Kind and state in the low 56 bits, what never changes above.
    pub summary: u64,
    /// How far the side that began has sent, and how far the other may.
    pub forth: u64,
    /// How far the other side has sent, and how far the one that began may.
    pub back: u64,
}

const TCP: u64 = 1;
const ICMP: u64 = 2;
const OTHER: u64 = 3;
/// Shifts of what never changes.
const TRANSLATED: u32 = 56;
const RELATED: u32 = 58;
const HELPER: u32 = 59;
/// This one is set once.
pub(in super::super) const HELPED: u64 = 1 << 61;

/// How a side scales its windows, if it does not, and if that is not known.
const NO_SCALE: u64 = 30;
const UNKNOWN_SCALE: u64 = 31;

const STATES: [TcpState; 6] = [
    TcpState::Closed,
    TcpState::SynSent,
    TcpState::Established,
    TcpState::Closing,
    TcpState::FinWait2,
    TcpState::TimeWait,
];

impl Words {
    /// Of a state, with what never changes of `self`.
    #[inline]
    pub fn with(&self, state: &State) -> Self {
        let (low, forth, back) = match state {
            State::Tcp(Tcp { peers: [first, second] }) => (
                TCP | peer(first) << 8 | peer(second) << 32,
                u64::from(first.sent) << 32 | u64::from(second.limit),
                u64::from(second.sent) << 32 | u64::from(first.limit),
            ),
            State::Icmp { answered } => (ICMP | u64::from(*answered) << 8, 0, 0),
            State::Other(traffic) => (OTHER | (*traffic as u64) << 8, 0, 0),
        };
        Self { summary: self.summary >> TRANSLATED << TRANSLATED | low, forth, back }
    }

    /// Of a connection.
    pub fn of(connection: &Connection) -> Self {
        let translated = match connection.translated {
            Translated::No => 0,
            Translated::Source => 1,
            Translated::Destination => 2,
        };
        let helper = match connection.helper {
            None => 0,
            Some(Helper::Ftp) => 1,
            Some(Helper::Tftp) => 2,
        };
        let summary = translated << TRANSLATED
            | u64::from(connection.related) << RELATED
            | helper << HELPER
            | if connection.helped { HELPED } else { 0 };
        Self { summary, ..Self::default() }.with(&connection.state)
    }

    /// The state.
    #[inline]
    pub fn state(&self) -> State {
        let low = self.summary >> 8;
        match self.summary & 0xff {
            TCP => {
                let [sent, limit] = halves(self.forth);
                let [other_sent, other_limit] = halves(self.back);
                let first = TcpPeer { sent, limit: other_limit, ..unpeer(low) };
                let second = TcpPeer { sent: other_sent, limit, ..unpeer(low >> 24) };
                State::Tcp(Tcp { peers: [first, second] })
            }
            ICMP => State::Icmp { answered: low & 1 != 0 },
            _ => State::Other(match low & 3 {
                0 => Traffic::First,
                1 => Traffic::Single,
                _ => Traffic::Both,
            }),
        }
    }

    /// A connection of this state, of which nothing else is known.
    #[inline]
    pub fn connection(&self) -> Connection {
        Connection {
            orig: Tuple::default(),
            reply: Tuple::default(),
            expires: 0,
            state: self.state(),
            mark: 0,
            label: [0; 16],
            translated: match self.summary >> TRANSLATED & 3 {
                0 => Translated::No,
                1 => Translated::Source,
                _ => Translated::Destination,
            },
            related: self.summary >> RELATED & 1 != 0,
            helper: match self.summary >> HELPER & 3 {
                0 => None,
                1 => Some(Helper::Ftp),
                _ => Some(Helper::Tftp),
            },
            helped: self.summary & HELPED != 0,
            serial: 0,
            policy: 0,
            parent: None,
        }
    }

    /// What one more packet means to a connection that is neither TCP nor ICMP, if it changes nothing.
    #[inline]
    pub fn unmoved(&self, reply: bool) -> Option<Verdict> {
        const SINGLE: u64 = OTHER | (Traffic::Single as u64) << 8;
        const BOTH: u64 = OTHER | (Traffic::Both as u64) << 8;
        match self.summary & 0xffff {
            BOTH => Some(Verdict::Valid(Some(Phase::UdpMultiple))),
            SINGLE if !reply => Some(Verdict::StillNew(Phase::UdpSingle)),
            _ => None,
        }
    }

    /// Whether it is translated, foretold or helped.
    #[inline]
    pub fn is_special(&self) -> bool {
        self.summary >> TRANSLATED & 0x3f != 0
    }

    /// Whether these differ from others by nothing but what packets of one direction change.
    #[inline]
    pub fn differ_by_own(&self, other: &Self, reply: bool) -> bool {
        self.summary == other.summary
            && if reply { self.forth == other.forth } else { self.back == other.back }
    }
}

fn halves(word: u64) -> [u32; 2] {
    [(word >> 32) as u32, word as u32]
}

#[inline]
fn peer(peer: &TcpPeer) -> u64 {
    let scale = match peer.scale {
        Scale::Shift(shift) => u64::from(shift),
        Scale::None => NO_SCALE,
        Scale::Unknown => UNKNOWN_SCALE,
    };
    u64::from(peer.window) | scale << 16 | (peer.state as u64) << 21
}

#[inline]
fn unpeer(bits: u64) -> TcpPeer {
    let scale = match bits >> 16 & 31 {
        NO_SCALE => Scale::None,
        UNKNOWN_SCALE => Scale::Unknown,
        shift => Scale::Shift(shift as u8),
    };
    let state = STATES.get((bits >> 21 & 7) as usize).copied().unwrap_or_default();
    TcpPeer { state, scale, window: bits as u16, sent: 0, limit: 0 }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::super::tcp::Strictness;
    use super::*;

    fn peers() -> impl Strategy<Value = TcpPeer> {
        let scales = prop_oneof![Just(Scale::None), Just(Scale::Unknown), (0..15_u8).prop_map(Scale::Shift)];
        (prop::sample::select(STATES.to_vec()), scales, any::<(u16, u32, u32)>())
            .prop_map(|(state, scale, (window, sent, limit))| TcpPeer { state, scale, window, sent, limit })
    }

    fn states() -> impl Strategy<Value = State> {
        prop_oneof![
            [peers(), peers()].prop_map(|peers| State::Tcp(Tcp { peers })),
            any::<bool>().prop_map(|answered| State::Icmp { answered }),
            prop::sample::select(vec![Traffic::First, Traffic::Single, Traffic::Both]).prop_map(State::Other),
        ]
    }

    proptest! {
        #[test]
        fn nothing_is_lost(state in states(), bits in any::<u8>()) {
            let summary = u64::from(bits) << TRANSLATED;
            let words = Words { summary, ..Words::default() }.with(&state);
            prop_assert_eq!(words.state(), state);
            prop_assert_eq!(words.summary >> TRANSLATED << TRANSLATED, summary);
            let connection = words.connection();
            prop_assert_eq!(Words::of(&connection).state(), state);
            for reply in [false, true] {
                let mut moved = state;
                let verdict = moved.update(None, reply, Strictness { check: true, liberal: false });
                let unmoved = words.unmoved(reply);
                prop_assert!(unmoved.is_none() || unmoved == Some(verdict) && moved == state);
            }
        }
    }
}
