//! Types of columns, and the constraints on their values.

use std::fmt;

use crate::error::{DbError, ErrorTag};
use crate::json::{Json, Object};
use crate::value::{Atom, Datum, NoNames, Real};

/// The five atomic types.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AtomType {
    /// 64-bit signed integers.
    Integer,
    /// Finite doubles.
    Real,
    /// True and false.
    Boolean,
    /// Strings.
    String,
    /// Row identifiers.
    Uuid,
}

impl AtomType {
    /// The name in schemas.
    pub fn as_str(self) -> &'static str {
        match self {
            AtomType::Integer => "integer",
            AtomType::Real => "real",
            AtomType::Boolean => "boolean",
            AtomType::String => "string",
            AtomType::Uuid => "uuid",
        }
    }

    /// Reads the name in a schema.
    pub fn from_json(json: &Json) -> Result<AtomType, DbError> {
        Ok(match json.as_str() {
            Some("integer") => AtomType::Integer,
            Some("real") => AtomType::Real,
            Some("boolean") => AtomType::Boolean,
            Some("string") => AtomType::String,
            Some("uuid") => AtomType::Uuid,
            _ => return Err(DbError::syntax(json, "expected the name of an atomic type")),
        })
    }
}

impl fmt::Display for AtomType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a reference to a row demands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefKind {
    /// The row must exist; deleting it is refused while the reference stands, and a row of a table that
    /// is not a root lives only as long as a strong reference to it.
    Strong,
    /// The reference vanishes with the row.
    Weak,
}

/// What is demanded of atoms beyond their atomic type.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum Constraint {
    /// Nothing.
    #[default]
    None,
    /// One of these, in ascending order.
    Enum(Vec<Atom>),
    /// An integer within bounds, both allowed.
    Integer {
        /// Least value.
        min: i64,
        /// Greatest value.
        max: i64,
    },
    /// A real within bounds, both allowed.
    Real {
        /// Least value.
        min: Real,
        /// Greatest value.
        max: Real,
    },
    /// A string of so many characters (Unicode code points).
    Length {
        /// Least number.
        min: usize,
        /// Greatest number.
        max: usize,
    },
    /// The UUID of a row of `table`.
    Ref {
        /// The table.
        table: String,
        /// What the reference demands.
        kind: RefKind,
    },
}

/// An atomic type with its constraint.
#[derive(Clone, Debug, PartialEq)]
pub struct BaseType {
    /// The atomic type.
    pub kind: AtomType,
    /// What is demanded beyond it.
    pub constraint: Constraint,
}

impl BaseType {
    /// An atomic type without constraints.
    pub fn new(kind: AtomType) -> BaseType {
        BaseType { kind, constraint: Constraint::None }
    }

    /// The table that values refer to and how, if they do.
    pub fn reference(&self) -> Option<(&str, RefKind)> {
        if let Constraint::Ref { table, kind } = &self.constraint { Some((table, *kind)) } else { None }
    }

    /// Reads a `<base-type>`.
    pub fn from_json(json: &Json) -> Result<BaseType, DbError> {
        let Json::Object(members) = json else { return AtomType::from_json(json).map(BaseType::new) };
        let kind = members.get("type").ok_or_else(|| DbError::syntax(json, "base type without \"type\""))?;
        let kind = AtomType::from_json(kind)?;
        let constraint = constraint_from_json(json, members, kind)?;
        Ok(BaseType { kind, constraint })
    }

    /// The `<base-type>`, in its shortest form.
    pub fn to_json(&self) -> Json {
        let mut members = vec![("type", Json::from(self.kind.as_str()))];
        match &self.constraint {
            Constraint::None => return Json::from(self.kind.as_str()),
            Constraint::Enum(atoms) => members.push(("enum", Datum::set(atoms.iter().cloned()).to_json())),
            Constraint::Integer { min, max } => {
                members.extend((*min != i64::MIN).then(|| ("minInteger", Json::from(*min))));
                members.extend((*max != i64::MAX).then(|| ("maxInteger", Json::from(*max))));
            }
            Constraint::Real { min, max } => {
                members.extend((*min != Real::MIN).then(|| ("minReal", Json::from(min.get()))));
                members.extend((*max != Real::MAX).then(|| ("maxReal", Json::from(max.get()))));
            }
            Constraint::Length { min, max } => {
                members.extend((*min != 0).then(|| ("minLength", Json::from(*min as i64))));
                members.extend((*max != usize::MAX).then(|| ("maxLength", Json::from(*max as i64))));
            }
            Constraint::Ref { table, kind } => {
                members.push(("refTable", Json::from(table.as_str())));
                members.extend((*kind == RefKind::Weak).then(|| ("refType", Json::from("weak"))));
            }
        }
        Json::object(members)
    }

