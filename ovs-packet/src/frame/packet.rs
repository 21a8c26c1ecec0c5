//! The packet: one owning pointer to a frame.

use core::{fmt, mem, ptr::NonNull, slice};

use super::{Frame, Home, HomeVtable, Pool, pool};
use crate::{DeviceFacts, LayerOffsets};

/// The frame has no room for so many bytes at this end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no room in the frame: {wanted} bytes wanted, {room} there")]
pub struct NoRoom {
    /// Bytes asked for.
    pub wanted: usize,
    /// Bytes that there were.
    pub room: usize,
}

/// The packet has fewer bytes than were to be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("packet too short: {wanted} bytes wanted, {len} there")]
pub struct TooShort {
    /// Bytes asked for.
    pub wanted: usize,
    /// Bytes that there were.
    pub len: usize,
}

/// One packet: contiguous bytes with room at both ends, device facts and layer offsets.
///
/// Eight bytes large (also as `Option<Packet>`); owns its frame and gives it back to its home when dropped, on
/// whatever thread that happens. Not `Clone`: a copy needs memory, see [`try_clone_into`](Self::try_clone_into).
pub struct Packet {
    frame: NonNull<Frame>,
}

const _: () = assert!(size_of::<Option<Packet>>() == 8);

// SAFETY: a packet owns its frame and buffer exclusively, and homes take frames back from any thread.
unsafe impl Send for Packet {}
// SAFETY: through `&Packet` the frame and buffer are only read.
unsafe impl Sync for Packet {}

impl Packet {
    /// Makes a packet of a frame, with its data empty and `headroom` bytes in front (at most its capacity).
    ///
    /// # Safety
    ///
    /// `frame` was made by [`Frame::init`], the caller owns it and gives it up.
    pub unsafe fn from_frame(frame: NonNull<Frame>, headroom: u32) -> Self {
        // SAFETY: live and owned, by the caller's promise.
        let headroom = headroom.min(unsafe { frame.as_ref() }.capacity);
        // SAFETY: as above, and the headroom was just limited.
        unsafe { Frame::reset(frame, headroom) };
        Self { frame }
    }

    /// The frame, without giving it back to its home: for homes that recycle their own.
    pub fn into_frame(self) -> NonNull<Frame> {
        let frame = self.frame;
        mem::forget(self);
        frame
    }

    /// A packet with a copy of `bytes` in memory of its own, outside any pool: for tests and tools. Fails beyond
    /// 1 GiB or if memory is out.
    pub fn detached(bytes: &[u8]) -> Result<Self, NoRoom> {
        let mut packet = pool::detached(bytes.len()).ok_or(NoRoom { wanted: bytes.len(), room: 0 })?;
        packet.push_back(bytes.len())?.copy_from_slice(bytes);
        Ok(packet)
    }

    /// Whether its frame's home is of the kind that this vtable makes: for devices that recognise their own memory.
    #[inline]
    pub fn lives_in(&self, vtable: &'static HomeVtable) -> bool {
        // SAFETY: a home outlives its frames that are out, and this is one of them.
        unsafe { Home::is_of(self.home(), vtable) }
    }

    #[inline]
    fn header(&self) -> &Frame {
        // SAFETY: the packet owns a live frame.
        unsafe { self.frame.as_ref() }
    }

    #[inline]
    fn header_mut(&mut self) -> &mut Frame {
        // SAFETY: the packet owns a live frame, exclusively.
        unsafe { self.frame.as_mut() }
    }

    #[inline]
    pub(super) fn home(&self) -> NonNull<Home> {
        self.header().home
    }

    /// The packet's bytes.
    #[inline]
    pub fn data(&self) -> &[u8] {
        let frame = self.header();
        // SAFETY: start + len <= capacity, all initialised, and ours while borrowed.
        unsafe { slice::from_raw_parts(frame.base.as_ptr().add(frame.start as usize), frame.len as usize) }
    }

    /// The packet's bytes, to change.
    #[inline]
    pub fn data_mut(&mut self) -> &mut [u8] {
        let (start, len) = (self.header().start, self.header().len);
        self.region_mut(start, len)
    }

    /// Bytes of the packet.
    #[inline]
    pub fn len(&self) -> usize {
        self.header().len as usize
    }

