//! Going into the background, and telling the parent when that is done.

use std::fs::OpenOptions;
use std::io::Read as _;
use std::os::fd::OwnedFd;

use rustix::process::{Pid, WaitOptions, WaitStatus, setsid, waitpid};

use super::DaemonError;
use super::sys::{Fork, fork};

/// The way to say that the program is ready.
pub(super) struct Ready(Option<OwnedFd>);

impl Ready {
    /// Nobody waits.
    pub(super) fn none() -> Ready {
        Ready(None)
    }

    /// Says it.
    pub(super) fn send(self) {
        if let Some(fd) = self.0 {
            // If the parent was killed, nobody waits any more.
            let _ = rustix::io::write(&fd, &[0]);
        }
    }
}

/// How a child that was to become ready went on.
pub(super) enum Outcome {
    /// It is ready.
    Ready,
    /// It ended before.
    Died(WaitStatus),
}

/// Forks; the parent waits until the child is ready or dead and exits accordingly. Returns in the child, in a session of
/// its own.
pub(super) fn detach() -> Result<Ready, DaemonError> {
    match fork_and_wait()? {
        Side::Child(ready) => {
            setsid().map_err(|e| DaemonError::system("setsid", e))?;
            Ok(ready)
        }
        Side::Parent(_, Outcome::Ready) => std::process::exit(0),
        // The child has told why on the same standard error.
        Side::Parent(_, Outcome::Died(status)) => std::process::exit(exit_code(status)),
    }
}

/// The two sides of [`fork_and_wait`].
pub(super) enum Side {
    /// In the child.
    Child(Ready),
    /// In the parent, after the child became ready or died.
    Parent(Pid, Outcome),
}

/// Forks; in the parent, waits until the child says that it is ready, or ends.
pub(super) fn fork_and_wait() -> Result<Side, DaemonError> {
    let (reader, writer) = std::io::pipe().map_err(|e| DaemonError::system("pipe", e))?;
    match fork()? {
        Fork::Child => Ok(Side::Child(Ready(Some(writer.into())))),
        Fork::Parent(pid) => {
            drop(writer);
            let mut byte = [0];
            let mut reader = reader;
            // `read_exact` goes on after interruptions; an end without the byte is the child's.
            if reader.read_exact(&mut byte).is_ok() {
                return Ok(Side::Parent(pid, Outcome::Ready));
            }
            Ok(Side::Parent(pid, Outcome::Died(wait_for(pid)?)))
        }
    }
}

/// Waits for the end of a child.
pub(super) fn wait_for(pid: Pid) -> Result<WaitStatus, DaemonError> {
    loop {
        match waitpid(Some(pid), WaitOptions::empty()) {
            Ok(Some((_, status))) => return Ok(status),
            Ok(None) | Err(rustix::io::Errno::INTR) => {}
            Err(e) => return Err(DaemonError::system("waitpid", e)),
        }
    }
}

/// What to exit with after a child ended so; never 0, because the child did not become ready.
fn exit_code(status: WaitStatus) -> i32 {
    status.exit_status().filter(|&code| code != 0).unwrap_or(1)
}

/// Leaves the terminal: standard descriptors to `/dev/null`, and the working directory if wanted.
pub(super) fn leave_terminal(chdir: bool) -> Result<(), DaemonError> {
    let null = OpenOptions::new().read(true).write(true).open("/dev/null");
    let null = null.map_err(|e| DaemonError::system("opening /dev/null", e))?;
    let replaced = rustix::stdio::dup2_stdin(&null)
        .and_then(|()| rustix::stdio::dup2_stdout(&null))
        .and_then(|()| rustix::stdio::dup2_stderr(&null));
    replaced.map_err(|e| DaemonError::system("redirecting the standard descriptors", e))?;
    if chdir {
        std::env::set_current_dir("/").map_err(|e| DaemonError::system("changing to /", e))?;
    }
    Ok(())
}
