//! What one worker tells of its fragments.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use ovs_packet::fragment::{DatagramView, Family, FamilyStats, Reassembler, Refusal};

use super::{FragmentCounters, FragmentStatus, MOST_FRAGMENTS};
use crate::sequence::SequenceLock;

/// Words of the head: how many are held, and six counters of each version.
const HEAD: usize = 13;
/// Words of a datagram.
const WORDS: usize = 6;
/// Datagrams that are shown at most.
const SHOWN: usize = MOST_FRAGMENTS as usize / 4;

/// Two snapshots that one worker writes: the counters in every turn that changes them, and, since it is longer by far,
/// the list of what is incomplete when that costs little. Each has its own lock, so that who reads the list is not
/// disturbed by the turns.
#[derive(Debug, Default)]
pub(super) struct Board {
    head_sequence: SequenceLock,
    head: [AtomicU64; HEAD],
    list_sequence: SequenceLock,
    listed: AtomicU64,
    /// Made with the worker's first fragment.
    datagrams: OnceLock<Box<[AtomicU64]>>,
}

fn counters(stats: &FamilyStats) -> [u64; 6] {
    let overlapped = stats.refused(Refusal::Overlap) + stats.refused(Refusal::Duplicate);
    let too_small = stats.refused(Refusal::TooSmall);
    let purged = stats.purged + stats.condemned;
    [stats.accepted, stats.completed, stats.expired, too_small, overlapped, purged]
}

impl Board {
    /// Tells what there is now; only the worker may call this.
    pub fn write_head(&self, reassembler: &Reassembler) {
        self.head_sequence.write(|| {
            let [v4, v6] = [Family::V4, Family::V6].map(|family| counters(reassembler.stats(family)));
            put(&self.head, &[reassembler.held() as u64]);
            put(&self.head[1..], &v4);
            put(&self.head[7..], &v6);
        });
    }

    /// Tells which datagrams are incomplete, and how many; only the worker may call this.
    pub fn write_list(&self, reassembler: &Reassembler) -> u64 {
        let words = self.datagrams.get_or_init(|| (0..SHOWN * WORDS).map(|_| AtomicU64::new(0)).collect());
        self.list_sequence.write(|| {
            let mut rest = words.chunks_exact(WORDS);
            let mut listed = 0;
            reassembler.each(&mut |datagram| {
                if let Some(place) = rest.next() {
                    listed += 1;
                    put(place, &pack(&datagram));
                }
            });
            self.listed.store(listed, Ordering::Relaxed);
            listed
        })
    }

    /// Adds what was told last.
    pub fn add_to(&self, sum: &mut FragmentStatus) {
        let head: [u64; HEAD] = self.head_sequence.read(|| get(&self.head));
        sum.held += head[0];
        for (sum, words) in [(&mut sum.v4, &head[1..7]), (&mut sum.v6, &head[7..])] {
            let FragmentCounters { accepted, completed, expired, too_small, overlapped, purged } = sum;
            let counters = [accepted, completed, expired, too_small, overlapped, purged];
            counters.into_iter().zip(words).for_each(|(sum, more)| *sum += more);
        }
    }

    /// The datagrams that were told of last.
    pub fn datagrams(&self) -> Vec<DatagramView> {
        let Some(words) = self.datagrams.get() else { return Vec::new() };
        self.list_sequence.read(|| {
            let listed = self.listed.load(Ordering::Relaxed) as usize;
            words.chunks_exact(WORDS).take(listed).map(|words| unpack(get(words))).collect()
        })
    }
}

fn put(places: &[AtomicU64], words: &[u64]) {
    places.iter().zip(words).for_each(|(place, word)| place.store(*word, Ordering::Relaxed));
}

fn get<const N: usize>(places: &[AtomicU64]) -> [u64; N] {
    std::array::from_fn(|at| places.get(at).map_or(0, |place| place.load(Ordering::Relaxed)))
}

fn pack(datagram: &DatagramView) -> [u64; WORDS] {
    let DatagramView { zone, family, protocol, id, src, dst, fragments, first, last } = *datagram;
    let [src, dst] = [src, dst].map(|address| {
        let address = u128::from_be_bytes(address);
        [(address >> 64) as u64, address as u64]
    });
    let flags = u64::from(family == Family::V6) << 2 | u64::from(first) << 1 | u64::from(last);
    let facts = u64::from(id) << 32 | u64::from(protocol) << 16 | u64::from(fragments) << 8 | flags;
    [src[0], src[1], dst[0], dst[1], zone, facts]
}

fn unpack([src0, src1, dst0, dst1, zone, facts]: [u64; WORDS]) -> DatagramView {
    let address = |high: u64, low: u64| (u128::from(high) << 64 | u128::from(low)).to_be_bytes();
    DatagramView {
        zone,
        family: if facts & 4 == 0 { Family::V4 } else { Family::V6 },
        protocol: (facts >> 16) as u8,
        id: (facts >> 32) as u32,
        src: address(src0, src1),
        dst: address(dst0, dst1),
        fragments: (facts >> 8) as u8,
        first: facts & 2 != 0,
        last: facts & 1 != 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_comes_out_again() {
        let view = DatagramView {
            zone: 0x1_2345_6789,
            family: Family::V6,
            protocol: 17,
            id: 0xdead_beef,
            src: [0xfd; 16],
            dst: std::array::from_fn(|at| at as u8),
            fragments: 64,
            first: false,
            last: true,
        };
        assert_eq!(unpack(pack(&view)), view);
        let other = DatagramView { family: Family::V4, first: true, last: false, ..view };
        assert_eq!(unpack(pack(&other)), other);
    }
}
