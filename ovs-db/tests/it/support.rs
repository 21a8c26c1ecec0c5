//! What the tests of the server share.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests fail on the spot")]

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ovs_db::database::Database;
use ovs_db::json::{Framer, Json};
use ovs_db::jsonrpc::Message;
use ovs_db::schema::Schema;
use ovs_db::server::{Effect, Now, Server, ServerConfig, SessionId};

/// Reads JSON.
pub fn json(text: &str) -> Json {
    text.parse().unwrap_or_else(|e| panic!("{text}: {e}"))
}

/// A server of one database in memory, with one session, called synchronously.
pub struct Memory {
    pub server: Server,
    pub session: SessionId,
    pub notices: Vec<Message>,
    next: i64,
}

impl Memory {
    pub fn new(schema: &str) -> Memory {
        let mut server = Server::new(ServerConfig::default().seed(*b"test"), Now::default());
        let schema: Schema = schema.parse().unwrap();
        server.add_database(Database::new(Arc::new(schema)), false, Now::default()).unwrap();
        let session = server.open_session();
        Memory { server, session, notices: Vec::new(), next: 0 }
    }

    /// Calls a method; gives the result, or the error as `Err`. Notifications are kept.
    pub fn call(&mut self, method: &str, params: Json) -> Result<Json, Json> {
        self.next += 1;
        let Json::Array(params) = params else { panic!("params") };
        let request = Message::request(method, params, self.next);
        let effects = self.server.handle(self.session, request, Now::default());
        let mut answer = None;
        for effect in effects {
            if let Effect::Close { .. } = effect {
                continue;
            }
            match effect.into_message().expect("a message").1 {
                Message::Reply { result, .. } => answer = Some(Ok(result)),
                Message::Error { error, .. } => answer = Some(Err(error)),
                message => self.notices.push(message),
            }
        }
        answer.expect("a reply")
    }

    /// Calls `transact` with some operations.
    pub fn transact(&mut self, operations: &str) -> Json {
        let Json::Array(mut params) = json(operations) else { panic!("operations") };
        let name = self.server.database_names().into_iter().find(|n| *n != "_Server").unwrap().to_owned();
        params.insert(0, Json::from(name));
        // As a client would see it: reals have been printed and read.
        json(&self.call("transact", Json::Array(params)).unwrap().to_string())
    }
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
    /// The next message.
    pub fn receive(&mut self) -> Json {
        let mut chunk = [0; 4096];
        loop {
            if let Some(message) = self.framer.next_message().unwrap() {
                return message;
            }
            let n = self.stream.read(&mut chunk).unwrap();
            assert!(n > 0, "connection closed");
            self.framer.push(&chunk[..n]);
        }
    }

    /// Calls a method and gives the `result`.
    pub fn call(&mut self, method: &str, params: &[Json]) -> Json {
        self.next += 1;
        let request = Message::request(method, params.to_vec(), self.next);
        self.stream.write_all(&request.to_bytes()).unwrap();
        loop {
            let message = self.receive();
            if message.get("id") == Some(&Json::from(self.next)) {
                return message.get("result").cloned().unwrap_or_default();
            }
        }
    }
}
