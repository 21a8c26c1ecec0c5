//! What a port may receive.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::{Drops, counted};
use crate::bucket::{Bucket, Ticks};

/// How much a port may receive (`ingress_policing_*` of an interface); all zeros: as much as comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Policing {
    /// Kilobits a second, counted behind the Ethernet header; 0 for no limit.
    pub kbps: u32,
    /// Kilobits that may come at once; 0 for 8000.
    pub burst_kb: u32,
    /// Thousands of packets a second; 0 for no limit.
    pub kpps: u32,
    /// Thousands of packets that may come at once; 0 for 16.
    pub burst_kpackets: u32,
}

impl Policing {
    /// So many kilobits a second, and so many at once.
    pub fn kilobits(mut self, kbps: u32, burst: u32) -> Self {
        (self.kbps, self.burst_kb) = (kbps, burst);
        self
    }

    /// So many thousand packets a second, and so many thousand at once.
    pub fn kilopackets(mut self, kpps: u32, burst: u32) -> Self {
        (self.kpps, self.burst_kpackets) = (kpps, burst);
        self
    }
}

/// Polices what a port receives, by all its queues together.
#[derive(Debug)]
pub(crate) struct RxPolicer {
    bits: Option<Bucket>,
    packets: Option<Bucket>,
    drops: Arc<Drops>,
}

impl RxPolicer {
    /// `None` if there is nothing to police.
    pub fn new(policing: Policing, drops: Arc<Drops>) -> Option<Self> {
        let bucket = |rate: u32, burst: u32, usual: u32| {
            let burst = if burst == 0 { usual } else { burst };
            (rate > 0).then(|| Bucket::new(u128::from(rate) * 1000, u128::from(burst) * 1000))
        };
        let bits = bucket(policing.kbps, policing.burst_kb, 8000);
        let packets = bucket(policing.kpps, policing.burst_kpackets, 16);
        (bits.is_some() || packets.is_some()).then_some(Self { bits, packets, drops })
    }

    /// Whether a packet of so many bytes is within the rates; if not, it is to be dropped.
    pub fn admit(&self, len: usize, now: Duration) -> bool {
        let now = Ticks::from(now);
        let within = |bucket: &Option<Bucket>, tokens| {
            bucket.as_ref().is_none_or(|bucket| bucket.take_or_borrow(tokens, now))
        };
        let admitted = within(&self.bits, counted(len) * 8) && within(&self.packets, 1);
        if !admitted {
            self.drops.rx.fetch_add(1, Ordering::Relaxed);
        }
        admitted
    }
}
