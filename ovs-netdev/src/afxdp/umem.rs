//! The memory of a socket: chunks of one page that the kernel and we write in turn, each with a frame header beside it.
//!
//! The first part of the chunks is received into and becomes packets; the second part is only copied into to send, and
//! never leaves. A packet may outlive its socket: the memory lives until the last one has come back (as the pools of
//! `ovs_packet::frame` do).

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::io;
use std::ptr::NonNull;

use ovs_packet::Packet;
use ovs_packet::frame::{Frame, Home, HomeVtable, ReturnStack};

use crate::linux::sys::mapping::Mapping;

/// Bytes of a chunk. The kernel leaves 256 of them free in front of what it receives.
pub(super) const CHUNK: usize = 4096;

/// The home of a socket's packets.
#[repr(C)]
struct Core {
    home: Home,
    returned: ReturnStack,
    memory: Mapping,
    /// One for each chunk that is received into.
    headers: NonNull<Frame>,
    receive: u32,
}

static VTABLE: HomeVtable = HomeVtable { give_back };

impl Core {
    fn layout(receive: u32) -> Layout {
        // At most some thousand headers.
        Layout::array::<Frame>(receive as usize).unwrap_or(Layout::new::<Frame>())
    }
}

impl Drop for Core {
    fn drop(&mut self) {
        // SAFETY: allocated with this layout, and no packet points at a header any more.
        unsafe { dealloc(self.headers.as_ptr().cast(), Self::layout(self.receive)) };
    }
}

/// The owner's side.
#[derive(Debug)]
pub(super) struct Umem {
    core: NonNull<Core>,
}

// SAFETY: the core is read only, but for the stack, which is made for many threads.
unsafe impl Send for Umem {}
// SAFETY: as above; who may use which chunk is the callers' promise.
unsafe impl Sync for Umem {}

impl Umem {
    /// Chunks to receive into, then chunks to send from.
    pub fn new(receive: u32, send: u32) -> io::Result<Self> {
        let memory = Mapping::anonymous((receive + send) as usize * CHUNK)?;
        let layout = Core::layout(receive);
        // SAFETY: the layout is not empty.
        let Some(headers) = NonNull::new(unsafe { alloc(layout) }) else { handle_alloc_error(layout) };
        let headers: NonNull<Frame> = headers.cast();
        let core = Box::new(Core {
            home: Home::new(&VTABLE),
            returned: ReturnStack::new(),
            memory,
            headers,
            receive,
        });
        let core = NonNull::from(Box::leak(core));
        for index in 0..receive as usize {
            // SAFETY: header and chunk of that number lie within what was allocated and mapped (zeroed); the chunk is
            // given to one side at a time; all of it lives until the core is freed, which waits for the packets.
            unsafe {
                let base = core.as_ref().memory.base().add(index * CHUNK);
                Frame::init(headers.add(index), core.cast(), base, CHUNK as u32);
            }
        }
        Ok(Self { core })
    }

    fn core(&self) -> &Core {
        // SAFETY: freed only after the owner is dropped.
        unsafe { self.core.as_ref() }
    }

    /// All of it, to be registered.
    pub fn memory(&self) -> &Mapping {
        &self.core().memory
    }

    /// How many chunks are received into.
    pub fn receive(&self) -> u32 {
        self.core().receive
    }

    /// Where the kernel has put or is to find a packet: chunk and offset, if it is in the memory.
    pub fn locate(&self, address: u64, len: u32) -> Option<(u32, u32)> {
        let at = usize::try_from(address).ok()?;
        let (chunk, offset) = (at / CHUNK, at % CHUNK);
        let fits = offset + len as usize <= CHUNK && at < self.core().memory.len();
        fits.then_some((chunk as u32, offset as u32))
    }

    /// The packet in a chunk that is received into, or None if the number is none of them.
    ///
    /// # Safety
    ///
    /// The chunk belongs to the caller, who gives it up: neither the kernel nor a packet has it.
    pub unsafe fn packet(&self, chunk: u32, offset: u32, len: u32) -> Option<Packet> {
        if chunk >= self.core().receive {
            return None;
        }
        // SAFETY: the header of that number, initialised when the memory was made, and the caller's.
        let mut packet = unsafe { Packet::from_frame(self.core().headers.add(chunk as usize), offset) };
        packet.set_len(len as usize).ok()?;
        Some(packet)
    }

    /// The address of a packet's bytes if they are in this memory.
    pub fn address(&self, packet: &Packet) -> Option<u64> {
        let base = self.core().memory.base().as_ptr().addr();
        let at = packet.data().as_ptr().addr().checked_sub(base)?;
        (at < self.core().memory.len()).then_some(at as u64)
    }

    /// Copies a packet into a chunk to send from and gives its address. It fits, and the chunk is not in use.
    ///
    /// # Safety
    ///
    /// The chunk belongs to the caller; it is one of those that are sent from.
    pub unsafe fn copy(&self, chunk: u32, packet: &Packet) -> u64 {
        let at = chunk as usize * CHUNK;
        let bytes = packet.data();
        debug_assert!(bytes.len() <= CHUNK && chunk >= self.core().receive);
        // SAFETY: the chunk lies within the mapping and nobody else touches it; no more is copied than it holds.
        unsafe {
            let to = self.core().memory.base().add(at);
            to.copy_from_nonoverlapping(NonNull::from(bytes).cast(), bytes.len().min(CHUNK));
        }
        at as u64
    }

    /// Chunks whose packets have come back, for the one that receives. Says how many.
    pub fn collect(&self, free: &mut Vec<u32>) -> u64 {
        let before = free.len();
        let mut at = self.core().returned.take_all();
        while let Some(frame) = at {
            free.push(self.number(frame));
            // SAFETY: the chain is ours, and its frames are alive.
            at = unsafe { Frame::next(frame) };
        }
        (free.len() - before) as u64
    }

    fn number(&self, frame: NonNull<Frame>) -> u32 {
        let bytes = frame.as_ptr().addr() - self.core().headers.as_ptr().addr();
        (bytes / size_of::<Frame>()) as u32
    }

    /// The end: so many packets are not back yet. The memory goes with the last of them.
    pub fn close(self, out: u64) {
        let core = self.core();
        let mut back = 0;
        let mut at = core.returned.close();
        while let Some(frame) = at {
            back += 1;
            // SAFETY: the chain is ours, and its frames are alive.
            at = unsafe { Frame::next(frame) };
        }
        if core.returned.expect_stragglers(out as isize - back) {
            // SAFETY: the core came from a box, the owner ends here, and no packet is out.
            drop(unsafe { Box::from_raw(self.core.as_ptr()) });
        }
    }
}

/// [`HomeVtable::give_back`] of a socket's packets.
///
/// # Safety
///
/// As the vtable says; `home` is the first field of a [`Core`].
unsafe fn give_back(home: NonNull<Home>, first: NonNull<Frame>, last: NonNull<Frame>, count: usize) {
    let core: NonNull<Core> = home.cast();
    // SAFETY: the core lives while any of its frames is out, and `first` is.
    let returned = unsafe { &core.as_ref().returned };
    // SAFETY: the caller gives the chain up to us.
    if unsafe { returned.push(first, last) } {
        return;
    }
    if returned.stragglers_gone(count as isize) {
        // SAFETY: the core came from a box, its owner is gone, and this was the last packet.
        drop(unsafe { Box::from_raw(core.as_ptr()) });
    }
}
