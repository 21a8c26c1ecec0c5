//! The two servers, called alike.

use std::sync::Arc;

use ovs_db::database::Database;
use ovs_db::json::Json;
use ovs_db::jsonrpc::Message;
use ovs_db::schema::Schema;
use ovs_db::server::{Effect, Now, Server, ServerConfig, SessionId};

use crate::support::Client;

/// The error of a server that died.
pub const DIED: &str = "died";

/// What a call came to.
#[derive(Debug)]
pub struct Answer {
    pub result: Result<Json, Json>,
    /// The notifications that came before the answer.
    pub notices: Vec<Json>,
}

/// A server that can be called in several sessions.
pub trait Side {
    fn call(&mut self, session: usize, method: &str, params: &[Json]) -> Answer;
}

/// The distribution's.
pub struct Theirs {
    clients: Vec<Client>,
}

impl Theirs {
    pub fn new(clients: Vec<Client>) -> Theirs {
        Theirs { clients }
    }
}

impl Side for Theirs {
    fn call(&mut self, session: usize, method: &str, params: &[Json]) -> Answer {
        match self.clients[session].exchange(method, params) {
            Some((reply, notices)) => Answer { result: outcome(&reply), notices },
            None => Answer { result: Err(Json::from(DIED)), notices: Vec::new() },
        }
    }
}

/// Ours, in memory.
pub struct Ours {
    server: Server,
    sessions: Vec<SessionId>,
    /// What each session was told since it last called.
    told: Vec<Vec<Json>>,
}

impl Ours {
    pub fn new(schema: &str, sessions: usize) -> Ours {
        let mut server = Server::new(ServerConfig::default().seed(*b"test"), Now::default());
        let schema: Schema = schema.parse().unwrap();
        server.add_database(Database::new(Arc::new(schema)), false, Now::default()).unwrap();
        let ids = (0..sessions).map(|_| server.open_session()).collect();
        Ours { server, sessions: ids, told: vec![Vec::new(); sessions] }
    }
}

impl Side for Ours {
    fn call(&mut self, session: usize, method: &str, params: &[Json]) -> Answer {
        let request = Message::request(method, params.to_vec(), 1);
        let mut answer = None;
        for effect in self.server.handle(self.sessions[session], request, Now::default()) {
            assert!(!matches!(effect, Effect::Close { .. }), "closed by {method}");
            let Some((to, message)) = effect.into_message() else { continue };
            // As a client would see it: reals have been printed and read.
            let text = String::from_utf8(message.to_bytes()).unwrap();
            let message: Json = text.parse().unwrap();
            if message.get("method").is_some() {
                let place = self.sessions.iter().position(|s| *s == to).unwrap();
                self.told[place].push(message);
            } else {
                answer = Some(outcome(&message));
            }
        }
        let result = answer.unwrap_or_else(|| panic!("no answer to {method}"));
        Answer { result, notices: std::mem::take(&mut self.told[session]) }
    }
}

fn outcome(reply: &Json) -> Result<Json, Json> {
    match reply.get("error") {
        None | Some(Json::Null) => Ok(reply.get("result").cloned().unwrap_or_default()),
        Some(error) => Err(error.clone()),
    }
}
