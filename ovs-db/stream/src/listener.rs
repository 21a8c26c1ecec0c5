//! A socket that listens and accepts without blocking.

use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{FileType, Mode, fchmod, lstat, unlink};
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, SocketAddrAny, SocketFlags, SocketType, acceptfrom_with, bind, connect, getsockname,
    listen, socket_with, sockopt,
};

use crate::address::PassiveAddress;
use crate::error::{ListenError, OsError};
use crate::stream::{Stream, StreamConfig};
use crate::unix;
use crate::wait::{Interest, Wait, is_due};

/// A listening socket over TCP, TLS or a Unix socket.
///
/// The file of a `punix:` listener is made readable and writable for owner and group, less the process's umask. A
/// file left behind by a process that has gone is replaced; one that someone listens on is not. The own file is
/// removed when the listener is dropped.
#[derive(Debug)]
pub struct Listener {
    fd: OwnedFd,
    address: PassiveAddress,
    file: Option<OwnFile>,
    config: StreamConfig,
    accepted: u64,
}

/// The socket file that a listener made, recognised by its inode so that a successor's is not removed.
#[derive(Debug)]
struct OwnFile {
    path: PathBuf,
    inode: (u64, u64),
}

impl Listener {
    /// Starts to listen.
    pub fn bind(address: &PassiveAddress, config: &StreamConfig) -> Result<Listener, ListenError> {
        match address {
            #[cfg(not(feature = "tls"))]
            PassiveAddress::Ssl(_) => Err(ListenError::TlsNotBuiltIn),
            #[cfg(feature = "tls")]
            PassiveAddress::Ssl(at) => {
                config.tls.as_ref().ok_or(ListenError::TlsNotConfigured)?.check()?;
                let mut listener = Self::bind_tcp(*at, config)
                    .map_err(|e| ListenError::Bind { address: address.to_string(), error: e.into() })?;
                if let PassiveAddress::Tcp(at) = listener.address {
                    listener.address = PassiveAddress::Ssl(at);
                }
                Ok(listener)
            }
            PassiveAddress::Tcp(at) => Self::bind_tcp(*at, config)
                .map_err(|e| ListenError::Bind { address: address.to_string(), error: e.into() }),
            PassiveAddress::Unix(path) => {
                Self::bind_unix(address, &unix::resolve(path, config.rundir.as_deref()), config)
            }
        }
    }

    fn bind_tcp(at: SocketAddr, config: &StreamConfig) -> Result<Listener, Errno> {
        let family = if at.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
        let fd = socket_with(family, SocketType::STREAM, SocketFlags::NONBLOCK | SocketFlags::CLOEXEC, None)?;
        sockopt::set_socket_reuseaddr(&fd, true)?;
        bind(&fd, &at)?;
        listen(&fd, config.backlog)?;
        let at = SocketAddr::try_from(getsockname(&fd)?).unwrap_or(at);
        let address = PassiveAddress::Tcp(at);
        Ok(Listener { fd, address, file: None, config: config.clone(), accepted: 0 })
    }

    fn bind_unix(
        address: &PassiveAddress,
        path: &Path,
        config: &StreamConfig,
    ) -> Result<Listener, ListenError> {
        let failed =
            |e: Errno| ListenError::Bind { address: path.display().to_string(), error: OsError::from(e) };
        remove_stale(path)?;
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let fd = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None).map_err(failed)?;
        let at = unix::address(path).map_err(failed)?;
        // On Linux the file that bind makes takes the socket's own mode, so it is never open wider than this.
        fchmod(&fd, Mode::from_raw_mode(0o770)).map_err(failed)?;
        bind(&fd, &at.addr).map_err(failed)?;
        let file = lstat(path).map(|s| OwnFile { path: path.to_path_buf(), inode: (s.st_dev, s.st_ino) });
        listen(&fd, config.backlog).map_err(failed)?;
        Ok(Listener { fd, address: address.clone(), file: file.ok(), config: config.clone(), accepted: 0 })
    }

    /// What it listens on; a port that the system chose is filled in.
    pub fn address(&self) -> &PassiveAddress {
        &self.address
    }

    /// Accepts one connection; `Ok(None)`: none is waiting. Streams over TCP and TLS are named `tcp:HOST:PORT` and
    /// `ssl:HOST:PORT` after their peer; those over a Unix socket `unix#N`, counting from 0.
    ///
    /// A connection that ended before it was accepted is skipped. [`ListenError::Accept`] concerns this process
    /// (no descriptors left, for example); the listener stays usable.
    pub fn accept(&mut self) -> Result<Option<Stream>, ListenError> {
        // The system makes a socket before it sees that nobody waits for one: asking first is cheaper by far.
        if is_due(&[self.wait()], Duration::ZERO).is_ok_and(|due| !due) {
            return Ok(None);
        }
        loop {
            match acceptfrom_with(&self.fd, SocketFlags::NONBLOCK | SocketFlags::CLOEXEC) {
                Ok((fd, from)) => {
                    let name = self.name_of(from);
                    if !matches!(self.address, PassiveAddress::Unix(_)) {
                        sockopt::set_tcp_nodelay(&fd, true).map_err(|e| ListenError::Accept(e.into()))?;
                    }
                    #[cfg(feature = "tls")]
                    if let (PassiveAddress::Ssl(_), Some(tls)) = (&self.address, &self.config.tls) {
                        let stream = Stream::secure_server(fd, name, &self.config, tls);
                        return Ok(Some(stream?));
                    }
                    return Ok(Some(Stream::from_socket(fd, name, &self.config)));
                }
                Err(Errno::AGAIN) => return Ok(None),
                Err(Errno::INTR | Errno::CONNABORTED) => {}
                Err(e) => return Err(ListenError::Accept(e.into())),
            }
        }
    }

    fn name_of(&mut self, from: Option<SocketAddrAny>) -> String {
        if let Some(peer) = from.and_then(|a| SocketAddr::try_from(a).ok()) {
            let method = if matches!(self.address, PassiveAddress::Ssl(_)) { "ssl" } else { "tcp" };
            return format!("{method}:{peer}");
        }
        self.accepted += 1;
        format!("unix#{}", self.accepted - 1)
    }

    /// What to sleep on until a connection can be accepted.
    pub fn wait(&self) -> Wait<'_> {
        Wait::Fd(self.fd.as_fd(), Interest::Read)
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Some(own) = &self.file
            && lstat(&own.path).is_ok_and(|s| (s.st_dev, s.st_ino) == own.inode)
        {
            // The file may have gone in between, and nobody could be told of another failure.
            let _ = unlink(&own.path);
        }
    }
}

/// Removes the socket file of a process that has gone.
fn remove_stale(path: &Path) -> Result<(), ListenError> {
    let failed = |e: Errno| ListenError::Bind { address: path.display().to_string(), error: e.into() };
    match lstat(path) {
        // Whatever hinders here, binding will meet it too and name it.
        Err(_) => return Ok(()),
        Ok(stat) if FileType::from_raw_mode(stat.st_mode) != FileType::Socket => {
            return Err(ListenError::NotASocket(path.to_path_buf()));
        }
        Ok(_) => {}
    }
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let probe = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None).map_err(failed)?;
    match connect(&probe, &unix::address(path).map_err(failed)?.addr) {
        Ok(()) | Err(Errno::AGAIN) => Err(ListenError::InUse(path.to_path_buf())),
        Err(_) => unlink(path).or_else(|e| if e == Errno::NOENT { Ok(()) } else { Err(failed(e)) }),
    }
}
