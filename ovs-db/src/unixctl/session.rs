//! The protocol of one connection, without I/O.

use crate::json::{Framer, Json, JsonError};
use crate::jsonrpc::{Message, MessageError};

use super::registry::Registry;

/// The longest request that is taken: enough for a large packet in hex, not for a flood.
const MAX_REQUEST: usize = 16 << 20;

/// In which form a client wants its answers, set by `set-options --format`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Format {
    /// Text.
    #[default]
    Text,
    /// JSON: the command's own, or its text wrapped in an object.
    Json,
}

/// A command that a client called and that waits for its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call<C> {
    /// What the registry has under the name.
    pub command: C,
    /// The arguments, without the command's name.
    pub args: Vec<String>,
    /// The form that the client wants.
    pub format: Format,
}

/// Why a connection cannot go on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SessionError {
    /// The bytes are not JSON, or a message is too long. (Peer.)
    #[error("{0}")]
    Json(#[from] JsonError),
    /// The JSON is not a JSON-RPC message. (Peer.)
    #[error("{0}")]
    Message(#[from] MessageError),
    /// Only requests may come. (Peer.)
    #[error("received a JSON-RPC message that is not a request")]
    NotRequest,
}

/// One connection's state: bytes in by [`push`](Self::push), calls out by [`next_call`](Self::next_call), answers by
/// [`reply`](Self::reply), bytes out by [`take_output`](Self::take_output).
#[derive(Debug)]
pub struct Session {
    framer: Framer,
    format: Format,
    pending: Option<Json>,
    output: Vec<u8>,
}

impl Default for Session {
    fn default() -> Self {
        Session { framer: Framer::new(MAX_REQUEST), format: Format::Text, pending: None, output: Vec::new() }
    }
}

impl Session {
    /// Takes bytes that the client sent.
    pub fn push(&mut self, bytes: &[u8]) {
        self.framer.push(bytes);
    }

    /// Whether a call waits for its answer.
    pub fn is_busy(&self) -> bool {
        self.pending.is_some()
    }

    /// Whether bytes are at hand that were not looked at, because an earlier call waited for its answer.
    pub fn has_input(&self) -> bool {
        self.framer.pending() > 0
    }

    /// The next call for the program, if no earlier one waits. Built-in commands and wrong calls are answered here.
    pub fn next_call<C: Clone>(&mut self, registry: &Registry<C>) -> Result<Option<Call<C>>, SessionError> {
        while self.pending.is_none() {
            let Some(json) = self.framer.next_message()? else { return Ok(None) };
            let Message::Request { method, params, id } = Message::from_json(json)? else {
                return Err(SessionError::NotRequest);
            };
            self.pending = Some(id);
            match self.dispatch(&method, params, registry) {
                Ok(Some(call)) => return Ok(Some(call)),
                Ok(None) => {}
                Err(text) => self.reply(Err(text)),
            }
        }
        Ok(None)
    }

    /// Answers the waiting call by text; as users expect, a line end is added if there is text without one.
    pub fn reply(&mut self, result: Result<String, String>) {
        match (result, self.format) {
            (Ok(text), Format::Text) => self.answer(|id| Message::reply(Json::from(line(text)), id)),
            (Ok(text), Format::Json) => self.answer(|id| {
                let wrapped =
                    Json::object([("reply", Json::from(line(text))), ("reply-format", Json::from("plain"))]);
                Message::reply(wrapped, id)
            }),
            (Err(text), _) => self.answer(|id| Message::error(line(text), id)),
        }
    }

    /// Answers the waiting call by JSON, which a client that wants text gets as text.
    pub fn reply_json(&mut self, result: Json) {
        match self.format {
            Format::Json => self.answer(|id| Message::reply(result, id)),
            Format::Text => self.reply(Ok(result.to_string())),
        }
    }

    /// The bytes to send to the client.
    pub fn take_output(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.output)
    }

    fn dispatch<C: Clone>(
        &mut self,
        name: &str,
        params: Vec<Json>,
        registry: &Registry<C>,
    ) -> Result<Option<Call<C>>, String> {
        let info = registry.find(name, params.len())?;
        let args: Option<Vec<String>> =
            params.into_iter().map(|p| if let Json::String(s) = p { Some(s) } else { None }).collect();
        let args = args.ok_or_else(|| format!("\"{name}\" command has non-string argument"))?;
        if let Some(command) = info.command.clone() {
            return Ok(Some(Call { command, args, format: self.format }));
        }
        match name {
            "list-commands" if self.format == Format::Json => self.reply_json(registry.list_json()),
            "list-commands" => self.reply(Ok(registry.list())),
            "set-options" => {
                self.format = parse_options(&args)?;
                self.reply(Ok(String::new()));
            }
            _ => self.reply(Ok(registry.version().to_string())),
        }
        Ok(None)
    }

    fn answer(&mut self, message: impl FnOnce(Json) -> Message) {
        if let Some(id) = self.pending.take() {
            self.output.extend_from_slice(&message(id).to_bytes());
        }
    }
}

/// `--format text|json`.
fn parse_options(args: &[String]) -> Result<Format, String> {
    match args {
        [option, value] if option == "--format" => match value.as_str() {
            "text" => Ok(Format::Text),
            "json" => Ok(Format::Json),
            other => Err(format!("option --format has invalid value {other}")),
        },
        _ => Err(format!("unrecognized options: {}", args.join(" "))),
    }
}

fn line(mut text: String) -> String {
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    text
}
