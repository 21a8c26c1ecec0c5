//! The heap home: two classes of frames, recycled.

use alloc::{
    alloc::{Layout, alloc_zeroed, dealloc},
    boxed::Box,
};
use core::{
    fmt,
    ptr::{self, NonNull},
};

use super::{Batch, Frame, Home, HomeVtable, Packet, ReturnStack};

/// Sizes and limits of a [`Pool`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct PoolConfig {
    /// Bytes kept free in front of a new packet's data.
    pub headroom: u32,
    /// Data bytes of a small frame.
    pub small_size: u32,
    /// Data bytes of a large frame.
    pub large_size: u32,
    /// Most small frames that may exist.
    pub small_limit: u32,
    /// Most large frames that may exist.
    pub large_limit: u32,
}

impl Default for PoolConfig {
    /// 192 bytes of headroom (the deepest tunnel stack fits twice), 2 KiB small frames for wire packets, large
    /// frames for the longest IP packet with its link headers; at most 16,384 small ones (36 MiB) and 1,024
    /// large ones (65 MiB).
    fn default() -> Self {
        Self {
            headroom: 192,
            small_size: 2048,
            large_size: 65_536 + 256,
            small_limit: 16_384,
            large_limit: 1_024,
        }
    }
}

impl PoolConfig {
    /// Sets the bytes kept free in front.
    pub fn headroom(mut self, bytes: u32) -> Self {
        self.headroom = bytes;
        self
    }

    /// Sets how many small frames may exist.
    pub fn small_limit(mut self, frames: u32) -> Self {
        self.small_limit = frames;
        self
    }

    /// Sets how many large frames may exist.
    pub fn large_limit(mut self, frames: u32) -> Self {
        self.large_limit = frames;
        self
    }
}

/// What a [`Pool`] has and has refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PoolStats {
    /// Small frames that exist, at home or out.
    pub small_frames: u32,
    /// Large frames that exist, at home or out.
    pub large_frames: u32,
    /// Small frames refused because the limit was reached (or memory was out).
    pub small_refused: u64,
    /// Large frames refused because the limit was reached (or memory was out).
    pub large_refused: u64,
    /// Requests for more bytes than a large frame holds.
    pub too_large: u64,
}

/// A home on the heap, with one owner.
///
/// Frames are allocated one by one as they are needed, up to the limits, and kept; a warm pool allocates
/// nothing. Packets may outlive the pool: see the module's words on the lifetime of a home.
pub struct Pool {
    small: Class,
    large: Class,
    too_large: u64,
}

impl Pool {
    /// An empty pool: it allocates a frame at the first request.
    pub fn new(config: PoolConfig) -> Self {
        Self {
            small: Class::new(config.headroom, config.small_size, config.small_limit),
            large: Class::new(config.headroom, config.large_size, config.large_limit),
            too_large: 0,
        }
    }

    /// An empty packet with a small frame; None if the limit is reached.
    #[inline]
    pub fn get_small(&mut self) -> Option<Packet> {
        self.small.get()
    }

    /// An empty packet with a large frame; None if the limit is reached.
    #[inline]
    pub fn get_large(&mut self) -> Option<Packet> {
        self.large.get()
    }

    /// An empty packet with room for `len` bytes behind the usual headroom; None if the limit is reached or no
    /// frame is so large.
    pub fn get(&mut self, len: usize) -> Option<Packet> {
        if len <= self.small.size as usize {
            self.small.get()
        } else if len <= self.large.size as usize {
            self.large.get()
        } else {
            self.too_large += 1;
            None
        }
    }

    /// A packet with a copy of `bytes`; None as for [`get`](Self::get).
    pub fn packet_from(&mut self, bytes: &[u8]) -> Option<Packet> {
        let mut packet = self.get(bytes.len())?;
        packet.push_back(bytes.len()).ok()?.copy_from_slice(bytes);
        Some(packet)
    }

    /// Takes a packet back without an atomic operation if it is one of this pool's own; drops it otherwise.
    #[inline]
    pub fn recycle(&mut self, packet: Packet) {
        let home = packet.home();
        if home == self.small.home() {
            self.small.put(packet);
        } else if home == self.large.home() {
            self.large.put(packet);
        }
    }

    /// [`recycle`](Self::recycle)s every packet of a batch and leaves the batch empty.
    pub fn recycle_batch(&mut self, batch: &mut Batch) {
        for packet in batch.drain() {
            self.recycle(packet);
        }
    }

