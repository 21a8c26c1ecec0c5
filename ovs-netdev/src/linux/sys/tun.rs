//! TAP devices: making them (the kernel's Documentation/networking/tuntap).

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use rustix::fs::{Mode, OFlags};

use super::{check, interface_name};

/// Opens or makes the TAP device `name`, with vnet headers, for reading and writing without waiting. It exists as
/// long as the descriptor, unless somebody made it persistent before. With `many`, each further call gives one more
/// queue.
pub(crate) fn open(name: &str, many: bool) -> io::Result<OwnedFd> {
    let flags = OFlags::RDWR | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let fd = rustix::fs::open("/dev/net/tun", flags, Mode::empty())?;
    let queues = if many { libc::IFF_MULTI_QUEUE } else { 0 };
    let features = libc::IFF_TAP | libc::IFF_NO_PI | libc::IFF_VNET_HDR | queues;
    let mut request = libc::ifreq {
        ifr_name: interface_name(name),
        ifr_ifru: libc::__c_anonymous_ifr_ifru { ifru_flags: features as libc::c_short },
    };
    // SAFETY: TUNSETIFF reads and writes one ifreq, which lives over the call.
    check(unsafe { libc::ioctl(fd.as_raw_fd(), libc::TUNSETIFF as _, &raw mut request) })?;
    Ok(fd)
}

/// Tells the device that we take packets with partial checksums and super-packets of TCP, and of UDP where the
/// kernel knows that.
pub(crate) fn take_offloads(fd: &OwnedFd) -> io::Result<()> {
    let tcp = libc::TUN_F_CSUM | libc::TUN_F_TSO4 | libc::TUN_F_TSO6 | libc::TUN_F_TSO_ECN;
    let udp = libc::TUN_F_USO4 | libc::TUN_F_USO6;
    set_offloads(fd.as_fd(), tcp | udp).or_else(|_| set_offloads(fd.as_fd(), tcp))
}

fn set_offloads(fd: BorrowedFd<'_>, flags: libc::c_uint) -> io::Result<()> {
    // SAFETY: TUNSETOFFLOAD takes a number, no pointer.
    check(unsafe { libc::ioctl(fd.as_raw_fd(), libc::TUNSETOFFLOAD as _, libc::c_ulong::from(flags)) })?;
    Ok(())
}
