//! The levels, patterns and open destinations of one process.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Instant, SystemTime};

use super::layer::VlogLayer;
use super::level::{Destination, Facility, Level};
use super::limit::Limit;
use super::pattern::{self, Record};
use super::sink::{LogFile, Syslog, SyslogMethod};
use super::spec::{self, Spec, SpecError};

/// Why a log could not be set up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VlogError {
    /// A `-v` option is wrong.
    #[error("processing \"{text}\": {error}")]
    Spec {
        /// The option's text.
        text: String,
        /// What is wrong.
        error: SpecError,
    },
    /// The log file cannot be opened.
    #[error("failed to open {path} for logging: {reason}")]
    Open {
        /// The file.
        path: String,
        /// What the system said.
        reason: String,
    },
    /// `--syslog-target` is no `IP:PORT`, or `--syslog-method` is none of the methods.
    #[error("{0}: not a way to reach the system log (use libc, null, unix:FILE or udp:IP:PORT)")]
    Syslog(String),
    /// There is a global subscriber already.
    #[error("another log is in place already")]
    Installed,
}

/// The log of a program. Clones share everything.
#[derive(Clone)]
pub struct Vlog(pub(super) Arc<Shared>);

pub(super) struct Shared {
    pub(super) modules: &'static [&'static str],
    program: String,
    hostname: String,
    pub(super) start: Instant,
    pub(super) serial: AtomicU64,
    /// The log file's descriptor, or -1, and whether the console is in use: for who must not take the lock.
    pub(super) file_fd: AtomicI32,
    pub(super) console: AtomicBool,
    pub(super) state: Mutex<State>,
}

pub(super) struct State {
    /// By module, then by destination; the last one is for targets that are no module.
    pub(super) levels: Vec<[Level; 3]>,
    pub(super) limited: Vec<bool>,
    pub(super) patterns: [String; 3],
    pub(super) facility: Facility,
    pub(super) file: Option<LogFile>,
    /// The file that `vlog/reopen` opens; set even while it is closed.
    pub(super) file_name: Option<std::path::PathBuf>,
    syslog: Syslog,
    /// A second way, of `--syslog-target`.
    target: Option<Syslog>,
    /// The name of this process beside others of the same program (`monitor`).
    pub(super) subprogram: String,
    pub(super) limits: BTreeMap<usize, Limit>,
}

/// What stands before the pattern of lines to a remote system log.
pub(super) const SYSLOG_PREFIX: &str = "<%B> %D{%h %e %T} %E %A: ";

