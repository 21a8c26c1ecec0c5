//! AF_PACKET sockets: set-up (packet(7)).

use std::io;
use std::mem::size_of;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::ptr;

use super::check;

/// Options of packet sockets that libc does not have.
const PACKET_IGNORE_OUTGOING: libc::c_int = 23;
/// The fanout group has an identifier of the kernel's choice.
const FANOUT_UNIQUE: u32 = 0x2000;
/// What [`PACKET_IGNORE_OUTGOING`] is for a group.
const FANOUT_IGNORE_OUTGOING: u32 = 0x4000;

/// Kernel memory for packets that wait to be received. A TCP window (6 MiB by default) of super-packets must fit,
/// for what does not fit is lost.
const RECEIVE_BUFFER: libc::c_int = 16 << 20;

/// Kernel memory for packets that were sent and not yet freed.
const SEND_BUFFER: libc::c_int = 4 << 20;

/// A socket that receives every packet that arrives at an interface, none that leaves it, with vnet headers and
/// VLAN tags as auxiliary data. The interface is promiscuous while the socket lives.
pub(crate) fn receiver(ifindex: u32) -> io::Result<OwnedFd> {
    receiver_with(ifindex, false)
}

fn receiver_with(ifindex: u32, deaf: bool) -> io::Result<OwnedFd> {
    // Protocol 0: nothing arrives before everything is set.
    let fd = socket()?;
    let socket = fd.as_fd();
    set(socket, libc::SOL_PACKET, libc::PACKET_VNET_HDR, 1)?;
    set(socket, libc::SOL_PACKET, libc::PACKET_AUXDATA, 1)?;
    set(socket, libc::SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)?;
    buffer(socket, libc::SO_RCVBUFFORCE, libc::SO_RCVBUF, RECEIVE_BUFFER)?;
    if deaf {
        deafen(socket)?;
    }
    bind(socket, ifindex, libc::ETH_P_ALL as u16)?;
    promiscuous(socket, ifindex)?;
    Ok(fd)
}

/// As many sockets as [`receiver`] makes one, which share what arrives: each flow goes to one of them, by its hash.
pub(crate) fn receivers(ifindex: u32, count: usize) -> io::Result<Vec<OwnedFd>> {
    if count == 1 {
        return Ok(vec![receiver(ifindex)?]);
    }
    let mut group = None;
    let mut sockets = Vec::new();
    for _ in 0..count {
        // Deaf until all are there: a socket that has not joined gets what the group gets too.
        let fd = receiver_with(ifindex, true)?;
        group = Some(join(fd.as_fd(), group)?);
        sockets.push(fd);
    }
    for fd in &sockets {
        set(fd.as_fd(), libc::SOL_SOCKET, libc::SO_DETACH_FILTER, 0)?;
    }
    Ok(sockets)
}

/// Joins a fanout group (a new one without a number) and gives its number.
fn join(socket: BorrowedFd<'_>, group: Option<u16>) -> io::Result<u16> {
    let mode = libc::PACKET_FANOUT_HASH | FANOUT_IGNORE_OUTGOING;
    let mode = if group.is_none() { mode | FANOUT_UNIQUE } else { mode };
    let value = mode << 16 | u32::from(group.unwrap_or(0));
    set(socket, libc::SOL_PACKET, libc::PACKET_FANOUT, value as libc::c_int)?;
    let (mut told, mut len) = (0_u32, size_of::<u32>() as libc::socklen_t);
    // SAFETY: the pointers are to a number of `len` writable bytes and to its length, which live over the call.
    check(unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_PACKET,
            libc::PACKET_FANOUT,
            ptr::from_mut(&mut told).cast(),
            &raw mut len,
        )
    })?;
    Ok(told as u16)
}

/// Lets a socket receive nothing.
fn deafen(socket: BorrowedFd<'_>) -> io::Result<()> {
    // One instruction of the classic filter language: return 0 bytes.
    let mut nothing = libc::sock_filter { code: 0x06, jt: 0, jf: 0, k: 0 };
    let program = libc::sock_fprog { len: 1, filter: &raw mut nothing };
    let len = size_of::<libc::sock_fprog>() as libc::socklen_t;
    // SAFETY: the pointer is to a program of `len` readable bytes, which points at its one instruction; the kernel
    // copies both within the call.
    check(unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_ATTACH_FILTER,
            ptr::from_ref(&program).cast(),
            len,
        )
    })?;
    Ok(())
}

/// A socket that only sends, with vnet headers; past the queueing discipline if `bypass`.
pub(crate) fn sender(ifindex: u32, bypass: bool) -> io::Result<OwnedFd> {
    let fd = socket()?;
    let socket = fd.as_fd();
    set(socket, libc::SOL_PACKET, libc::PACKET_VNET_HDR, 1)?;
    if bypass {
        set(socket, libc::SOL_PACKET, libc::PACKET_QDISC_BYPASS, 1)?;
    }
    buffer(socket, libc::SO_SNDBUFFORCE, libc::SO_SNDBUF, SEND_BUFFER)?;
    bind(socket, ifindex, 0)?;
    Ok(fd)
}

