#![forbid(unsafe_code)]
#![doc = include_str!("../README.md")]

mod address;
mod buffer;
mod error;
mod listener;
mod reconnect;
mod stream;
#[cfg(feature = "tls")]
mod tls;
mod unix;
mod wait;

pub use address::{Address, AddressError, PassiveAddress, Remote, Role};
pub use buffer::{Buffer, BufferFull};
pub use error::{ListenError, OsError, StreamError};
pub use listener::Listener;
pub use reconnect::{Action, Backoff, BackoffConfig, Notice, NoticeLevel, Reconnect, ReconnectConfig, State};
pub use stream::{Stream, StreamConfig};
#[cfg(all(fuzzing, feature = "tls"))]
pub use tls::fuzz;
#[cfg(feature = "tls")]
pub use tls::{FileFault, Refusal, Tls, TlsConfig, TlsError, TlsFile, TlsNotice, TlsOptionError};
pub use wait::{Interest, Wait, is_due, sleep};
