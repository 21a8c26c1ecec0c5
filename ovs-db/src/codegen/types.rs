//! Which Rust types stand for a column's values, and what is said about them.

use std::fmt::Write as _;

use crate::schema::{AtomType, BaseType, ColumnSchema, ColumnType, Constraint, RefKind};

/// The type of one atom; `reference` names the type of a table.
fn element(base: &BaseType, reference: &dyn Fn(&str) -> String) -> String {
    match (base.kind, base.reference()) {
        (AtomType::Integer, _) => "i64".to_owned(),
        (AtomType::Real, _) => "f64".to_owned(),
        (AtomType::Boolean, _) => "bool".to_owned(),
        (AtomType::String, _) => "String".to_owned(),
        (AtomType::Uuid, Some((table, _))) => format!("Ref<{}>", reference(table)),
        (AtomType::Uuid, None) => "Uuid".to_owned(),
    }
}

/// The type of the whole value.
pub(super) fn value(kind: &ColumnType, reference: &dyn Fn(&str) -> String) -> String {
    let key = element(&kind.key, reference);
    match &kind.value {
        Some(value) if kind.key.kind == AtomType::Real => {
            format!("Vec<({key}, {})>", element(value, reference))
        }
        Some(value) => format!("BTreeMap<{key}, {}>", element(value, reference)),
        None if kind.is_scalar() => key,
        None if kind.is_optional() => format!("Option<{key}>"),
        None => format!("Vec<{key}>"),
    }
}

/// The type and the body of the method that reads the column, where that need not make strings: `None` for columns
/// without strings.
pub(super) fn borrowed(kind: &ColumnType) -> Option<(&'static str, &'static str)> {
    let is_text = |base: &BaseType| base.kind == AtomType::String;
    if !is_text(&kind.key) {
        return None;
    }
    match &kind.value {
        Some(value) if is_text(value) => Some(("BTreeMap<&str, &str>", "get_map")),
        Some(_) => None,
        None if kind.is_scalar() => Some(("&str", "get_string")),
        None if kind.is_optional() => Some(("Option<&str>", "get_optional_string")),
        None => Some(("Vec<&str>", "get_strings")),
    }
}

/// A sentence about the column.
pub(super) fn description(column: &ColumnSchema) -> String {
    let kind = &column.kind;
    let key = atom(&kind.key);
    let mut out = match &kind.value {
        Some(value) => format!("a map from {key} to {}", atom(value)),
        None if kind.is_scalar() => key,
        None if kind.is_optional() => format!("at most one {key}"),
        None => format!("a set of {key}"),
    };
    if kind.max != usize::MAX && kind.max > 1 {
        let _ = write!(out, ", at most {}", kind.max);
    }
    if kind.min > 0 && !kind.is_scalar() {
        out += ", at least one";
    }
    if !column.mutable {
        out += "; set by the insert only";
    }
    if column.ephemeral {
        out += "; not kept over a restart";
    }
    out
}

fn atom(base: &BaseType) -> String {
    let kind = base.kind;
    match &base.constraint {
        Constraint::Enum(allowed) => {
            // What a schema says must not end the comment, or the code in it.
            let quote = |text: String| format!("`{}`", text.escape_default().to_string().replace('`', "'"));
            let allowed: Vec<String> = allowed
                .iter()
                .map(|a| quote(a.as_str().map_or_else(|| a.to_string(), str::to_owned)))
                .collect();
            format!("{kind} (one of {})", allowed.join(", "))
        }
        Constraint::Integer { min, max } => match (*min == i64::MIN, *max == i64::MAX) {
            (true, true) => kind.to_string(),
            (false, true) => format!("{kind} (at least {min})"),
            (true, false) => format!("{kind} (at most {max})"),
            (false, false) => format!("{kind} ({min} to {max})"),
        },
        Constraint::Real { min, max } => format!("{kind} ({:?} to {:?})", min.get(), max.get()),
        Constraint::Length { min, max } if *max == usize::MAX => {
            format!("{kind} (at least {min} characters)")
        }
        Constraint::Length { min, max } => format!("{kind} ({min} to {max} characters)"),
        Constraint::Ref { table, kind: RefKind::Strong } => format!("row of `{table}`"),
        Constraint::Ref { table, kind: RefKind::Weak } => format!("row of `{table}` (weak)"),
        Constraint::None => kind.to_string(),
    }
}
