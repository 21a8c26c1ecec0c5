//! The system calls that have no safe wrapper elsewhere. All of this crate's unsafe code is here, each function
//! safe to call.

#[cfg(feature = "afxdp")]
pub(crate) mod bpf;
#[cfg(feature = "vhost-user")]
pub(crate) mod bus;
pub(crate) mod ethtool;
#[cfg(any(feature = "afxdp", feature = "vhost-user"))]
pub(crate) mod mapping;
pub(crate) mod mmsg;
pub(crate) mod packet;
#[cfg(feature = "afxdp")]
pub(crate) mod ring;
pub(crate) mod tun;
#[cfg(feature = "afxdp")]
pub(crate) mod xsk;

use std::io;

/// The result of a system call that returns −1 on failure.
fn check(result: libc::c_int) -> io::Result<libc::c_int> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

/// An interface name as the kernel's `ifreq` has it: zero-padded, cut to 15 bytes.
fn interface_name(name: &str) -> [libc::c_char; libc::IFNAMSIZ] {
    let mut out = [0; libc::IFNAMSIZ];
    for (to, from) in out.iter_mut().take(libc::IFNAMSIZ - 1).zip(name.bytes()) {
        *to = from as libc::c_char;
    }
    out
}
