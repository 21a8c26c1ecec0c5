//! A log line that is made without memory of the heap and without a lock.

use std::io::{self, Write};
use std::sync::atomic::Ordering;
use std::time::SystemTime;

use super::level::Level;
use super::state::Vlog;
use super::time::Civil;

/// A short line on the stack; what does not fit is an error of `write`.
pub(crate) struct CrashLine {
    bytes: [u8; 160],
    len: usize,
}

impl Default for CrashLine {
    fn default() -> Self {
        CrashLine { bytes: [0; 160], len: 0 }
    }
}

impl CrashLine {
    /// What was written so far.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

impl Write for CrashLine {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = self.bytes.len() - self.len;
        let n = bytes.len().min(room);
        self.bytes[self.len..self.len + n].copy_from_slice(&bytes[..n]);
        self.len += n;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Vlog {
    /// The line `SIGSEGV detected, backtrace:` in the default form of log files, whatever the pattern.
    pub(crate) fn crash_line(&self, now: SystemTime) -> CrashLine {
        let serial = self.0.serial.fetch_add(1, Ordering::Relaxed) + 1;
        let civil = Civil::new(now, 0);
        let mut line = CrashLine::default();
        // A line that does not fit is cut.
        let _ = writeln!(
            line,
            "{}|{serial:05}|fatal_signal|{}|SIGSEGV detected, backtrace:",
            civil.stamp(),
            Level::Err
        );
        line
    }

    /// The descriptors of the log file and of standard error, as far as they are in use.
    pub(crate) fn crash_fds(&self) -> [Option<i32>; 2] {
        let file = self.0.file_fd.load(Ordering::Relaxed);
        [Some(file).filter(|&fd| fd >= 0), self.0.console.load(Ordering::Relaxed).then_some(2)]
    }
}
