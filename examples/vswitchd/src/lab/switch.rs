//! The lab's switch: this program as a child, with a database of its own.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use ovs_db::json::Json;
use ovs_db::unixctl::Client;
use ovs_stream::{Address, Role, StreamConfig, sleep};
use rustix::process::{Pid, Signal};

use super::database::Database;
use super::{LabError, system};

/// How long the switch may take to start, to answer and to stop.
const PATIENCE: Duration = Duration::from_secs(10);

/// A running switch.
pub struct Switch {
    child: Child,
    database: Database,
    folder: PathBuf,
}

impl Switch {
    /// Starts a switch that keeps everything in `folder`, and waits until its database answers.
    pub fn start(folder: &Path) -> Result<Self, LabError> {
        let program = std::env::current_exe().map_err(system("finding this program"))?;
        let log = folder.join("vswitchd.log");
        let errors = File::create(&log).map_err(system(format!("making {}", log.display())))?;
        let mut child = Command::new(program)
            .arg(format!("--embedded-db={}", folder.join("conf.db").display()))
            .arg(format!("--unixctl={}", folder.join("vswitchd.ctl").display()))
            .envs(["OVS_RUNDIR", "OVS_LOGDIR", "OVS_DBDIR"].map(|name| (name, folder)))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(errors)
            .spawn()
            .map_err(system("starting the switch"))?;
        if let Some(database) = await_database(&mut child, &folder.join("db.sock")) {
            Ok(Self { child, database, folder: folder.to_owned() })
        } else {
            let _ = child.kill();
            let _ = child.wait();
            let said = std::fs::read_to_string(&log).unwrap_or_default();
            Err(LabError::Child { who: "the switch did not start".to_owned(), what: said })
        }
    }

    /// Makes a bridge.
    pub fn add_bridge(&mut self, name: &str) -> Result<(), LabError> {
        self.database.add_bridge(name)
    }

    /// Adds a port; returns its OpenFlow number.
    pub fn add_port(&mut self, bridge: &str, name: &str) -> Result<i64, LabError> {
        self.database.add_port(bridge, name)
    }

    /// Runs an appctl command.
    pub fn appctl(&mut self, command: &[&str]) -> Result<String, LabError> {
        let failed = |what: String| LabError::Child { who: command.join(" "), what };
        let socket = self.folder.join("vswitchd.ctl");
        let address = Address::parse(&format!("unix:{}", socket.display()), Role::Other);
        let address = address.map_err(|e| failed(e.to_string()))?;
        let mut client =
            Client::connect(&address, &StreamConfig::default()).map_err(|e| failed(e.to_string()))?;
        let (name, args) = command.split_first().unwrap_or((&"", &[]));
        client.call(name, args).map_err(|e| failed(e.to_string()))?;
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            match client.poll().map_err(|e| failed(e.to_string()))? {
                Some(Ok(Json::String(text))) => return Ok(text),
                Some(Ok(other)) => return Ok(other.to_string()),
                Some(Err(error)) => return Err(failed(error)),
                None => {
                    let napped = sleep(&[client.wait()], Duration::ZERO, Some(Duration::from_millis(100)));
                    napped.map_err(|e| failed(e.to_string()))?;
                }
            }
        }
        Err(failed("no answer".to_owned()))
    }

    /// Fails if the switch has ended.
    pub fn check(&mut self) -> Result<(), LabError> {
        match self.child.try_wait() {
            Ok(None) => Ok(()),
            Ok(Some(status)) => {
                let log = std::fs::read_to_string(self.folder.join("vswitchd.log")).unwrap_or_default();
                Err(LabError::Child { who: "switch".to_owned(), what: format!("ended ({status})\n{log}") })
            }
            Err(error) => Err(system("watching the switch")(error)),
        }
    }

    /// Ends it and waits for its end.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        if let Some(pid) = Pid::from_raw(self.child.id() as i32) {
            // It may have ended by itself.
            let _ = rustix::process::kill_process(pid, Signal::TERM);
        }
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Switch {
    fn drop(&mut self) {
        self.end();
    }
}

/// Connects as soon as the socket is there; `None` if the child ends or takes too long.
fn await_database(child: &mut Child, socket: &Path) -> Option<Database> {
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        if let Ok(database) = Database::connect(socket) {
            return Some(database);
        }
        if !matches!(child.try_wait(), Ok(None)) {
            return None;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    None
}
