//! Values of which only some bits count.

/// Bits that can be taken from one of two values: numbers, and addresses as arrays of bytes.
pub trait Bits: Copy + PartialEq {
    /// No bit.
    const NONE: Self;
    /// Every bit.
    const ALL: Self;

    /// `self` with the bits of `mask` taken from `value`.
    fn merge(self, value: Self, mask: Self) -> Self;
}

macro_rules! numbers {
    ($($number:ty),*) => {$(
        impl Bits for $number {
            const NONE: Self = 0;
            const ALL: Self = Self::MAX;

            fn merge(self, value: Self, mask: Self) -> Self {
                self & !mask | value & mask
            }
        }
    )*};
}

numbers!(u8, u16, u32);

impl<const N: usize> Bits for [u8; N] {
    const NONE: Self = [0; N];
    const ALL: Self = [0xff; N];

    fn merge(self, value: Self, mask: Self) -> Self {
        std::array::from_fn(|i| self[i].merge(value[i], mask[i]))
    }
}

/// A value of which only the masked bits are set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Masked<T> {
    /// The bits to set; none outside of `mask`.
    pub value: T,
    /// Which bits are set.
    pub mask: T,
}

impl<T: Bits> Masked<T> {
    /// Sets nothing.
    pub const NONE: Self = Self { value: T::NONE, mask: T::NONE };

    /// Sets every bit.
    pub fn exact(value: T) -> Self {
        Self { value, mask: T::ALL }
    }

    /// Sets the bits of `mask`; those of `value` outside of it are ignored.
    pub fn new(value: T, mask: T) -> Self {
        Self { value: T::NONE.merge(value, mask), mask }
    }

    /// Whether nothing is set.
    pub fn is_none(&self) -> bool {
        self.mask == T::NONE
    }

    /// Whether every bit is set.
    pub fn is_exact(&self) -> bool {
        self.mask == T::ALL
    }

    /// What becomes of `old`.
    pub fn apply(&self, old: T) -> T {
        old.merge(self.value, self.mask)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_outside_the_mask_stay() {
        assert_eq!(Masked::new(0xff_u8, 0x0f).apply(0xa0), 0xaf);
        assert_eq!(Masked::<u16>::NONE.apply(7), 7);
        assert_eq!(Masked::exact([1, 2]).apply([3, 4]), [1, 2]);
        assert_eq!(Masked::new([0xff; 2], [0, 0xf0]).apply([1, 1]), [1, 0xf1]);
        assert!(Masked::exact(0_u32).is_exact() && Masked::<u32>::default().is_none());
    }
}
