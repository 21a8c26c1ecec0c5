//! The frame header, and the interface of a home.

use core::ptr::{self, NonNull};

use crate::{DeviceFacts, LayerOffsets};

/// The header of a packet buffer: where its bytes are, and to which home it belongs.
///
/// Backends with memory of their own (mbufs, a umem area) place one in front of, or beside, each buffer with
/// [`Frame::init`]. Everybody else meets frames only as [`Packet`](crate::Packet).
#[repr(C, align(64))]
#[derive(Debug)]
pub struct Frame {
    pub(super) home: NonNull<Home>,
    /// The next frame of the chain that this frame stands in; null at the end and while out.
    pub(super) next: *mut Frame,
    pub(super) base: NonNull<u8>,
    /// Bytes of the buffer from `base`.
    pub(super) capacity: u32,
    /// Where the data begin, from `base`; `start + len <= capacity` always.
    pub(super) start: u32,
    pub(super) len: u32,
    pub(super) layers: LayerOffsets,
    pub(super) facts: DeviceFacts,
}

const _: () = assert!(size_of::<Frame>() <= 128, "a frame header is at most two cache lines");

impl Frame {
    /// Writes a frame header into `place`, for a buffer of `capacity` bytes at `base`.
    ///
    /// # Safety
    ///
    /// - `place` is valid for writes of a `Frame`, aligned to 64 bytes, and belongs to the caller.
    /// - `base` is valid for reads and writes of `capacity` bytes, all of them initialised, that nobody else
    ///   touches and that do not overlap `place`.
    /// - `home` and both memories live until the frame has been given back through `home`'s vtable.
    pub unsafe fn init(place: NonNull<Frame>, home: NonNull<Home>, base: NonNull<u8>, capacity: u32) {
        // SAFETY: `place` is valid for writes and aligned, by the caller's promise.
        unsafe {
            place.write(Frame {
                home,
                next: ptr::null_mut(),
                base,
                capacity,
                start: 0,
                len: 0,
                layers: LayerOffsets::default(),
                facts: DeviceFacts::default(),
            });
        }
    }

    /// The next frame of the chain, for homes that take a chain apart.
    ///
    /// # Safety
    ///
    /// `frame` is a live frame that the caller owns as part of a chain.
    pub unsafe fn next(frame: NonNull<Frame>) -> Option<NonNull<Frame>> {
        // SAFETY: live and owned by the caller.
        NonNull::new(unsafe { frame.as_ref() }.next)
    }

    /// Where the frame's buffer begins.
    ///
    /// # Safety
    ///
    /// `frame` is a live frame that the caller owns.
    pub unsafe fn base(frame: NonNull<Frame>) -> NonNull<u8> {
        // SAFETY: live and owned by the caller.
        unsafe { frame.as_ref() }.base
    }

    /// Empties the frame: data at `headroom`, no facts, no layers, no chain.
    ///
    /// # Safety
    ///
    /// `frame` is a live frame that the caller owns, and `headroom` is at most its capacity.
    pub(super) unsafe fn reset(mut frame: NonNull<Frame>, headroom: u32) {
        // SAFETY: live and owned by the caller.
        let header = unsafe { frame.as_mut() };
        debug_assert!(headroom <= header.capacity);
        header.next = ptr::null_mut();
        header.start = headroom;
        header.len = 0;
        header.layers = LayerOffsets::default();
        header.facts = DeviceFacts::default();
    }
}

/// What every home begins with: the way back.
///
/// A concrete home is a `#[repr(C)]` struct whose first field is a `Home`; its vtable's function casts the
/// pointer back.
#[repr(C)]
#[derive(Debug)]
pub struct Home {
    vtable: &'static HomeVtable,
}

impl Home {
    /// The head of a concrete home.
    pub const fn new(vtable: &'static HomeVtable) -> Self {
        Self { vtable }
    }

    /// Whether a home has this vtable.
    ///
    /// # Safety
    ///
    /// `home` is alive.
    pub(super) unsafe fn is_of(home: NonNull<Home>, vtable: &'static HomeVtable) -> bool {
        // SAFETY: alive, by the caller's promise.
        ptr::eq(unsafe { home.as_ref() }.vtable, vtable)
    }

    /// Gives a chain of `count` frames, linked from `first` to `last`, back to `home`.
    ///
    /// # Safety
    ///
    /// All frames of the chain belong to `home`, are owned by the caller, and are not used afterwards.
    pub(super) unsafe fn give_back(
        home: NonNull<Home>,
        first: NonNull<Frame>,
        last: NonNull<Frame>,
        count: usize,
    ) {
        // SAFETY: a home outlives its frames that are out, and `first` is one of them.
        let vtable = unsafe { home.as_ref() }.vtable;
        // SAFETY: passed on from the caller.
        unsafe { (vtable.give_back)(home, first, last, count) }
    }
}

/// How a kind of home takes frames back.
#[derive(Debug)]
pub struct HomeVtable {
    /// Takes back a chain of `count` frames, linked from `first` to `last`. May be called from any thread, and
    /// several threads at once.
    ///
    /// # Safety
    ///
    /// The caller owns the frames, all of them belong to this home, and it does not use them afterwards.
    pub give_back: unsafe fn(home: NonNull<Home>, first: NonNull<Frame>, last: NonNull<Frame>, count: usize),
}