    /// Checks `atom`, which must be of this atomic type, against the constraint.
    pub fn check(&self, atom: &Atom) -> Result<(), DbError> {
        let violation = |what: String| Err(DbError::new(ErrorTag::ConstraintViolation, what));
        match (&self.constraint, atom) {
            (Constraint::Enum(allowed), atom) if allowed.binary_search(atom).is_err() => {
                let allowed: Vec<String> = allowed.iter().map(Atom::to_string).collect();
                violation(format!("{atom} is not one of the allowed values: {}", allowed.join(", ")))
            }
            (Constraint::Integer { min, max }, Atom::Integer(n)) if n < min || n > max => {
                violation(format!("{n} is outside the valid range {min} to {max}"))
            }
            (Constraint::Real { min, max }, Atom::Real(r)) if r < min || r > max => {
                violation(format!("{atom} is outside the valid range {} to {}", min.get(), max.get()))
            }
            (Constraint::Length { min, max }, Atom::String(s)) => {
                let length = s.chars().count();
                if length < *min || length > *max {
                    return violation(format!("{atom} has {length} characters, allowed are {min} to {max}"));
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

/// Reads the constraint members of a base type.
fn constraint_from_json(json: &Json, members: &Object, kind: AtomType) -> Result<Constraint, DbError> {
    let wrong = |what: &str| Err(DbError::syntax(json, what));
    let known: &[&str] = match kind {
        AtomType::Integer => &["type", "enum", "minInteger", "maxInteger"],
        AtomType::Real => &["type", "enum", "minReal", "maxReal"],
        AtomType::Boolean => &["type", "enum"],
        AtomType::String => &["type", "enum", "minLength", "maxLength"],
        AtomType::Uuid => &["type", "enum", "refTable", "refType"],
    };
    if members.keys().any(|name| !known.contains(&name.as_str())) {
        return wrong("base type has a member that its type does not allow");
    }
    if let Some(allowed) = members.get("enum") {
        if members.len() > 2 {
            return wrong("an enumeration cannot have other constraints");
        }
        let set = ColumnType { key: BaseType::new(kind), value: None, min: 1, max: usize::MAX };
        let set = Datum::from_json(allowed, &set, &mut NoNames)?;
        return Ok(Constraint::Enum(set.keys().cloned().collect()));
    }
    if members.len() == 1 {
        return Ok(Constraint::None);
    }
    match kind {
        AtomType::Integer => {
            let (min, max) = bounds(json, members, ["minInteger", "maxInteger"], Json::as_integer)?;
            Ok(Constraint::Integer { min: min.unwrap_or(i64::MIN), max: max.unwrap_or(i64::MAX) })
        }
        AtomType::Real => {
            let real = |value: &Json| value.as_real().and_then(Real::new);
            let (min, max) = bounds(json, members, ["minReal", "maxReal"], real)?;
            Ok(Constraint::Real { min: min.unwrap_or(Real::MIN), max: max.unwrap_or(Real::MAX) })
        }
        AtomType::String => {
            let length = |value: &Json| value.as_integer().and_then(|n| u32::try_from(n).ok());
            let (min, max) = bounds(json, members, ["minLength", "maxLength"], length)?;
            Ok(Constraint::Length {
                min: min.unwrap_or(0) as usize,
                max: max.map_or(usize::MAX, |max| max as usize),
            })
        }
        AtomType::Uuid => reference(json, members),
        AtomType::Boolean => Ok(Constraint::None),
    }
}

/// Reads where UUIDs lead.
fn reference(json: &Json, members: &Object) -> Result<Constraint, DbError> {
    let Some(Json::String(table)) = members.get("refTable") else {
        return Err(DbError::syntax(json, "refTable must name a table"));
    };
    let kind = match members.get("refType").map(Json::as_str) {
        None | Some(Some("strong")) => RefKind::Strong,
        Some(Some("weak")) => RefKind::Weak,
        Some(_) => return Err(DbError::syntax(json, "refType must be \"strong\" or \"weak\"")),
    };
    Ok(Constraint::Ref { table: table.clone(), kind })
}

/// Reads the bounds called `names`, both optional, which must be in order.
fn bounds<T: PartialOrd>(
    json: &Json,
    members: &Object,
    names: [&str; 2],
    read: impl Fn(&Json) -> Option<T>,
) -> Result<(Option<T>, Option<T>), DbError> {
    let bound = |name: &str| match members.get(name) {
        None => Ok(None),
        Some(value) => match read(value) {
            None => Err(DbError::syntax(value, format!("bad value for \"{name}\""))),
            some => Ok(some),
        },
    };
    let (min, max) = (bound(names[0])?, bound(names[1])?);
    if let (Some(min), Some(max)) = (&min, &max)
        && min > max
    {
        return Err(DbError::syntax(json, format!("{} exceeds {}", names[0], names[1])));
    }
    Ok((min, max))
}

/// The type of a column: how many atoms of which kind, or pairs of which kinds.
#[derive(Clone, Debug, PartialEq)]
pub struct ColumnType {
    /// Elements of a set, or keys of a map.
    pub key: BaseType,
    /// Values of a map; `None` for a set.
    pub value: Option<BaseType>,
    /// Least number of elements: 0 or 1.
    pub min: usize,
    /// Greatest number of elements; `usize::MAX` is "unlimited".
    pub max: usize,
}

impl ColumnType {
    /// Exactly one atom of type `kind`.
    pub fn scalar(kind: AtomType) -> ColumnType {
        ColumnType { key: BaseType::new(kind), value: None, min: 1, max: 1 }
    }

    /// True for maps.
    pub fn is_map(&self) -> bool {
        self.value.is_some()
    }

    /// True for exactly one atom.
    pub fn is_scalar(&self) -> bool {
        self.value.is_none() && self.min == 1 && self.max == 1
    }

    /// True for at most one atom.
    pub fn is_optional(&self) -> bool {
        self.value.is_none() && self.min == 0 && self.max == 1
    }

    /// The base types: of keys, and of values if there are any.
    pub fn bases(&self) -> impl Iterator<Item = &BaseType> {
        std::iter::once(&self.key).chain(&self.value)
    }

    /// Reads a `<type>`.
    pub fn from_json(json: &Json) -> Result<ColumnType, DbError> {
        let Json::Object(members) = json else {
            return AtomType::from_json(json).map(ColumnType::scalar);
        };
        if let Some(name) = members.keys().find(|n| !matches!(n.as_str(), "key" | "value" | "min" | "max")) {
            return Err(DbError::syntax(json, format!("type has an unknown member \"{name}\"")));
        }
        let key = members.get("key").ok_or_else(|| DbError::syntax(json, "type without \"key\""))?;
        let key = BaseType::from_json(key)?;
        let value = members.get("value").map(BaseType::from_json).transpose()?;
        let min = match members.get("min") {
            None => 1,
            Some(Json::Integer(n @ 0..=1)) => *n as usize,
            Some(_) => return Err(DbError::syntax(json, "\"min\" must be 0 or 1")),
        };
        let max = match members.get("max") {
            None => 1,
            Some(Json::Integer(n @ 1..=0xffff_ffff)) => *n as usize,
            Some(Json::String(s)) if s == "unlimited" => usize::MAX,
            Some(_) => {
                return Err(DbError::syntax(json, "\"max\" must be a positive integer or \"unlimited\""));
            }
        };
        Ok(ColumnType { key, value, min, max })
    }

    /// The `<type>`, in its shortest form.
    pub fn to_json(&self) -> Json {
        if self.is_scalar() && self.key.constraint == Constraint::None {
            return self.key.to_json();
        }
        let mut members = vec![("key", self.key.to_json())];
        members.extend(self.value.as_ref().map(|value| ("value", value.to_json())));
        members.extend((self.min != 1).then(|| ("min", Json::from(self.min as i64))));
        if self.max == usize::MAX {
            members.push(("max", Json::from("unlimited")));
        } else if self.max != 1 {
            members.push(("max", Json::from(self.max as i64)));
        }
        Json::object(members)
    }

    /// Checks the number of elements and each element's constraint.
    pub fn check(&self, datum: &Datum) -> Result<(), DbError> {
        self.check_count(datum.len())?;
        datum.keys().try_for_each(|atom| self.key.check(atom))?;
        match &self.value {
            Some(base) => datum.pairs().try_for_each(|(_, atom)| base.check(atom)),
            None => Ok(()),
        }
    }

    /// Checks the number of elements.
    pub fn check_count(&self, count: usize) -> Result<(), DbError> {
        if count < self.min || count > self.max {
            let what = format!("{count} elements where {} are allowed", self.allowed_count());
            return Err(DbError::new(ErrorTag::SyntaxError, what));
        }
        Ok(())
    }

    fn allowed_count(&self) -> String {
        if self.max == usize::MAX {
            format!("{} or more", self.min)
        } else {
            format!("{} to {}", self.min, self.max)
        }
    }
}
