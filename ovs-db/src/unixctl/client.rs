//! The side that calls.

use ovs_stream::{Address, Stream, StreamConfig, StreamError, Wait};

use crate::json::{Framer, Json, JsonError};
use crate::jsonrpc::{Message, MessageError};

/// Why a call could not be made or was not answered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The connection could not be made, or broke.
    #[error(transparent)]
    Stream(#[from] StreamError),
    /// The server sent something that is not JSON.
    #[error("{0}")]
    Json(#[from] JsonError),
    /// The server sent something that is not JSON-RPC.
    #[error("{0}")]
    Message(#[from] MessageError),
    /// The server sent something that does not answer the call.
    #[error("the server's message does not answer the call")]
    Unexpected,
}

/// A connection to a unixctl server, for one call after the other.
///
/// ```no_run
/// use ovs_db::unixctl::Client;
/// use ovs_stream::{Address, Role, StreamConfig, sleep};
///
/// let to = Address::parse("unix:/var/run/openvswitch/ovs-vswitchd.42.ctl", Role::Other)?;
/// let mut client = Client::connect(&to, &StreamConfig::default())?;
/// client.call("fdb/show", &["br0"])?;
/// let answer = loop {
///     match client.poll()? {
///         Some(answer) => break answer,
///         None => sleep(&[client.wait()], Default::default(), None)?,
///     }
/// };
/// # let _ = answer;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Client {
    stream: Stream,
    framer: Framer,
    serial: i64,
}

impl Client {
    /// Connects to a server.
    pub fn connect(address: &Address, config: &StreamConfig) -> Result<Client, ClientError> {
        Ok(Client { stream: Stream::connect(address, config)?, framer: Framer::default(), serial: 0 })
    }

    /// Sends a call.
    pub fn call(&mut self, command: &str, args: &[&str]) -> Result<(), ClientError> {
        self.serial += 1;
        let params = args.iter().map(|&a| Json::from(a)).collect();
        let message = Message::request(command, params, Json::from(self.serial));
        Ok(self.stream.send(&message.to_bytes())?)
    }

    /// The answer to the call, once it is there: the result (a string unless the client asked for JSON), or the
    /// error's text.
    pub fn poll(&mut self) -> Result<Option<Result<Json, String>>, ClientError> {
        if self.stream.poll_connect()? {
            self.stream.flush()?;
        }
        let mut chunk = [0u8; 16 << 10];
        loop {
            if let Some(json) = self.framer.next_message()? {
                let ours = Json::from(self.serial);
                return match Message::from_json(json)? {
                    Message::Reply { result, id } if id == ours => Ok(Some(Ok(result))),
                    Message::Error { error: Json::String(text), id } if id == ours => Ok(Some(Err(text))),
                    _ => Err(ClientError::Unexpected),
                };
            }
            match self.stream.read(&mut chunk)? {
                Some(n) => self.framer.push(&chunk[..n]),
                None => return Ok(None),
            }
        }
    }

    /// What to sleep on until the answer may be there.
    pub fn wait(&self) -> Wait<'_> {
        self.stream.wait(true)
    }
}