    /// True if the packet has no bytes.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.header().len == 0
    }

    /// Free bytes in front of the data.
    #[inline]
    pub fn headroom(&self) -> usize {
        self.header().start as usize
    }

    /// Free bytes behind the data.
    #[inline]
    pub fn tailroom(&self) -> usize {
        let frame = self.header();
        (frame.capacity - frame.start - frame.len) as usize
    }

    /// Adds `n` bytes in front and returns them; they hold whatever was there. Layer offsets and a partial
    /// checksum's start keep pointing at the same bytes.
    #[inline]
    pub fn push_front(&mut self, n: usize) -> Result<&mut [u8], NoRoom> {
        let room = self.headroom();
        if n > room {
            return Err(NoRoom { wanted: n, room });
        }
        let frame = self.header_mut();
        frame.start -= n as u32;
        frame.len += n as u32;
        frame.layers.moved_back(n);
        frame.facts.moved_back(n);
        let start = frame.start;
        Ok(self.region_mut(start, n as u32))
    }

    /// [`push_front`](Self::push_front) of headers that make another packet of this one: its layers begin where `layers`
    /// says. A partial checksum's start keeps pointing at the same byte.
    #[inline]
    pub fn push_front_as(&mut self, n: usize, layers: LayerOffsets) -> Result<&mut [u8], NoRoom> {
        self.push_front(n)?;
        let frame = self.header_mut();
        frame.layers = layers;
        let start = frame.start;
        Ok(self.region_mut(start, n as u32))
    }

    /// Takes `n` bytes from the front. Layers that began in them are gone.
    #[inline]
    pub fn pull_front(&mut self, n: usize) -> Result<(), TooShort> {
        let len = self.len();
        if n > len {
            return Err(TooShort { wanted: n, len });
        }
        let frame = self.header_mut();
        frame.start += n as u32;
        frame.len -= n as u32;
        frame.layers.moved_forward(n);
        frame.facts.moved_forward(n);
        Ok(())
    }

    /// Adds `n` bytes at the end and returns them; they hold whatever was there.
    #[inline]
    pub fn push_back(&mut self, n: usize) -> Result<&mut [u8], NoRoom> {
        let room = self.tailroom();
        if n > room {
            return Err(NoRoom { wanted: n, room });
        }
        let frame = self.header_mut();
        let end = frame.start + frame.len;
        frame.len += n as u32;
        Ok(self.region_mut(end, n as u32))
    }

    /// Shortens the packet to `n` bytes; nothing if it is not longer.
    #[inline]
    pub fn truncate(&mut self, n: usize) {
        if n < self.len() {
            self.header_mut().len = n as u32;
        }
    }

    /// The room behind the data, for a device to receive into; then say with [`set_len`](Self::set_len) how much came.
    #[inline]
    pub fn spare_mut(&mut self) -> &mut [u8] {
        let frame = self.header();
        let (end, room) = (frame.start + frame.len, frame.capacity - frame.start - frame.len);
        self.region_mut(end, room)
    }

    /// Sets the length, growing into the room behind the data (whose bytes are as they were) or shrinking.
    #[inline]
    pub fn set_len(&mut self, n: usize) -> Result<(), NoRoom> {
        let room = self.tailroom() + self.len();
        if n > room {
            return Err(NoRoom { wanted: n, room });
        }
        self.header_mut().len = n as u32;
        Ok(())
    }

    /// Empties the packet and moves its start, so that `headroom` bytes are free in front: for receive paths.
    pub fn reset(&mut self, headroom: usize) -> Result<(), NoRoom> {
        let room = self.header().capacity;
        match u32::try_from(headroom) {
            Ok(n) if n <= room => {
                // SAFETY: the packet owns the frame, and the headroom lies within its capacity.
                unsafe { Frame::reset(self.frame, n) };
                Ok(())
            }
            _ => Err(NoRoom { wanted: headroom, room: room as usize }),
        }
    }

    /// What the device said.
    #[inline]
    pub fn facts(&self) -> &DeviceFacts {
        &self.header().facts
    }

    /// What the device said, to change.
    #[inline]
    pub fn facts_mut(&mut self) -> &mut DeviceFacts {
        &mut self.header_mut().facts
    }

    /// Where the headers begin.
    #[inline]
    pub fn layers(&self) -> &LayerOffsets {
        &self.header().layers
    }

    /// Where the headers begin, to change.
    #[inline]
    pub fn layers_mut(&mut self) -> &mut LayerOffsets {
        &mut self.header_mut().layers
    }

    /// A copy of bytes, facts and layer offsets in a frame of `pool`; None if the pool has none (it counts that)
    /// or none so large.
    pub fn try_clone_into(&self, pool: &mut Pool) -> Option<Packet> {
        let mut copy = pool.packet_from(self.data())?;
        *copy.facts_mut() = *self.facts();
        *copy.layers_mut() = *self.layers();
        Some(copy)
    }

    #[inline]
    fn region_mut(&mut self, start: u32, len: u32) -> &mut [u8] {
        let frame = self.header();
        debug_assert!(start as usize + len as usize <= frame.capacity as usize);
        // SAFETY: callers pass regions within the capacity; all is initialised, and ours while borrowed.
        unsafe { slice::from_raw_parts_mut(frame.base.as_ptr().add(start as usize), len as usize) }
    }
}

impl Drop for Packet {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: the packet owns the frame, which belongs to its home, and is gone after this.
        unsafe { Home::give_back(self.home(), self.frame, self.frame, 1) }
    }
}

impl AsRef<[u8]> for Packet {
    fn as_ref(&self) -> &[u8] {
        self.data()
    }
}

impl fmt::Debug for Packet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Packet")
            .field("data", &self.data())
            .field("headroom", &self.headroom())
            .field("tailroom", &self.tailroom())
            .field("layers", self.layers())
            .field("facts", self.facts())
            .finish()
    }
}
