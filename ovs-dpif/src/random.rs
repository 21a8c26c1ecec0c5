//! Random numbers that a seed determines.

/// A small generator (splitmix64: Steele, Lea and Flood, 2014) for sampling.
pub(crate) struct Random(u64);

impl Random {
    /// Numbers that `seed` and `label` determine.
    pub(crate) fn new(seed: u64, label: u64) -> Self {
        let mut random = Self(seed ^ label.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        random.next();
        random
    }

    /// The next number, each as likely as any other.
    pub(crate) fn next(&mut self) -> u32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ z >> 31) as u32
    }
}
