//! Memory by mmap(2).

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr::{self, NonNull};

/// Memory that is mapped as long as this value lives.
#[derive(Debug)]
pub(crate) struct Mapping {
    base: NonNull<u8>,
    len: usize,
}

// SAFETY: a mapping is plain memory of the process; whoever reads and writes it answers for that.
unsafe impl Send for Mapping {}
// SAFETY: as above.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// `len` zeroed bytes.
    #[cfg(feature = "afxdp")]
    pub fn anonymous(len: usize) -> io::Result<Self> {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        // SAFETY: a fresh mapping at an address of the kernel's choice.
        let base = unsafe { libc::mmap(ptr::null_mut(), len, PROTECTION, flags, -1, 0) };
        Self::of(base, len)
    }

    /// `len` bytes of what the descriptor has at `offset`, all pages at once if `populate`.
    pub fn of_fd(fd: BorrowedFd<'_>, offset: u64, len: usize, populate: bool) -> io::Result<Self> {
        let flags = libc::MAP_SHARED | if populate { libc::MAP_POPULATE } else { 0 };
        // SAFETY: a fresh mapping at an address of the kernel's choice.
        let base = unsafe {
            libc::mmap(ptr::null_mut(), len, PROTECTION, flags, fd.as_raw_fd(), offset as libc::off_t)
        };
        Self::of(base, len)
    }

    fn of(base: *mut libc::c_void, len: usize) -> io::Result<Self> {
        if base == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        match NonNull::new(base.cast()) {
            Some(base) => Ok(Self { base, len }),
            None => Err(io::ErrorKind::OutOfMemory.into()),
        }
    }

    pub fn base(&self) -> NonNull<u8> {
        self.base
    }

    pub fn len(&self) -> usize {
        self.len
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: exactly what was mapped, and nobody has a pointer into it after its owner.
        unsafe { libc::munmap(self.base.as_ptr().cast(), self.len) };
    }
}

const PROTECTION: libc::c_int = libc::PROT_READ | libc::PROT_WRITE;
