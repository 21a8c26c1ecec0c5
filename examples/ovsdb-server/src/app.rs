//! The program: what it holds, and its loop.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, ExitCode};
use std::time::{Duration, Instant, SystemTime};

use ovs_db::server::{Counters, Event, Listener, ListenerConfig, Now, RemoteOptions, Server, ServerConfig};
use ovs_db::storage::JournalFile;
use ovs_db::unixctl;
use ovs_db::value::UuidSource;
use ovs_stream::{Interest, NoticeLevel, StreamConfig, Wait};
use vswitchd::daemon::{Daemon, Program};
use vswitchd::vlog::{OVSDB_SERVER_MODULES, Vlog};

use crate::ahead::read_ahead;
use crate::brisk::Brisk;
use crate::cli::Cli;
use crate::commands::{Command, registry};
use crate::config::Service;
use crate::fault::Fault;
use crate::remotes::{DbRemote, Found};
use crate::replication::Sync;
use crate::storage::ThreadedJournal;
use crate::tls::Keys;

/// How often the program of `--run` is looked after.
const RUN_INTERVAL: Duration = Duration::from_millis(100);

/// The clocks.
#[derive(Clone, Copy, Debug)]
pub struct Clock(Instant);

impl Clock {
    /// The present.
    pub fn now(self) -> Now {
        let wall = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Now { monotonic: self.0.elapsed(), wall }
    }
}

/// What the commands work on.
pub struct State {
    pub listener: Listener,
    pub clock: Clock,
    pub vlog: Vlog,
    /// The files of the databases, by the databases' names.
    pub files: BTreeMap<String, PathBuf>,
    /// The remotes as the user named them.
    pub remotes: BTreeMap<String, RemoteOptions>,
    /// Remotes that were found in databases, with where their status is to be written.
    pub found: BTreeMap<String, Found>,
    /// When status was last written.
    pub status_at: Duration,
    /// The file that says what to serve.
    pub config_file: Option<PathBuf>,
    /// What it said when it was last read: what each database is called, and how it is served.
    pub configured: BTreeMap<String, (String, Service)>,
    /// Tables whose operations are logged.
    pub logged: BTreeSet<(String, String)>,
    /// The counters when they were last cleared.
    pub counters_base: Counters,
    pub exiting: bool,
    /// The role as a backup.
    pub sync: Sync,
    /// The keys for TLS.
    keys: Keys,
    /// Rows get UUIDs that are derived from this.
    seed: Vec<u8>,
    /// The number of commits after which the remotes were last brought up to date.
    reconciled: Option<u64>,
}

/// The program.
pub struct App {
    state: State,
    unixctl: Option<unixctl::Server<Command>>,
    daemon: Daemon,
    child: Option<Child>,
    brisk: Brisk,
}

impl App {
    /// Opens everything.
    pub fn start(program: &Program, cli: &Cli) -> Result<App, Fault> {
        cli.check()?;
        let vlog = Vlog::new(&program.name, OVSDB_SERVER_MODULES);
        vlog.install()?;
        // Forks: locks and sockets come after it.
        let mut daemon = cli.daemon.start(program, &vlog)?;
        let clock = Clock(Instant::now());
        let seed = random_seed()?;
        let keys = Keys::new(cli.tls.clone());
        let stream = StreamConfig::default().rundir(&program.dirs.run).tls(keys.tls());
        let server = Server::new(ServerConfig::default().seed(seed.clone()), clock.now());
        let listener = Listener::new(server, ListenerConfig::default().stream(stream.clone()));
        let mut state = State {
            listener,
            clock,
            vlog,
            files: BTreeMap::new(),
            remotes: BTreeMap::new(),
            found: BTreeMap::new(),
            status_at: Duration::ZERO,
            config_file: cli.config_file.clone(),
            configured: BTreeMap::new(),
            logged: BTreeSet::new(),
            counters_base: Counters::default(),
            exiting: false,
            sync: Sync::new(&cli.sync)?,
            keys,
            seed,
            reconciled: None,
        };
        for file in cli.databases(program) {
            state.add_db(&file)?;
        }
        state.keys.refresh(state.listener.server())?;
        state.apply_role()?;
        for remote in &cli.remote {
            state.add_remote(remote, RemoteOptions::default())?;
        }
        state.reload()?;
        let unixctl = match cli.daemon.unixctl_address(program) {
            Some(address) => {
                let server = unixctl::Server::bind(&address, &stream, registry(program));
                Some(server.map_err(Fault::Unixctl)?)
            }
            None => None,
        };
        let child = cli.run.as_deref().map(start_child).transpose()?;
        tracing::info!(target: "ovsdb_server", "{}", program.version_line());
        daemon.ready()?;
        Ok(App { state, unixctl, daemon, child, brisk: Brisk::default() })
    }

