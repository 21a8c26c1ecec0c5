//! Identities of megaflows.

use ovs_flow::{FlowKey, Ufid};

use crate::compact::Compact;

/// Keys of the hash that names megaflows; from the configuration's seed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Identities {
    keys: [u64; 4],
}

fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    product as u64 ^ (product >> 64) as u64
}

impl Identities {
    pub fn new(seed: u64) -> Self {
        let mut state = seed;
        let keys = std::array::from_fn(|_| {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            fold(state ^ 0xe703_7ed1_a0b4_28db, 0xd6e8_feb8_6659_fd93 ^ state.rotate_left(31)) | 1
        });
        Self { keys }
    }

    /// The identity of the megaflow that covers `key` under `mask`.
    pub fn of(&self, key: &FlowKey, mask: &Compact) -> Ufid {
        let [start_a, factor_a, start_b, factor_b] = self.keys;
        let (mut a, mut b) = (start_a, start_b);
        for (index, bits) in mask.iter() {
            let word = key.words()[index] & bits;
            let place = bits.rotate_left(index as u32) ^ index as u64;
            a = fold(a ^ word, factor_a).wrapping_add(place ^ start_b);
            b = fold(b ^ word.rotate_left(32), factor_b).wrapping_add(place.wrapping_mul(factor_a));
        }
        Ufid(u128::from(fold(a, factor_b)) << 64 | u128::from(fold(b, factor_a)))
    }
}

#[cfg(test)]
mod tests {
    use ovs_flow::FlowMask;

    use super::*;

    #[test]
    fn bits_outside_the_mask_do_not_count_and_the_mask_does() {
        let ids = Identities::new(7);
        let mut mask = FlowKey::default();
        mask.nw_proto = 0xff;
        let (mask, exact) = (Compact::new(&mask), Compact::new(&FlowMask::exact().fields));
        let (mut a, mut b) = (FlowKey::default(), FlowKey::default());
        (a.nw_proto, b.nw_proto) = (6, 6);
        b.nw_ttl = 9;
        assert_eq!(ids.of(&a, &mask), ids.of(&b, &mask));
        b.nw_proto = 17;
        assert_ne!(ids.of(&a, &mask), ids.of(&b, &mask));
        assert_ne!(ids.of(&a, &mask), ids.of(&a, &exact));
        assert_ne!(ids.of(&a, &mask), Identities::new(8).of(&a, &mask));
    }
}
