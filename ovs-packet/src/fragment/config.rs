//! Limits of reassembly.

use core::time::Duration;

use super::MAX_PIECES;

/// Limits and times of a [`Reassembler`](super::Reassembler).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReassemblerConfig {
    /// Datagrams that may be incomplete at once.
    pub datagrams: u32,
    /// Fragments that may be held at once.
    pub fragments: u32,
    /// Bytes of packets that may be held at once.
    pub bytes: usize,
    /// Of the held fragments, how many may have come from one port.
    pub fragments_per_port: u32,
    /// Fragments of one datagram; at most [`MAX_PIECES`].
    pub fragments_per_datagram: u8,
    /// Fragments of IPv4 are put together; else they are refused.
    pub enabled_v4: bool,
    /// The same for IPv6.
    pub enabled_v6: bool,
    /// Least bytes of an IPv4 packet that is a fragment other than the last.
    pub least_v4: u32,
    /// Least bytes of an IPv6 packet that is a fragment other than the last.
    pub least_v6: u32,
    /// How long after its first fragment a datagram may be incomplete, in IPv4.
    pub timeout_v4: Duration,
    /// The same in IPv6 (RFC 8200 section 4.5 wants 60 seconds).
    pub timeout_v6: Duration,
}

impl Default for ReassemblerConfig {
    /// 256 datagrams of 1,000 fragments and 4 MiB together, half of them from one port; 64 fragments a datagram, at least
    /// 1,200 bytes (IPv4) and 1,280 bytes (IPv6) but for the last; 15 and 60 seconds.
    fn default() -> Self {
        Self {
            datagrams: 256,
            fragments: 1_000,
            bytes: 4 << 20,
            fragments_per_port: 500,
            fragments_per_datagram: MAX_PIECES as u8,
            enabled_v4: true,
            enabled_v6: true,
            least_v4: 1_200,
            least_v6: 1_280,
            timeout_v4: Duration::from_secs(15),
            timeout_v6: Duration::from_mins(1),
        }
    }
}

impl ReassemblerConfig {
    /// Sets whether fragments of IPv4 and of IPv6 are put together.
    pub fn enabled(mut self, v4: bool, v6: bool) -> Self {
        (self.enabled_v4, self.enabled_v6) = (v4, v6);
        self
    }

    /// Sets how many datagrams may be incomplete.
    pub fn datagrams(mut self, datagrams: u32) -> Self {
        self.datagrams = datagrams;
        self
    }

    /// Sets how many fragments may be held.
    pub fn fragments(mut self, fragments: u32) -> Self {
        self.fragments = fragments;
        self
    }

    /// Sets how many bytes may be held.
    pub fn bytes(mut self, bytes: usize) -> Self {
        self.bytes = bytes;
        self
    }

    /// Sets how many fragments of one port may be held.
    pub fn fragments_per_port(mut self, fragments: u32) -> Self {
        self.fragments_per_port = fragments;
        self
    }

    /// Sets how many fragments a datagram may have; [`MAX_PIECES`] if more is asked for.
    pub fn fragments_per_datagram(mut self, fragments: u8) -> Self {
        self.fragments_per_datagram = fragments.min(MAX_PIECES as u8);
        self
    }

    /// Sets the least bytes of a fragment that is not the last, for IPv4 and IPv6.
    pub fn least(mut self, v4: u32, v6: u32) -> Self {
        (self.least_v4, self.least_v6) = (v4, v6);
        self
    }

    /// Sets how long a datagram may be incomplete, for IPv4 and IPv6.
    pub fn timeouts(mut self, v4: Duration, v6: Duration) -> Self {
        (self.timeout_v4, self.timeout_v6) = (v4, v6);
        self
    }
}
