//! A connected (or connecting) stream of bytes that never blocks.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;

use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, connect, recv, send, socket_with, sockopt,
};

use crate::address::Address;
use crate::buffer::Buffer;
use crate::error::StreamError;
#[cfg(feature = "tls")]
use crate::tls::{Session, Tls, TlsError};
use crate::unix;
use crate::wait::{Interest, Wait};

/// How streams and listeners are made.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StreamConfig {
    /// Where relative file names of Unix sockets lie; `None` leaves them to the working directory.
    pub rundir: Option<PathBuf>,
    /// How many bytes may wait to be sent before [`Stream::send`] refuses.
    pub send_limit: usize,
    /// How many connections a listener lets wait to be accepted.
    pub backlog: i32,
    /// The keys for `ssl:` and `pssl:`; without them such addresses are refused.
    #[cfg(feature = "tls")]
    pub tls: Option<Tls>,
}

impl Default for StreamConfig {
    fn default() -> Self {
        StreamConfig {
            rundir: None,
            send_limit: 64 << 20,
            backlog: 64,
            #[cfg(feature = "tls")]
            tls: None,
        }
    }
}

impl StreamConfig {
    /// Sets where relative file names lie.
    pub fn rundir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.rundir = Some(dir.into());
        self
    }

    /// Sets how many bytes may wait to be sent.
    pub fn send_limit(mut self, bytes: usize) -> Self {
        self.send_limit = bytes;
        self
    }

    /// Sets the keys for `ssl:` and `pssl:`.
    #[cfg(feature = "tls")]
    pub fn tls(mut self, tls: Tls) -> Self {
        self.tls = Some(tls);
        self
    }
}

/// A non-blocking stream over TCP, TLS or a Unix socket, with a bounded queue of bytes to send.
///
/// Call [`poll_connect`](Self::poll_connect) until it says `true`, then [`receive`](Self::receive),
/// [`send`](Self::send) and [`flush`](Self::flush) as you like; between rounds, sleep on [`wait`](Self::wait).
/// After an error other than [`StreamError::Full`] the stream is useless and should be dropped.
#[derive(Debug)]
pub struct Stream {
    fd: OwnedFd,
    name: String,
    connected: bool,
    tx: Buffer,
    #[cfg(feature = "tls")]
    tls: Option<Box<Session>>,
}

const _: () = {
    const fn send<T: Send + Sync>() {}
    send::<Stream>();
};

