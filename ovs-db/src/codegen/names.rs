//! Rust names for what a schema names.

use std::collections::BTreeSet;

/// The words that Rust keeps for itself, and those that cannot be names even with `r#`.
const KEYWORDS: &[&str] = &[
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "do", "dyn", "else",
    "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop", "macro",
    "match", "mod", "move", "mut", "override", "priv", "pub", "ref", "return", "static", "struct", "trait",
    "true", "try", "type", "typeof", "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
];
const NO_NAMES: &[&str] = &["self", "super", "crate", "_"];

/// Names of one kind that are taken.
#[derive(Debug, Default)]
pub(super) struct Taken(BTreeSet<String>);

impl Taken {
    /// The name, or if it is taken already (`A` and `a` in one schema) one with a number behind it.
    pub(super) fn take(&mut self, name: String) -> String {
        self.take_with(name, "_")
    }

    /// As [`take`](Self::take), for names of types, which have no underscores.
    pub(super) fn take_type(&mut self, name: String) -> String {
        self.take_with(name, "")
    }

    fn take_with(&mut self, name: String, separator: &str) -> String {
        let numbered = (2..).map(|n| format!("{name}{separator}{n}"));
        let free = std::iter::once(name.clone()).chain(numbered).find(|name| !self.0.contains(name));
        let name = free.unwrap_or(name);
        self.0.insert(name.clone());
        name
    }
}

/// `Open_vSwitch` is `OpenVSwitch`, `CT_Zone` is `CtZone`.
pub(super) fn type_name(name: &str) -> String {
    let words = name.split('_').filter(|word| !word.is_empty());
    let mut out: String = words.map(capitalised).collect();
    if out.is_empty() || out.starts_with(|c: char| c.is_ascii_digit()) || out == "Self" {
        out.insert_str(0, "Table");
    }
    out
}

fn capitalised(word: &str) -> String {
    let (first, rest) = word.split_at(1);
    let is_acronym = !word.bytes().any(|b| b.is_ascii_lowercase());
    first.to_ascii_uppercase() + &if is_acronym { rest.to_ascii_lowercase() } else { rest.to_owned() }
}

/// A function's, or module's, name.
pub(super) fn function_name(name: &str) -> String {
    let name = name.to_ascii_lowercase();
    if NO_NAMES.contains(&name.as_str()) { name + "_column" } else { name }
}

/// As it is written where a name is wanted.
pub(super) fn escaped(name: &str) -> String {
    if KEYWORDS.contains(&name) { format!("r#{name}") } else { name.to_owned() }
}

/// A constant's name.
pub(super) fn constant_name(name: &str) -> String {
    let name = name.to_ascii_uppercase();
    if name == "_" { "COLUMN".to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let types = [
            "Open_vSwitch",
            "CT_Zone",
            "QoS",
            "sFlow",
            "SSL",
            "a",
            "__",
            "_1",
            "self",
            "Flow_Sample_Collector_Set",
        ];
        assert_eq!(
            types.map(type_name),
            [
                "OpenVSwitch",
                "CtZone",
                "QoS",
                "SFlow",
                "Ssl",
                "A",
                "Table",
                "Table1",
                "TableSelf",
                "FlowSampleCollectorSet"
            ]
        );
        assert_eq!(
            ["type", "Type", "self", "name"].map(|n| escaped(&function_name(n))),
            ["r#type", "r#type", "self_column", "name"]
        );
        let mut taken = Taken::default();
        assert_eq!(["a", "b", "a", "a"].map(|n| taken.take(n.into())), ["a", "b", "a_2", "a_3"]);
    }
}
