//! AF_XDP sockets (the kernel's `Documentation/networking/af_xdp`): making, binding, waking.

use std::io;
use std::mem::{size_of, zeroed};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::ptr;

use super::check;
use super::mapping::Mapping;
use super::ring::{Consumer, Layout, Producer};

/// The rings of a socket.
#[derive(Debug)]
pub(crate) struct Rings {
    /// Frames for the kernel to receive into.
    pub fill: Producer<u64>,
    /// Frames that the kernel has sent.
    pub completion: Consumer<u64>,
    /// Packets received.
    pub rx: Consumer<libc::xdp_desc>,
    /// Packets to be sent.
    pub tx: Producer<libc::xdp_desc>,
}

/// A socket, not bound to any queue yet.
pub(crate) fn socket() -> io::Result<OwnedFd> {
    // SAFETY: takes only integers.
    let fd = check(unsafe { libc::socket(libc::AF_XDP, libc::SOCK_RAW | libc::SOCK_CLOEXEC, 0) })?;
    // SAFETY: the descriptor is fresh, and nobody else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Registers memory as the socket's frames of `chunk` bytes. It must stay mapped as long as the socket is open.
pub(crate) fn register(socket: BorrowedFd<'_>, memory: &Mapping, chunk: u32) -> io::Result<()> {
    let region = libc::xdp_umem_reg {
        addr: memory.base().as_ptr().expose_provenance() as u64,
        len: memory.len() as u64,
        chunk_size: chunk,
        headroom: 0,
        flags: 0,
        tx_metadata_len: 0,
    };
    set(socket, libc::XDP_UMEM_REG, &region)
}

/// Makes and maps the four rings, of `size` entries each.
pub(crate) fn rings(socket: BorrowedFd<'_>, size: u32) -> io::Result<Rings> {
    for option in
        [libc::XDP_UMEM_FILL_RING, libc::XDP_UMEM_COMPLETION_RING, libc::XDP_RX_RING, libc::XDP_TX_RING]
    {
        set(socket, option, &size)?;
    }
    // SAFETY: all zeros is valid for this struct of numbers.
    let mut offsets: libc::xdp_mmap_offsets = unsafe { zeroed() };
    get(socket, libc::XDP_MMAP_OFFSETS, &mut offsets)?;
    let layout = |offset: libc::xdp_ring_offset| Layout {
        producer: offset.producer,
        consumer: offset.consumer,
        flags: offset.flags,
        entries: offset.desc,
    };
    Ok(Rings {
        fill: Producer::new(socket, libc::XDP_UMEM_PGOFF_FILL_RING, layout(offsets.fr), size)?,
        completion: Consumer::new(socket, libc::XDP_UMEM_PGOFF_COMPLETION_RING, layout(offsets.cr), size)?,
        rx: Consumer::new(socket, libc::XDP_PGOFF_RX_RING as u64, layout(offsets.rx), size)?,
        tx: Producer::new(socket, libc::XDP_PGOFF_TX_RING as u64, layout(offsets.tx), size)?,
    })
}

/// Binds the socket to a queue of a device. `flags` are those of `sockaddr_xdp`.
pub(crate) fn bind(socket: BorrowedFd<'_>, ifindex: u32, queue: u32, flags: u16) -> io::Result<()> {
    let address = libc::sockaddr_xdp {
        sxdp_family: libc::AF_XDP as u16,
        sxdp_flags: flags,
        sxdp_ifindex: ifindex,
        sxdp_queue_id: queue,
        sxdp_shared_umem_fd: 0,
    };
    let len = size_of::<libc::sockaddr_xdp>() as libc::socklen_t;
    // SAFETY: the pointer is to `len` readable bytes that live over the call.
    check(unsafe { libc::bind(socket.as_raw_fd(), ptr::from_ref(&address).cast(), len) })?;
    Ok(())
}

/// Lets the socket hold as many sent packets as its ring has entries, where we may.
pub(crate) fn widen(socket: BorrowedFd<'_>, bytes: libc::c_int) {
    for option in [libc::SO_SNDBUFFORCE, libc::SO_SNDBUF] {
        let len = size_of::<libc::c_int>() as libc::socklen_t;
        // SAFETY: the pointer is to `len` readable bytes that live over the call.
        let result = unsafe {
            libc::setsockopt(socket.as_raw_fd(), libc::SOL_SOCKET, option, ptr::from_ref(&bytes).cast(), len)
        };
        if result == 0 {
            return;
        }
    }
}

/// Whether a bound socket's frames are the device's own.
pub(crate) fn is_zero_copy(socket: BorrowedFd<'_>) -> io::Result<bool> {
    let mut options = libc::xdp_options { flags: 0 };
    get(socket, libc::XDP_OPTIONS, &mut options)?;
    Ok(options.flags & libc::XDP_OPTIONS_ZEROCOPY != 0)
}

/// What the kernel has counted for the socket.
pub(crate) fn statistics(socket: BorrowedFd<'_>) -> io::Result<libc::xdp_statistics> {
    // SAFETY: all zeros is valid for this struct of numbers.
    let mut statistics: libc::xdp_statistics = unsafe { zeroed() };
    get(socket, libc::XDP_STATISTICS, &mut statistics)?;
    Ok(statistics)
}

/// Makes the kernel look at the ring of packets to be sent.
pub(crate) fn wake_tx(socket: BorrowedFd<'_>) -> io::Result<()> {
    // SAFETY: without a buffer and an address there is nothing to point at.
    let result =
        unsafe { libc::sendto(socket.as_raw_fd(), ptr::null(), 0, libc::MSG_DONTWAIT, ptr::null(), 0) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Makes the kernel look at the ring of frames to receive into.
pub(crate) fn wake_rx(socket: BorrowedFd<'_>) {
    // SAFETY: without a buffer and an address there is nothing to point at.
    let result = unsafe {
        libc::recvfrom(
            socket.as_raw_fd(),
            ptr::null_mut(),
            0,
            libc::MSG_DONTWAIT,
            ptr::null_mut(),
            ptr::null_mut(),
        )
    };
    // A device that is down or gone says so elsewhere.
    let _ = result;
}

/// Structs of numbers: whatever bytes the kernel writes are a value.
trait Plain: Copy {}

impl Plain for u32 {}
impl Plain for libc::xdp_umem_reg {}
impl Plain for libc::xdp_mmap_offsets {}
impl Plain for libc::xdp_options {}
impl Plain for libc::xdp_statistics {}

fn set<T: Plain>(socket: BorrowedFd<'_>, option: libc::c_int, value: &T) -> io::Result<()> {
    let len = size_of::<T>() as libc::socklen_t;
    // SAFETY: the pointer is to `len` readable bytes that live over the call.
    check(unsafe {
        libc::setsockopt(socket.as_raw_fd(), libc::SOL_XDP, option, ptr::from_ref(value).cast(), len)
    })?;
    Ok(())
}

fn get<T: Plain>(socket: BorrowedFd<'_>, option: libc::c_int, value: &mut T) -> io::Result<()> {
    let mut len = size_of::<T>() as libc::socklen_t;
    // SAFETY: the pointers are to `len` writable bytes, any of which make a value of a `Plain` type, and to that length.
    check(unsafe {
        libc::getsockopt(socket.as_raw_fd(), libc::SOL_XDP, option, ptr::from_mut(value).cast(), &raw mut len)
    })?;
    Ok(())
}
