//! Packets that are counted together.

use std::time::Duration;

/// What some packets of one megaflow have in common with its counters' growth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Traffic {
    pub packets: u64,
    pub bytes: u64,
    /// When the last of them came.
    pub used: Duration,
    /// The TCP flags that the megaflow's packets have had so far, or-ed.
    pub tcp_flags: u16,
}

impl Traffic {
    /// Whether a TCP connection was closed or reset.
    pub fn ends_connection(&self) -> bool {
        const FIN: u16 = 1;
        const RST: u16 = 4;
        self.tcp_flags & (FIN | RST) != 0
    }
}