/// Sets what priority the packets have that leave by a socket.
pub(crate) fn set_priority(socket: BorrowedFd<'_>, priority: u32) -> io::Result<()> {
    set(socket, libc::SOL_SOCKET, libc::SO_PRIORITY, priority as libc::c_int)
}

/// A socket that receives nothing; the interface is promiscuous while it lives.
#[cfg(feature = "afxdp")]
pub(crate) fn promiscuity(ifindex: u32) -> io::Result<OwnedFd> {
    let fd = socket()?;
    promiscuous(fd.as_fd(), ifindex)?;
    Ok(fd)
}

/// How many packets the socket has lost since it was last asked, because its buffer was full.
pub(crate) fn lost(socket: BorrowedFd<'_>) -> io::Result<u64> {
    let mut statistics = libc::tpacket_stats { tp_packets: 0, tp_drops: 0 };
    let mut len = size_of::<libc::tpacket_stats>() as libc::socklen_t;
    // SAFETY: the pointers are to a struct of `len` writable bytes and to its length, which live over the call.
    check(unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_PACKET,
            libc::PACKET_STATISTICS,
            ptr::from_mut(&mut statistics).cast(),
            &raw mut len,
        )
    })?;
    Ok(u64::from(statistics.tp_drops))
}

/// Takes the error that waits on a socket.
#[cfg(feature = "afxdp")]
pub(crate) fn pending_error(socket: BorrowedFd<'_>) -> Option<io::Error> {
    let mut code: libc::c_int = 0;
    let mut len = size_of::<libc::c_int>() as libc::socklen_t;
    // SAFETY: the pointers are to a number of `len` writable bytes and to its length, which live over the call.
    let result = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_ERROR,
            ptr::from_mut(&mut code).cast(),
            &raw mut len,
        )
    };
    (result == 0 && code != 0).then(|| io::Error::from_raw_os_error(code))
}

/// False if the interface that the socket was bound to has been removed.
pub(crate) fn is_bound(socket: BorrowedFd<'_>) -> bool {
    // SAFETY: all zeros is a valid sockaddr_ll.
    let mut address: libc::sockaddr_ll = unsafe { std::mem::zeroed() };
    let mut len = size_of::<libc::sockaddr_ll>() as libc::socklen_t;
    // SAFETY: the pointers are to `len` writable bytes and to that length, which live over the call.
    let result =
        unsafe { libc::getsockname(socket.as_raw_fd(), ptr::from_mut(&mut address).cast(), &raw mut len) };
    result < 0 || address.sll_ifindex > 0
}

fn socket() -> io::Result<OwnedFd> {
    // SAFETY: takes only integers.
    let fd = check(unsafe {
        libc::socket(libc::AF_PACKET, libc::SOCK_RAW | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK, 0)
    })?;
    // SAFETY: the descriptor is fresh, and nobody else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Sets an option to a number.
fn set(
    socket: BorrowedFd<'_>,
    level: libc::c_int,
    option: libc::c_int,
    value: libc::c_int,
) -> io::Result<()> {
    let len = size_of::<libc::c_int>() as libc::socklen_t;
    // SAFETY: the pointer is to `len` readable bytes that live over the call.
    check(unsafe { libc::setsockopt(socket.as_raw_fd(), level, option, ptr::from_ref(&value).cast(), len) })?;
    Ok(())
}

/// Sets a buffer's size beyond the system's limit if we may, else up to the limit.
fn buffer(
    socket: BorrowedFd<'_>,
    force: libc::c_int,
    plain: libc::c_int,
    bytes: libc::c_int,
) -> io::Result<()> {
    set(socket, libc::SOL_SOCKET, force, bytes).or_else(|_| set(socket, libc::SOL_SOCKET, plain, bytes))
}

fn bind(socket: BorrowedFd<'_>, ifindex: u32, protocol: u16) -> io::Result<()> {
    // SAFETY: all zeros is a valid sockaddr_ll.
    let mut address: libc::sockaddr_ll = unsafe { std::mem::zeroed() };
    address.sll_family = libc::AF_PACKET as u16;
    address.sll_protocol = protocol.to_be();
    address.sll_ifindex = ifindex as i32;
    let len = size_of::<libc::sockaddr_ll>() as libc::socklen_t;
    // SAFETY: the pointer is to `len` readable bytes that live over the call.
    check(unsafe { libc::bind(socket.as_raw_fd(), ptr::from_ref(&address).cast(), len) })?;
    Ok(())
}

fn promiscuous(socket: BorrowedFd<'_>, ifindex: u32) -> io::Result<()> {
    let request = libc::packet_mreq {
        mr_ifindex: ifindex as i32,
        mr_type: libc::PACKET_MR_PROMISC as u16,
        mr_alen: 0,
        mr_address: [0; 8],
    };
    let len = size_of::<libc::packet_mreq>() as libc::socklen_t;
    // SAFETY: the pointer is to `len` readable bytes that live over the call.
    check(unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_PACKET,
            libc::PACKET_ADD_MEMBERSHIP,
            ptr::from_ref(&request).cast(),
            len,
        )
    })?;
    Ok(())
}
