//! From the best mode on, until one works.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use super::options::{Asked, Mode};
use super::program;
use super::queue::{Port, Queue};
use crate::linux::sys::bpf::{self, Attach};

/// A device's sockets, and what leads packets to them.
#[derive(Debug)]
pub(super) struct Bound {
    /// The program is attached as long as this is open.
    _link: OwnedFd,
    pub map: OwnedFd,
    pub queues: Vec<Arc<Queue>>,
    pub mode: Mode,
    /// Why it is not a better mode.
    pub refused: Vec<Refusal>,
}

/// Why a mode does not work.
#[derive(Debug)]
pub(super) struct Refusal {
    mode: Mode,
    step: Step,
    error: io::Error,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Attach,
    Socket(u32),
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.step {
            Step::Attach => write!(f, "{}: attaching the program: {}", self.mode, self.error)?,
            Step::Socket(queue) => write!(f, "{}: queue {queue}: {}", self.mode, self.error)?,
        }
        match (self.step, self.error.raw_os_error()) {
            (Step::Attach, Some(libc::EBUSY)) => f.write_str(" (another XDP program is attached)"),
            (Step::Socket(_), Some(libc::EINVAL)) => f.write_str(" (is there such a queue?)"),
            (Step::Socket(_), Some(libc::ENOBUFS)) => f.write_str(" (is RLIMIT_MEMLOCK too small?)"),
            _ => Ok(()),
        }
    }
}

/// Why no mode works.
#[derive(Debug)]
pub(super) enum BindError {
    /// The program or its map is refused, whatever the mode.
    Program(io::Error),
    /// Each mode that was tried.
    Modes(Vec<Refusal>),
}

/// All reasons in one line.
pub(super) fn reasons(refused: &[Refusal]) -> String {
    refused.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

impl BindError {
    /// Whether the device has fewer queues than were asked for.
    pub fn is_about_queues(&self) -> bool {
        let Self::Modes(refused) = self else { return false };
        refused.last().is_some_and(|last| {
            matches!(last.step, Step::Socket(1..)) && last.error.raw_os_error() == Some(libc::EINVAL)
        })
    }
}

impl From<BindError> for io::Error {
    fn from(error: BindError) -> Self {
        Self::other(match error {
            BindError::Program(error) if error.raw_os_error() == Some(libc::EPERM) => {
                format!("AF_XDP needs CAP_NET_ADMIN, CAP_NET_RAW and CAP_BPF: {error}")
            }
            BindError::Program(error) => format!("AF_XDP: loading the program: {error}"),
            BindError::Modes(refused) => format!("AF_XDP: {}", reasons(&refused)),
        })
    }
}

/// Binds a socket to each queue of a device that is up, in the mode that was asked for or the best that works.
pub(super) fn bind(port: &Arc<Port>, ifindex: u32, asked: Asked) -> Result<Bound, BindError> {
    let map = bpf::socket_map(asked.queues).map_err(BindError::Program)?;
    let program = bpf::load(&program::redirect_to(map.as_fd())).map_err(BindError::Program)?;
    let mut refused = Vec::new();
    for mode in Mode::ALL.into_iter().filter(|mode| asked.mode.is_none_or(|asked| asked == *mode)) {
        match attempt(port, ifindex, asked, mode, &program) {
            Ok((link, queues)) => {
                for (number, queue) in (0..).zip(&queues) {
                    let Some(fd) = queue.fd() else { continue };
                    bpf::set_socket(map.as_fd(), number, fd.as_fd()).map_err(BindError::Program)?;
                }
                return Ok(Bound { _link: link, map, queues, mode, refused });
            }
            Err(refusal) => refused.push(refusal),
        }
    }
    Err(BindError::Modes(refused))
}

fn attempt(
    port: &Arc<Port>,
    ifindex: u32,
    asked: Asked,
    mode: Mode,
    program: &OwnedFd,
) -> Result<(OwnedFd, Vec<Arc<Queue>>), Refusal> {
    let refusal = |step| move |error| Refusal { mode, step, error };
    let place = if mode == Mode::Generic { Attach::Generic } else { Attach::Driver };
    let link = bpf::attach(program.as_fd(), ifindex, place).map_err(refusal(Step::Attach))?;
    let mut flags = if mode == Mode::ZeroCopy { libc::XDP_ZEROCOPY } else { libc::XDP_COPY };
    if asked.need_wakeup {
        flags |= libc::XDP_USE_NEED_WAKEUP;
    }
    let mut queues = Vec::new();
    for number in 0..asked.queues {
        let queue = Queue::bind(Arc::clone(port), ifindex, number, flags);
        queues.push(Arc::new(queue.map_err(refusal(Step::Socket(number)))?));
    }
    Ok((link, queues))
}
