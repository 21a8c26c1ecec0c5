//! The functions of `shim.c`, made safe where they can be.

use std::ffi::{CStr, CString, c_char, c_int, c_uint, c_void};
use std::io;
use std::ptr::NonNull;

/// One packet between the two languages, as in `shim.c`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub(super) struct RawPacket {
    pub frame: *mut c_void,
    pub rss: u32,
    pub facts: u32,
    pub start: u16,
    /// Payload bytes of a segment that the device is to cut.
    pub segment: u16,
    pub len: u32,
    /// Bytes of the headers of each layer, where work is left to the device.
    pub l2: u16,
    pub l3: u16,
    pub l4: u16,
    pub reserved: u16,
}

const _: () = assert!(size_of::<RawPacket>() == 32, "as in shim.c");

impl RawPacket {
    pub const EMPTY: Self = Self {
        frame: std::ptr::null_mut(),
        rss: 0,
        facts: 0,
        start: 0,
        segment: 0,
        len: 0,
        l2: 0,
        l3: 0,
        l4: 0,
        reserved: 0,
    };
}

/// Bits of [`RawPacket::facts`].
pub(super) const FACT_CSUM_VALID: u32 = 1;
pub(super) const FACT_CSUM_BAD: u32 = 2;
pub(super) const FACT_RSS: u32 = 4;
/// The frame's mbuf is the first of several.
pub(super) const FACT_CHAIN: u32 = 8;
pub(super) const FACT_IPV6: u32 = 16;
pub(super) const FACT_TCP_CSUM: u32 = 32;
pub(super) const FACT_UDP_CSUM: u32 = 64;
pub(super) const FACT_TSO: u32 = 128;
pub(super) const FACT_IP_CSUM: u32 = 256;

/// Bits of [`Info::tx_capabilities`] and [`Info::rx_capabilities`], as DPDK numbers them.
const TX_UDP_CSUM: u32 = 1 << 2;
const TX_TCP_CSUM: u32 = 1 << 3;
const TX_IPV4_CSUM: u32 = 1 << 1;
const TX_TSO: u32 = 1 << 5;
const TX_SEGMENTS: u32 = 1 << 15;
const RX_SCATTER: u32 = 1 << 13;

/// What a port says of itself.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub(super) struct Info {
    pub rx_queues_max: u16,
    pub tx_queues_max: u16,
    pub mtu_min: u16,
    pub mtu_max: u16,
    pub rx_capabilities: u32,
    pub tx_capabilities: u32,
    /// Mbufs that one packet to be sent may have; 0 if there is no limit.
    pub segments_max: u32,
    pub socket: i32,
    pub if_index: u32,
    pub mac: [u8; 6],
    driver: [u8; 54],
}

impl Info {
    /// Whether it completes the checksums of TCP and UDP.
    pub fn completes_checksums(&self) -> bool {
        self.tx_capabilities & (TX_TCP_CSUM | TX_UDP_CSUM) == TX_TCP_CSUM | TX_UDP_CSUM
    }

    /// Whether it sends packets of so many mbufs.
    pub fn sends_chains(&self, mbufs: u32) -> bool {
        let fits = self.segments_max == 0 || mbufs <= self.segments_max;
        self.tx_capabilities & TX_SEGMENTS != 0 && fits
    }

    /// Whether it receives packets into several mbufs.
    pub fn receives_chains(&self) -> bool {
        self.rx_capabilities & RX_SCATTER != 0
    }

    /// Whether it cuts TCP into segments of packets that are as long as can be, in so many mbufs.
    pub fn cuts(&self, mbufs: u32) -> bool {
        // This driver says so, but takes no segments as long as its MTU, and no more than 64 of a packet.
        let lies = self.driver() == "net_tap";
        self.tx_capabilities & TX_TSO != 0 && self.completes_checksums() && self.sends_chains(mbufs) && !lies
    }

    /// Whether it completes the checksum of IPv4.
    pub fn completes_ipv4(&self) -> bool {
        self.tx_capabilities & TX_IPV4_CSUM != 0
    }

    /// The driver's name.
    pub fn driver(&self) -> String {
        let len = self.driver.iter().position(|byte| *byte == 0).unwrap_or(self.driver.len());
        String::from_utf8_lossy(&self.driver[..len]).into_owned()
    }
}

