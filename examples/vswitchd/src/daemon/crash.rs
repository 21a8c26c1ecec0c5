//! The last words of a process that touched memory it does not own.
//!
//! A line `SIGSEGV detected, backtrace:` and the return addresses go to the log file and to standard error, then the
//! signal takes its usual course, so that a monitor or a parent sees the true cause. The handler allocates nothing, takes
//! no lock and calls async-signal-safe functions only: the crash may have happened inside the allocator or the log.

use std::ffi::c_void;
use std::io::Write as _;
use std::sync::OnceLock;
use std::time::{Duration, UNIX_EPOCH};

use super::DaemonError;
use crate::vlog::{CrashLine, Vlog};

/// What the handler needs; a handler gets no argument of ours, so this is one of the few globals.
static REPORT: OnceLock<Report> = OnceLock::new();

struct Report {
    vlog: Vlog,
    /// Where the executable begins in memory, so that addresses can be looked up in the file.
    base: usize,
}

/// How many return addresses are shown.
const DEPTH: usize = 64;

/// Sets the handler up for this process and those forked from it.
pub(super) fn install(vlog: &Vlog) -> Result<(), DaemonError> {
    if REPORT.set(Report { vlog: vlog.clone(), base: executable_base() }).is_err() {
        return Ok(());
    }
    // The first backtrace loads the unwinder, which allocates: that must not wait for a crash.
    let mut frames = [std::ptr::null_mut(); 1];
    // SAFETY: the buffer has room for the one entry that is announced.
    unsafe { libc::backtrace(frames.as_mut_ptr(), 1) };
    // SAFETY: all bits zero is a valid `sigaction`; the handler has the signature of a plain one, keeps to
    // async-signal-safe calls (see `handle`), and runs on the alternate stack that the standard library gives each
    // thread, so it also works after a stack overflow.
    let result = unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = handle as extern "C" fn(libc::c_int) as libc::sighandler_t;
        action.sa_flags = libc::SA_ONSTACK | libc::SA_RESETHAND;
        libc::sigaction(libc::SIGSEGV, &raw const action, std::ptr::null_mut())
    };
    if result == 0 { Ok(()) } else { Err(DaemonError::system("sigaction", std::io::Error::last_os_error())) }
}

extern "C" fn handle(signal: libc::c_int) {
    if let Some(report) = REPORT.get() {
        report.write();
    }
    // The handler is gone already (SA_RESETHAND).
    // SAFETY: raise is async-signal-safe and has no demands.
    unsafe { libc::raise(signal) };
}

impl Report {
    fn write(&self) {
        let mut frames = [std::ptr::null_mut::<c_void>(); DEPTH];
        // SAFETY: the buffer has room for the announced count; the unwinder was loaded by `install`.
        let count = unsafe { libc::backtrace(frames.as_mut_ptr(), DEPTH as libc::c_int) };
        let fds = self.vlog.crash_fds();
        put(&fds, self.vlog.crash_line(now()).as_bytes());
        for frame in frames.iter().take(usize::try_from(count).unwrap_or(0)) {
            let address = frame.addr();
            let mut line = CrashLine::default();
            // A line that does not fit is cut, which is no reason to say nothing.
            let _ = writeln!(line, "0x{address:016x} <+0x{:x}>", address.wrapping_sub(self.base));
            put(&fds, line.as_bytes());
        }
    }
}

fn put(fds: &[Option<i32>; 2], bytes: &[u8]) {
    for fd in fds.iter().flatten() {
        // SAFETY: write is async-signal-safe; pointer and length are of one live slice. A descriptor that was closed
        // meanwhile gives an error, which is ignored: there is nobody left to tell.
        unsafe { libc::write(*fd, bytes.as_ptr().cast(), bytes.len()) };
    }
}

fn now() -> std::time::SystemTime {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the pointer leads to a live timespec; clock_gettime is async-signal-safe.
    unsafe { libc::clock_gettime(libc::CLOCK_REALTIME, &raw mut time) };
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    UNIX_EPOCH + Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// The lowest address of this executable's mapping; 0 if it cannot be told.
fn executable_base() -> usize {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap_or_default();
    let exe = std::env::current_exe().unwrap_or_default();
    let line = maps.lines().find(|line| line.ends_with(&*exe.to_string_lossy()));
    line.and_then(|l| usize::from_str_radix(l.split('-').next()?, 16).ok()).unwrap_or(0)
}
