//! Values for people, as `ovs-vsctl` and the other programs of Open vSwitch print and read them.

use super::atom::Atom;
use super::datum::Datum;
use super::uuid::Uuid;
use crate::json::Json;
use crate::schema::ColumnType;

impl Atom {
    /// Appends the atom's text: strings stand in quotes if they could be taken for something else.
    pub fn write_text(&self, out: &mut String) {
        match self {
            Atom::String(s) if !is_plain(s) => Json::write_str(s, out),
            other => other.write_bare(out),
        }
    }

    /// Appends the atom's text without any quotes.
    pub fn write_bare(&self, out: &mut String) {
        match self {
            Atom::String(s) => out.push_str(s),
            Atom::Uuid(uuid) => uuid.write_to(out),
            other => other.write_to(out),
        }
    }
}

/// Whether a string is read back as one without quotes: an identifier, with dots and dashes, that is no UUID and no
/// truth value.
fn is_plain(s: &str) -> bool {
    let mut bytes = s.bytes();
    let begins = bytes.next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_');
    let goes_on = bytes.all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'));
    begins && goes_on && s != "true" && s != "false" && s.parse::<Uuid>().is_err()
}

impl Datum {
    /// The text of the value of a column of type `kind`: `[a, b]`, `{k=v}`, or the only element by itself where there can be
    /// no more.
    pub fn to_text(&self, kind: &ColumnType) -> String {
        let brackets = kind.max > 1 || self.is_empty();
        let (open, close) = if self.is_map() { ('{', '}') } else { ('[', ']') };
        let mut out = String::new();
        if brackets {
            out.push(open);
        }
        self.write_elements(", ", Atom::write_text, &mut out);
        if brackets {
            out.push(close);
        }
        out
    }

    /// The elements alone, separated by spaces, without brackets and quotes.
    pub fn to_bare_text(&self) -> String {
        let mut out = String::new();
        self.write_elements(" ", Atom::write_bare, &mut out);
        out
    }

    fn write_elements(&self, separator: &str, write: fn(&Atom, &mut String), out: &mut String) {
        for (i, key) in self.keys().enumerate() {
            if i > 0 {
                out.push_str(separator);
            }
            write(key, out);
            if let Some(value) = self.get(key) {
                out.push('=');
                write(value, out);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::AtomType;

    #[test]
    fn text_of_values() {
        let one = ColumnType::scalar(AtomType::String);
        let many = ColumnType { max: usize::MAX, ..one.clone() };
        for (value, text) in [
            ("br0", "br0"),
            ("br-0.1_x", "br-0.1_x"),
            ("", "\"\""),
            ("0a", "\"0a\""),
            ("-a", "\"-a\""),
            ("true", "\"true\""),
            ("a b", "\"a b\""),
            ("\u{e9}", "\"\u{e9}\""),
            ("a12345678-1234-1234-1234-123456789abc", "a12345678-1234-1234-1234-123456789abc"),
            ("b2345678-1234-1234-1234-123456789abc", "\"b2345678-1234-1234-1234-123456789abc\""),
        ] {
            assert_eq!(Datum::from(value).to_text(&one), text);
            assert_eq!(Datum::from(value).to_bare_text(), value);
        }
        assert_eq!(Datum::set(["b", "a"]).to_text(&many), "[a, b]");
        assert_eq!(Datum::set(["a"]).to_text(&many), "[a]");
        assert_eq!(Datum::empty_set().to_text(&one), "[]");
        assert_eq!(Datum::map([("x y", 1), ("z", 2)]).to_text(&many), "{\"x y\"=1, z=2}");
        assert_eq!(Datum::map([("x y", 1), ("z", 2)]).to_bare_text(), "x y=1 z=2");
        assert_eq!(Datum::empty_map().to_text(&many), "{}");
    }
}