/// A port's link.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Link {
    pub megabits: u32,
    pub up: u8,
    pub full_duplex: u8,
}

/// A port's counters.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counters {
    pub rx_packets: u64,
    pub tx_packets: u64,
    pub rx_bytes: u64,
    pub tx_bytes: u64,
    pub rx_missed: u64,
    pub rx_errors: u64,
    pub tx_errors: u64,
    pub rx_no_mbuf: u64,
}

/// How a port is started.
#[derive(Clone, Copy, Debug)]
pub(super) struct Queues {
    pub rx: u16,
    pub tx: u16,
    pub rx_size: u16,
    pub tx_size: u16,
}

/// A mempool of DPDK, which lives as long as the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RawPool(NonNull<c_void>);

// SAFETY: DPDK's mempools may be used from all threads at once.
unsafe impl Send for RawPool {}
// SAFETY: as above.
unsafe impl Sync for RawPool {}

/// Called for each frame of a new pool: the argument, the place of the frame header, its buffer and that one's size.
pub(super) type InitFrame = unsafe extern "C" fn(*mut c_void, *mut c_void, *mut c_void, u32);

mod ffi {
    use super::{Counters, Info, InitFrame, Link, RawPacket, c_char, c_int, c_uint, c_void};

    pub type Log = unsafe extern "C" fn(u32, *const c_char, usize);

    unsafe extern "C" {
        pub fn ovs_dpdk_init(argc: c_int, argv: *mut *mut c_char, log: Log) -> c_int;
        pub fn ovs_dpdk_version() -> *const c_char;
        pub fn ovs_dpdk_pool_new(
            name: *const c_char,
            count: u32,
            room: u16,
            socket: c_int,
            init: InitFrame,
            arg: *mut c_void,
            error: *mut c_int,
        ) -> *mut c_void;
        pub fn ovs_dpdk_alloc(pool: *mut c_void, frames: *mut *mut c_void, count: c_uint) -> c_int;
        pub fn ovs_dpdk_free(pool: *mut c_void, frames: *mut *mut c_void, count: c_uint);
        pub fn ovs_dpdk_find(devargs: *const c_char, attached: *mut c_int) -> c_int;
        pub fn ovs_dpdk_describe(port: u16, info: *mut Info) -> c_int;
        pub fn ovs_dpdk_start(
            port: u16,
            pool: *mut c_void,
            rx: u16,
            tx: u16,
            rx_size: u16,
            tx_size: u16,
            mtu: u16,
            large: c_int,
        ) -> c_int;
        pub fn ovs_dpdk_close(port: u16, detach: c_int);
        pub fn ovs_dpdk_set_mtu(port: u16, mtu: u16) -> c_int;
        pub fn ovs_dpdk_set_mac(port: u16, mac: *const u8) -> c_int;
        pub fn ovs_dpdk_set_link(port: u16, up: c_int) -> c_int;
        pub fn ovs_dpdk_link(port: u16, link: *mut Link);
        pub fn ovs_dpdk_stats(port: u16, stats: *mut Counters) -> c_int;
        pub fn ovs_dpdk_receive(port: u16, queue: u16, out: *mut RawPacket, max: c_uint) -> c_uint;
        pub fn ovs_dpdk_gather(frame: *mut c_void, to: *mut u8, len: u32);
        pub fn ovs_dpdk_free_chain(frame: *mut c_void);
        pub fn ovs_dpdk_chain(pool: *mut c_void, from: *const u8, len: u32) -> *mut c_void;
        pub fn ovs_dpdk_send(
            port: u16,
            queue: u16,
            packets: *const RawPacket,
            count: c_uint,
            bad: *mut c_int,
        ) -> c_uint;
    }
}

/// DPDK's negative errno as an error.
fn checked(result: c_int) -> io::Result<c_int> {
    if result < 0 { Err(io::Error::from_raw_os_error(-result)) } else { Ok(result) }
}

static SINK: std::sync::OnceLock<fn(u32, &str)> = std::sync::OnceLock::new();

