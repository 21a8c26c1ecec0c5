//! What the tests of the server share.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail on the spot")]

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use ovs_db::json::{Framer, Json};
use ovs_db::jsonrpc::Message;

/// Reads JSON.
pub fn json(text: &str) -> Json {
    text.parse().unwrap_or_else(|e| panic!("{text}: {e}"))
}

/// A server program of the distribution, killed when dropped.
pub struct Peer {
    child: Child,
    socket: PathBuf,
}

impl Peer {
    /// Starts `ovsdb-server` on a database file.
    pub fn start(program: &Path, dir: &Path, database: &Path) -> Peer {
        let socket = dir.join("peer.sock");
        let child = Command::new(program)
            .arg(database)
            .arg(format!("--remote=punix:{}", socket.display()))
            .arg("--unixctl=none")
            .arg("-vconsole:emer")
            .env("OVS_RUNDIR", dir)
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        Peer { child, socket }
    }

    /// Connects, once the server listens.
    pub fn connect(&self) -> Client {
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            match UnixStream::connect(&self.socket) {
                Ok(stream) => {
                    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
                    return Client { stream, framer: Framer::default(), next: 0 };
                }
                Err(e) => assert!(Instant::now() < deadline, "{}: {e}", self.socket.display()),
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A blocking connection.
pub struct Client {
    stream: UnixStream,
    framer: Framer,
    next: i64,
}

impl Client {
    /// The next message; `None` if the server is gone.
    pub fn receive(&mut self) -> Option<Json> {
        let mut chunk = [0; 4096];
        loop {
            if let Some(message) = self.framer.next_message().unwrap() {
                return Some(message);
            }
            let n = self.stream.read(&mut chunk).ok().filter(|n| *n > 0)?;
            self.framer.push(&chunk[..n]);
        }
    }

    /// Calls a method and gives the answer, and what came before it; `None` if the server is gone.
    pub fn exchange(&mut self, method: &str, params: &[Json]) -> Option<(Json, Vec<Json>)> {
        self.next += 1;
        let request = Message::request(method, params.to_vec(), self.next);
        self.stream.write_all(&request.to_bytes()).ok()?;
        let mut notices = Vec::new();
        loop {
            let message = self.receive()?;
            if message.get("id") == Some(&Json::from(self.next)) {
                return Some((message, notices));
            }
            notices.push(message);
        }
    }
}