    /// Serves until told to stop.
    pub fn run(mut self) -> ExitCode {
        loop {
            self.state.listener.poll(self.state.clock.now());
            self.commands();
            self.state.reconcile_remotes();
            self.state.write_status();
            self.state.log_events();
            if let Some(signal) = self.daemon.terminated() {
                let App { state, unixctl, daemon, .. } = self;
                drop((state, unixctl));
                return daemon.die(signal);
            }
            match self.child.as_mut().map(Child::try_wait) {
                Some(Ok(Some(status))) => {
                    return status.code().map_or(ExitCode::FAILURE, |code| ExitCode::from(code as u8));
                }
                Some(Err(_)) => return ExitCode::FAILURE,
                _ => {}
            }
            if self.state.exiting && self.unixctl.as_mut().is_none_or(unixctl::Server::flush) {
                self.state.listener.flush();
                return ExitCode::SUCCESS;
            }
            if !self.brisk.serve(&mut self.state.listener, self.state.clock) {
                self.sleep();
            }
        }
    }

    fn commands(&mut self) {
        let Some(unixctl) = &mut self.unixctl else { return };
        for request in unixctl.poll() {
            let answer = self.state.command(request.command, &request.args);
            unixctl.reply(request.id, answer);
        }
        for fault in unixctl.take_faults() {
            tracing::warn!(target: "unixctl", "{fault}");
        }
    }

    fn sleep(&mut self) {
        let now = self.state.clock.now().monotonic;
        let mut waits: Vec<Wait<'_>> = self.state.listener.waits().collect();
        waits.push(Wait::Fd(self.daemon.signal_fd(), Interest::Read));
        if let Some(unixctl) = &self.unixctl {
            waits.extend(unixctl.waits());
        }
        waits.extend(self.state.status_due().map(Wait::At));
        let limit = self.child.as_ref().map(|_| RUN_INTERVAL);
        if let Err(error) = self.brisk.sleep(&waits, now, limit) {
            tracing::error!(target: "poll_loop", "poll: {error}");
        }
    }
}

impl State {
    /// Serves the database in a file.
    pub fn add_db(&mut self, path: &Path) -> Result<(), Fault> {
        if let Some(name) = path.to_str()
            && self.add_relay(name)?
        {
            return Ok(());
        }
        self.open_file(path).map(|_| ())
    }

    /// Serves the database in a file, and gives its name.
    pub fn open_file(&mut self, path: &Path) -> Result<String, Fault> {
        let now = self.clock.now();
        if let Ok(absolute) = std::path::absolute(path)
            && self.files.values().any(|known| *known == absolute)
        {
            return Err(Fault::AlreadyOpen(path.display().to_string()));
        }
        let mut uuids = UuidSource::new(&self.seed, &format!("versions of {}", path.display()));
        let opened = JournalFile::open_ahead(path, &mut uuids, read_ahead)?;
        if let Some((offset, damage)) = opened.torn {
            tracing::warn!(
                target: "ovsdb_file",
                "{}: {damage} at byte {offset}: an interrupted write is dropped", path.display()
            );
        }
        let name = opened.database.schema().name().to_owned();
        let path = opened.file.path().to_owned();
        let thread = |error| Fault::Thread { path: path.display().to_string(), error };
        let storage = ThreadedJournal::start(opened.file).map_err(thread)?;
        self.listener.add_database(opened.database, Some(Box::new(storage)), now)?;
        self.files.insert(name.clone(), path);
        Ok(name)
    }

