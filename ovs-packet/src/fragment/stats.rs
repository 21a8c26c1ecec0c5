//! What reassembly did, by name.

/// Which Internet Protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Family {
    /// Version 4.
    V4,
    /// Version 6.
    V6,
}

/// Names the refusals once, with their order.
macro_rules! refusals {
    ($( $(#[$meta:meta])* $name:ident = $text:literal; )*) => {
        /// Why a fragment was refused.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Refusal { $( $(#[$meta])* $name, )* }

        impl Refusal {
            /// Every reason, in the order of their counters.
            pub const ALL: &'static [Self] = &[$( Self::$name, )*];

            /// The name of its counter.
            pub fn name(self) -> &'static str {
                match self { $( Self::$name => $text, )* }
            }
        }
    };
}

refusals! {
    /// The header is cut off, or its lengths contradict each other.
    Malformed = "malformed";
    /// Reassembly is off for its version.
    Disabled = "disabled";
    /// No payload.
    Empty = "empty";
    /// Not the last, and its payload is not whole units of eight bytes.
    Unaligned = "unaligned";
    /// Not the last, and shorter than the configuration allows (RFC 1858, RFC 3128).
    TooSmall = "too_small";
    /// It would make a datagram of more than 65,535 bytes.
    TooLong = "too_long";
    /// It still needs segmentation.
    Unfinished = "unfinished";
    /// The same bytes at the same place are held already.
    Duplicate = "duplicate";
    /// It overlaps another fragment, lies behind the end, or gives another end: the datagram is condemned.
    Overlap = "overlapped";
    /// It belongs to a datagram that was condemned.
    Condemned = "condemned";
    /// Marked "congestion experienced" beside fragments that cannot be marked: the datagram is condemned.
    Congestion = "congestion";
    /// The datagram has as many fragments as it may: it is condemned.
    TooManyPieces = "too_many_pieces";
    /// As many datagrams are incomplete as may be.
    TooManyDatagrams = "too_many_datagrams";
    /// As many fragments are held as may be.
    TooManyFragments = "too_many_fragments";
    /// As many fragments are held from that port as may be.
    TooManyFromPort = "too_many_from_port";
    /// As many bytes are held as may be.
    TooManyBytes = "too_many_bytes";
    /// It was the last to come, but the pool had no frame for the whole: the datagram is condemned.
    NoFrame = "no_frame";
}

const REASONS: usize = Refusal::ALL.len();

/// Counters of one protocol version. Every fragment that came is, at rest, held or in exactly one of
/// `completed`, `expired`, `purged`, `condemned` and the refusals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FamilyStats {
    /// Fragments that were held, those that completed a datagram included.
    pub accepted: u64,
    /// Fragments that became part of a whole.
    pub completed: u64,
    /// Datagrams that became whole.
    pub wholes: u64,
    /// Held fragments whose time ran out.
    pub expired: u64,
    /// Held fragments that were given back on request.
    pub purged: u64,
    /// Held fragments that were dropped because of a later one.
    pub condemned: u64,
    /// IPv6 packets with a fragment header that are whole (RFC 6946), passed on as they came.
    pub atomic: u64,
    refused: [u64; REASONS],
}

impl FamilyStats {
    /// Fragments refused for a reason.
    pub fn refused(&self, why: Refusal) -> u64 {
        self.refused[why as usize]
    }

    /// Fragments refused for any reason.
    pub fn refused_total(&self) -> u64 {
        self.refused.iter().sum()
    }

    pub(super) fn refuse(&mut self, why: Refusal) {
        self.refused[why as usize] += 1;
    }
}
