//! How long connections live without packets.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

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

/// Policies of a page, and pages.
const PAGE: usize = 256;

/// A policy that packets read while it is being set.
#[derive(Debug)]
struct Slot {
    number: AtomicU32,
    seconds: [AtomicU32; Phase::ALL.len()],
}

/// Policies by index. Those that are there stay.
#[derive(Debug)]
pub(super) struct Policies {
    pages: Box<[OnceLock<Box<[Slot]>>]>,
    count: AtomicU32,
    /// For those who set them.
    setting: Mutex<()>,
}

impl Policies {
    /// With that of connections that have none of their own, which is the first.
    pub fn new(first: TimeoutPolicy) -> Self {
        let this = Self {
            pages: (0..PAGE).map(|_| OnceLock::new()).collect(),
            count: AtomicU32::new(1),
            setting: Mutex::new(()),
        };
        this.write(0, u32::MAX, &first);
        this
    }

    fn slot(&self, index: usize) -> &Slot {
        let new = || Slot { number: AtomicU32::new(0), seconds: std::array::from_fn(|_| AtomicU32::new(0)) };
        let page = self.pages[index / PAGE % PAGE].get_or_init(|| (0..PAGE).map(|_| new()).collect());
        &page[index % PAGE]
    }

    fn write(&self, index: usize, number: u32, policy: &TimeoutPolicy) {
        let slot = self.slot(index);
        slot.number.store(number, Ordering::Relaxed);
        for (slot, seconds) in slot.seconds.iter().zip(policy.seconds) {
            slot.store(seconds, Ordering::Relaxed);
        }
    }

    /// How many milliseconds a connection lives in a phase.
    #[inline]
    pub fn millis(&self, index: u16, phase: Phase) -> u64 {
        u64::from(self.slot(index.into()).seconds[phase as usize].load(Ordering::Relaxed)) * 1000
    }

    /// Index of the policy of a number; of the first if there is none.
    pub fn index_of(&self, number: u32) -> u16 {
        let count = self.count.load(Ordering::Acquire) as usize;
        let is = |index: &usize| self.slot(*index).number.load(Ordering::Relaxed) == number;
        (1..count).find(is).unwrap_or(0) as u16
    }

    /// Sets or replaces the policy of a number. There may be 65,535; false if there are.
    pub fn set(&self, number: u32, policy: &TimeoutPolicy) -> bool {
        let _one = self.setting.lock();
        let (count, old) = (self.count.load(Ordering::Relaxed), self.index_of(number));
        if old == 0 && count >= u32::from(u16::MAX) {
            return false;
        }
        self.write(if old == 0 { count as usize } else { old.into() }, number, policy);
        if old == 0 {
            self.count.store(count + 1, Ordering::Release);
        }
        true
    }

    /// Sets the first.
    pub fn set_first(&self, policy: &TimeoutPolicy) {
        self.write(0, u32::MAX, policy);
    }
}