    /// What the pool has and has refused.
    pub fn stats(&self) -> PoolStats {
        PoolStats {
            small_frames: self.small.allocated,
            large_frames: self.large.allocated,
            small_refused: self.small.refused,
            large_refused: self.large.refused,
            too_large: self.too_large,
        }
    }

    /// How many frames are out. Walks the free lists: for tests and reports.
    pub fn frames_out(&mut self) -> usize {
        self.small.out() + self.large.out()
    }

    /// Data bytes of a small frame.
    pub fn small_size(&self) -> usize {
        self.small.size as usize
    }

    /// Data bytes of a large frame.
    pub fn large_size(&self) -> usize {
        self.large.size as usize
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("stats", &self.stats()).finish_non_exhaustive()
    }
}

/// The part of a class that its frames point at.
#[repr(C)]
struct Core {
    home: Home,
    returned: ReturnStack,
    layout: Layout,
}

static CORE: HomeVtable = HomeVtable { give_back: core_give_back };

/// Frames of one size: the owner's side.
struct Class {
    core: NonNull<Core>,
    /// Frames at home, linked.
    free: *mut Frame,
    size: u32,
    headroom: u32,
    allocated: u32,
    limit: u32,
    refused: u64,
}

// SAFETY: the free list is the owner's alone, and what the core shares is atomic.
unsafe impl Send for Class {}

impl Class {
    fn new(headroom: u32, size: u32, limit: u32) -> Self {
        // At most 1 GiB each, so that offsets and layouts cannot overflow.
        let (headroom, size) = (headroom.min(MAX_PART), size.min(MAX_PART));
        let core = Box::new(Core {
            home: Home::new(&CORE),
            returned: ReturnStack::new(),
            layout: layout(headroom + size),
        });
        Self {
            core: NonNull::from(Box::leak(core)),
            free: ptr::null_mut(),
            size,
            headroom,
            allocated: 0,
            limit,
            refused: 0,
        }
    }

    fn home(&self) -> NonNull<Home> {
        self.core.cast()
    }

    fn core(&self) -> &Core {
        // SAFETY: the core lives until the class is dropped and all frames are back.
        unsafe { self.core.as_ref() }
    }

    #[inline]
    fn get(&mut self) -> Option<Packet> {
        if self.free.is_null() {
            self.refill();
        }
        let Some(frame) = NonNull::new(self.free) else {
            self.refused += 1;
            return None;
        };
        // SAFETY: frames of the free list are live and ours; the headroom is below their capacity.
        unsafe {
            self.free = frame.as_ref().next;
            Some(Packet::from_frame(frame, self.headroom))
        }
    }

    fn put(&mut self, packet: Packet) {
        let mut frame = packet.into_frame();
        // SAFETY: the packet gave up its live frame to us.
        unsafe { frame.as_mut() }.next = self.free;
        self.free = frame.as_ptr();
    }

    /// Collects what came home, or else makes one more frame if the limit allows.
    #[cold]
    fn refill(&mut self) {
        if let Some(chain) = self.core().returned.take_all() {
            self.free = chain.as_ptr();
        } else if self.allocated < self.limit
            && let Some(frame) = allocate(self.home(), self.core().layout)
        {
            self.allocated += 1;
            self.free = frame.as_ptr();
        }
    }

    fn out(&mut self) -> usize {
        if let Some(mut chain) = self.core().returned.take_all() {
            // Put what came home in front of what was there.
            // SAFETY: the chain is ours and live.
            unsafe {
                let mut last = chain;
                while let Some(next) = Frame::next(last) {
                    last = next;
                }
                last.as_mut().next = self.free;
                self.free = chain.as_mut();
            }
        }
        let mut home = 0;
        let mut at = NonNull::new(self.free);
        while let Some(frame) = at {
            home += 1;
            // SAFETY: frames of the free list are live and ours.
            at = unsafe { Frame::next(frame) };
        }
        self.allocated as usize - home
    }
}

impl Drop for Class {
    fn drop(&mut self) {
        let core = self.core();
        let layout = core.layout;
        // SAFETY: the owner's list and what was on the stack are ours; nobody uses them after this.
        let home = unsafe {
            free_chain(NonNull::new(self.free), layout) + free_chain(core.returned.close(), layout)
        };
        if core.returned.expect_stragglers(self.allocated as isize - home as isize) {
            // SAFETY: the core came from a box, and no frame points at it any more.
            drop(unsafe { Box::from_raw(self.core.as_ptr()) });
        }
    }
}

