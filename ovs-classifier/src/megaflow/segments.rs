//! Where masks are cut.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::mem::offset_of;

use ovs_flow::{FlowKey, FlowMask};

use crate::classifier::tuple_mask::MaskWord;

/// The bytes of the key at which segments begin: fields that tend to vary independently stand apart.
const STARTS: [usize; 14] = [
    0,
    offset_of!(FlowKey, dl_dst),
    offset_of!(FlowKey, dl_src),
    offset_of!(FlowKey, dl_type),
    offset_of!(FlowKey, vlans),
    offset_of!(FlowKey, nw_src),
    offset_of!(FlowKey, nw_dst),
    offset_of!(FlowKey, ct_nw_src),
    offset_of!(FlowKey, ipv6_src),
    offset_of!(FlowKey, ipv6_dst),
    offset_of!(FlowKey, ct_ipv6_src),
    offset_of!(FlowKey, nd_target),
    offset_of!(FlowKey, tp_src),
    offset_of!(FlowKey, tp_dst),
];

/// The last segment's bytes after the destination port: what is rarely matched.
const LAST: usize = offset_of!(FlowKey, ct_tp_src);

/// The non-empty segments of a mask, in order; a mask of no bits has one empty segment.
pub(super) fn cut(mask: &FlowMask) -> Vec<Box<[MaskWord]>> {
    let mut segments = Vec::new();
    let ends = STARTS[1..].iter().copied().chain([LAST, size_of::<FlowKey>()]);
    let starts = STARTS.iter().copied().chain([LAST]);
    for (start, end) in starts.zip(ends) {
        let words: Box<[MaskWord]> =
            (start / 8..end.div_ceil(8)).filter_map(|at| word_within(mask, at, start, end)).collect();
        if !words.is_empty() {
            segments.push(words);
        }
    }
    if segments.is_empty() {
        segments.push(Box::default());
    }
    segments
}

/// The bits of word `at` that belong to the bytes from `start` to `end`, if the mask has any.
fn word_within(mask: &FlowMask, at: usize, start: usize, end: usize) -> Option<MaskWord> {
    let mut bytes = mask.words()[at].to_ne_bytes();
    for (byte, place) in bytes.iter_mut().zip(at * 8..) {
        if place < start || place >= end {
            *byte = 0;
        }
    }
    MaskWord::new(at, u64::from_ne_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_add_up_to_the_mask() {
        let mut sum = FlowMask::default();
        let segments = cut(&FlowMask::exact());
        for word in segments.iter().flatten() {
            assert_eq!(sum.words()[word.at()] & word.bits, 0);
            sum.words_mut()[word.at()] |= word.bits;
        }
        assert_eq!(sum, FlowMask::exact());
        assert_eq!(segments.len(), STARTS.len() + 1);
        assert_eq!(cut(&FlowMask::default()).len(), 1);
    }
}
