//! How long connections live without packets.

use std::time::Duration;

/// What a connection is doing, as far as its time to live goes: the columns of a timeout policy that the userspace datapath
/// uses (`CT_Timeout_Policy` in `ovs-vswitchd.conf.db(5)`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Phase {
    /// TCP: one side has synchronized.
    TcpSynSent,
    /// TCP: opening.
    TcpSynRecv,
    /// TCP: established.
    TcpEstablished,
    /// TCP: one side has finished.
    TcpFinWait,
    /// TCP: both sides have finished.
    TcpTimeWait,
    /// TCP: closed.
    TcpClose,
    /// UDP and others: one packet.
    UdpFirst,
    /// UDP and others: packets of one side.
    UdpSingle,
    /// UDP and others: packets of both sides.
    UdpMultiple,
    /// ICMP: a query.
    IcmpFirst,
    /// ICMP: an answer.
    IcmpReply,
}

impl Phase {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::TcpSynSent,
        Self::TcpSynRecv,
        Self::TcpEstablished,
        Self::TcpFinWait,
        Self::TcpTimeWait,
        Self::TcpClose,
        Self::UdpFirst,
        Self::UdpSingle,
        Self::UdpMultiple,
        Self::IcmpFirst,
        Self::IcmpReply,
    ];

    /// The key in `CT_Timeout_Policy:timeouts`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::TcpSynSent => "tcp_syn_sent",
            Self::TcpSynRecv => "tcp_syn_recv",
            Self::TcpEstablished => "tcp_established",
            Self::TcpFinWait => "tcp_fin_wait",
            Self::TcpTimeWait => "tcp_time_wait",
            Self::TcpClose => "tcp_close",
            Self::UdpFirst => "udp_first",
            Self::UdpSingle => "udp_single",
            Self::UdpMultiple => "udp_multiple",
            Self::IcmpFirst => "icmp_first",
            Self::IcmpReply => "icmp_reply",
        }
    }
}

/// Seconds for each [`Phase`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeoutPolicy {
    seconds: [u32; Phase::ALL.len()],
}

impl Default for TimeoutPolicy {
    /// The original's: a day for established TCP, a quarter of an hour for one that is half closed, half a minute to a minute
    /// for the rest.
    fn default() -> Self {
        let mut policy = Self { seconds: [30; Phase::ALL.len()] };
        policy.set(Phase::TcpEstablished, 24 * 60 * 60);
        policy.set(Phase::TcpFinWait, 15 * 60);
        policy.set(Phase::TcpTimeWait, 45);
        policy.set(Phase::UdpFirst, 60);
        policy.set(Phase::UdpSingle, 60);
        policy.set(Phase::IcmpFirst, 60);
        policy
    }
}

impl TimeoutPolicy {
    /// Sets the seconds of a phase.
    pub fn set(&mut self, phase: Phase, seconds: u32) {
        self.seconds[phase as usize] = seconds;
    }

    /// How long a connection lives in a phase.
    pub fn get(&self, phase: Phase) -> Duration {
        Duration::from_secs(self.seconds[phase as usize].into())
    }
}