/// [`HomeVtable::give_back`] of a class.
///
/// # Safety
///
/// As the vtable says; `home` is the first field of a `Core`.
unsafe fn core_give_back(home: NonNull<Home>, first: NonNull<Frame>, last: NonNull<Frame>, count: usize) {
    let core: NonNull<Core> = home.cast();
    // SAFETY: the core lives while any of its frames is out, and `first` is.
    let (returned, layout) = unsafe { (&core.as_ref().returned, core.as_ref().layout) };
    // SAFETY: the caller gives the chain up to us.
    if unsafe { returned.push(first, last) } {
        return;
    }
    // SAFETY: the stack refused, so the chain is still ours.
    unsafe { free_chain(Some(first), layout) };
    if returned.stragglers_gone(count as isize) {
        // SAFETY: the core came from a box, the class is gone and this was the last frame.
        drop(unsafe { Box::from_raw(core.as_ptr()) });
    }
}

/// Largest headroom and largest data size.
const MAX_PART: u32 = 1 << 30;

/// Bytes of a frame header; the buffer follows it.
const HEADER: usize = size_of::<Frame>();

/// The memory of a header and a buffer of `capacity` (at most 2 GiB) bytes.
const fn layout(capacity: u32) -> Layout {
    match Layout::from_size_align(HEADER + capacity as usize, align_of::<Frame>()) {
        Ok(layout) => layout,
        // Not reachable on 64-bit; on 32-bit an empty layout makes every allocation too small to be used.
        Err(_) => Layout::new::<Frame>(),
    }
}

/// One frame with its buffer from the heap, zeroed; None if memory is out.
fn allocate(home: NonNull<Home>, layout: Layout) -> Option<NonNull<Frame>> {
    // SAFETY: the layout is at least as large as a header, so not empty.
    let memory = NonNull::new(unsafe { alloc_zeroed(layout) })?;
    let frame: NonNull<Frame> = memory.cast();
    // SAFETY: the memory is fresh, aligned as a frame, and holds a header and, behind it, the zeroed buffer; it
    // lives until the home's vtable frees it, and the home until then.
    unsafe {
        let base = memory.add(HEADER);
        Frame::init(frame, home, base, (layout.size() - HEADER) as u32);
    }
    Some(frame)
}

/// Frees a chain and says how many frames it had.
///
/// # Safety
///
/// The caller owns the frames; all came from [`allocate`] with `layout` and are not used afterwards.
unsafe fn free_chain(first: Option<NonNull<Frame>>, layout: Layout) -> usize {
    let mut count = 0;
    let mut at = first;
    while let Some(frame) = at {
        // SAFETY: live and ours, until freed right below.
        unsafe {
            at = Frame::next(frame);
            dealloc(frame.as_ptr().cast(), layout);
        }
        count += 1;
    }
    count
}

/// A home without state: its frames are freed as they come.
struct Detached(Home);

// SAFETY: a `Home` is a reference to an immutable vtable.
unsafe impl Sync for Detached {}

static DETACHED_VTABLE: HomeVtable = HomeVtable { give_back: detached_give_back };
static DETACHED: Detached = Detached(Home::new(&DETACHED_VTABLE));

/// [`HomeVtable::give_back`] of the home of detached frames.
///
/// # Safety
///
/// As the vtable says.
unsafe fn detached_give_back(_: NonNull<Home>, first: NonNull<Frame>, _: NonNull<Frame>, _: usize) {
    let mut at = Some(first);
    while let Some(frame) = at {
        // SAFETY: ours and live; each came from `allocate` with the layout of its own capacity.
        unsafe {
            at = Frame::next(frame);
            dealloc(frame.as_ptr().cast(), layout(frame.as_ref().capacity));
        }
    }
}

/// An empty packet with room for `len` bytes, outside any pool.
pub(super) fn detached(len: usize) -> Option<Packet> {
    let headroom = PoolConfig::default().headroom;
    let size = u32::try_from(len).ok().filter(|size| *size <= MAX_PART)?;
    let frame = allocate(NonNull::from(&DETACHED.0), layout(headroom + size))?;
    // SAFETY: the frame is fresh and ours.
    Some(unsafe { Packet::from_frame(frame, headroom) })
}
