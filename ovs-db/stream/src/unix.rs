//! Socket addresses of files, also of those whose names are longer than a socket address holds.

use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags, open};
use rustix::io::Errno;
use rustix::net::SocketAddrUnix;

/// The address of a file, and what must stay open while it is used.
pub(crate) struct UnixAddress {
    pub(crate) addr: SocketAddrUnix,
    _dir: Option<OwnedFd>,
}

/// `path`, in `rundir` if it is relative and there is one.
pub(crate) fn resolve(path: &Path, rundir: Option<&Path>) -> PathBuf {
    match rundir {
        Some(dir) => dir.join(path),
        None => path.to_path_buf(),
    }
}

/// Makes the socket address of `path`. A name beyond the 107 bytes that fit goes through the directory's
/// descriptor in `/proc`.
pub(crate) fn address(path: &Path) -> Result<UnixAddress, Errno> {
    match SocketAddrUnix::new(path) {
        Ok(addr) => Ok(UnixAddress { addr, _dir: None }),
        Err(Errno::NAMETOOLONG) => {
            let (Some(dir), Some(name)) = (path.parent(), path.file_name()) else {
                return Err(Errno::NAMETOOLONG);
            };
            let dir = open(dir, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
            let short = Path::new("/proc/self/fd").join(dir.as_raw_fd().to_string()).join(name);
            Ok(UnixAddress { addr: SocketAddrUnix::new(short)?, _dir: Some(dir) })
        }
        Err(e) => Err(e),
    }
}
