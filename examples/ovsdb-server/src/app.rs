//! The program: what it holds, and its loop.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, ExitCode};
use std::time::{Duration, Instant, SystemTime};

use ovs_db::server::{Event, Listener, ListenerConfig, Now, Server, ServerConfig};
use ovs_db::storage::JournalFile;
use ovs_db::unixctl;
use ovs_db::value::UuidSource;
use ovs_stream::{Interest, StreamConfig, Wait, sleep};
use vswitchd::daemon::{Daemon, Program};
use vswitchd::vlog::{OVSDB_SERVER_MODULES, Vlog};

use crate::cli::Cli;
use crate::commands::{Command, registry};
use crate::fault::Fault;
use crate::remotes::DbRemote;

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
    pub remotes: BTreeSet<String>,
    pub exiting: bool,
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
        let stream = StreamConfig::default().rundir(&program.dirs.run);
        let server = Server::new(ServerConfig::default().seed(seed.clone()), clock.now());
        let listener = Listener::new(server, ListenerConfig::default().stream(stream.clone()));
        let mut state = State {
            listener,
            clock,
            vlog,
            files: BTreeMap::new(),
            remotes: BTreeSet::new(),
            exiting: false,
            seed,
            reconciled: None,
        };
        for file in cli.databases(program) {
            state.add_db(&file)?;
        }
        for remote in &cli.remote {
            state.add_remote(remote)?;
        }
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
        Ok(App { state, unixctl, daemon, child })
    }

    /// Serves until told to stop.
    pub fn run(mut self) -> ExitCode {
        loop {
            self.state.listener.poll(self.state.clock.now());
            self.commands();
            self.state.reconcile_remotes();
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
            self.sleep();
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

    fn sleep(&self) {
        let now = self.state.clock.now().monotonic;
        let mut waits: Vec<Wait<'_>> = self.state.listener.waits().collect();
        waits.push(Wait::Fd(self.daemon.signal_fd(), Interest::Read));
        if let Some(unixctl) = &self.unixctl {
            waits.extend(unixctl.waits());
        }
        let limit = self.child.as_ref().map(|_| RUN_INTERVAL);
        if let Err(error) = sleep(&waits, now, limit) {
            tracing::error!(target: "poll_loop", "poll: {error}");
        }
    }
}

impl State {
    /// Serves the database in a file.
    pub fn add_db(&mut self, path: &Path) -> Result<(), Fault> {
        let now = self.clock.now();
        let mut uuids = UuidSource::new(&self.seed, &format!("versions of {}", path.display()));
        let opened = JournalFile::open(path, &mut uuids)?;
        if let Some((offset, damage)) = opened.torn {
            tracing::warn!(
                target: "ovsdb_file",
                "{}: {damage} at byte {offset}: an interrupted write is dropped", path.display()
            );
        }
        let name = opened.database.schema().name().to_owned();
        let path = opened.file.path().to_owned();
        self.listener.add_database(opened.database, Some(Box::new(opened.file)), now)?;
        self.files.insert(name, path);
        Ok(())
    }

    /// Opens and closes remotes as the user, and the databases that the user named, want it.
    pub fn reconcile_remotes(&mut self) {
        let commits = self.listener.server().counters().commits;
        let mut wanted = BTreeSet::new();
        for remote in &self.remotes {
            match DbRemote::parse(remote) {
                Ok(Some(source)) => wanted.extend(source.targets(self.listener.server())),
                Ok(None) => {
                    wanted.insert(remote.clone());
                }
                Err(error) => tracing::warn!(target: "ovsdb_server", "{error}"),
            }
        }
        let present: BTreeSet<String> = self.listener.remotes().map(ToOwned::to_owned).collect();
        let now = self.clock.now();
        for remote in present.difference(&wanted) {
            let _ = self.listener.remove_remote(remote, now);
        }
        for remote in wanted.difference(&present) {
            // Tried again with every commit, not in every turn.
            if self.reconciled == Some(commits) {
                continue;
            }
            if let Err(error) = self.listener.add_remote(remote, now) {
                tracing::warn!(target: "ovsdb_server", "{error}");
            }
        }
        self.reconciled = Some(commits);
    }

    fn log_events(&mut self) {
        for event in self.listener.take_events() {
            match event {
                Event::Connected { .. } | Event::Disconnected { .. } => {
                    tracing::debug!(target: "ovsdb_jsonrpc_server", "{event}");
                }
                Event::Closed { .. } | Event::ConnectFailed { .. } => {
                    tracing::info!(target: "ovsdb_jsonrpc_server", rl = 5, "{event}");
                }
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
