//! Mbufs as the memory of packets.

use std::ffi::{CString, c_void};
use std::io;
use std::ptr::NonNull;

use ovs_packet::frame::{Frame, Home, HomeVtable};
use ovs_packet::{BATCH_MAX, Packet};

use super::sys::{self, RawPool};

/// Bytes of an mbuf behind its headroom: what a frame of the usual MTU needs, and a power of two.
const ROOM: u16 = 2048;
/// The longest frame that is received.
pub(super) const LONGEST: usize = ROOM as usize;
/// Mbufs of a pool, and the fewest that are still worth having.
const MOST: u32 = 1 << 18;
const FEWEST: u32 = 1 << 13;
/// Headroom of a packet that is copied into an mbuf.
const HEADROOM: u32 = 128;

/// The home of frames in mbufs. It lives as long as the process, as DPDK's pools do.
#[repr(C)]
struct MbufHome {
    home: Home,
    /// Set once the pool is there, before any frame is out.
    pool: std::sync::OnceLock<RawPool>,
}

static VTABLE: HomeVtable = HomeVtable { give_back };

/// A pool of mbufs, on one NUMA socket.
#[derive(Clone, Debug)]
pub(super) struct MbufPool {
    raw: RawPool,
    socket: i32,
}

impl MbufPool {
    /// Makes one, as large as the machine allows.
    pub fn new(socket: i32) -> io::Result<Self> {
        let home: &'static MbufHome =
            Box::leak(Box::new(MbufHome { home: Home::new(&VTABLE), pool: std::sync::OnceLock::new() }));
        let arg = std::ptr::from_ref(home).cast_mut().cast::<c_void>();
        let mut count = MOST;
        loop {
            let name = CString::new(format!("ovs_s{socket}_{count}")).unwrap_or_default();
            // SAFETY: `init_frame` is made for such calls, and `arg` is the home, which is leaked.
            match unsafe { sys::new_pool(&name, count - 1, ROOM, socket, init_frame, arg) } {
                Ok(raw) => {
                    let _ = home.pool.set(raw);
                    return Ok(Self { raw, socket });
                }
                Err(error) if count <= FEWEST => return Err(error),
                Err(_) => count /= 2,
            }
        }
    }

    /// Where it is.
    pub fn socket(&self) -> i32 {
        self.socket
    }

    /// For the shim.
    pub fn raw(&self) -> RawPool {
        self.raw
    }

    /// A copy of a packet in an mbuf; `None` if there is none, or the packet is too long for one.
    pub fn copy(&self, packet: &Packet) -> Option<Packet> {
        let mut frames = [std::ptr::null_mut()];
        sys::alloc(self.raw, &mut frames).ok()?;
        let frame = NonNull::new(frames[0].cast::<Frame>())?;
        // SAFETY: a fresh frame of the pool, made by `init_frame`, and now this packet's.
        let mut copy = unsafe { Packet::from_frame(frame, HEADROOM) };
        copy.push_back(packet.len()).ok()?.copy_from_slice(packet.data());
        *copy.facts_mut() = *packet.facts();
        Some(copy)
    }
}

/// Whether a packet's frame lies in an mbuf.
#[inline]
pub(super) fn is_mbuf(packet: &Packet) -> bool {
    packet.lives_in(&VTABLE)
}

/// Makes a frame in the private area of an mbuf.
///
/// # Safety
///
/// `home` is an [`MbufHome`] that lives for ever; the rest as [`sys::new_pool`] says.
unsafe extern "C" fn init_frame(home: *mut c_void, place: *mut c_void, base: *mut c_void, len: u32) {
    let all = (NonNull::new(home), NonNull::new(place), NonNull::new(base));
    let (Some(home), Some(place), Some(base)) = all else { return };
    // SAFETY: the place has room for a frame header and is aligned to a cache line, as mbufs are; the buffer is the
    // mbuf's own, zeroed by the system when it was mapped; both stay until the process ends, as the home does.
    unsafe { Frame::init(place.cast(), home.cast(), base.cast(), len) }
}

/// [`HomeVtable::give_back`] of mbufs.
///
/// # Safety
///
/// As the vtable says.
unsafe fn give_back(home: NonNull<Home>, first: NonNull<Frame>, _: NonNull<Frame>, _: usize) {
    // SAFETY: all homes with this vtable are the first field of an `MbufHome` that lives for ever.
    let home = unsafe { home.cast::<MbufHome>().as_ref() };
    let Some(pool) = home.pool.get() else { return };
    let mut frames = [std::ptr::null_mut(); BATCH_MAX];
    let (mut count, mut at) = (0, Some(first));
    while let Some(frame) = at {
        // SAFETY: a live frame of the chain that the caller has given up.
        at = unsafe { Frame::next(frame) };
        frames[count] = frame.as_ptr().cast();
        count += 1;
        if count == BATCH_MAX || at.is_none() {
            // SAFETY: as many as fit, all of this pool, and given up.
            unsafe { sys::free(*pool, &mut frames[..count]) };
            count = 0;
        }
    }
}