impl Stream {
    /// Begins to connect. A connection over a Unix socket is made (or refused) at once.
    pub fn connect(address: &Address, config: &StreamConfig) -> Result<Stream, StreamError> {
        let failed = |e: Errno| StreamError::Connect(e.into());
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let (fd, result) = match address {
            #[cfg(not(feature = "tls"))]
            Address::Ssl(_) => return Err(StreamError::TlsNotBuiltIn),
            #[cfg(feature = "tls")]
            Address::Ssl(_) if config.tls.is_none() => return Err(StreamError::TlsNotConfigured),
            #[cfg_attr(not(feature = "tls"), expect(unreachable_patterns, reason = "refused above"))]
            Address::Tcp(to) | Address::Ssl(to) => {
                let family = if to.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
                let fd = socket_with(family, SocketType::STREAM, flags, None).map_err(failed)?;
                sockopt::set_tcp_nodelay(&fd, true).map_err(failed)?;
                let result = connect(&fd, to);
                (fd, result)
            }
            Address::Unix(path) => {
                let fd = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None).map_err(failed)?;
                let to = unix::address(&unix::resolve(path, config.rundir.as_deref())).map_err(failed)?;
                let result = connect(&fd, &to.addr);
                (fd, result)
            }
        };
        let connected = match result {
            Ok(()) => true,
            Err(Errno::INPROGRESS | Errno::INTR) => false,
            Err(e) => return Err(failed(e)),
        };
        Ok(Stream {
            fd,
            name: address.to_string(),
            connected,
            tx: Buffer::new(config.send_limit),
            #[cfg(feature = "tls")]
            tls: match (address, &config.tls) {
                (Address::Ssl(to), Some(tls)) => Some(Box::new(Session::client(tls, to.ip())?)),
                _ => None,
            },
        })
    }

    /// Takes over a connected socket, which must be non-blocking. `name` is for [`name`](Self::name) only.
    pub fn from_socket(fd: OwnedFd, name: impl Into<String>, config: &StreamConfig) -> Stream {
        Stream {
            fd,
            name: name.into(),
            connected: true,
            tx: Buffer::new(config.send_limit),
            #[cfg(feature = "tls")]
            tls: None,
        }
    }

    /// As [`from_socket`](Self::from_socket), for the passive side of a TLS connection. The handshake goes on in
    /// [`poll_connect`](Self::poll_connect), [`read`](Self::read) and [`flush`](Self::flush).
    #[cfg(feature = "tls")]
    pub(crate) fn secure_server(
        fd: OwnedFd,
        name: String,
        config: &StreamConfig,
        tls: &Tls,
    ) -> Result<Stream, TlsError> {
        let mut stream = Stream::from_socket(fd, name, config);
        stream.tls = Some(Box::new(Session::server(tls)?));
        Ok(stream)
    }

    /// What the stream was connected to, or where its peer connected from.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The common name in the certificate with which the peer authenticated itself; `None` also if that is not just
    /// text of at most 256 bytes, so that no two names are taken for one.
    pub fn peer_name(&self) -> Option<String> {
        #[cfg(feature = "tls")]
        if let Some(tls) = &self.tls {
            return tls.peer_name();
        }
        None
    }

    /// Whether the connection stands, as far as is known without asking the system: over TLS, the handshake is done.
    pub fn is_ready(&self) -> bool {
        #[cfg(feature = "tls")]
        if let Some(tls) = &self.tls {
            return self.connected && tls.is_secured();
        }
        self.connected
    }

    /// Whether bytes may be at hand that no readiness of the descriptor will announce: a record of TLS was decrypted
    /// and not read to its end. Read before sleeping.
    pub fn is_buffered(&self) -> bool {
        #[cfg(feature = "tls")]
        if let Some(tls) = &self.tls {
            return tls.is_buffered();
        }
        false
    }

    /// Whether the connection stands; `false` while it is being made.
    pub fn poll_connect(&mut self) -> Result<bool, StreamError> {
        if !self.connected && !self.poll_socket()? {
            return Ok(false);
        }
        #[cfg(feature = "tls")]
        if let Some(tls) = &mut self.tls {
            return tls.handshake(self.fd.as_fd());
        }
        Ok(true)
    }

    /// Whether the socket is connected.
    fn poll_socket(&mut self) -> Result<bool, StreamError> {
        if let Err(e) | Ok(Err(e)) = sockopt::socket_error(&self.fd) {
            return Err(StreamError::Connect(e.into()));
        }
        // A socket that is neither in error nor connected has no peer yet.
        match rustix::net::getpeername(&self.fd) {
            Ok(_) => {
                self.connected = true;
                Ok(true)
            }
            Err(Errno::NOTCONN | Errno::INVAL) => Ok(false),
            Err(e) => Err(StreamError::Connect(e.into())),
        }
    }

    /// Reads once into `buf`. `Ok(None)`: nothing is there now. The peer's end is [`StreamError::Closed`].
    pub fn read(&mut self, buf: &mut [u8]) -> Result<Option<usize>, StreamError> {
        if buf.is_empty() {
            return Ok(None);
        }
        #[cfg(feature = "tls")]
        if let Some(tls) = &mut self.tls {
            return tls.read(self.fd.as_fd(), buf);
        }
        match recv(&self.fd, buf, RecvFlags::empty()) {
            Ok((0, _)) => Err(StreamError::Closed),
            Ok((n, _)) => Ok(Some(n)),
            Err(Errno::AGAIN | Errno::INTR) => Ok(None),
            Err(e) => Err(StreamError::Read(e.into())),
        }
    }

    /// Reads at most `budget` bytes into `into` and gives how many came. A full buffer is
    /// [`StreamError::Full`]: the peer sent more than its owner will hold.
    pub fn receive(&mut self, into: &mut Buffer, budget: usize) -> Result<usize, StreamError> {
        let mut chunk = [0u8; 16 * 1024];
        let mut total = 0;
        while total < budget {
            let want = chunk.len().min(budget - total);
            match self.read(&mut chunk[..want]) {
                Ok(Some(n)) => {
                    into.push(&chunk[..n])?;
                    total += n;
                    if n < want {
                        break;
                    }
                }
                Ok(None) => break,
                // What came before the end is to be seen first; the end will be there again.
                Err(_) if total > 0 => break,
                Err(e) => return Err(e),
            }
        }
        Ok(total)
    }

    /// Queues all of `bytes` and sends what the system takes at once. If they do not fit under the limit, nothing
    /// is queued and the answer is [`StreamError::Full`].
    pub fn send(&mut self, bytes: &[u8]) -> Result<(), StreamError> {
        if self.tx.room() < bytes.len() {
            self.flush()?;
        }
        self.tx.push(bytes)?;
        self.flush()?;
        Ok(())
    }

    /// Hands over as much of `bytes` as is taken at once, behind what is queued, and gives how much that was. For
    /// owners that keep the rest themselves: over a plain socket nothing is copied on the way to the system.
    pub fn write(&mut self, bytes: &[u8]) -> Result<usize, StreamError> {
        if !self.connected || !self.flush()? || bytes.is_empty() {
            return Ok(0);
        }
        #[cfg(feature = "tls")]
        if self.tls.is_some() {
            let taken = bytes.len().min(self.tx.room());
            self.tx.push(&bytes[..taken])?;
            self.flush()?;
            return Ok(taken);
        }
        match send(&self.fd, bytes, SendFlags::NOSIGNAL) {
            Ok(n) => Ok(n),
            Err(Errno::AGAIN | Errno::INTR) => Ok(0),
            Err(e) => Err(StreamError::Write(e.into())),
        }
    }

    /// Sends queued bytes; `true` once none is left.
    pub fn flush(&mut self) -> Result<bool, StreamError> {
        if !self.connected {
            return Ok(self.tx.is_empty());
        }
        #[cfg(feature = "tls")]
        if let Some(tls) = &mut self.tls {
            return tls.write(self.fd.as_fd(), &mut self.tx);
        }
        while !self.tx.is_empty() {
            match send(&self.fd, self.tx.data(), SendFlags::NOSIGNAL) {
                Ok(n) => self.tx.consume(n),
                Err(Errno::AGAIN | Errno::INTR) => return Ok(false),
                Err(e) => return Err(StreamError::Write(e.into())),
            }
        }
        Ok(true)
    }

    /// How many bytes wait to be sent, before encryption; at least one while encrypted ones wait.
    pub fn queued(&self) -> usize {
        #[cfg(feature = "tls")]
        if self.tx.is_empty() && self.tls.as_ref().is_some_and(|tls| tls.wants_write()) {
            return 1;
        }
        self.tx.len()
    }

    /// Which readiness of the descriptor to sleep on: for the connection; then to write what is queued, and to read
    /// if `reading` says so.
    pub fn interest(&self, reading: bool) -> Option<Interest> {
        if !self.connected {
            return Some(Interest::Write);
        }
        #[cfg(feature = "tls")]
        if let Some(tls) = self.tls.as_ref().filter(|tls| !tls.is_secured()) {
            // Until the handshake is done, both depend on what the peer says.
            return Some(if tls.wants_write() { Interest::Both } else { Interest::Read });
        }
        match (reading, self.queued() == 0) {
            (true, true) => Some(Interest::Read),
            (true, false) => Some(Interest::Both),
            (false, false) => Some(Interest::Write),
            (false, true) => None,
        }
    }

    /// What to sleep on: for the connection; then to write what is queued, and to read if `reading` says so.
    pub fn wait(&self, reading: bool) -> Wait<'_> {
        if reading && self.is_buffered() {
            return Wait::Ready;
        }
        self.interest(reading).map_or(Wait::Never, |interest| Wait::Fd(self.fd.as_fd(), interest))
    }
}

#[cfg(feature = "tls")]
impl Drop for Stream {
    fn drop(&mut self) {
        if let Some(tls) = &mut self.tls {
            tls.close(self.fd.as_fd());
        }
    }
}

impl AsFd for Stream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}
