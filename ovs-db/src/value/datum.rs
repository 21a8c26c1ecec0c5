//! What stands in a column of a row: a set of atoms or a map from atoms to atoms.
//!
//! A scalar is a set of one element, an optional value a set of at most one.

use std::cmp::Ordering;
use std::fmt;

use crate::error::{DbError, ErrorTag};
use crate::json::Json;
use crate::schema::{BaseType, ColumnType};

use super::atom::Atom;
use super::uuid::Uuid;

/// Where `["named-uuid", NAME]` is looked up while JSON is read.
pub trait UuidNames {
    /// The UUID that `name` stands for, or `None` if names have no meaning here.
    fn resolve(&mut self, name: &str) -> Option<Uuid>;
}

/// No name stands for anything.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoNames;

impl UuidNames for NoNames {
    fn resolve(&mut self, _name: &str) -> Option<Uuid> {
        None
    }
}

/// A set of atoms, or a map from atoms to atoms, sorted and without duplicates.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Datum(Repr);

/// Most values are single atoms, and need no memory of their own.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Repr {
    /// A set of one.
    One(Atom),
    /// Any other set.
    Set(Vec<Atom>),
    Map(Vec<(Atom, Atom)>),
}

/// The elements of a datum.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Elements<'a> {
    Set(&'a [Atom]),
    Map(&'a [(Atom, Atom)]),
}

impl Datum {
    /// The elements of this one.
    pub(super) fn elements(&self) -> Elements<'_> {
        match &self.0 {
            Repr::One(atom) => Elements::Set(std::slice::from_ref(atom)),
            Repr::Set(atoms) => Elements::Set(atoms),
            Repr::Map(pairs) => Elements::Map(pairs),
        }
    }

    /// A set of atoms that are sorted and different.
    pub(super) fn from_atoms(mut atoms: Vec<Atom>) -> Datum {
        match (atoms.pop(), atoms.is_empty()) {
            (Some(atom), true) => Datum(Repr::One(atom)),
            (last, _) => {
                atoms.extend(last);
                Datum(Repr::Set(atoms))
            }
        }
    }

    /// A map of pairs that are sorted and have different keys.
    pub(super) fn from_pairs(pairs: Vec<(Atom, Atom)>) -> Datum {
        Datum(Repr::Map(pairs))
    }

    /// As [`Datum::set`]; `None` if two atoms are equal.
    pub(crate) fn unique_set(mut atoms: Vec<Atom>) -> Option<Datum> {
        atoms.sort_unstable();
        let unique = atoms.windows(2).all(|w| w[0] != w[1]);
        unique.then(|| Datum::from_atoms(atoms))
    }

    /// As [`Datum::map`]; `None` if two keys are equal.
    pub(crate) fn unique_map(mut pairs: Vec<(Atom, Atom)>) -> Option<Datum> {
        pairs.sort_unstable();
        let unique = pairs.windows(2).all(|w| w[0].0 != w[1].0);
        unique.then(|| Datum::from_pairs(pairs))
    }

    /// The empty set.
    pub fn empty_set() -> Datum {
        Datum(Repr::Set(Vec::new()))
    }

    /// The empty map.
    pub fn empty_map() -> Datum {
        Datum(Repr::Map(Vec::new()))
    }

    /// A set of one element.
    pub fn scalar(atom: impl Into<Atom>) -> Datum {
        Datum(Repr::One(atom.into()))
    }

    /// A set; duplicates are dropped.
    pub fn set<A: Into<Atom>>(atoms: impl IntoIterator<Item = A>) -> Datum {
        let mut atoms: Vec<Atom> = atoms.into_iter().map(Into::into).collect();
        atoms.sort_unstable();
        atoms.dedup();
        Datum::from_atoms(atoms)
    }

    /// A map; of pairs with one key the first one stays.
    pub fn map<K: Into<Atom>, V: Into<Atom>>(pairs: impl IntoIterator<Item = (K, V)>) -> Datum {
        let mut pairs: Vec<(Atom, Atom)> = pairs.into_iter().map(|(k, v)| (k.into(), v.into())).collect();
        pairs.sort_by(|a, b| a.0.cmp(&b.0));
        pairs.dedup_by(|later, earlier| later.0 == earlier.0);
        Datum(Repr::Map(pairs))
    }

    /// The value that a column of type `kind` has when nothing is said.
    pub fn default_of(kind: &ColumnType) -> Datum {
        match (&kind.value, kind.min) {
            (None, 0) => Datum::empty_set(),
            (None, _) => Datum::scalar(Atom::default_of(kind.key.kind)),
            (Some(_), 0) => Datum::empty_map(),
            (Some(value), _) => Datum::map([(Atom::default_of(kind.key.kind), Atom::default_of(value.kind))]),
        }
    }

    /// True for the value that a column of type `kind` has when nothing is said.
    pub fn is_default_of(&self, kind: &ColumnType) -> bool {
        match (self.elements(), &kind.value, kind.min) {
            (Elements::Set(atoms), None, 0) => atoms.is_empty(),
            (Elements::Map(pairs), Some(_), 0) => pairs.is_empty(),
            _ => *self == Datum::default_of(kind),
        }
    }

    /// Number of elements, or of pairs.
    pub fn len(&self) -> usize {
        match self.elements() {
            Elements::Set(atoms) => atoms.len(),
            Elements::Map(pairs) => pairs.len(),
        }
    }

    /// True if there is no element.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// True for maps.
    pub fn is_map(&self) -> bool {
        matches!(self.0, Repr::Map(_))
    }

    /// The elements of a set, or the keys of a map, in order.
    pub fn keys(&self) -> impl Iterator<Item = &Atom> {
        let (atoms, pairs): (&[Atom], &[(Atom, Atom)]) = match self.elements() {
            Elements::Set(atoms) => (atoms, &[]),
            Elements::Map(pairs) => (&[], pairs),
        };
        atoms.iter().chain(pairs.iter().map(|(key, _)| key))
    }

    /// The pairs of a map in the order of their keys; nothing for a set.
    pub fn pairs(&self) -> impl Iterator<Item = (&Atom, &Atom)> {
        let pairs: &[(Atom, Atom)] = if let Repr::Map(pairs) = &self.0 { pairs } else { &[] };
        pairs.iter().map(|(key, value)| (key, value))
    }

    /// Every atom: elements, or keys and values.
    pub fn atoms(&self) -> impl Iterator<Item = &Atom> {
        self.keys().chain(self.pairs().map(|(_, value)| value))
    }

    /// The only element of a set of one; `None` for anything else.
    pub fn single(&self) -> Option<&Atom> {
        if let Repr::One(atom) = &self.0 { Some(atom) } else { None }
    }

    /// The only element, if it is an integer.
    pub fn as_integer(&self) -> Option<i64> {
        self.single()?.as_integer()
    }

    /// The only element, if it is a real.
    pub fn as_real(&self) -> Option<f64> {
        self.single()?.as_real()
    }

    /// The only element, if it is a boolean.
    pub fn as_bool(&self) -> Option<bool> {
        self.single()?.as_bool()
    }

    /// The only element, if it is a string.
    pub fn as_str(&self) -> Option<&str> {
        self.single()?.as_str()
    }

    /// The only element, if it is a UUID.
    pub fn as_uuid(&self) -> Option<Uuid> {
        self.single()?.as_uuid()
    }

    /// True if the set has the element, or the map the key.
    pub fn contains(&self, atom: &Atom) -> bool {
        match self.elements() {
            Elements::Set(atoms) => atoms.binary_search(atom).is_ok(),
            Elements::Map(pairs) => pairs.binary_search_by(|(key, _)| key.cmp(atom)).is_ok(),
        }
    }

    /// The value under `key` of a map.
    pub fn get(&self, key: &Atom) -> Option<&Atom> {
        let Repr::Map(pairs) = &self.0 else { return None };
        pairs.binary_search_by(|(k, _)| k.cmp(key)).ok().map(|i| &pairs[i].1)
    }

    /// The value under the string `key` of a map from strings to strings.
    pub fn get_str(&self, key: &str) -> Option<&str> {
        let Repr::Map(pairs) = &self.0 else { return None };
        let found = pairs.binary_search_by(|(k, _)| k.as_str().unwrap_or("").cmp(key));
        found.ok().and_then(|i| pairs[i].1.as_str())
    }

    /// Reads a `<value>` of RFC 7047 for a column of type `kind`, and checks it against the type. Of several things
    /// that are wrong the first one is reported, in this order: number of elements; each element's atomic type
    /// and constraint; duplicates.
    pub fn from_json(json: &Json, kind: &ColumnType, names: &mut dyn UuidNames) -> Result<Datum, DbError> {
        let mut atom = |json: &Json, base: &BaseType| {
            let atom = Atom::from_json(json, base.kind, names)?;
            base.check(&atom)?;
            Ok::<Atom, DbError>(atom)
        };
        let count = |elements: &[Json]| kind.check_count(elements.len()).map_err(|e| e.about(json));
        let datum = match (&kind.value, tagged(json)) {
            (None, Some(("set", elements))) => {
                count(elements)?;
                let atoms = elements.iter().map(|e| atom(e, &kind.key));
                Datum::unique_set(atoms.collect::<Result<_, _>>()?).ok_or("set contains duplicate")
            }
            (None, _) => Ok(Datum::scalar(atom(json, &kind.key)?)),
            (Some(value), Some(("map", elements))) => {
                count(elements)?;
                let pair = |e: &Json| match e.as_array() {
                    Some([k, v]) => Ok((atom(k, &kind.key)?, atom(v, value)?)),
                    _ => Err(DbError::syntax(e, "expected [KEY, VALUE]")),
                };
                let pairs = elements.iter().map(pair);
                Datum::unique_map(pairs.collect::<Result<_, _>>()?).ok_or("map contains duplicate key")
            }
            (Some(_), _) => return Err(DbError::syntax(json, "expected [\"map\", PAIRS]")),
        };
        datum.map_err(|what| DbError::new(ErrorTag::Duplicate, what).about(json))
    }

    /// Appends the text of the `<value>` of RFC 7047 to `out`.
    pub fn write_to(&self, out: &mut String) {
        let comma = |i: usize, out: &mut String| {
            if i > 0 {
                out.push(',');
            }
        };
        match self.elements() {
            Elements::Set(atoms) => match atoms {
                [atom] => atom.write_to(out),
                atoms => {
                    out.push_str("[\"set\",[");
                    for (i, atom) in atoms.iter().enumerate() {
                        comma(i, out);
                        atom.write_to(out);
                    }
                    out.push_str("]]");
                }
            },
            Elements::Map(pairs) => {
                out.push_str("[\"map\",[");
                for (i, (key, value)) in pairs.iter().enumerate() {
                    comma(i, out);
                    out.push('[');
                    key.write_to(out);
                    out.push(',');
                    value.write_to(out);
                    out.push(']');
                }
                out.push_str("]]");
            }
        }
    }

    /// The `<value>` of RFC 7047: a single atom stands for itself, not for a set.
    pub fn to_json(&self) -> Json {
        match self.elements() {
            Elements::Set(atoms) => match atoms {
                [atom] => atom.to_json(),
                atoms => {
                    let elements = atoms.iter().map(Atom::to_json);
                    Json::array([Json::from("set"), Json::array(elements)])
                }
            },
            Elements::Map(pairs) => {
                let elements = pairs.iter().map(|(k, v)| Json::array([k.to_json(), v.to_json()]));
                Json::array([Json::from("map"), Json::array(elements)])
            }
        }
    }
}

/// Splits `["set", [...]]` and `["map", [...]]`.
fn tagged(json: &Json) -> Option<(&str, &[Json])> {
    match json.as_array()? {
        [Json::String(tag), Json::Array(elements)] => Some((tag, elements)),
        _ => None,
    }
}

/// Sets before maps, either by their elements in order.
impl Ord for Datum {
    fn cmp(&self, other: &Datum) -> Ordering {
        self.elements().cmp(&other.elements())
    }
}

impl PartialOrd for Datum {
    fn partial_cmp(&self, other: &Datum) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The JSON text of the datum.
impl fmt::Display for Datum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_json().fmt(f)
    }
}

impl<A: Into<Atom>> From<A> for Datum {
    fn from(atom: A) -> Datum {
        Datum::scalar(atom)
    }
}
