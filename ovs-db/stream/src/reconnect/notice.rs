//! What the state machine has to say to a log.

use std::fmt;
use std::time::Duration;

use super::State;
use crate::error::StreamError;

/// How important a [`Notice`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NoticeLevel {
    /// Of interest to someone who studies the connection.
    Debug,
    /// Of interest in retrospect.
    Info,
    /// Something went wrong that will be tried again.
    Warn,
    /// The peer does not answer.
    Error,
}

/// Something that happened to a connection. `Display` gives the log line that users of Open vSwitch know, without the
/// connection's name in front.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Notice {
    /// An attempt begins.
    Connecting,
    /// The attempt succeeded.
    Connected,
    /// The attempt failed.
    AttemptFailed(StreamError),
    /// The attempt took too long.
    AttemptTimedOut,
    /// The peer ended the connection in an orderly way.
    ClosedByPeer,
    /// The connection broke.
    Dropped(StreamError),
    /// The embedder ended the connection, by [`Reconnect::force`](super::Reconnect::force) or
    /// [`Reconnect::disable`](super::Reconnect::disable).
    Disconnecting,
    /// Nothing came for this long, so a probe is due.
    Idle(Duration),
    /// Nothing came for this long after a probe.
    NoResponse(Duration),
    /// The next attempt follows after this time.
    Waiting(Duration),
    /// The state changed.
    Entering(State),
    /// The wait has reached its longest; attempts are no longer worth a line each.
    Suppressing,
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Notice::Connecting => f.write_str("connecting..."),
            Notice::Connected => f.write_str("connected"),
            Notice::AttemptFailed(e) => write!(f, "connection attempt failed ({e})"),
            Notice::AttemptTimedOut => f.write_str("connection attempt timed out"),
            Notice::ClosedByPeer => f.write_str("connection closed by peer"),
            Notice::Dropped(e) => write!(f, "connection dropped ({e})"),
            Notice::Disconnecting => f.write_str("disconnecting"),
            Notice::Idle(d) => write!(f, "idle {} seconds, sending inactivity probe", d.as_secs_f64()),
            Notice::NoResponse(d) => {
                write!(f, "no response to inactivity probe after {} seconds, disconnecting", d.as_secs_f64())
            }
            Notice::Waiting(d) => write!(f, "waiting {} seconds before reconnect", d.as_secs_f64()),
            Notice::Entering(state) => write!(f, "entering {state}"),
            Notice::Suppressing => {
                f.write_str("continuing to reconnect in the background but suppressing further logging")
            }
        }
    }
}
