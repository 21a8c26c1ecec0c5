//! The two calls that no safe library offers. All `unsafe` code of the program stands here.

use std::time::{SystemTime, UNIX_EPOCH};

use super::DaemonError;

/// Which side of a fork this is.
pub(super) enum Fork {
    /// The process that forked; the child's number.
    Parent(rustix::process::Pid),
    /// The new process.
    Child,
}

/// Makes a copy of this process, which must have one thread only.
pub(super) fn fork() -> Result<Fork, DaemonError> {
    debug_assert_eq!(thread_count(), 1);
    // SAFETY: fork's one demand is that a child of a process with several threads calls nothing but
    // async-signal-safe functions. `DaemonOptions::start` made sure that there is one thread only.
    match unsafe { libc::fork() } {
        0 => Ok(Fork::Child),
        pid => match rustix::process::Pid::from_raw(pid) {
            Some(pid) if pid.as_raw_nonzero().get() > 0 => Ok(Fork::Parent(pid)),
            _ => Err(DaemonError::system("fork", std::io::Error::last_os_error())),
        },
    }
}

/// How many threads this process has.
pub(super) fn thread_count() -> usize {
    std::fs::read_dir("/proc/self/task").map_or(1, |dir| dir.count().max(1))
}

/// How many seconds local time is ahead of UTC at `time`.
pub(crate) fn local_offset(time: SystemTime) -> i64 {
    let seconds = time.duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
    let clock = libc::time_t::try_from(seconds).unwrap_or(libc::time_t::MAX);
    let mut fields = std::mem::MaybeUninit::<libc::tm>::zeroed();
    // SAFETY: both pointers lead to live, aligned values of the right types. localtime_r reads the environment's TZ,
    // which nothing here ever changes. All bits zero is a valid `tm` should the call fail and write nothing.
    unsafe {
        libc::localtime_r(&raw const clock, fields.as_mut_ptr());
        fields.assume_init().tm_gmtoff
    }
}
