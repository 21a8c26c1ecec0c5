//! What can be wrong with JSON text.

use thiserror::Error;

/// Why some text is not JSON that OVSDB accepts, and where.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("byte {offset}: {kind}")]
pub struct JsonError {
    /// How many bytes of the text were good.
    pub offset: usize,
    /// What is wrong there.
    pub kind: JsonErrorKind,
}

/// The kinds of [`JsonError`].
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum JsonErrorKind {
    /// The text stops inside a value.
    #[error("input ends inside a value")]
    UnexpectedEnd,
    /// No value, or no member name, begins with this byte.
    #[error("unexpected byte {0:#04x}")]
    UnexpectedByte(u8),
    /// A complete value is followed by something else than white space.
    #[error("trailing garbage after the value")]
    TrailingGarbage,
    /// A message on a stream must be an object or an array.
    #[error("a message must begin with '{{' or '['")]
    NotContainer,
    /// Nesting beyond [`MAX_DEPTH`](super::MAX_DEPTH).
    #[error("nested deeper than 1000 levels")]
    TooDeep,
    /// A message on a stream is longer than the framer allows.
    #[error("message exceeds {0} bytes")]
    TooLong(usize),
    /// A word other than `null`, `true` and `false`.
    #[error("unknown keyword")]
    BadKeyword,
    /// A number that breaks the grammar, such as `01`, `1.` or `-`.
    #[error("malformed number")]
    BadNumber,
    /// A number beyond the range of a double.
    #[error("number out of range")]
    NumberRange,
    /// A control character that had to be escaped.
    #[error("unescaped control character {0:#04x} in a string")]
    ControlCharacter(u8),
    /// A backslash before something that is no escape.
    #[error("bad escape in a string")]
    BadEscape,
    /// `\u0000`, which OVSDB strings cannot hold.
    #[error("\\u0000 in a string")]
    NullCharacter,
    /// Half of a surrogate pair without the other half.
    #[error("lone surrogate in a string")]
    LoneSurrogate,
    /// Bytes that are not UTF-8.
    #[error("invalid UTF-8 in a string")]
    BadUtf8,
}

impl JsonErrorKind {
    /// Says where.
    pub(super) fn at(self, offset: usize) -> JsonError {
        JsonError { offset, kind: self }
    }
}