impl Vlog {
    /// A log for `program` with these modules, in the state of a program without options: INFO everywhere, no file.
    pub fn new(program: &str, modules: &'static [&'static str]) -> Vlog {
        let hostname = rustix::system::uname().nodename().to_string_lossy().into_owned();
        let patterns = [
            "ovs|%05N|%c%T|%p|%m",
            "%D{%Y-%m-%dT%H:%M:%SZ}|%05N|%c%T|%p|%m",
            "%D{%Y-%m-%dT%H:%M:%S.###Z}|%05N|%c%T|%p|%m",
        ];
        let state = State {
            levels: vec![[Level::Info; 3]; modules.len() + 1],
            limited: vec![true; modules.len() + 1],
            patterns: patterns.map(String::from),
            facility: Facility::DAEMON,
            file: None,
            file_name: None,
            syslog: Syslog::new(SyslogMethod::Local("/dev/log".into())),
            target: None,
            subprogram: String::new(),
            limits: BTreeMap::new(),
        };
        Vlog(Arc::new(Shared {
            modules,
            program: program.to_string(),
            hostname,
            start: Instant::now(),
            serial: AtomicU64::new(0),
            file_fd: AtomicI32::new(-1),
            console: AtomicBool::new(true),
            state: Mutex::new(state),
        }))
    }

    /// The layer for a subscriber of one's own.
    pub fn layer(&self) -> VlogLayer {
        VlogLayer(self.clone())
    }

    /// Makes this the process's log.
    pub fn install(&self) -> Result<(), VlogError> {
        use tracing_subscriber::layer::SubscriberExt as _;
        let subscriber = tracing_subscriber::registry().with(self.layer());
        tracing::subscriber::set_global_default(subscriber).map_err(|_| VlogError::Installed)
    }

    /// Applies one `-vSPEC`.
    pub fn option(&self, text: &str) -> Result<(), VlogError> {
        self.set(text).map_err(|error| VlogError::Spec { text: text.into(), error })
    }

    /// Applies one specification of `vlog/set`.
    pub fn set(&self, text: &str) -> Result<(), SpecError> {
        let spec = spec::parse(text, self.0.modules)?;
        let mut state = self.state();
        match spec {
            Spec::Level { module, destination, level } => {
                let range = module.map_or(0..self.0.modules.len() + 1, |m| m..m + 1);
                for levels in &mut state.levels[range] {
                    for (slot, d) in levels.iter_mut().zip(Destination::ALL) {
                        if destination.is_none_or(|wanted| wanted == d) {
                            *slot = level;
                        }
                    }
                }
            }
            Spec::Pattern { destination, pattern } => {
                for (slot, d) in state.patterns.iter_mut().zip(Destination::ALL) {
                    if destination.is_none_or(|wanted| wanted == d) {
                        slot.clone_from(&pattern);
                    }
                }
            }
            Spec::Facility(facility) => state.facility = facility,
        }
        drop(state);
        tracing::callsite::rebuild_interest_cache();
        Ok(())
    }

    /// Sets every module's level for one destination.
    pub fn set_all(&self, destination: Destination, level: Level) {
        for levels in &mut self.state().levels {
            levels[destination as usize] = level;
        }
        if destination == Destination::Console {
            self.0.console.store(level != Level::Off, Ordering::Relaxed);
        }
        tracing::callsite::rebuild_interest_cache();
    }

    /// Opens the log file, and says so in the log.
    pub fn open_file(&self, path: &Path) -> Result<(), VlogError> {
        let opened = LogFile::open(path).map_err(|e| VlogError::Open {
            path: path.display().to_string(),
            reason: crate::daemon::reason(&e),
        })?;
        let mut state = self.state();
        state.file_name = Some(path.to_path_buf());
        self.0.file_fd.store(opened.fd(), Ordering::Relaxed);
        state.file = Some(opened);
        drop(state);
        tracing::callsite::rebuild_interest_cache();
        self.log("vlog", Level::Info, &format!("opened log file {}", path.display()));
        Ok(())
    }

    /// Closes the file if it is open and opens it anew, so that a rotated one is left.
    pub fn reopen_file(&self) -> Result<(), VlogError> {
        let state = self.state();
        if state.file.as_ref().is_some_and(LogFile::is_current) {
            return Ok(());
        }
        let name = state.file_name.clone();
        let was_open = state.file.is_some();
        drop(state);
        let Some(name) = name else { return Ok(()) };
        if was_open {
            self.log("vlog", Level::Info, "closing log file");
        }
        self.close_file();
        self.open_file(&name)
    }

    /// Closes the log file.
    pub fn close_file(&self) {
        self.0.file_fd.store(-1, Ordering::Relaxed);
        self.state().file = None;
        tracing::callsite::rebuild_interest_cache();
    }

    /// The log file that was asked for, open or not.
    pub fn file_name(&self) -> Option<std::path::PathBuf> {
        self.state().file_name.clone()
    }

    /// Sends messages to a server over UDP as well (`--syslog-target=IP:PORT`).
    pub fn set_syslog_target(&self, target: &str) -> Result<(), VlogError> {
        let at = target.parse().map_err(|_| VlogError::Syslog(target.into()))?;
        self.state().target = Some(Syslog::new(SyslogMethod::Udp(at)));
        Ok(())
    }

    /// Chooses how the system log is reached (`--syslog-method=METHOD`).
    pub fn set_syslog_method(&self, method: &str) -> Result<(), VlogError> {
        let parsed = SyslogMethod::parse(method).ok_or_else(|| VlogError::Syslog(method.into()))?;
        self.state().syslog = Syslog::new(parsed);
        Ok(())
    }

    /// Names this process in each line of its main thread; empty for the program itself.
    pub fn set_subprogram(&self, name: &str) {
        self.state().subprogram = name.to_string();
    }

    /// Logs one message without `tracing`, also at EMER.
    pub fn log(&self, module: &str, level: Level, message: &str) {
        let mut state = self.state();
        let wanted = self.wanted(&state, module, level);
        if wanted.contains(&true) {
            self.write(&mut state, wanted, module, level, message);
        }
    }

    /// Which destinations want such a message.
    pub(super) fn wanted(&self, state: &State, module: &str, level: Level) -> [bool; 3] {
        let mut wanted = state.levels[self.module_index(module)].map(|limit| level <= limit);
        wanted[Destination::File as usize] &= state.file.is_some();
        wanted
    }

    /// The index of a module in [`State::levels`].
    pub(super) fn module_index(&self, module: &str) -> usize {
        let modules = self.0.modules;
        modules.binary_search(&module).unwrap_or(modules.len())
    }

    pub(super) fn write(
        &self,
        state: &mut State,
        wanted: [bool; 3],
        module: &str,
        level: Level,
        message: &str,
    ) {
        let current = std::thread::current();
        let thread = match current.name() {
            Some("main") => state.subprogram.clone(),
            Some(name) => name.to_string(),
            None => "thread".to_string(),
        };
        let record = Record {
            module,
            level,
            message,
            serial: self.0.serial.fetch_add(1, Ordering::Relaxed) + 1,
            time: SystemTime::now(),
            since_start: self.0.start.elapsed(),
            thread: &thread,
            program: &self.0.program,
            hostname: &self.0.hostname,
            facility: state.facility,
        };
        for (destination, _) in Destination::ALL.into_iter().zip(wanted).filter(|(_, wanted)| *wanted) {
            state.emit(destination, &record);
        }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        // A thread that panicked while it logged left nothing half done that the next line would notice.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn emit(&mut self, destination: Destination, record: &Record<'_>) {
        let mut line = String::new();
        pattern::format(&self.patterns[destination as usize], record, &mut line);
        match destination {
            Destination::Console => {
                line.push('\n');
                write_console(&line);
            }
            Destination::File => {
                line.push('\n');
                if let Some(file) = &mut self.file {
                    file.write(&line);
                }
            }
            Destination::Syslog => {
                for syslog in std::iter::once(&mut self.syslog).chain(self.target.as_mut()) {
                    let mut full = String::new();
                    if syslog.is_remote() {
                        pattern::format(SYSLOG_PREFIX, record, &mut full);
                    } else {
                        pattern::format("<%B>%d{%h %e %T} %A: ", record, &mut full);
                    }
                    // Writing to a String cannot fail.
                    let _ = write!(full, "{line}");
                    syslog.write(&full);
                }
            }
        }
    }
}

#[expect(clippy::print_stderr, reason = "standard error is one of the log's destinations")]
fn write_console(line: &str) {
    eprint!("{line}");
}
