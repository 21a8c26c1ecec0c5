//! Restarting the daemon after a crash.

use std::time::{Duration, Instant};

use rustix::process::{Pid, WaitStatus};
use signal_hook::consts::{SIGABRT, SIGALRM, SIGBUS, SIGFPE, SIGILL, SIGPIPE, SIGSEGV, SIGXCPU, SIGXFSZ};

use super::detach::{self, Outcome, Ready, Side};
use super::{DaemonError, signal_name};
use crate::vlog::{Destination, Level, Vlog};

/// The signals of a program error, after which a new attempt is worthwhile.
const RESTART: [i32; 9] = [SIGABRT, SIGALRM, SIGBUS, SIGFPE, SIGILL, SIGPIPE, SIGSEGV, SIGXCPU, SIGXFSZ];
/// A daemon that crashes at once is restarted no more often than this.
const MIN_INTERVAL: Duration = Duration::from_secs(10);

/// Forks; the parent becomes the monitor, which never returns. Returns in each child that it makes.
///
/// `ready` is passed on by the monitor once the first child is ready.
pub(super) fn supervise(
    ready: Ready,
    vlog: &Vlog,
    detached: bool,
    chdir: bool,
) -> Result<Ready, DaemonError> {
    let mut ready = Some(ready);
    let mut started = Instant::now();
    let mut outcome = detach::fork_and_wait()?;
    loop {
        let (pid, status) = match outcome {
            Side::Child(ready) => {
                vlog.set_subprogram("");
                return Ok(ready);
            }
            Side::Parent(pid, Outcome::Ready) => {
                vlog.set_subprogram("monitor");
                if let Some(ready) = ready.take() {
                    if detached {
                        vlog.set_all(Destination::Console, Level::Off);
                        detach::leave_terminal(chdir)?;
                    }
                    ready.send();
                }
                (pid, detach::wait_for(pid)?)
            }
            // Before it was first ready the daemon has told why it cannot run; again would not help.
            Side::Parent(_, Outcome::Died(status)) if ready.is_some() => {
                std::process::exit(status.exit_status().filter(|&c| c != 0).unwrap_or(1));
            }
            Side::Parent(pid, Outcome::Died(status)) => (pid, status),
        };
        if !should_restart(status) {
            vlog.log("daemon_unix", Level::Info, &format!("{}, exiting", describe(pid, status)));
            std::process::exit(0);
        }
        vlog.log("daemon_unix", Level::Err, &format!("{}, restarting", describe(pid, status)));
        let left = MIN_INTERVAL.saturating_sub(started.elapsed());
        if !left.is_zero() {
            vlog.log("daemon_unix", Level::Warn, "waiting until 10 seconds since last restart");
            std::thread::sleep(left);
        }
        started = Instant::now();
        outcome = detach::fork_and_wait()?;
    }
}

fn should_restart(status: WaitStatus) -> bool {
    status.terminating_signal().is_some_and(|signal| RESTART.contains(&signal))
}

fn describe(pid: Pid, status: WaitStatus) -> String {
    let how = match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => format!("exit status {code}"),
        (_, Some(signal)) => {
            let core = if status.as_raw() & 0x80 == 0 { "" } else { ", core dumped" };
            format!("killed ({}){core}", signal_name(signal))
        }
        _ => "unknown end".to_string(),
    };
    format!("pid {} died, {how}", pid.as_raw_nonzero())
}
