//! Calls of a server, one at a time.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use ovs_stream::{OsError, Wait, sleep};

use super::transport::{Connector, Transport, TransportError};
use crate::json::Json;
use crate::jsonrpc::Message;

/// How many notices may come while an answer is awaited.
const NOTICES: usize = 10_000;

/// Why a call has no answer.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RpcError {
    /// The connection could not be made, or broke. (Peer.)
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// The time is over. (Peer, or the caller's patience.)
    #[error("timed out")]
    TimedOut,
    /// The system cannot wait. (System.)
    #[error(transparent)]
    Os(#[from] OsError),
    /// The server tells things without end instead of answering. (Peer.)
    #[error("more than {NOTICES} notices instead of an answer")]
    Flood,
}

/// A connection to a server for programs that ask, wait for the answer, and go on: without a copy of any table, and
/// without reconnecting. A server that asks for a sign of life gets it while a call waits.
pub struct Rpc {
    transport: Box<dyn Transport>,
    start: Instant,
    end: Option<Duration>,
    next_id: i64,
    notices: VecDeque<Message>,
}

impl Rpc {
    /// Connects. `limit` is for the connection and all calls together; `None` waits for ever.
    pub fn connect(connector: &mut dyn Connector, limit: Option<Duration>) -> Result<Rpc, RpcError> {
        let transport = connector.connect()?;
        let notices = VecDeque::new();
        let mut rpc = Rpc { transport, start: Instant::now(), end: limit, next_id: 1, notices };
        while !rpc.transport.poll_connect()? {
            rpc.sleep()?;
        }
        Ok(rpc)
    }

    /// Calls a method and gives its result, or the error that the server answers.
    pub fn call(&mut self, method: &str, params: Vec<Json>) -> Result<Result<Json, Json>, RpcError> {
        let id = Json::from(self.next_id);
        self.next_id += 1;
        self.transport.send(&Message::request(method, params, id.clone()))?;
        loop {
            match self.receive()? {
                Message::Reply { result, id: answered } if answered == id => return Ok(Ok(result)),
                Message::Error { error, id: answered } if answered == id => return Ok(Err(error)),
                Message::Reply { .. } | Message::Error { .. } => {}
                notice if self.notices.len() < NOTICES => self.notices.push_back(notice),
                _ => return Err(RpcError::Flood),
            }
        }
    }

    /// The next thing that the server tells without being asked.
    pub fn notice(&mut self) -> Result<Message, RpcError> {
        if let Some(notice) = self.notices.pop_front() {
            return Ok(notice);
        }
        loop {
            let message = self.receive()?;
            if matches!(message, Message::Notify { .. } | Message::Request { .. }) {
                return Ok(message);
            }
        }
    }

    /// The next message that is not about signs of life.
    fn receive(&mut self) -> Result<Message, RpcError> {
        loop {
            self.transport.flush()?;
            match self.transport.receive()? {
                Some(Message::Request { method, params, id }) if method == "echo" => {
                    self.transport.send(&Message::reply(Json::Array(params), id))?;
                }
                Some(message) => return Ok(message),
                None => self.sleep()?,
            }
        }
    }

    fn sleep(&self) -> Result<(), RpcError> {
        let now = self.start.elapsed();
        if self.end.is_some_and(|end| end <= now) {
            return Err(RpcError::TimedOut);
        }
        let timer = self.end.map_or(Wait::Never, Wait::At);
        Ok(sleep(&[self.transport.wait(), timer], now, None)?)
    }
}