/// Passes the environment's log on.
///
/// # Safety
///
/// `line` is valid for reads of `len` bytes.
unsafe extern "C" fn log(level: u32, line: *const c_char, len: usize) {
    // SAFETY: by the caller's promise.
    let bytes = unsafe { std::slice::from_raw_parts(line.cast::<u8>(), len) };
    if let Some(sink) = SINK.get() {
        sink(level, &String::from_utf8_lossy(bytes));
    }
}

/// Starts the environment; to be called once.
pub(super) fn init(args: Vec<CString>, sink: fn(u32, &str)) -> io::Result<()> {
    let _ = SINK.set(sink);
    let count = args.len() as c_int;
    // DPDK keeps pointers into its arguments and reorders them: they stay for good.
    let mut pointers: Vec<*mut c_char> = args.into_iter().map(CString::into_raw).collect();
    pointers.push(std::ptr::null_mut());
    let argv = pointers.leak();
    // SAFETY: `argv` has `count` strings and a null behind them, all of which are leaked; `log` lives for ever.
    checked(unsafe { ffi::ovs_dpdk_init(count, argv.as_mut_ptr(), log) }).map(drop)
}

pub(super) fn version() -> String {
    // SAFETY: a static string.
    unsafe { CStr::from_ptr(ffi::ovs_dpdk_version()) }.to_string_lossy().into_owned()
}

/// Makes a mempool; `init` is called with `arg` for each of its frames, before this returns.
///
/// # Safety
///
/// `init` may be called with `arg`, the place of a frame header (128 bytes, aligned to 64) and a buffer of
/// initialised bytes, which are its own from then on and live as long as the process.
pub(super) unsafe fn new_pool(
    name: &CStr,
    count: u32,
    room: u16,
    socket: i32,
    init: InitFrame,
    arg: *mut c_void,
) -> io::Result<RawPool> {
    let mut error = 0;
    // SAFETY: the name and the error live through the call; the rest is the caller's promise.
    let pool =
        unsafe { ffi::ovs_dpdk_pool_new(name.as_ptr(), count, room, socket, init, arg, &raw mut error) };
    NonNull::new(pool).map(RawPool).ok_or_else(|| io::Error::from_raw_os_error(error.max(1)))
}

/// Fills `frames` with frames of a pool's free mbufs; all or none.
pub(super) fn alloc(pool: RawPool, frames: &mut [*mut c_void]) -> io::Result<()> {
    // SAFETY: the slice's pointer and length.
    let result = unsafe { ffi::ovs_dpdk_alloc(pool.0.as_ptr(), frames.as_mut_ptr(), frames.len() as c_uint) };
    checked(result).map(drop)
}

/// Gives frames back to their pool.
///
/// # Safety
///
/// At most 32; all came from `pool`, are the caller's, and are not used afterwards.
pub(super) unsafe fn free(pool: RawPool, frames: &mut [*mut c_void]) {
    debug_assert!(frames.len() <= 32);
    // SAFETY: the slice's pointer and length, and the caller's promise.
    unsafe { ffi::ovs_dpdk_free(pool.0.as_ptr(), frames.as_mut_ptr(), frames.len() as c_uint) }
}

/// The port that `devargs` name, probed if need be; and whether it was.
pub(super) fn find(devargs: &CStr) -> io::Result<(u16, bool)> {
    let mut attached = 0;
    // SAFETY: both live through the call.
    let port = checked(unsafe { ffi::ovs_dpdk_find(devargs.as_ptr(), &raw mut attached) })?;
    Ok((port as u16, attached != 0))
}

pub(super) fn describe(port: u16) -> io::Result<Info> {
    let mut info = Info {
        rx_queues_max: 0,
        tx_queues_max: 0,
        mtu_min: 0,
        mtu_max: 0,
        rx_capabilities: 0,
        tx_capabilities: 0,
        segments_max: 0,
        socket: -1,
        if_index: 0,
        mac: [0; 6],
        driver: [0; 54],
    };
    // SAFETY: `info` lives through the call, and any bytes are valid for it.
    checked(unsafe { ffi::ovs_dpdk_describe(port, &raw mut info) })?;
    Ok(info)
}

