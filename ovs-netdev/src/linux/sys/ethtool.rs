//! What drivers say of themselves (the kernel's ethtool interface).

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

use super::{check, interface_name};

const SIOCETHTOOL: libc::c_ulong = 0x8946;
const GET_SETTINGS: u32 = 0x01;
const GET_DRIVER: u32 = 0x03;

/// `struct ethtool_drvinfo`: command, then five names of 32 bytes, then numbers.
const DRIVER_LEN: usize = 196;
/// `struct ethtool_cmd`.
const SETTINGS_LEN: usize = 44;

/// Driver name, driver version and firmware version.
pub(crate) fn driver(socket: BorrowedFd<'_>, name: &str) -> io::Result<[String; 3]> {
    let mut buffer = [0; DRIVER_LEN];
    request(socket, name, GET_DRIVER, &mut buffer)?;
    Ok([4, 36, 68].map(|at| {
        let text = &buffer[at..at + 32];
        let len = text.iter().position(|byte| *byte == 0).unwrap_or(text.len());
        String::from_utf8_lossy(&text[..len]).into_owned()
    }))
}

/// Speed in Mbit/s (None if unknown) and whether duplex is full (None if unknown).
pub(crate) fn settings(socket: BorrowedFd<'_>, name: &str) -> io::Result<(Option<u32>, Option<bool>)> {
    let mut buffer = [0; SETTINGS_LEN];
    request(socket, name, GET_SETTINGS, &mut buffer)?;
    let half = |at: usize| u32::from(u16::from_ne_bytes([buffer[at], buffer[at + 1]]));
    let speed = half(28) << 16 | half(12);
    let speed = (speed != 0 && speed != u32::MAX && speed != 0xffff).then_some(speed);
    let duplex = match buffer[14] {
        0 => Some(false),
        1 => Some(true),
        _ => None,
    };
    Ok((speed, duplex))
}

/// One request. `buffer` is at least as long as the struct of `command`, of which there are the two above.
fn request<const N: usize>(
    socket: BorrowedFd<'_>,
    name: &str,
    command: u32,
    buffer: &mut [u8; N],
) -> io::Result<()> {
    const { assert!(N >= SETTINGS_LEN) };
    assert!(command == GET_SETTINGS || N >= DRIVER_LEN, "each request has its struct");
    buffer[..4].copy_from_slice(&command.to_ne_bytes());
    let mut request = libc::ifreq {
        ifr_name: interface_name(name),
        ifr_ifru: libc::__c_anonymous_ifr_ifru { ifru_data: buffer.as_mut_ptr().cast() },
    };
    // SAFETY: the ioctl reads the ifreq and, for these commands, reads and writes a struct no longer than the buffer
    // (asserted above) behind its pointer; both live over the call.
    check(unsafe { libc::ioctl(socket.as_raw_fd(), SIOCETHTOOL as _, &raw mut request) })?;
    Ok(())
}
