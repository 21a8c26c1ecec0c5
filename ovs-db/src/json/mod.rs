//! JSON as OVSDB speaks it (RFC 7047 section 3.1 over RFC 8259).
//!
//! This is not a general JSON library: it keeps the handful of rules on which OVSDB peers depend and
//! which a general library decides otherwise.
//!
//! * Numbers are 64-bit signed integers wherever the written value is a whole number in range
//!   (`1.0` and `10e-1` are the integer 1), and finite doubles elsewhere.
//! * Reals print with 15 significant digits, like C's `%.15g`.
//! * A string never holds U+0000, and an escaped surrogate must be half of a pair.
//! * Of duplicate object members the last one stays.
//! * Nesting deeper than [`MAX_DEPTH`] is refused, so neither parsing nor dropping can exhaust a stack.
//! * Objects are kept and printed in the order of their keys' bytes: equal values print equal bytes.
//!
//! [`Framer`] cuts a byte stream into messages; [`Json::parse`] reads one value.

mod error;
mod frame;
mod number;
mod parse;
mod scan;
mod write;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

pub use error::{JsonError, JsonErrorKind};
pub use frame::{Framer, MAX_MESSAGE};
pub(crate) use scan::Scanner;

/// Arrays and objects may be nested this deep and no deeper.
pub const MAX_DEPTH: usize = 1000;

/// The members of a JSON object, in the order of their names.
pub type Object = BTreeMap<String, Json>;

/// One JSON value.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Json {
    /// `null`
    #[default]
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A whole number that fits 64 bits.
    Integer(i64),
    /// Any other finite number. Build it with `Json::from(f64)`, which keeps short whole numbers integers.
    Real(f64),
    /// A string without U+0000.
    String(String),
    /// An array.
    Array(Vec<Json>),
    /// An object.
    Object(Object),
}

impl Json {
    /// Reads exactly one JSON value from `text` (white space around it is allowed).
    pub fn parse(text: &[u8]) -> Result<Json, JsonError> {
        parse::parse(text)
    }

    /// Builds an object from its members; a repeated name keeps the last value.
    pub fn object<K: Into<String>>(members: impl IntoIterator<Item = (K, Json)>) -> Json {
        Json::Object(members.into_iter().map(|(k, v)| (k.into(), v)).collect())
    }

    /// Builds an array.
    pub fn array(elements: impl IntoIterator<Item = Json>) -> Json {
        Json::Array(elements.into_iter().collect())
    }

    /// True for `null`.
    pub fn is_null(&self) -> bool {
        matches!(self, Json::Null)
    }

    /// The boolean, if this is one.
    pub fn as_bool(&self) -> Option<bool> {
        if let Json::Bool(b) = self { Some(*b) } else { None }
    }

    /// The integer, if this is one.
    pub fn as_integer(&self) -> Option<i64> {
        if let Json::Integer(n) = self { Some(*n) } else { None }
    }

    /// The number as a double, if this is an integer or a real.
    pub fn as_real(&self) -> Option<f64> {
        match self {
            Json::Integer(n) => Some(*n as f64),
            Json::Real(r) => Some(*r),
            _ => None,
        }
    }

    /// The string, if this is one.
    pub fn as_str(&self) -> Option<&str> {
        if let Json::String(s) = self { Some(s) } else { None }
    }

    /// The elements, if this is an array.
    pub fn as_array(&self) -> Option<&[Json]> {
        if let Json::Array(a) = self { Some(a) } else { None }
    }

    /// The members, if this is an object.
    pub fn as_object(&self) -> Option<&Object> {
        if let Json::Object(o) = self { Some(o) } else { None }
    }

    /// The member called `name`, if this is an object that has it.
    pub fn get(&self, name: &str) -> Option<&Json> {
        self.as_object()?.get(name)
    }

    /// Appends the text of a whole number to `out`.
    pub(crate) fn write_integer(n: i64, out: &mut String) {
        write::write_integer(n, out);
    }

    /// Appends the text of a string, in quotes, to `out`.
    pub(crate) fn write_str(text: &str, out: &mut String) {
        write::write_string(text, out);
    }

    /// The text of this value over several lines: each element and member on a line of its own, two spaces deeper than
    /// what it is in, as the programs of Open vSwitch print it with `--pretty`.
    pub fn to_pretty_text(&self) -> String {
        let mut out = String::new();
        write::write_pretty(self, 0, &mut out);
        out
    }

    /// Appends the compact text of this value (no white space, object members sorted) to `out`.
    pub fn write_to(&self, out: &mut String) {
        write::write(self, out);
    }
}

impl std::fmt::Display for Json {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut text = String::new();
        self.write_to(&mut text);
        f.write_str(&text)
    }
}

impl From<bool> for Json {
    fn from(b: bool) -> Json {
        Json::Bool(b)
    }
}

impl From<i64> for Json {
    fn from(n: i64) -> Json {
        Json::Integer(n)
    }
}

/// Whole numbers of at most 15 digits, which print alike either way, become integers; NaN and the infinities,
/// which JSON cannot write, become `null`.
impl From<f64> for Json {
    fn from(real: f64) -> Json {
        if !real.is_finite() {
            Json::Null
        } else if real.fract() == 0.0 && real.abs() < 1e15 {
            Json::Integer(real as i64)
        } else {
            Json::Real(real)
        }
    }
}

impl From<&str> for Json {
    fn from(s: &str) -> Json {
        Json::String(s.to_owned())
    }
}

impl From<String> for Json {
    fn from(s: String) -> Json {
        Json::String(s)
    }
}

impl From<Vec<Json>> for Json {
    fn from(elements: Vec<Json>) -> Json {
        Json::Array(elements)
    }
}

impl From<Object> for Json {
    fn from(members: Object) -> Json {
        Json::Object(members)
    }
}

impl std::str::FromStr for Json {
    type Err = JsonError;

    fn from_str(text: &str) -> Result<Json, JsonError> {
        Json::parse(text.as_bytes())
    }
}