pub(super) fn start(port: u16, pool: RawPool, queues: Queues, mtu: u16, large: bool) -> io::Result<()> {
    let large = c_int::from(large);
    let Queues { rx, tx, rx_size, tx_size } = queues;
    // SAFETY: the pool lives as long as the process; bad ports and numbers are refused.
    checked(unsafe { ffi::ovs_dpdk_start(port, pool.0.as_ptr(), rx, tx, rx_size, tx_size, mtu, large) })
        .map(drop)
}

pub(super) fn close(port: u16, detach: bool) {
    // SAFETY: bad ports are refused; nobody receives or sends by it any more.
    unsafe { ffi::ovs_dpdk_close(port, c_int::from(detach)) }
}

pub(super) fn set_mtu(port: u16, mtu: u16) -> io::Result<()> {
    // SAFETY: numbers only.
    checked(unsafe { ffi::ovs_dpdk_set_mtu(port, mtu) }).map(drop)
}

pub(super) fn set_mac(port: u16, mac: [u8; 6]) -> io::Result<()> {
    // SAFETY: six bytes that live through the call.
    checked(unsafe { ffi::ovs_dpdk_set_mac(port, mac.as_ptr()) }).map(drop)
}

pub(super) fn set_link(port: u16, up: bool) -> io::Result<()> {
    // SAFETY: numbers only.
    checked(unsafe { ffi::ovs_dpdk_set_link(port, c_int::from(up)) }).map(drop)
}

pub(super) fn link(port: u16) -> Link {
    let mut link = Link::default();
    // SAFETY: `link` lives through the call.
    unsafe { ffi::ovs_dpdk_link(port, &raw mut link) };
    link
}

pub(super) fn counters(port: u16) -> io::Result<Counters> {
    let mut counters = Counters::default();
    // SAFETY: `counters` lives through the call.
    checked(unsafe { ffi::ovs_dpdk_stats(port, &raw mut counters) })?;
    Ok(counters)
}

/// Receives packets into `out`; says how many. Those with [`FACT_CHAIN`] are to be gathered and freed.
///
/// # Safety
///
/// The port is started and has this queue, and nobody else receives by it now.
pub(super) unsafe fn receive(port: u16, queue: u16, out: &mut [RawPacket]) -> usize {
    let max = out.len() as c_uint;
    // SAFETY: the slice's pointer and length, and the caller's promise.
    unsafe { ffi::ovs_dpdk_receive(port, queue, out.as_mut_ptr(), max) as usize }
}

/// Copies the first bytes of a chain, as many as there is room for in `to`.
///
/// # Safety
///
/// `frame` is that of the first mbuf of a chain that is the caller's, and has as many bytes as `to`.
pub(super) unsafe fn gather(frame: *mut c_void, to: &mut [u8]) {
    // SAFETY: the slice's pointer and length, and the caller's promise.
    unsafe { ffi::ovs_dpdk_gather(frame, to.as_mut_ptr(), to.len() as u32) }
}

/// Frees a chain.
///
/// # Safety
///
/// `frame` is that of the first mbuf of a chain that is the caller's, and is not used afterwards.
pub(super) unsafe fn free_chain(frame: *mut c_void) {
    // SAFETY: the caller's promise.
    unsafe { ffi::ovs_dpdk_free_chain(frame) }
}

/// A chain of a pool's mbufs with these bytes; `None` if too few are left.
pub(super) fn chain(pool: RawPool, bytes: &[u8]) -> Option<NonNull<c_void>> {
    // SAFETY: the slice's pointer and length; the pool lives as long as the process.
    NonNull::new(unsafe { ffi::ovs_dpdk_chain(pool.0.as_ptr(), bytes.as_ptr(), bytes.len() as u32) })
}

/// Sends packets; says how many the device took, and whether it can never take the one behind those. The others stay the
/// caller's.
///
/// # Safety
///
/// The port is started and has this queue, nobody else sends by it now, and all frames lie in mbufs and are the
/// caller's to give away.
pub(super) unsafe fn send(port: u16, queue: u16, packets: &[RawPacket]) -> (usize, bool) {
    let mut bad = 0;
    let count = packets.len() as c_uint;
    // SAFETY: the slice's pointer and length, a number that lives through the call, and the caller's promise.
    let taken = unsafe { ffi::ovs_dpdk_send(port, queue, packets.as_ptr(), count, &raw mut bad) as usize };
    (taken, bad != 0)
}
