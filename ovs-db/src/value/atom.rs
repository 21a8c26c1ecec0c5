//! Single values.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use crate::error::DbError;
use crate::json::Json;
use crate::schema::AtomType;

use super::datum::UuidNames;
use super::uuid::Uuid;

/// A finite double with a total order; negative zero is zero.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Real(f64);

impl Real {
    /// The least finite double.
    pub const MIN: Real = Real(f64::MIN);

    /// The greatest finite double.
    pub const MAX: Real = Real(f64::MAX);

    /// `None` for NaN and the infinities.
    pub fn new(value: f64) -> Option<Real> {
        // Adding zero turns -0.0 into 0.0.
        value.is_finite().then_some(Real(value + 0.0))
    }

    /// The double.
    pub fn get(self) -> f64 {
        self.0
    }
}

impl Eq for Real {}

/// Equal doubles have equal bits, as there is neither NaN nor a negative zero.
impl Hash for Real {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.to_bits().hash(state);
    }
}

impl PartialOrd for Real {
    fn partial_cmp(&self, other: &Real) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Real {
    fn cmp(&self, other: &Real) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

/// One value of one of the five atomic types.
///
/// The order within a type is the natural one (strings by their bytes); it decides how sets and maps are
/// stored and printed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Atom {
    /// A 64-bit signed integer.
    Integer(i64),
    /// A finite double.
    Real(Real),
    /// True or false.
    Boolean(bool),
    /// A string without U+0000; cheap to clone.
    String(Arc<str>),
    /// A row's identifier.
    Uuid(Uuid),
}

impl Atom {
    /// The value that a column gets when nothing is said.
    pub fn default_of(kind: AtomType) -> Atom {
        match kind {
            AtomType::Integer => Atom::Integer(0),
            AtomType::Real => Atom::Real(Real::default()),
            AtomType::Boolean => Atom::Boolean(false),
            AtomType::String => Atom::String(Arc::from("")),
            AtomType::Uuid => Atom::Uuid(Uuid::ZERO),
        }
    }

    /// The type of this value.
    pub fn kind(&self) -> AtomType {
        match self {
            Atom::Integer(_) => AtomType::Integer,
            Atom::Real(_) => AtomType::Real,
            Atom::Boolean(_) => AtomType::Boolean,
            Atom::String(_) => AtomType::String,
            Atom::Uuid(_) => AtomType::Uuid,
        }
    }

    /// The integer, if this is one.
    pub fn as_integer(&self) -> Option<i64> {
        if let Atom::Integer(n) = self { Some(*n) } else { None }
    }

    /// The real, if this is one.
    pub fn as_real(&self) -> Option<f64> {
        if let Atom::Real(r) = self { Some(r.get()) } else { None }
    }

    /// The boolean, if this is one.
    pub fn as_bool(&self) -> Option<bool> {
        if let Atom::Boolean(b) = self { Some(*b) } else { None }
    }

    /// The string, if this is one.
    pub fn as_str(&self) -> Option<&str> {
        if let Atom::String(s) = self { Some(s) } else { None }
    }

    /// The UUID, if this is one.
    pub fn as_uuid(&self) -> Option<Uuid> {
        if let Atom::Uuid(u) = self { Some(*u) } else { None }
    }

    /// Reads an `<atom>` of RFC 7047; `["named-uuid", NAME]` is looked up in `names`. Constraints are not
    /// checked here.
    pub fn from_json(json: &Json, kind: AtomType, names: &mut dyn UuidNames) -> Result<Atom, DbError> {
        let atom = match (kind, json) {
            (AtomType::Integer, Json::Integer(n)) => Some(Atom::Integer(*n)),
            (AtomType::Real, Json::Integer(_) | Json::Real(_)) => {
                json.as_real().and_then(Real::new).map(Atom::Real)
            }
            (AtomType::Boolean, Json::Bool(b)) => Some(Atom::Boolean(*b)),
            (AtomType::String, Json::String(s)) => Some(Atom::String(Arc::from(s.as_str()))),
            (AtomType::Uuid, Json::Array(pair)) => return uuid_from_json(json, pair, names).map(Atom::Uuid),
            _ => None,
        };
        atom.ok_or_else(|| DbError::syntax(json, format!("expected {kind}")))
    }

    /// Appends the text of the `<atom>` of RFC 7047 to `out`.
    pub fn write_to(&self, out: &mut String) {
        match self {
            Atom::Integer(n) => Json::write_integer(*n, out),
            Atom::Boolean(b) => out.push_str(if *b { "true" } else { "false" }),
            Atom::Real(_) => self.to_json().write_to(out),
            Atom::String(s) => Json::write_str(s, out),
            Atom::Uuid(u) => {
                out.push_str("[\"uuid\",\"");
                u.write_to(out);
                out.push_str("\"]");
            }
        }
    }

    /// The `<atom>` of RFC 7047.
    pub fn to_json(&self) -> Json {
        match self {
            Atom::Integer(n) => Json::Integer(*n),
            Atom::Real(r) => Json::from(r.get()),
            Atom::Boolean(b) => Json::Bool(*b),
            Atom::String(s) => Json::from(&**s),
            Atom::Uuid(u) => Json::array([Json::from("uuid"), Json::from(u.to_string())]),
        }
    }
}

fn uuid_from_json(json: &Json, pair: &[Json], names: &mut dyn UuidNames) -> Result<Uuid, DbError> {
    let expected = || DbError::syntax(json, "expected [\"uuid\", UUID]");
    let [Json::String(kind), Json::String(text)] = pair else { return Err(expected()) };
    match kind.as_str() {
        "uuid" => text.parse().map_err(|e| DbError::syntax(json, format!("{text} is {e}"))),
        "named-uuid" => names.resolve(text).ok_or_else(expected),
        _ => Err(expected()),
    }
}

/// The JSON text of the atom.
impl fmt::Display for Atom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Atom::Uuid(u) => u.fmt(f),
            other => other.to_json().fmt(f),
        }
    }
}

impl From<i64> for Atom {
    fn from(n: i64) -> Atom {
        Atom::Integer(n)
    }
}

impl From<Real> for Atom {
    fn from(r: Real) -> Atom {
        Atom::Real(r)
    }
}

impl From<bool> for Atom {
    fn from(b: bool) -> Atom {
        Atom::Boolean(b)
    }
}

/// U+0000 cannot stand in an OVSDB string: the text ends before it.
impl From<&str> for Atom {
    fn from(s: &str) -> Atom {
        let end = s.find('\0').unwrap_or(s.len());
        Atom::String(Arc::from(&s[..end]))
    }
}

/// As `From<&str>`.
impl From<String> for Atom {
    fn from(s: String) -> Atom {
        Atom::from(s.as_str())
    }
}

impl From<Uuid> for Atom {
    fn from(u: Uuid) -> Atom {
        Atom::Uuid(u)
    }
}
