//! One secure connection over a socket.

use std::io::{Error as IoError, ErrorKind, Read, Write};
use std::net::IpAddr;
use std::os::fd::BorrowedFd;
use std::sync::Arc;

use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, recv, send};
use rustls::client::Resumption;
use rustls::pki_types::ServerName;
use rustls::server::NoServerSessionStorage;
use rustls::{ClientConfig, ClientConnection, Connection, Error, ServerConfig, ServerConnection};

use super::certificate::Certificate;
use super::error::TlsError;
use super::files::Trust;
use super::verify::{Verdict, Verifier};
use super::{Loaded, Tls};
use crate::buffer::Buffer;
use crate::error::{OsError, StreamError};

/// How many records are taken from the socket for one read.
const MAX_PULLS: usize = 32;

/// How many bytes are encrypted ahead of what the socket has taken.
const AHEAD: usize = 64 << 10;

/// The TLS side of a stream.
pub(crate) struct Session {
    connection: Connection,
    tls: Tls,
    bootstrapping: bool,
    verdict: Verdict,
    /// The handshake is done.
    secured: bool,
    /// Bytes that were decrypted may be waiting here.
    buffered: bool,
    failed: bool,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").field("secured", &self.secured).finish_non_exhaustive()
    }
}

impl Session {
    /// The side that connects.
    pub(crate) fn client(tls: &Tls, peer: IpAddr) -> Result<Session, TlsError> {
        let (loaded, verifier, verdict) = prepare(tls)?;
        let mut config = ClientConfig::builder_with_provider(Arc::clone(&loaded.provider))
            .with_safe_default_protocol_versions()
            .map_err(|_| TlsError::NoSuites)?
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_client_cert_resolver(loaded.material.identity.clone());
        // A peer is verified each time, by the files as they are.
        config.resumption = Resumption::disabled();
        let name = ServerName::IpAddress(peer.into());
        let connection = ClientConnection::new(Arc::new(config), name).map_err(|_| TlsError::Protocol)?;
        Ok(Session::new(tls, &loaded, verdict, connection.into()))
    }

    /// The side that is connected to.
    pub(crate) fn server(tls: &Tls) -> Result<Session, TlsError> {
        let (loaded, verifier, verdict) = prepare(tls)?;
        let mut config = ServerConfig::builder_with_provider(Arc::clone(&loaded.provider))
            .with_safe_default_protocol_versions()
            .map_err(|_| TlsError::NoSuites)?
            .with_client_cert_verifier(verifier)
            .with_cert_resolver(loaded.material.identity.clone());
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        let connection = ServerConnection::new(Arc::new(config)).map_err(|_| TlsError::Protocol)?;
        Ok(Session::new(tls, &loaded, verdict, connection.into()))
    }

    fn new(tls: &Tls, loaded: &Loaded, verdict: Verdict, mut connection: Connection) -> Session {
        connection.set_buffer_limit(Some(AHEAD));
        Session {
            connection,
            tls: tls.clone(),
            bootstrapping: matches!(loaded.material.trust, Trust::Bootstrap),
            verdict,
            secured: false,
            buffered: false,
            failed: false,
        }
    }

    /// Whether the handshake is done.
    pub(crate) fn is_secured(&self) -> bool {
        self.secured
    }

    /// Whether bytes were decrypted that nobody has read.
    pub(crate) fn is_buffered(&self) -> bool {
        self.buffered
    }

    /// Whether encrypted bytes wait to be sent.
    pub(crate) fn wants_write(&self) -> bool {
        self.connection.wants_write()
    }

    /// The common name of the peer's certificate, if it is just text.
    pub(crate) fn peer_name(&self) -> Option<String> {
        let der = self.connection.peer_certificates()?.first()?;
        Certificate::parse(der).ok()?.identity()
    }

    /// Goes on with the handshake; true once it is done.
    pub(crate) fn handshake(&mut self, fd: BorrowedFd<'_>) -> Result<bool, StreamError> {
        if self.secured {
            return Ok(true);
        }
        for _ in 0..MAX_PULLS {
            self.push(fd)?;
            if !self.connection.is_handshaking() {
                return self.finish();
            }
            if !self.pull(fd)? {
                break;
            }
        }
        self.push(fd)?;
        if self.connection.is_handshaking() { Ok(false) } else { self.finish() }
    }

    fn finish(&mut self) -> Result<bool, StreamError> {
        if self.bootstrapping {
            let chain = self.connection.peer_certificates().unwrap_or_default();
            return Err(self.tls.bootstrap(chain).into());
        }
        self.secured = true;
        self.buffered = true;
        Ok(true)
    }

