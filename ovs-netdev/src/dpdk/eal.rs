//! The environment: started once, never stopped.

use std::ffi::CString;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::pool::MbufPool;
use super::sys;

/// Whether the process has started the environment: it cannot be started twice, not even after a failure.
static STARTED: AtomicBool = AtomicBool::new(false);

/// Where the environment's own messages go; set when it starts, as it is the environment's and not a value's.
static LOG: OnceLock<LogSink> = OnceLock::new();

/// Takes one line of the environment's log, without its line break.
pub type LogSink = fn(LogLevel, &str);

/// How grave a line is, as DPDK grades them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// `emergency`, `alert` and `critical`.
    Emergency,
    /// `error`.
    Error,
    /// `warning`.
    Warning,
    /// `notice` and `info`.
    Info,
    /// `debug` and beyond.
    Debug,
}

/// The running environment. Cheap to clone; all clones are the same.
#[derive(Clone, Debug)]
pub struct Eal {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    /// By socket and size. Pools are never freed: packets may be anywhere.
    pools: Mutex<Vec<MbufPool>>,
}

/// Why the environment does not run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EalError {
    /// It was started before in this process.
    #[error("DPDK was started before in this process")]
    AlreadyStarted,
    /// An argument has a zero byte.
    #[error("DPDK argument {0:?} has a zero byte")]
    BadArgument(String),
    /// DPDK said no; its log says more.
    #[error("DPDK did not start: {0}")]
    Refused(String),
}

impl Eal {
    /// Starts the environment with DPDK's own command-line arguments (`--no-pci`, `--socket-mem 1024` …), without
    /// the program's name. What it logs goes to `log`.
    pub fn init(args: &[String], log: LogSink) -> Result<Self, EalError> {
        let mut all = vec!["ovs-vswitchd".to_owned()];
        all.extend_from_slice(args);
        let all: Result<Vec<CString>, EalError> = all
            .into_iter()
            .map(|arg| CString::new(arg.clone()).map_err(|_| EalError::BadArgument(arg)))
            .collect();
        let all = all?;
        if STARTED.swap(true, Ordering::AcqRel) {
            return Err(EalError::AlreadyStarted);
        }
        let _ = LOG.set(log);
        sys::init(all, told).map_err(|error| EalError::Refused(error.to_string()))?;
        Ok(Self { shared: Arc::default() })
    }

    /// What runs, such as `DPDK 22.11.11`.
    pub fn version(&self) -> String {
        sys::version()
    }

    /// The pool of mbufs on a NUMA socket, made when it is first asked for. A machine that has no room for the
    /// usual number of mbufs gets fewer.
    pub(super) fn pool(&self, socket: i32) -> io::Result<MbufPool> {
        let mut pools = self.shared.pools.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(pool) = pools.iter().find(|pool| pool.socket() == socket) {
            return Ok(pool.clone());
        }
        let pool = MbufPool::new(socket)?;
        pools.push(pool.clone());
        Ok(pool)
    }
}

/// Cuts what the environment writes into lines.
fn told(level: u32, text: &str) {
    let level = match level {
        0..=3 => LogLevel::Emergency,
        4 => LogLevel::Error,
        5 => LogLevel::Warning,
        6 | 7 => LogLevel::Info,
        _ => LogLevel::Debug,
    };
    if let Some(log) = LOG.get() {
        text.lines().filter(|line| !line.is_empty()).for_each(|line| log(level, line));
    }
}
