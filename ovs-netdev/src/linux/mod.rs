//! What the Linux backends share: link control over rtnetlink, vnet headers, names, and the system calls.

mod link;
mod rtnl;
pub(crate) mod sys;
pub(crate) mod tc;
pub(crate) mod vnet;

pub(crate) use link::Link;

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::{OpenError, Options};

/// Longest interface name in bytes.
const NAME_MAX: usize = 15;

/// Checks what the system would refuse with less telling words.
pub(crate) fn check_name(name: &str) -> Result<(), OpenError> {
    let reason = if name.is_empty() {
        "empty"
    } else if name.len() > NAME_MAX {
        "longer than 15 bytes"
    } else if name == "." || name == ".." {
        "a directory name"
    } else if name.bytes().any(|b| b == b'/' || b == b':' || b == b'%' || b.is_ascii_whitespace() || b == 0) {
        "contains /, :, %, white space or a zero byte"
    } else {
        return Ok(());
    };
    Err(OpenError::BadName { name: name.to_owned(), reason })
}

/// Names a system error on opening `name`.
pub(crate) fn open_error(name: &str, source: io::Error) -> OpenError {
    let name = name.to_owned();
    match source.raw_os_error() {
        Some(libc::ENODEV | libc::ENXIO) => OpenError::NoDevice { name },
        Some(libc::EPERM | libc::EACCES) => OpenError::NotPermitted { name },
        Some(libc::EBUSY | libc::EEXIST) => OpenError::InUse { name },
        _ => OpenError::System { name, source },
    }
}

/// Receive queues that a device of the system can have here.
const QUEUES_MAX: usize = 64;

/// The number of receive queues that `n_rxq` asks for; 1 if it is not there.
pub(crate) fn queues(name: &str, options: &Options) -> Result<usize, OpenError> {
    let Some(text) = options.get("n_rxq") else { return Ok(1) };
    text.parse().ok().filter(|count| (1..=QUEUES_MAX).contains(count)).ok_or_else(|| OpenError::BadOption {
        name: name.to_owned(),
        option: "n_rxq".to_owned(),
        reason: format!("{text} is not a number from 1 to {QUEUES_MAX}"),
    })
}

/// A switch among the options; off if it is not there.
pub(crate) fn is_on(name: &str, options: &Options, option: &str) -> Result<bool, OpenError> {
    match options.get(option).map(String::as_str) {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(text) => Err(OpenError::BadOption {
            name: name.to_owned(),
            option: option.to_owned(),
            reason: format!("{text} is neither true nor false"),
        }),
    }
}

/// What a device and its queues share. Each counter has one writer per queue and is only ever added to.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    /// The device was dropped.
    closed: AtomicBool,
    /// Packets received that no frame is large enough for, or with an offload that is not known.
    pub rx_unusable: AtomicU64,
    /// Packets that the system did not take.
    pub tx_lost: AtomicU64,
}

impl Shared {
    pub fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
    }

    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    /// Adds to a counter; off the usual path, so a locked addition does not matter.
    pub fn count(counter: &AtomicU64, n: u64) {
        if n > 0 {
            counter.fetch_add(n, Ordering::Relaxed);
        }
    }
}
