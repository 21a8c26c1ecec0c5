//! x86-64: proofs that the processor has an instruction set, and the functions compiled for it.

use core::arch::x86_64::{
    _MM_HINT_T0, _mm_prefetch, _mm256_castsi256_pd, _mm256_cmpeq_epi64, _mm256_movemask_pd,
    _mm256_set_epi64x, _mm256_set1_epi64x,
};
use core::ptr;

use super::{Kernel, Vectors};

/// Begins to fetch the memory of a value that is needed soon: its first cache line.
#[inline(always)]
pub fn prefetch<T: ?Sized>(place: &T) {
    // SAFETY: a prefetch changes nothing but caches and faults for no address, and this one is of a live value.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(ptr::from_ref(place).cast()) }
}

/// The same for an address at which there may be nothing.
#[inline(always)]
pub fn prefetch_address<T>(place: *const T) {
    // SAFETY: a prefetch changes nothing but caches and faults for no address.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(place.cast()) }
}

/// The same for the second and the third cache line of a value that has them.
#[inline(always)]
pub fn prefetch_rest<T>(place: &T) {
    const LINE: usize = 64;
    for line in [1, 2] {
        if size_of::<T>() > line * LINE {
            // SAFETY: as above; the address is inside of a live value.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(ptr::from_ref(place).cast::<i8>().add(line * LINE)) }
        }
    }
}

/// The proof that this processor has an instruction set. Only [`Has::ask`] makes one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Has(Width);

/// Vectors of 256 or of 512 bits, and the bit operations of processors that have them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(feature = "std"), expect(dead_code, reason = "without std nobody asks the processor"))]
enum Width {
    Avx2,
    Avx512,
}

impl Has {
    /// What this processor has, from the narrowest on.
    pub(super) fn ask() -> impl Iterator<Item = Self> {
        #[cfg(feature = "std")]
        let has = {
            let avx2 = std::is_x86_feature_detected!("avx2")
                && std::is_x86_feature_detected!("bmi1")
                && std::is_x86_feature_detected!("bmi2")
                && std::is_x86_feature_detected!("lzcnt")
                && std::is_x86_feature_detected!("popcnt");
            let avx512 = avx2
                && std::is_x86_feature_detected!("avx512f")
                && std::is_x86_feature_detected!("avx512bw")
                && std::is_x86_feature_detected!("avx512dq")
                && std::is_x86_feature_detected!("avx512vl");
            [avx2.then_some(Width::Avx2), avx512.then_some(Width::Avx512)]
        };
        #[cfg(not(feature = "std"))]
        let has = [None; 2];
        has.into_iter().flatten().map(Self)
    }

    pub(super) fn name(self) -> &'static str {
        match self.0 {
            Width::Avx2 => "avx2",
            Width::Avx512 => "avx512",
        }
    }

    #[inline]
    pub(super) fn run<K: Kernel>(self, kernel: K) -> K::Output {
        match self.0 {
            // SAFETY: the features that `avx2` is compiled with are those that `ask` found before it made `self`.
            Width::Avx2 => unsafe { avx2(kernel) },
            // SAFETY: likewise those of `avx512`.
            Width::Avx512 => unsafe { avx512(kernel) },
        }
    }
}

#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
fn avx2<K: Kernel>(kernel: K) -> K::Output {
    kernel.run(Wide(()))
}

#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt,avx512f,avx512bw,avx512dq,avx512vl")]
fn avx512<K: Kernel>(kernel: K) -> K::Output {
    kernel.run(Wide(()))
}

/// The proof that this processor has AVX2: made only in functions that are compiled for it.
#[derive(Clone, Copy)]
struct Wide(());

impl Vectors for Wide {
    #[inline(always)]
    fn equal(self, words: &[u64; 4], word: u64) -> u32 {
        // SAFETY: `self` proves that the processor has what `equal` is compiled with.
        unsafe { equal(words, word) }
    }
}

#[inline]
#[target_feature(enable = "avx2")]
fn equal(words: &[u64; 4], word: u64) -> u32 {
    let [a, b, c, d] = *words;
    let words = _mm256_set_epi64x(d as i64, c as i64, b as i64, a as i64);
    let same = _mm256_cmpeq_epi64(words, _mm256_set1_epi64x(word as i64));
    _mm256_movemask_pd(_mm256_castsi256_pd(same)) as u32
}
