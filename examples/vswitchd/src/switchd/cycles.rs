//! The unit in which the cost of receive queues is counted.

/// The processor's time-stamp counter: the same on all cores of the machines that have it, and read in a few cycles.
#[cfg(target_arch = "x86_64")]
pub fn cycles() -> u64 {
    // SAFETY: the instruction is part of the architecture and changes nothing.
    unsafe { core::arch::x86_64::_rdtsc() }
}

/// Nanoseconds.
#[cfg(not(target_arch = "x86_64"))]
pub fn cycles() -> u64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    time.tv_sec.unsigned_abs().wrapping_mul(1_000_000_000).wrapping_add(time.tv_nsec.unsigned_abs())
}
