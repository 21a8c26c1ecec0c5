//! Rates and bursts as `struct tc_ratespec`, `tc_htb_opt` and `tc_service_curve` have them (`linux/pkt_sched.h`).

/// Nanoseconds in a tick of the kernel's packet scheduler: what `/proc/net/psched` says of every kernel since 2.6.31.
const TICK: u128 = 64;
/// Frames shorter than this count as so long.
const MINIMUM: u16 = 60;
/// Frames have Ethernet headers (`TC_LINKLAYER_ETHERNET`).
const ETHERNET: u8 = 1;

/// How long `bytes` take at a rate of bytes a second, in ticks.
pub(super) fn ticks(rate: u64, bytes: u64) -> u32 {
    let nanos = u128::from(bytes) * 1_000_000_000 / u128::from(rate.max(1));
    u32::try_from(nanos / TICK).unwrap_or(u32::MAX)
}

/// So many microseconds, in ticks.
pub(super) fn ticks_of_micros(micros: u64) -> u32 {
    u32::try_from(u128::from(micros) * 1000 / TICK).unwrap_or(u32::MAX)
}

/// A `tc_ratespec`; a rate that does not fit in there is all ones and stands in an attribute of its own.
pub(super) fn ratespec(rate: u64, out: &mut Vec<u8>) {
    out.extend([0, ETHERNET]); // the log of a cell is not used with this link layer
    out.extend(0_u16.to_ne_bytes()); // overhead
    out.extend(0_i16.to_ne_bytes()); // alignment of cells
    out.extend(MINIMUM.to_ne_bytes());
    out.extend(u32::try_from(rate).unwrap_or(u32::MAX).to_ne_bytes());
}

/// A class of `htb`: rates in bytes a second, burst and quantum in bytes.
pub(super) struct HtbClass {
    pub rate: u64,
    pub ceil: u64,
    pub burst: u64,
    pub quantum: u32,
    pub priority: u32,
}

impl HtbClass {
    /// A `tc_htb_opt`.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(44);
        ratespec(self.rate, &mut out);
        ratespec(self.ceil, &mut out);
        for word in
            [ticks(self.rate, self.burst), ticks(self.ceil, self.burst), self.quantum, 0, self.priority]
        {
            out.extend(word.to_ne_bytes());
        }
        out
    }
}

/// A straight `tc_service_curve`: no first part, then so many bytes a second.
pub(super) fn curve(rate: u64) -> Vec<u8> {
    let rate = u32::try_from(rate).unwrap_or(u32::MAX);
    [0, 0, rate].iter().flat_map(|word| word.to_ne_bytes()).collect()
}
