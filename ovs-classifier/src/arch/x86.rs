//! x86-64: proofs that the processor has an instruction set, and the functions compiled for it.

use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
use core::ptr;

use super::Kernel;

/// Begins to fetch the memory of a value that is needed soon: its first cache line.
#[inline(always)]
pub fn prefetch<T: ?Sized>(place: &T) {
    // SAFETY: a prefetch changes nothing but caches and faults for no address, and this one is of a live value.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(ptr::from_ref(place).cast()) }
}

/// The same for the second cache line of a value that has one.
#[inline(always)]
pub fn prefetch_second<T>(place: &T) {
    const LINE: usize = 64;
    if size_of::<T>() > LINE {
        // SAFETY: as above; the address is inside of a live value.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(ptr::from_ref(place).cast::<i8>().add(LINE)) }
    }
}

/// A processor has an instruction set with vectors of 256 bits. Only [`HasAvx2::ask`] makes one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct HasAvx2(());

impl HasAvx2 {
    /// If this processor has it.
    pub(super) fn ask() -> Option<Self> {
        #[cfg(feature = "std")]
        let has = std::is_x86_feature_detected!("avx2")
            && std::is_x86_feature_detected!("bmi1")
            && std::is_x86_feature_detected!("bmi2")
            && std::is_x86_feature_detected!("lzcnt")
            && std::is_x86_feature_detected!("popcnt");
        #[cfg(not(feature = "std"))]
        let has = false;
        has.then_some(Self(()))
    }

    #[inline]
    #[expect(clippy::unused_self, reason = "the value is the proof that this may be called")]
    pub(super) fn run<K: Kernel>(self, kernel: K) -> K::Output {
        // SAFETY: the features that `avx2` is compiled with are those that `ask` found before it made `self`.
        unsafe { avx2(kernel) }
    }
}

/// A processor has an instruction set with vectors of 512 bits. Only [`HasAvx512::ask`] makes one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct HasAvx512(());

impl HasAvx512 {
    /// If this processor has it.
    pub(super) fn ask() -> Option<Self> {
        #[cfg(feature = "std")]
        let has = HasAvx2::ask().is_some()
            && std::is_x86_feature_detected!("avx512f")
            && std::is_x86_feature_detected!("avx512bw")
            && std::is_x86_feature_detected!("avx512dq")
            && std::is_x86_feature_detected!("avx512vl");
        #[cfg(not(feature = "std"))]
        let has = false;
        has.then_some(Self(()))
    }

    #[inline]
    #[expect(clippy::unused_self, reason = "the value is the proof that this may be called")]
    pub(super) fn run<K: Kernel>(self, kernel: K) -> K::Output {
        // SAFETY: the features that `avx512` is compiled with are those that `ask` found before it made `self`.
        unsafe { avx512(kernel) }
    }
}

#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
fn avx2<K: Kernel>(kernel: K) -> K::Output {
    kernel.run()
}

#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt,avx512f,avx512bw,avx512dq,avx512vl")]
fn avx512<K: Kernel>(kernel: K) -> K::Output {
    kernel.run()
}
