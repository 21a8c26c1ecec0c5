//! bpf(2): a map of AF_XDP sockets, a program, and its link to a device (the kernel's Documentation/bpf).

use std::io;
use std::mem::size_of;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use super::check;

const MAP_CREATE: libc::c_int = 0;
const MAP_UPDATE_ELEM: libc::c_int = 2;
const MAP_DELETE_ELEM: libc::c_int = 3;
const PROG_LOAD: libc::c_int = 5;
const LINK_CREATE: libc::c_int = 28;

const MAP_TYPE_XSKMAP: u32 = 17;
const PROG_TYPE_XDP: u32 = 6;
const ATTACH_XDP: u32 = 37;

/// Bytes of the longest message of the verifier that is kept.
const LOG_LEN: usize = 4096;

/// One instruction: code, registers (destination in the lower half), offset, immediate.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Instruction {
    pub code: u8,
    pub registers: u8,
    pub offset: i16,
    pub immediate: i32,
}

const _: () = assert!(size_of::<Instruction>() == 8);

/// The beginning of `union bpf_attr`, as much of it as any command here reads. Every field is a number; addresses
/// are told apart from them only by the command.
#[repr(C, align(8))]
struct Attributes([u8; 72]);

impl Attributes {
    fn new() -> Self {
        Self([0; 72])
    }

    fn u32(mut self, at: usize, value: u32) -> Self {
        self.0[at..at + 4].copy_from_slice(&value.to_ne_bytes());
        self
    }

    fn fd(self, at: usize, fd: BorrowedFd<'_>) -> Self {
        self.u32(at, fd.as_raw_fd() as u32)
    }

    fn address<T>(mut self, at: usize, of: *const T) -> Self {
        self.0[at..at + 8].copy_from_slice(&(of.expose_provenance() as u64).to_ne_bytes());
        self
    }

    /// A command without a result.
    ///
    /// # Safety
    ///
    /// All addresses among the attributes point at memory of the lengths that the command reads or writes, and live
    /// over the call.
    unsafe fn call(&self, command: libc::c_int) -> io::Result<libc::c_int> {
        // SAFETY: the attributes are as many readable bytes as are stated; the rest is the caller's promise.
        let result = unsafe { libc::syscall(libc::SYS_bpf, command, self.0.as_ptr(), self.0.len()) };
        check(result as libc::c_int)
    }

    /// A command that gives a descriptor.
    ///
    /// # Safety
    ///
    /// As for [`Self::call`]; the command is one that returns a new descriptor.
    unsafe fn open(&self, command: libc::c_int) -> io::Result<OwnedFd> {
        // SAFETY: the caller's promise.
        let fd = unsafe { self.call(command) }?;
        // SAFETY: fresh, and nobody else knows it.
        Ok(unsafe { OwnedFd::from_raw_fd(fd) })
    }
}

/// A map from queue number to AF_XDP socket, for queues below `queues`.
pub(crate) fn socket_map(queues: u32) -> io::Result<OwnedFd> {
    let size = size_of::<u32>() as u32;
    let attributes = Attributes::new().u32(0, MAP_TYPE_XSKMAP).u32(4, size).u32(8, size).u32(12, queues);
    // SAFETY: there is no address among them, and the command makes a map.
    unsafe { attributes.open(MAP_CREATE) }
}

/// Puts a socket into the map. It leaves the map by itself when it is closed.
pub(crate) fn set_socket(map: BorrowedFd<'_>, queue: u32, socket: BorrowedFd<'_>) -> io::Result<()> {
    let value = socket.as_raw_fd() as u32;
    let attributes = Attributes::new().fd(0, map).address(8, &raw const queue).address(16, &raw const value);
    // SAFETY: key and value are four bytes each, as the map was made, and live over the call.
    unsafe { attributes.call(MAP_UPDATE_ELEM) }.map(drop)
}

/// Takes a socket from the map: nothing more is redirected to it.
pub(crate) fn clear_socket(map: BorrowedFd<'_>, queue: u32) -> io::Result<()> {
    let attributes = Attributes::new().fd(0, map).address(8, &raw const queue);
    // SAFETY: the key is four bytes, as the map was made, and lives over the call.
    unsafe { attributes.call(MAP_DELETE_ELEM) }.map(drop)
}

/// Loads an XDP program. If the kernel's verifier refuses it, the error has its words.
pub(crate) fn load(program: &[Instruction]) -> io::Result<OwnedFd> {
    let license = c"Dual MIT/GPL";
    let attributes = Attributes::new()
        .u32(0, PROG_TYPE_XDP)
        .u32(4, program.len() as u32)
        .address(8, program.as_ptr())
        .address(16, license.as_ptr());
    // SAFETY: so many instructions are there, and the licence ends with a zero byte; both live over the call.
    let first = unsafe { attributes.open(PROG_LOAD) };
    let Err(error) = first else { return first };
    if error.raw_os_error() != Some(libc::EACCES) && error.raw_os_error() != Some(libc::EINVAL) {
        return Err(error);
    }
    let mut log = vec![0_u8; LOG_LEN];
    let attributes = attributes.u32(24, 1).u32(28, LOG_LEN as u32).address(32, log.as_mut_ptr());
    // SAFETY: as above, and the log is as long as is stated.
    let again = unsafe { attributes.open(PROG_LOAD) };
    again.map_err(|error| {
        let end = log.iter().position(|byte| *byte == 0).unwrap_or(0);
        let text = String::from_utf8_lossy(&log[..end]);
        io::Error::new(error.kind(), format!("{error}: {}", text.trim_end()))
    })
}

/// Where in the kernel a program runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Attach {
    /// In the device's driver.
    Driver,
    /// In the network stack, whatever the driver.
    Generic,
}

/// Attaches an XDP program to a device until the descriptor is closed.
pub(crate) fn attach(program: BorrowedFd<'_>, ifindex: u32, place: Attach) -> io::Result<OwnedFd> {
    let flags = match place {
        Attach::Generic => 1 << 1,
        Attach::Driver => 1 << 2,
    };
    let attributes = Attributes::new().fd(0, program).u32(4, ifindex).u32(8, ATTACH_XDP).u32(12, flags);
    // SAFETY: there is no address among them, and the command makes a link.
    unsafe { attributes.open(LINK_CREATE) }
}
