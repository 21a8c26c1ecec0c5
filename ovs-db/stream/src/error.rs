//! What can go wrong with a stream or a listener.

use std::fmt;
use std::path::PathBuf;

use rustix::io::Errno;

use crate::buffer::BufferFull;

/// An error number of the operating system, shown as its message alone (`Connection refused`).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct OsError(i32);

impl OsError {
    /// Wraps a raw `errno` value.
    pub const fn from_raw(errno: i32) -> Self {
        OsError(errno)
    }

    /// The raw `errno` value.
    pub const fn raw(self) -> i32 {
        self.0
    }
}

impl From<Errno> for OsError {
    fn from(errno: Errno) -> Self {
        OsError(errno.raw_os_error())
    }
}

impl fmt::Display for OsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = std::io::Error::from_raw_os_error(self.0).to_string();
        f.write_str(text.split(" (os error").next().unwrap_or(&text))
    }
}

impl fmt::Debug for OsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OsError({}: {self})", self.0)
    }
}

impl std::error::Error for OsError {}

/// Why connecting, reading or writing a [`Stream`](crate::Stream) failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StreamError {
    /// An `ssl:` address was to be connected, and the crate was built without the feature `tls`. (Configuration.)
    #[error("TLS support is not built in")]
    TlsNotBuiltIn,
    /// An `ssl:` address was to be connected, and there are no keys for it. (Configuration.)
    #[error("private key, certificate and CA certificate must be configured to use TLS")]
    TlsNotConfigured,
    /// The connection cannot be secured.
    #[cfg(feature = "tls")]
    #[error("{0}")]
    Tls(#[from] crate::tls::TlsError),
    /// The connection could not be made. (Peer.)
    #[error("{0}")]
    Connect(OsError),
    /// Reading failed. (Peer.)
    #[error("{0}")]
    Read(OsError),
    /// Writing failed. (Peer.)
    #[error("{0}")]
    Write(OsError),
    /// The peer closed the connection in an orderly way. (Peer.)
    #[error("connection closed by peer")]
    Closed,
    /// A buffer's limit would be passed: the peer sends a message that is too long, or does not read. (Peer.)
    #[error(transparent)]
    Full(#[from] BufferFull),
}

/// Why a [`Listener`](crate::Listener) could not be made or could not accept.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ListenError {
    /// A `pssl:` address was to be listened on, and the crate was built without the feature `tls`. (Configuration.)
    #[error("TLS support is not built in")]
    TlsNotBuiltIn,
    /// A `pssl:` address was to be listened on, and there are no keys for it. (Configuration.)
    #[error("private key, certificate and CA certificate must be configured to use TLS")]
    TlsNotConfigured,
    /// The keys for a `pssl:` address cannot be used. (Configuration.)
    #[cfg(feature = "tls")]
    #[error("{0}")]
    Tls(#[from] crate::tls::TlsError),
    /// Creating, binding or listening failed. (Configuration.)
    #[error("{address}: binding failed: {error}")]
    Bind {
        /// What was to be listened on, without the `punix:` in front of a file.
        address: String,
        /// What the system said.
        error: OsError,
    },
    /// Something that is not a socket has the file name of a `punix:` address. (Configuration.)
    #[error("{}: exists and is not a socket", .0.display())]
    NotASocket(PathBuf),
    /// Another process listens on the file of a `punix:` address. (Configuration.)
    #[error("{}: another process is listening there", .0.display())]
    InUse(PathBuf),
    /// Accepting failed for a reason that is not the peer's (for example, no more descriptors).
    #[error("accept failed: {0}")]
    Accept(OsError),
}
