//! JSON-RPC 1.0 messages as OVSDB uses them (RFC 7047 section 4).

use thiserror::Error;

use crate::json::Json;

/// One JSON-RPC message.
#[derive(Clone, Debug, PartialEq)]
pub enum Message {
    /// Asks for something; answered by a [`Message::Reply`] or a [`Message::Error`] with the same `id`.
    Request {
        /// What to do.
        method: String,
        /// Arguments.
        params: Vec<Json>,
        /// Chosen by the sender; anything but `null`.
        id: Json,
    },
    /// Tells something; is not answered.
    Notify {
        /// What happened.
        method: String,
        /// Arguments.
        params: Vec<Json>,
    },
    /// Answers a request that succeeded.
    Reply {
        /// What the request gave.
        result: Json,
        /// The request's `id`.
        id: Json,
    },
    /// Answers a request that failed.
    Error {
        /// Why; anything but `null`.
        error: Json,
        /// The request's `id`.
        id: Json,
    },
}

/// Why a JSON value is not a JSON-RPC message.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum MessageError {
    /// A message is an object.
    #[error("JSON-RPC message is not an object")]
    NotObject,
    /// Neither a method nor a result nor an error.
    #[error("JSON-RPC message is neither a request nor a response")]
    NoKind,
    /// `method` must be a string.
    #[error("JSON-RPC method is not a string")]
    BadMethod,
    /// `params` must be an array.
    #[error("JSON-RPC params is missing or not an array")]
    BadParams,
    /// A response must name the request it answers.
    #[error("JSON-RPC response has no id")]
    MissingId,
    /// A response has either a result or an error.
    #[error("JSON-RPC response has both a result and an error")]
    Ambiguous,
    /// A member that JSON-RPC does not have.
    #[error("JSON-RPC message has an unknown member")]
    UnknownMember,
}

impl Message {
    /// A request.
    pub fn request(method: &str, params: Vec<Json>, id: impl Into<Json>) -> Message {
        Message::Request { method: method.to_owned(), params, id: id.into() }
    }

    /// A notification.
    pub fn notify(method: &str, params: Vec<Json>) -> Message {
        Message::Notify { method: method.to_owned(), params }
    }

    /// The successful answer to the request `id`.
    pub fn reply(result: Json, id: Json) -> Message {
        Message::Reply { result, id }
    }

    /// The answer to the failed request `id`.
    pub fn error(error: impl Into<Json>, id: Json) -> Message {
        Message::Error { error: error.into(), id }
    }

    /// Reads a message from its JSON form.
    pub fn from_json(json: Json) -> Result<Message, MessageError> {
        let Json::Object(mut members) = json else { return Err(MessageError::NotObject) };
        let id = members.remove("id").unwrap_or_default();
        let result = members.remove("result").unwrap_or_default();
        let error = members.remove("error").unwrap_or_default();
        let method = members.remove("method").unwrap_or_default();
        let params = members.remove("params").unwrap_or_default();
        if !members.is_empty() {
            return Err(MessageError::UnknownMember);
        }
        match method {
            Json::Null => {}
            Json::String(method) => {
                let Json::Array(params) = params else { return Err(MessageError::BadParams) };
                if !result.is_null() || !error.is_null() {
                    return Err(MessageError::Ambiguous);
                }
                return Ok(match id {
                    Json::Null => Message::Notify { method, params },
                    id => Message::Request { method, params, id },
                });
            }
            _ => return Err(MessageError::BadMethod),
        }
        match (result, error, id) {
            (Json::Null, Json::Null, Json::Null) => Err(MessageError::NoKind),
            (_, _, Json::Null) => Err(MessageError::MissingId),
            // A null result is legal: "cancel" style calls may answer with nothing.
            (result, Json::Null, id) => Ok(Message::Reply { result, id }),
            (Json::Null, error, id) => Ok(Message::Error { error, id }),
            _ => Err(MessageError::Ambiguous),
        }
    }

    /// The JSON form, with all members that JSON-RPC 1.0 asks for.
    pub fn to_json(&self) -> Json {
        match self {
            Message::Request { method, params, id } => Json::object([
                ("id", id.clone()),
                ("method", Json::from(method.as_str())),
                ("params", Json::Array(params.clone())),
            ]),
            Message::Notify { method, params } => Json::object([
                ("id", Json::Null),
                ("method", Json::from(method.as_str())),
                ("params", Json::Array(params.clone())),
            ]),
            Message::Reply { result, id } => {
                Json::object([("id", id.clone()), ("result", result.clone()), ("error", Json::Null)])
            }
            Message::Error { error, id } => {
                Json::object([("id", id.clone()), ("result", Json::Null), ("error", error.clone())])
            }
        }
    }

    /// The bytes for the wire: the text of [`Message::to_json`].
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = String::new();
        match self {
            Message::Request { method, params, id } => write_call(method, params, id, &mut out),
            Message::Notify { method, params } => write_call(method, params, &Json::Null, &mut out),
            Message::Reply { result, id } => write_answer(&Json::Null, id, result, &mut out),
            Message::Error { error, id } => write_answer(error, id, &Json::Null, &mut out),
        }
        out.into_bytes()
    }
}

fn write_call(method: &str, params: &[Json], id: &Json, out: &mut String) {
    out.push_str("{\"id\":");
    id.write_to(out);
    out.push_str(",\"method\":");
    Json::write_str(method, out);
    out.push_str(",\"params\":[");
    for (i, param) in params.iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        param.write_to(out);
    }
    out.push_str("]}");
}

fn write_answer(error: &Json, id: &Json, result: &Json, out: &mut String) {
    out.push_str("{\"error\":");
    error.write_to(out);
    out.push_str(",\"id\":");
    id.write_to(out);
    out.push_str(",\"result\":");
    result.write_to(out);
    out.push('}');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trip() {
        for message in [
            Message::request("echo", vec![Json::from("x")], 1),
            Message::notify("update", vec![]),
            Message::reply(Json::Null, Json::from(7)),
            Message::reply(Json::array([]), Json::from("a")),
            Message::error("unknown method", Json::from(7)),
        ] {
            let text = message.to_bytes();
            assert_eq!(String::from_utf8(text.clone()).unwrap(), message.to_json().to_string());
            assert_eq!(Message::from_json(Json::parse(&text).unwrap()), Ok(message));
        }
    }

    #[test]
    fn refusals() {
        for (text, error) in [
            ("[]", MessageError::NotObject),
            ("{}", MessageError::NoKind),
            (r#"{"method":1,"params":[],"id":1}"#, MessageError::BadMethod),
            (r#"{"method":"x","id":1}"#, MessageError::BadParams),
            (r#"{"result":1}"#, MessageError::MissingId),
            (r#"{"result":1,"error":2,"id":3}"#, MessageError::Ambiguous),
            (r#"{"jsonrpc":"2.0","method":"x","params":[],"id":3}"#, MessageError::UnknownMember),
        ] {
            assert_eq!(Message::from_json(text.parse().unwrap()), Err(error), "{text}");
        }
    }
}
