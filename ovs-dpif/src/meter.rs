//! Meters: token buckets that packets of many megaflows, on any worker, share.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::bucket::{Bucket, Ticks};

/// A meter of a datapath, by a number below [`MeterLimits::meters`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MeterId(pub u32);

/// What a meter counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum MeterUnit {
    /// Thousands of bits, from the Ethernet header to the end of the packet.
    #[default]
    Kilobits,
    /// Packets.
    Packets,
}

/// A rate, above which packets are dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MeterRate {
    /// Units a second. At 0 every packet is above it.
    pub rate: u32,
    /// How many units may come at once; 0 for as many as come in a second.
    pub burst: u32,
}

/// What a meter does.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct MeterSpec {
    /// What it counts.
    pub unit: MeterUnit,
    /// Its rates; without any it only counts. Of those that a packet is above, the highest counts it.
    pub rates: Vec<MeterRate>,
}

/// What a meter has counted.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct MeterCounters {
    /// Packets that came.
    pub packets: u64,
    /// Bytes that came.
    pub bytes: u64,
    /// Packets and bytes that each rate has dropped.
    pub dropped: Vec<(u64, u64)>,
}

/// What meters a datapath can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct MeterLimits {
    /// How many; 0 if it has none.
    pub meters: u32,
    /// How many rates each.
    pub rates: u8,
}

impl MeterLimits {
    /// What the datapaths of this crate have, as the original.
    pub(crate) const OWN: Self = Self { meters: 1 << 18, rates: 8 };
}

/// Why a meter was not set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MeterError {
    /// The datapath has no meters.
    #[error("meters are not supported")]
    Unsupported,
    /// The number is too high.
    #[error("meter number {0} is too high")]
    Number(u32),
    /// There are too many rates.
    #[error("a meter has at most {0} bands")]
    Rates(u8),
}

/// A rate, and what it has dropped.
#[derive(Debug)]
struct Band {
    rate: u32,
    bucket: Bucket,
    packets: AtomicU64,
    bytes: AtomicU64,
}

impl Band {
    fn new(unit: MeterUnit, rate: MeterRate) -> Self {
        let bits = if unit == MeterUnit::Kilobits { 1000 } else { 1 };
        let size = if rate.burst == 0 { rate.rate } else { rate.burst };
        Self {
            rate: rate.rate,
            bucket: Bucket::new(u128::from(rate.rate) * bits, u128::from(size) * bits),
            packets: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
        }
    }

    fn drop_one(&self, bytes: u64) {
        self.packets.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }
}

/// A meter, shared by the control side and all workers.
#[derive(Debug)]
pub(crate) struct Meter {
    unit: MeterUnit,
    bands: Vec<Band>,
    packets: AtomicU64,
    bytes: AtomicU64,
}

impl Meter {
    pub fn new(spec: &MeterSpec) -> Self {
        Self {
            unit: spec.unit,
            bands: spec.rates.iter().map(|rate| Band::new(spec.unit, *rate)).collect(),
            packets: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
        }
    }

    /// Counts a packet; `false` if it is to be dropped.
    pub fn admit(&self, bytes: usize, now: Duration) -> bool {
        let bytes = bytes as u64;
        self.packets.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        let units = if self.unit == MeterUnit::Kilobits { bytes * 8 } else { 1 };
        let now = Ticks::from(now);
        let mut above: Option<&Band> = None;
        for band in &self.bands {
            if !band.bucket.take(units, now) && above.is_none_or(|highest| band.rate > highest.rate) {
                above = Some(band);
            }
        }
        if let Some(band) = above {
            band.drop_one(bytes);
        }
        above.is_none()
    }

    pub fn counters(&self) -> MeterCounters {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        MeterCounters {
            packets: read(&self.packets),
            bytes: read(&self.bytes),
            dropped: self.bands.iter().map(|band| (read(&band.packets), read(&band.bytes))).collect(),
        }
    }
}

/// Meters by number, as the control side and each worker have them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Meters(BTreeMap<MeterId, Arc<Meter>>);

impl Meters {
    /// Makes a meter; not yet in the table.
    pub fn make(id: MeterId, spec: &MeterSpec) -> Result<Arc<Meter>, MeterError> {
        if id.0 >= MeterLimits::OWN.meters {
            return Err(MeterError::Number(id.0));
        }
        if spec.rates.len() > usize::from(MeterLimits::OWN.rates) {
            return Err(MeterError::Rates(MeterLimits::OWN.rates));
        }
        Ok(Arc::new(Meter::new(spec)))
    }

    /// Puts a meter in, or takes it out.
    pub fn set(&mut self, id: MeterId, meter: Option<Arc<Meter>>) -> Option<Arc<Meter>> {
        match meter {
            Some(meter) => self.0.insert(id, meter),
            None => self.0.remove(&id),
        }
    }