    /// Reads decrypted bytes; `None` if there are none now.
    pub(crate) fn read(&mut self, fd: BorrowedFd<'_>, buf: &mut [u8]) -> Result<Option<usize>, StreamError> {
        if !self.handshake(fd)? {
            return Ok(None);
        }
        for _ in 0..MAX_PULLS {
            match self.connection.reader().read(buf) {
                Ok(0) => return Err(StreamError::Closed),
                Ok(n) => {
                    self.buffered = n == buf.len();
                    return Ok(Some(n));
                }
                Err(e) if e.kind() == ErrorKind::WouldBlock => self.buffered = false,
                // The peer went without saying so; messages have their own ends.
                Err(_) => return Err(StreamError::Closed),
            }
            if !self.pull(fd)? {
                return Ok(None);
            }
        }
        // A peer that sends records without anything in them has to wait for its next turn.
        Ok(None)
    }

    /// Encrypts and sends from `tx`; true once nothing is left.
    pub(crate) fn write(&mut self, fd: BorrowedFd<'_>, tx: &mut Buffer) -> Result<bool, StreamError> {
        if !self.handshake(fd)? {
            return Ok(tx.is_empty());
        }
        loop {
            self.push(fd)?;
            if self.connection.wants_write() {
                return Ok(false);
            }
            if tx.is_empty() {
                return Ok(true);
            }
            let most = tx.len().min(AHEAD);
            let n =
                self.connection.writer().write(&tx.data()[..most]).map_err(|e| StreamError::Write(os(&e)))?;
            tx.consume(n);
        }
    }

    /// Tells the peer that nothing more will come.
    pub(crate) fn close(&mut self, fd: BorrowedFd<'_>) {
        if self.secured && !self.failed {
            self.connection.send_close_notify();
            // The peer will notice the end of the connection anyway.
            let _ = self.push(fd);
        }
    }

    /// Sends encrypted bytes, as many as the socket takes.
    fn push(&mut self, fd: BorrowedFd<'_>) -> Result<(), StreamError> {
        while self.connection.wants_write() {
            match self.connection.write_tls(&mut Socket(fd)) {
                Ok(_) => {}
                Err(e) if e.kind() == ErrorKind::WouldBlock => break,
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) => {
                    // What the peer said before it went is more telling.
                    self.pull(fd)?;
                    return Err(StreamError::Write(os(&e)));
                }
            }
        }
        Ok(())
    }

    /// Takes encrypted bytes from the socket; false if there are none now, or will be none any more.
    fn pull(&mut self, fd: BorrowedFd<'_>) -> Result<bool, StreamError> {
        match self.connection.read_tls(&mut Socket(fd)) {
            Ok(0) if self.connection.is_handshaking() => return Err(TlsError::Closed.into()),
            Ok(n) => {
                if let Err(error) = self.connection.process_new_packets() {
                    return Err(self.fail(fd, &error));
                }
                if n == 0 {
                    // The reader tells an end from an end without notice.
                    return Ok(true);
                }
            }
            Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => return Ok(false),
            Err(e) if self.connection.is_handshaking() && e.kind() == ErrorKind::ConnectionReset => {
                return Err(TlsError::Closed.into());
            }
            Err(e) => return Err(StreamError::Read(os(&e))),
        }
        Ok(true)
    }

    /// Sorts what the library says, after the peer has been told.
    fn fail(&mut self, fd: BorrowedFd<'_>, error: &Error) -> StreamError {
        self.failed = true;
        while self.connection.wants_write() && self.connection.write_tls(&mut Socket(fd)).is_ok() {}
        match self.verdict.take() {
            Some(refusal) => TlsError::Refused(refusal).into(),
            None => TlsError::from_library(error, self.secured).into(),
        }
    }
}

fn prepare(tls: &Tls) -> Result<(Loaded, Arc<Verifier>, Verdict), TlsError> {
    let loaded = tls.load()?;
    let verdict = Verdict::default();
    let verifier = Verifier {
        material: Arc::clone(&loaded.material),
        algorithms: loaded.provider.signature_verification_algorithms,
        verdict: verdict.clone(),
    };
    Ok((loaded, Arc::new(verifier), verdict))
}

fn os(error: &IoError) -> OsError {
    OsError::from_raw(error.raw_os_error().unwrap_or_else(|| Errno::IO.raw_os_error()))
}

/// A socket, as the library wants it.
struct Socket<'a>(BorrowedFd<'a>);

impl Read for Socket<'_> {
    fn read(&mut self, buf: &mut [u8]) -> Result<usize, IoError> {
        Ok(recv(self.0, buf, RecvFlags::empty())?.0)
    }
}

impl Write for Socket<'_> {
    fn write(&mut self, buf: &[u8]) -> Result<usize, IoError> {
        Ok(send(self.0, buf, SendFlags::NOSIGNAL)?)
    }

    fn flush(&mut self) -> Result<(), IoError> {
        Ok(())
    }
}
