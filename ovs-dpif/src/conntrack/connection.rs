//! A connection, as the tracker works with it.

use super::Helper;
use super::protocol::State;
use super::tuple::Tuple;

/// Which end of a connection is translated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Translated {
    /// None.
    No,
    /// The one that began.
    Source,
    /// The other.
    Destination,
}

/// A connection.
#[derive(Clone, Debug)]
pub(super) struct Connection {
    /// Of the packets of the one that began, as they came.
    pub orig: Tuple,
    /// Of the packets of the other, as they come.
    pub reply: Tuple,
    /// When it is over, in milliseconds.
    pub expires: u64,
    pub state: State,
    pub mark: u32,
    pub label: [u8; 16],
    pub translated: Translated,
    /// Another connection's helper foretold it.
    pub related: bool,
    pub helper: Option<Helper>,
    /// The helper keeps something.
    pub helped: bool,
    /// How many connections began before it.
    pub serial: u64,
    /// Index of its timeout policy.
    pub policy: u16,
    /// The original direction of the connection that foretold it.
    pub parent: Option<Tuple>,
}

impl Connection {
    /// Which direction a tuple is: `Some(true)` for replies.
    #[inline]
    pub fn direction(&self, tuple: &Tuple) -> Option<bool> {
        if self.orig == *tuple {
            Some(false)
        } else if self.reply == *tuple {
            Some(true)
        } else {
            None
        }
    }

    /// What the packets of a direction look like once they are translated.
    pub fn translation(&self, reply: bool) -> Tuple {
        if reply { self.orig.reversed() } else { self.reply.reversed() }
    }
}
