//! Token buckets that workers share.
//!
//! A bucket is kept as one number: the moment at which it was, or would have been, empty. It holds what has run in since,
//! and never more than its size; a packet that it holds enough for moves the moment on by the time that its size takes to
//! run in. That is exact for every size of packet, needs no timer, and workers agree by exchanging one word.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

/// Units of time in a nanosecond: a 64-byte packet at 100 Gb/s takes 328 of them.
const TICKS_PER_NS: u128 = 64;
const TICKS_PER_SECOND: u128 = 1_000_000_000 * TICKS_PER_NS;
/// The longest time that a bucket takes to fill: more makes no difference to anyone.
const MAX_WINDOW: u128 = i64::MAX as u128 / 4;

/// A moment, in the buckets' units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ticks(i64);

impl From<Duration> for Ticks {
    fn from(now: Duration) -> Self {
        Self((now.as_nanos() * TICKS_PER_NS).min(i64::MAX as u128 / 2) as i64)
    }
}

/// One token bucket, full at first.
#[derive(Debug)]
pub(crate) struct Bucket {
    /// Tokens a second.
    rate: u128,
    /// Ticks in which it fills.
    window: i64,
    /// The tick at which it was empty.
    empty: AtomicI64,
}

impl Bucket {
    /// A bucket into which so many tokens run a second, and which holds `size`. At rate 0 it is always empty.
    pub fn new(rate: u128, size: u128) -> Self {
        let window = (size * TICKS_PER_SECOND / rate.max(1)).min(MAX_WINDOW) as i64;
        // Full, whenever the first packet comes.
        Self { rate, window, empty: AtomicI64::new(i64::MIN / 2) }
    }

    /// Takes so many tokens out; `false`, and nothing is taken, if it does not hold as many.
    pub fn take(&self, tokens: u64, now: Ticks) -> bool {
        self.take_if(tokens, now, |after, _| after <= now.0)
    }

    /// As [`Bucket::take`], but whoever wants more than the bucket can ever hold gets it when the bucket is full, and
    /// what was too much runs in before anyone gets more. Large packets pass too, and the rate holds.
    pub fn take_or_borrow(&self, tokens: u64, now: Ticks) -> bool {
        self.take_if(tokens, now, |after, before| {
            after <= now.0 || after - before > self.window && before <= now.0 - self.window
        })
    }

    fn take_if(&self, tokens: u64, now: Ticks, may: impl Fn(i64, i64) -> bool) -> bool {
        if self.rate == 0 {
            return false;
        }
        let cost =
            ((u128::from(tokens) * TICKS_PER_SECOND + self.rate / 2) / self.rate).min(MAX_WINDOW) as i64;
        let taken = self.empty.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |empty| {
            let before = empty.max(now.0 - self.window);
            let after = before + cost;
            may(after, before).then_some(after)
        });
        taken.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_larger_than_the_bucket_is_paid_for_afterwards() {
        let bucket = Bucket::new(1000, 100);
        let at = |ms| Ticks::from(Duration::from_millis(ms));
        assert!(!bucket.take(500, at(1000)), "it never holds that much");
        assert!(bucket.take_or_borrow(500, at(1000)), "it is full");
        assert!(!bucket.take_or_borrow(1, at(1399)));
        assert!(!bucket.take_or_borrow(500, at(1499)), "full only a hundred milliseconds after it was empty");
        assert!(bucket.take_or_borrow(500, at(1500)));
        assert!(!bucket.take_or_borrow(1, at(1900)) && bucket.take_or_borrow(1, at(1901)));
    }

    #[test]
    fn what_fits_is_taken_alike() {
        let (strict, lending) = (Bucket::new(10, 5), Bucket::new(10, 5));
        for step in 0..1000_u64 {
            let (now, tokens) = (Ticks::from(Duration::from_millis(step * 37)), step % 6);
            assert_eq!(strict.take(tokens, now), lending.take_or_borrow(tokens, now), "{step}");
        }
    }
}
