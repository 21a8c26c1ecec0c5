//! The database server inside of the switch.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use ovs_db::client::{Pipe, PipeConnector, pipe};
use ovs_db::json::Json;
use ovs_db::jsonrpc::Message;
use ovs_db::schema::{OPEN_VSWITCH, Schema};
use ovs_db::server::{Listener, ListenerConfig, Now, Server, ServerConfig, SessionId};
use ovs_db::storage::JournalFile;
use ovs_db::value::UuidSource;
use ovs_stream::StreamConfig;

use super::super::SwitchdError;
use super::super::sleep::Sleeper;
use super::storage::ThreadedStorage;

/// How long the disk may take for the first row.
const FIRST_WORDS: Duration = Duration::from_secs(30);

/// How long the last answers may take.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// Transactions that are remembered for clients that come back. A switch's configuration is small: who was away for
/// longer takes all of it, which costs less than to remember the statistics of hours.
const HISTORY: usize = 100;

/// A server with one database, and the switch's own way to it.
pub struct Embedded {
    listener: Listener,
    pipe: Pipe,
    session: Option<(u64, SessionId)>,
    managers: BTreeSet<String>,
    wakeup: std::sync::Arc<super::super::waker::Wakeup>,
}

impl Embedded {
    /// Opens the database in `file`, or makes it, and listens on `db.sock` in the run directory of `streams`.
    pub fn open(
        file: &Path,
        streams: StreamConfig,
        now: Duration,
    ) -> Result<(Self, PipeConnector), SwitchdError> {
        let failed = |what: &dyn std::fmt::Display| SwitchdError::Database(what.to_string());
        let seed = seed();
        let mut uuids = UuidSource::new(&seed, "embedded");
        if !file.exists() {
            let schema = Json::parse(OPEN_VSWITCH.as_bytes()).map_err(|e| failed(&e))?;
            let schema = Schema::from_json(&schema).map_err(|e| failed(&e))?;
            JournalFile::create(file, &schema).map_err(|e| failed(&e))?;
        }
        let opened = JournalFile::open(file, &mut uuids).map_err(|e| failed(&e))?;
        if let Some((offset, damage)) = &opened.torn {
            tracing::warn!(
                target: "ovsdb_file",
                "{}: an interrupted write at byte {offset} is cut off ({damage})", file.display()
            );
        }
        let now = present(now);
        let server = Server::new(ServerConfig::default().seed(seed).history(HISTORY), now);
        let mut listener = Listener::new(server, ListenerConfig::default().stream(streams));
        let wakeup = super::super::waker::Wakeup::new().map_err(|e| failed(&e))?;
        let wakeup = std::sync::Arc::new(wakeup);
        let storage =
            ThreadedStorage::start(opened.file, std::sync::Arc::clone(&wakeup)).map_err(|e| failed(&e))?;
        listener.add_database(opened.database, Some(Box::new(storage)), now).map_err(|e| failed(&e))?;
        initialise(&mut listener, now)?;
        listener.add_remote("punix:db.sock", now).map_err(|e| failed(&e))?;
        let (pipe, connector) = pipe();
        let managers = BTreeSet::new();
        Ok((Self { listener, pipe, session: None, managers, wakeup }, connector))
    }

    /// Serves clients, the switch among them.
    pub fn poll(&mut self, now: Duration) {
        self.wakeup.reset();
        let now = present(now);
        self.follow_connection(now);
        self.carry(now);
        self.listener.poll(now);
        self.carry(now);
        for event in self.listener.take_events() {
            tracing::debug!(target: "ovsdb_jsonrpc_server", "{event}");
        }
    }

    /// A new connection of the switch is a new session of the server.
    fn follow_connection(&mut self, now: Now) {
        let connection = self.pipe.connection();
        if connection == 0 || self.session.is_some_and(|(known, _)| known == connection) {
            return;
        }
        if let Some((_, old)) = self.session.take() {
            self.listener.close_local(old, now);
        }
        self.session = Some((connection, self.listener.open_local()));
    }

    /// Moves messages between the switch and the server.
    fn carry(&mut self, now: Now) {
        let Some((_, session)) = self.session else { return };
        while let Some(message) = self.pipe.take() {
            self.listener.send_local(session, message, now);
        }
        loop {
            match self.listener.receive_local(session) {
                Ok(Some(message)) => self.pipe.deliver(message),
                Ok(None) => return,
                Err(_) => {
                    self.pipe.close();
                    self.session = None;
                    return;
                }
            }
        }
    }

    /// Listens on, or connects to, what the `Manager` rows say.
    pub fn set_managers(&mut self, wanted: BTreeSet<String>, now: Duration) {
        if wanted == self.managers {
            return;
        }
        let now = present(now);
        for gone in self.managers.difference(&wanted) {
            // One that could not be added is not there to be removed.
            let _ = self.listener.remove_remote(gone, now);
        }
        for new in wanted.difference(&self.managers) {
            if let Err(error) = self.listener.add_remote(new, now) {
                tracing::error!(target: "ovsdb_jsonrpc_server", "{error}");
            }
        }
        self.managers = wanted;
    }

    /// Sends what is left to be sent, for a moment.
    pub fn close(&mut self, now: Duration) {
        let deadline = Instant::now() + LAST_WORDS;
        loop {
            self.poll(now);
            if self.listener.flush() || Instant::now() > deadline {
                return;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Whether a client, the storage or the clock has something for it, as far as the last sleep knows.
    pub fn is_due(&self, slept: &Sleeper, now: Duration) -> bool {
        slept.saw(&*self.wakeup) || self.listener.waits().any(|wait| slept.is_due(&wait, now))
    }

    /// What to sleep on.
    pub fn waits(&self, sleeper: &mut Sleeper) {
        sleeper.readable(&*self.wakeup);
        for wait in self.listener.waits() {
            sleeper.stream(wait);
        }
    }
}

/// Gives a new database its root row, before any client can find that there is none.
fn initialise(listener: &mut Listener, now: Now) -> Result<(), SwitchdError> {
    let failed = |what: &dyn std::fmt::Display| SwitchdError::Database(what.to_string());
    let insert = r#"["Open_vSwitch",
        {"op": "wait", "table": "Open_vSwitch", "where": [], "columns": [], "until": "==", "rows": [], "timeout": 0},
        {"op": "insert", "table": "Open_vSwitch", "row": {}}]"#;
    let insert = Json::parse(insert.as_bytes()).map_err(|e| failed(&e))?;
    let params = insert.as_array().unwrap_or_default().to_vec();
    let session = listener.open_local();
    listener.send_local(session, Message::request("transact", params, 0), now);
    let deadline = Instant::now() + FIRST_WORDS;
    loop {
        listener.poll(now);
        match listener.receive_local(session).map_err(|e| failed(&e))? {
            // An answer, be it that there is a row already.
            Some(_) => break,
            None if Instant::now() > deadline => return Err(failed(&"the first transaction takes too long")),
            None => std::thread::sleep(Duration::from_millis(1)),
        }
    }
    listener.close_local(session, now);
    Ok(())
}

fn present(monotonic: Duration) -> Now {
    let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Now { monotonic, wall }
}

/// Row identities must differ from those of every other database, so they do not follow the switch's seed.
fn seed() -> Vec<u8> {
    let mut bytes = vec![0_u8; 32];
    let filled = rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty()).unwrap_or(0);
    bytes.truncate(filled);
    bytes.extend(present(Duration::ZERO).wall.as_nanos().to_ne_bytes());
    bytes.extend(std::process::id().to_ne_bytes());
    bytes
}