    /// Opens and closes remotes as the user, and the databases that the user named, want it.
    pub fn reconcile_remotes(&mut self) {
        let commits = self.listener.server().counters().commits;
        // Only the user, or a commit to a database that says what is wanted, changes that.
        let in_database =
            || self.remotes.keys().any(|r| r.starts_with("db:")) || self.keys.stand_in_database();
        if self.reconciled.is_some_and(|at| at == commits || !in_database()) {
            return;
        }
        self.reconciled = Some(commits);
        self.keys.refresh_or_log(self.listener.server());
        let mut wanted: BTreeMap<String, Found> = BTreeMap::new();
        for (remote, options) in &self.remotes {
            match DbRemote::parse(remote) {
                Ok(Some(source)) => wanted.extend(source.targets(self.listener.server())),
                Ok(None) => {
                    wanted.insert(remote.clone(), Found { options: options.clone(), row: None });
                }
                Err(error) => tracing::warn!(target: "ovsdb_server", "{error}"),
            }
        }
        let present: BTreeSet<String> = self.listener.remotes().map(ToOwned::to_owned).collect();
        let now = self.clock.now();
        for remote in present.iter().filter(|remote| !wanted.contains_key(*remote)) {
            let _ = self.listener.remove_remote(remote, now);
        }
        for (remote, found) in &wanted {
            if let Err(error) = self.set_remote(remote, found.options.clone()) {
                tracing::warn!(target: "ovsdb_server", "{error}");
            }
        }
        self.found = wanted;
    }

    /// Opens a remote, or gives it other options.
    pub fn set_remote(&mut self, remote: &str, options: RemoteOptions) -> Result<(), Fault> {
        let (known, now) = (self.listener.bound(remote).is_some(), self.clock.now());
        self.listener.set_remote(remote, options, now)?;
        // Nobody else can say which port the system chose.
        let (what, any) = remote.split_once(':').unwrap_or_default();
        if !known && ["ptcp", "pssl"].contains(&what) && (any == "0" || any.starts_with("0:")) {
            let port = self.listener.bound(remote).and_then(|at| at.split(':').nth(1).map(str::to_owned));
            tracing::info!(target: "socket_util", "{any}: listening on port {}", port.unwrap_or_default());
        }
        Ok(())
    }

    /// Looks at the remotes again in the next turn.
    pub fn remotes_changed(&mut self) {
        self.reconciled = None;
        self.reconcile_remotes();
    }

    fn log_events(&mut self) {
        self.keys.log();
        for event in self.listener.take_events() {
            match event {
                Event::Connected { .. } | Event::Disconnected { .. } => {
                    tracing::debug!(target: "ovsdb_jsonrpc_server", "{event}");
                }
                Event::Closed { .. } | Event::ConnectFailed { .. } => {
                    tracing::info!(target: "ovsdb_jsonrpc_server", rl = 5, "{event}");
                }
                Event::Upstream { level, .. } => {
                    let event = format!("{event}");
                    match level {
                        NoticeLevel::Error => tracing::error!(target: "reconnect", "{event}"),
                        NoticeLevel::Warn => tracing::warn!(target: "reconnect", "{event}"),
                        NoticeLevel::Info => tracing::info!(target: "reconnect", "{event}"),
                        NoticeLevel::Debug => tracing::debug!(target: "reconnect", "{event}"),
                    }
                }
                Event::Replica { .. } => tracing::error!(target: "replication", "{event}"),
                Event::Operation { .. } => tracing::info!(target: "transaction", rl = 5, "{event}"),
                Event::Storage(error) => tracing::error!(target: "ovsdb_file", "{error}"),
                event => tracing::warn!(target: "ovsdb_jsonrpc_server", rl = 5, "{event}"),
            }
        }
    }
}

fn random_seed() -> Result<Vec<u8>, Fault> {
    let mut seed = vec![0; 32];
    let file = std::fs::File::open("/dev/urandom");
    file.and_then(|mut file| file.read_exact(&mut seed)).map_err(Fault::Random)?;
    Ok(seed)
}

fn start_child(command: &str) -> Result<Child, Fault> {
    std::process::Command::new("/bin/sh").args(["-c", command]).spawn().map_err(Fault::Run)
}
