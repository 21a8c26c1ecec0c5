//! The options that every daemon has.

use std::path::{Path, PathBuf};

use ovs_stream::PassiveAddress;

use super::{Daemon, DaemonError, Program, crash, detach, monitor, pidfile, signals, sys, user};
use crate::vlog::{Vlog, VlogError};

/// Options shared by all daemons; take them in with `#[command(flatten)]`.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Daemon options")]
#[non_exhaustive]
pub struct DaemonOptions {
    /// Run in the background: exits 0 once the daemon is ready
    #[arg(long)]
    pub detach: bool,
    /// Create a process that restarts the daemon after a crash
    #[arg(long)]
    pub monitor: bool,
    /// Do not change the working directory to / when detached
    #[arg(long)]
    pub no_chdir: bool,
    /// Create a pidfile (default: NAME.pid in the run directory)
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true)]
    pub pidfile: Option<Option<PathBuf>>,
    /// Start even if the pidfile is held by a running process
    #[arg(long)]
    pub overwrite_pidfile: bool,
    /// Run as this user (and group)
    #[arg(long, value_name = "USER[:GROUP]")]
    pub user: Option<String>,
    /// Allow sockets outside of the run directory (always allowed)
    #[arg(long)]
    pub no_self_confinement: bool,
    /// Control socket (default: NAME.PID.ctl in the run directory), or none
    #[arg(long, value_name = "SOCKET")]
    pub unixctl: Option<String>,
    /// Where messages go
    #[command(flatten)]
    pub log: LogOptions,
}

/// Options of the log, which programs that are no daemons have too; take them in with `#[command(flatten)]`.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Logging options")]
#[non_exhaustive]
pub struct LogOptions {
    /// Set logging levels; without SPEC everything is logged everywhere
    #[arg(
        short,
        long,
        value_name = "SPEC",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "any:any:dbg",
        action = clap::ArgAction::Append
    )]
    pub verbose: Vec<String>,
    /// Log to a file (default: NAME.log in the log directory)
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true)]
    pub log_file: Option<Option<PathBuf>>,
    /// Also send messages to a syslog server over UDP
    #[arg(long, value_name = "IP:PORT")]
    pub syslog_target: Option<String>,
    /// How to reach the system log: libc, null, unix:FILE or udp:IP:PORT
    #[arg(long, value_name = "METHOD")]
    pub syslog_method: Option<String>,
}

impl DaemonOptions {
    /// Sets up the log, detaches, supervises and takes the pidfile as the options say.
    ///
    /// With `--detach` or `--monitor` this forks: it returns in the daemon's own process only; the others exit from
    /// within. Call it before any thread is made.
    pub fn start(&self, program: &Program, vlog: &Vlog) -> Result<Daemon, DaemonError> {
        self.log.set_up(program, vlog)?;
        crash::install(vlog)?;
        if self.detach || self.monitor {
            match sys::thread_count() {
                1 => {}
                more => return Err(DaemonError::Threads(more)),
            }
        }
        if let Some(user) = &self.user {
            user::become_user(user, vlog.file_name().as_deref())?;
        }
        let pidfile = self.pidfile_path(program);
        if let Some(path) = &pidfile {
            // Told to whoever starts the program; taking the file below is what decides.
            pidfile::check(path, self.overwrite_pidfile)?;
        }
        let mut ready = detach::Ready::none();
        if self.detach {
            ready = detach::detach()?;
        }
        if self.monitor {
            ready = monitor::supervise(ready, vlog, self.detach, !self.no_chdir)?;
        }
        let pidfile = pidfile.map(|p| pidfile::Pidfile::create(&p, self.overwrite_pidfile)).transpose()?;
        Ok(Daemon {
            vlog: vlog.clone(),
            _pidfile: pidfile,
            signals: signals::Signals::new()?,
            ready: Some(ready),
            detached: self.detach,
            chdir: !self.no_chdir,
        })
    }

    /// Where the control socket is to be; `None` if there is to be none. Call it after [`start`](Self::start): the
    /// default's name contains the process's number.
    pub fn unixctl_address(&self, program: &Program) -> Option<PassiveAddress> {
        let path = match self.unixctl.as_deref() {
            Some("none") => return None,
            Some(path) => program.dirs.in_run(path),
            None => program.dirs.in_run(format!("{}.{}.ctl", program.name, std::process::id())),
        };
        Some(PassiveAddress::Unix(path))
    }

    /// Where the pidfile is to be.
    pub fn pidfile_path(&self, program: &Program) -> Option<PathBuf> {
        let given = self.pidfile.as_ref()?;
        let default = || PathBuf::from(format!("{}.pid", program.name));
        Some(program.dirs.in_run(given.clone().unwrap_or_else(default)))
    }
}

impl LogOptions {
    /// Sets up the log as the options say.
    pub fn set_up(&self, program: &Program, vlog: &Vlog) -> Result<(), VlogError> {
        for spec in &self.verbose {
            vlog.option(spec)?;
        }
        if let Some(method) = &self.syslog_method {
            vlog.set_syslog_method(method)?;
        }
        if let Some(target) = &self.syslog_target {
            vlog.set_syslog_target(target)?;
        }
        if let Some(file) = &self.log_file {
            let path = match file {
                Some(path) => absolute(path),
                None => program.dirs.log.join(format!("{}.log", program.name)),
            };
            vlog.open_file(&path)?;
        }
        Ok(())
    }
}

/// Relative files are meant from where the program was started, also after it went elsewhere.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf())
}
