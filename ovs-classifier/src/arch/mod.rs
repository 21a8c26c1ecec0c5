//! What the machine can do beyond its baseline: wider vectors, and fetching memory ahead of its use.
//!
//! # One source, several machines
//!
//! A loop over eight words is written once, in plain Rust. `Arch::run` has it compiled for each instruction set that
//! this module knows (a `Kernel` is inlined into a function of that set, where the compiler makes vectors of the
//! loop) and calls the copy that fits the machine. The portable copy is therefore the same program, not a second one
//! that may drift from the first; the tests run all of them beside each other.
//!
//! # No globals
//!
//! What the machine can do is found out once by [`Arch::detect`] and passed in as a value, in the configurations of
//! the tables. `--cfg ovs_portable` leaves only the portable copy, and so does a processor other than x86-64.
//!
//! # Why this is safe
//!
//! An [`Arch`] other than [`Arch::PORTABLE`] comes only from `detect`, after the processor has said that it has the
//! instructions: that is what calling a function with more target features requires. Prefetching has no effect but on
//! the caches, and cannot fault.

#[cfg(all(target_arch = "x86_64", not(ovs_portable)))]
mod x86;

#[cfg(all(target_arch = "x86_64", not(ovs_portable)))]
pub use x86::{prefetch, prefetch_address, prefetch_rest};

/// Begins to fetch the memory of a value that is needed soon. Does nothing on machines that this module does not know.
#[cfg(not(all(target_arch = "x86_64", not(ovs_portable))))]
#[inline(always)]
pub fn prefetch<T: ?Sized>(_place: &T) {}

/// The same for an address at which there may be nothing.
#[cfg(not(all(target_arch = "x86_64", not(ovs_portable))))]
#[inline(always)]
pub fn prefetch_address<T>(_place: *const T) {}

/// The same for the second and the third cache line of a value that has them.
#[cfg(not(all(target_arch = "x86_64", not(ovs_portable))))]
#[inline(always)]
pub fn prefetch_rest<T>(_place: &T) {}

/// The instruction set that the tables' loops use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Arch(Level);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
enum Level {
    #[default]
    Portable,
    #[cfg(all(target_arch = "x86_64", not(ovs_portable)))]
    X86(x86::Has),
}

impl Arch {
    /// Nothing beyond what every machine of the target has. Also the default.
    pub const PORTABLE: Self = Self(Level::Portable);

    /// The widest that this machine has. Without the feature `std` there is nobody to ask, and it is
    /// [`Arch::PORTABLE`].
    pub fn detect() -> Self {
        Self::all().last().unwrap_or(Self::PORTABLE)
    }

    /// All that this machine has, from the portable one to the widest.
    pub fn all() -> impl Iterator<Item = Self> {
        #[cfg(all(target_arch = "x86_64", not(ovs_portable)))]
        let more = x86::Has::ask().map(Level::X86);
        #[cfg(not(all(target_arch = "x86_64", not(ovs_portable))))]
        let more = core::iter::empty();
        core::iter::once(Self::PORTABLE).chain(more.map(Self))
    }

    /// Its name, for records: `portable`, `avx2` or `avx512`.
    pub fn name(self) -> &'static str {
        match self.0 {
            Level::Portable => "portable",
            #[cfg(all(target_arch = "x86_64", not(ovs_portable)))]
            Level::X86(has) => has.name(),
        }
    }

    /// Runs the copy of a kernel that was compiled for this instruction set.
    #[inline]
    pub(crate) fn run<K: Kernel>(self, kernel: K) -> K::Output {
        match self.0 {
            Level::Portable => kernel.run(Portable),
            #[cfg(all(target_arch = "x86_64", not(ovs_portable)))]
            Level::X86(has) => has.run(kernel),
        }
    }
}

/// Work whose loops are worth wider vectors.
pub(crate) trait Kernel {
    /// What it computes.
    type Output;

    /// Does it. To be `#[inline(always)]`, and so all that it calls in its loops: what is not inlined is compiled for
    /// the baseline.
    fn run<V: Vectors>(self, vectors: V) -> Self::Output;
}

/// What a compiler does not make of a loop. A value of such a type is the proof that the machine has the instructions.
pub(crate) trait Vectors: Copy {
    /// Which of four words equal another one, as bits.
    fn equal(self, words: &[u64; 4], word: u64) -> u32;
}

/// Every machine's.
#[derive(Clone, Copy)]
struct Portable;

impl Vectors for Portable {
    #[inline(always)]
    fn equal(self, words: &[u64; 4], word: u64) -> u32 {
        let mut equal = 0;
        for (at, other) in words.iter().enumerate() {
            equal |= u32::from(*other == word) << at;
        }
        equal
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Sum<'a>(&'a [u64]);

    impl Kernel for Sum<'_> {
        type Output = u64;

        #[inline(always)]
        fn run<V: Vectors>(self, vectors: V) -> u64 {
            let equal = self.0.as_chunks().0.iter().map(|words| u64::from(vectors.equal(words, 7)));
            equal.chain(self.0.iter().copied()).fold(0, |sum, word| sum.rotate_left(1) ^ word.wrapping_mul(3))
        }
    }

    #[test]
    fn all_copies_compute_the_same() {
        let words =
            core::array::from_fn::<u64, 100, _>(
                |n| if n.is_multiple_of(3) { 7 } else { n as u64 * 0x9e37_79b9 },
            );
        prefetch(&words);
        prefetch_rest(&words);
        prefetch_rest(&words[0]);
        prefetch_address(core::ptr::null::<u64>());
        let sums = Arch::all().map(|arch| arch.run(Sum(&words)));
        assert!(sums.into_iter().all(|sum| sum == Arch::PORTABLE.run(Sum(&words))));
        assert_eq!(Arch::all().next(), Some(Arch::default()));
        assert_eq!(Arch::all().last().map(Arch::name), Some(Arch::detect().name()));
    }
}
