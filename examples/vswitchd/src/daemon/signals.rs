//! Signals that ask the program to end.

use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use signal_hook::consts::{SIGALRM, SIGHUP, SIGINT, SIGTERM};

use super::DaemonError;

/// The signals after which the program removes its files and ends.
const FATAL: [i32; 4] = [SIGTERM, SIGINT, SIGHUP, SIGALRM];

/// Remembers which of [`FATAL`] came and wakes whoever sleeps on [`fd`](Self::fd).
pub(super) struct Signals {
    came: Arc<AtomicUsize>,
    reader: UnixStream,
}

impl Signals {
    pub(super) fn new() -> Result<Signals, DaemonError> {
        let failed = |e| DaemonError::system("setting up signals", e);
        let (reader, writer) = UnixStream::pair().map_err(failed)?;
        let came = Arc::new(AtomicUsize::new(0));
        for signal in FATAL {
            let number = usize::try_from(signal).unwrap_or(0);
            // The flag first: it must be there when the descriptor wakes someone.
            signal_hook::flag::register_usize(signal, Arc::clone(&came), number).map_err(failed)?;
            let wake = writer.try_clone().map_err(failed)?;
            signal_hook::low_level::pipe::register(signal, wake).map_err(failed)?;
        }
        Ok(Signals { came, reader })
    }

    pub(super) fn terminated(&self) -> Option<i32> {
        i32::try_from(self.came.load(Ordering::SeqCst)).ok().filter(|&signal| signal != 0)
    }

    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.reader.as_fd()
    }
}

/// What a signal is called in messages, as `strsignal(3)` has it.
pub fn signal_name(signal: i32) -> &'static str {
    use signal_hook::consts as c;
    match signal {
        SIGHUP => "Hangup",
        SIGINT => "Interrupt",
        c::SIGQUIT => "Quit",
        c::SIGILL => "Illegal instruction",
        c::SIGABRT => "Aborted",
        c::SIGBUS => "Bus error",
        c::SIGFPE => "Floating point exception",
        c::SIGKILL => "Killed",
        c::SIGSEGV => "Segmentation fault",
        c::SIGPIPE => "Broken pipe",
        SIGALRM => "Alarm clock",
        SIGTERM => "Terminated",
        c::SIGXCPU => "CPU time limit exceeded",
        c::SIGXFSZ => "File size limit exceeded",
        _ => "unknown signal",
    }
}
