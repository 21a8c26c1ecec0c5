//! How a select group chooses its bucket.
//!
//! The method `dp_hash` (also what is taken where none is asked for, with few enough hash values) spreads 16 to 256 hash
//! values over the buckets once, in proportion to their weights: value after value goes to the bucket with the highest
//! quotient of weight and 1, 3, 5 … (Webster's method, which is what parliaments use for seats). A packet's bucket is then
//! one look into a list. The others score each bucket by a hash of the packet and the bucket's number.

use ovs_openflow::{GroupType, Selection};

use super::BucketState;

/// The most hash values of a group.
const MAX_SLOTS: u64 = 256;
/// The most where no method was asked for.
const DEFAULT_SLOTS: u64 = 64;
/// The fewest.
const MIN_SLOTS: u64 = 16;

/// How a bucket is chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Chooser {
    /// By the hash of layers 2 to 4 that is equal in both directions.
    Symmetric,
    /// By the fields that were asked for.
    Fields,
    /// By the datapath's hash: which bucket each of its values (a power of two of them) goes to.
    DpHash { symmetric: bool, basis: u32, slots: Vec<u16> },
}

impl Chooser {
    pub fn of(kind: GroupType, selection: &Selection, buckets: &[BucketState]) -> Self {
        if kind != GroupType::Select {
            return Self::Symmetric;
        }
        let weights = || buckets.iter().map(|state| state.bucket.weight);
        match selection.method.as_str() {
            "" => match slots(weights(), DEFAULT_SLOTS) {
                Some(slots) => Self::DpHash { symmetric: true, basis: 0, slots },
                None => Self::Symmetric,
            },
            "dp_hash" => match slots(weights(), MAX_SLOTS) {
                Some(slots) => {
                    // The upper half says which hash (1 is the symmetric one), the lower one with what basis.
                    let (algorithm, basis) = (selection.param >> 32, selection.param as u32);
                    Self::DpHash { symmetric: algorithm == 1, basis, slots }
                }
                None => Self::Symmetric,
            },
            _ if selection.fields.is_empty() => Self::Symmetric,
            _ => Self::Fields,
        }
    }
}

/// Spreads hash values over buckets of these weights; `None` if no bucket has a weight or it takes more than `max` values
/// to do them justice.
fn slots(weights: impl Iterator<Item = u16>, max: u64) -> Option<Vec<u16>> {
    let weights: Vec<u16> = weights.collect();
    let total: u64 = weights.iter().map(|weight| u64::from(*weight)).sum();
    let least = weights.iter().filter(|weight| **weight > 0).min()?;
    let count = total.div_ceil((*least).into()).next_power_of_two().max(MIN_SLOTS);
    if count > max {
        return None;
    }
    let mut divisors = vec![1_u64; weights.len()];
    let mut slots = Vec::with_capacity(count as usize);
    for _ in 0..count {
        let quotient = |index: usize| f64::from(weights[index]) / divisors[index] as f64;
        // Of equal quotients the first bucket's counts.
        let winner =
            (1..weights.len()).fold(0, |best, i| if quotient(i) > quotient(best) { i } else { best });
        divisors[winner] += 2;
        slots.push(winner as u16);
    }
    Some(slots)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_shared_by_weight() {
        let count = |weights: &[u16], max| {
            let slots = slots(weights.iter().copied(), max)?;
            let share = |index: usize| slots.iter().filter(|slot| usize::from(**slot) == index).count();
            Some((0..weights.len()).map(share).collect::<Vec<_>>())
        };
        assert_eq!(count(&[1, 1], 64), Some(vec![8, 8]));
        assert_eq!(count(&[1, 3], 64), Some(vec![4, 12]));
        assert_eq!(count(&[0, 5, 10], 64), Some(vec![0, 5, 11]));
        assert_eq!(count(&[1, 100], 256), Some(vec![1, 127]));
        assert_eq!(count(&[1, 100], 64), None, "128 values are too many");
        assert_eq!(count(&[1, 1000], 256), None);
        assert_eq!(count(&[0, 0], 64), None);
        assert_eq!(count(&[], 64), None);
    }
}
