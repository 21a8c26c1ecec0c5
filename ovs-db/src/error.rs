//! Errors as OVSDB puts them on the wire: a tag from a documented list, details, and the offending JSON.

use std::fmt;

use crate::json::Json;

/// The documented names of OVSDB errors (RFC 7047 sections 3.1, 4.1 and 5.2, and the server's own).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorTag {
    /// A value or operation does not have the form that RFC 7047 demands.
    SyntaxError,
    /// A set has an element, or a map a key, twice.
    Duplicate,
    /// A value breaks a constraint of its type, or an index, a row limit or an immutable column is hurt.
    ConstraintViolation,
    /// A strong reference to a row that does not exist, or deletion of a row that is still referred to.
    ReferentialIntegrityViolation,
    /// A mutation divides by zero.
    DomainError,
    /// A mutation's result does not fit its type.
    RangeError,
    /// A `wait` did not come true in time.
    TimedOut,
    /// The transaction asked for its own failure.
    Aborted,
    /// An `assert` about a lock that the session does not hold.
    NotOwner,
    /// The server does not serve that database.
    UnknownDatabase,
    /// The schema has no such table (on the wire a `syntax error`).
    UnknownTable,
    /// No operation has that name (on the wire a `syntax error`).
    UnknownOperation,
    /// No mutator has that name.
    UnknownMutator,
    /// No comparing function has that name.
    UnknownFunction,
    /// The table has no such column.
    UnknownColumn,
    /// Two operations of a transaction chose one `uuid-name`.
    DuplicateUuidName,
    /// A chosen `uuid` is in use.
    DuplicateUuid,
    /// An insert or an update that the server's policy forbids.
    NotAllowed,
    /// What the client's role does not permit.
    PermissionError,
    /// Something that OVSDB knows and this server does not do.
    NotSupported,
    /// A limit of the server.
    ResourcesExhausted,
    /// The transaction could not be stored.
    IoError,
}

impl ErrorTag {
    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            ErrorTag::SyntaxError | ErrorTag::UnknownTable | ErrorTag::UnknownOperation => "syntax error",
            ErrorTag::Duplicate => "ovsdb error",
            ErrorTag::ConstraintViolation => "constraint violation",
            ErrorTag::ReferentialIntegrityViolation => "referential integrity violation",
            ErrorTag::DomainError => "domain error",
            ErrorTag::RangeError => "range error",
            ErrorTag::TimedOut => "timed out",
            ErrorTag::Aborted => "aborted",
            ErrorTag::NotOwner => "not owner",
            ErrorTag::UnknownDatabase => "unknown database",
            ErrorTag::UnknownFunction => "unknown function",
            ErrorTag::UnknownMutator => "unknown mutator",
            ErrorTag::UnknownColumn => "unknown column",
            ErrorTag::DuplicateUuidName => "duplicate uuid-name",
            ErrorTag::DuplicateUuid => "duplicate uuid",
            ErrorTag::NotAllowed => "not allowed",
            ErrorTag::PermissionError => "permission error",
            ErrorTag::NotSupported => "not supported",
            ErrorTag::ResourcesExhausted => "resources exhausted",
            ErrorTag::IoError => "I/O error",
        }
    }
}

/// An OVSDB error: what a peer gets, and what functions of this crate that judge a peer's values return.
#[derive(Clone, Debug, PartialEq)]
pub struct DbError {
    /// The documented name.
    pub tag: ErrorTag,
    /// What exactly is wrong, for people.
    pub details: String,
    /// The JSON that is wrong, if some JSON is.
    pub syntax: Option<Json>,
}

impl DbError {
    /// An error without JSON.
    pub fn new(tag: ErrorTag, details: impl Into<String>) -> DbError {
        DbError { tag, details: details.into(), syntax: None }
    }

    /// A `syntax error` about `json`.
    pub fn syntax(json: &Json, details: impl Into<String>) -> DbError {
        DbError::new(ErrorTag::SyntaxError, details).about(json)
    }

    /// Names the JSON that is wrong.
    pub fn about(mut self, json: &Json) -> DbError {
        self.syntax = Some(json.clone());
        self
    }

    /// The `<error>` object of RFC 7047 section 3.1.
    pub fn to_json(&self) -> Json {
        let mut members = vec![("error", Json::from(self.tag.as_str()))];
        if !self.details.is_empty() {
            members.push(("details", Json::from(self.details.as_str())));
        }
        if let Some(syntax) = &self.syntax {
            members.push(("syntax", Json::from(syntax.to_string())));
        }
        Json::object(members)
    }
}

impl fmt::Display for DbError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(syntax) = &self.syntax {
            write!(f, "syntax \"{syntax}\": ")?;
        }
        f.write_str(self.tag.as_str())?;
        if self.details.is_empty() { Ok(()) } else { write!(f, ": {}", self.details) }
    }
}

impl std::error::Error for DbError {}