    pub fn counters(&self, id: MeterId) -> Option<MeterCounters> {
        self.0.get(&id).map(|meter| meter.counters())
    }

    /// Counts a packet; `false` if it is to be dropped. A meter that is not there lets everything pass.
    pub fn admit(&self, id: MeterId, bytes: usize, now: Duration) -> bool {
        self.0.get(&id).is_none_or(|meter| meter.admit(bytes, now))
    }

    /// Those that a new worker is told of.
    pub fn iter(&self) -> impl Iterator<Item = (MeterId, &Arc<Meter>)> {
        self.0.iter().map(|(id, meter)| (*id, meter))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meter(unit: MeterUnit, rate: u32, burst: u32) -> Meter {
        Meter::new(&MeterSpec { unit, rates: vec![MeterRate { rate, burst }] })
    }

    /// What passes of packets of one size that come evenly at `offered` a second, over ten seconds.
    fn passed(meter: &Meter, bytes: usize, offered: u64) -> u64 {
        let at = |n: u64| Duration::from_nanos(n * 1_000_000_000 / offered);
        (0..offered * 10).filter(|n| meter.admit(bytes, at(*n))).count() as u64
    }

    #[test]
    fn rates_are_exact_at_every_size() {
        for bytes in [60, 64, 65, 128, 512, 1499, 1514, 9000, 65_000] {
            for kbps in [800_u32, 1000, 8000, 50_000] {
                let meter = meter(MeterUnit::Kilobits, kbps, 8 * 65 * 4);
                let offered = u64::from(kbps) * 3000 / (bytes as u64 * 8) + 1;
                let wanted = f64::from(kbps) * 10.0 + f64::from(8 * 65 * 4);
                let got = passed(&meter, bytes, offered) as f64 * bytes as f64 * 8.0 / 1000.0;
                // One packet that has not come in full, and one that would come after the end.
                let slack = wanted * 0.005 + 2.0 * bytes as f64 * 8.0 / 1000.0;
                assert!((got - wanted).abs() <= slack, "{bytes} bytes, {kbps} kb/s: {got}, not {wanted}");
            }
        }
        for rate in [1, 7, 100, 9999] {
            let meter = meter(MeterUnit::Packets, rate, 3);
            let got = passed(&meter, 64, u64::from(rate) * 3);
            assert!(got.abs_diff(u64::from(rate) * 10) <= 3, "{rate}: {got}");
        }
    }

    #[test]
    fn a_fast_rate_is_exact_too() {
        // 100 Gb/s of 64-byte packets, offered at 200 Gb/s for a millisecond.
        let meter = meter(MeterUnit::Kilobits, 100_000_000, 1);
        let offered = 390_625_u64;
        let at = |n: u64| Duration::from_nanos(n * 1_000_000 / offered);
        let got = (0..offered).filter(|n| meter.admit(64, at(*n))).count() as f64;
        assert!((got / 195_312.0 - 1.0).abs() < 0.02, "{got}");
    }

    #[test]
    fn a_burst_passes_at_once_and_no_more() {
        let meter = meter(MeterUnit::Packets, 10, 25);
        let now = Duration::from_secs(100);
        assert_eq!((0..100).filter(|_| meter.admit(64, now)).count(), 25);
        let later = now + Duration::from_secs(1);
        assert_eq!((0..100).filter(|_| meter.admit(64, later)).count(), 10);
        assert_eq!(
            meter.counters(),
            MeterCounters { packets: 200, bytes: 12_800, dropped: vec![(165, 10_560)] }
        );
    }

    #[test]
    fn the_highest_rate_that_is_passed_counts_the_packet() {
        let rates = vec![MeterRate { rate: 5, burst: 5 }, MeterRate { rate: 10, burst: 10 }];
        let meter = Meter::new(&MeterSpec { unit: MeterUnit::Packets, rates });
        let now = Duration::from_secs(1);
        assert_eq!((0..20).filter(|_| meter.admit(1, now)).count(), 5);
        assert_eq!(meter.counters().dropped, [(5, 5), (10, 10)]);
    }

    #[test]
    fn odd_numbers_do_no_harm() {
        let none = Meter::new(&MeterSpec::default());
        assert!(none.admit(64, Duration::MAX));
        for (rate, burst) in [(0, 0), (0, u32::MAX), (1, u32::MAX), (u32::MAX, 0), (u32::MAX, u32::MAX)] {
            for unit in [MeterUnit::Kilobits, MeterUnit::Packets] {
                let meter = meter(unit, rate, burst);
                for now in [Duration::ZERO, Duration::from_secs(1), Duration::MAX] {
                    assert_eq!(
                        meter.admit(65_535, now),
                        rate != 0 && (rate > 1 || burst > 0),
                        "{rate}/{burst}"
                    );
                }
            }
        }
        assert_eq!(
            Meters::make(MeterId(1 << 18), &MeterSpec::default()).err(),
            Some(MeterError::Number(1 << 18))
        );
    }
}
