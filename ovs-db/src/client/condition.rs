//! Which rows of a table are wanted.

use crate::json::Json;
use crate::schema::TableSchema;
use crate::value::Datum;

/// How a [`Clause`] compares a column with a value (RFC 7047, section 5.1, "function").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Function {
    /// `<`, for scalar numbers.
    Less,
    /// `<=`, for scalar numbers.
    LessOrEqual,
    /// `==`.
    Equal,
    /// `!=`.
    NotEqual,
    /// `>=`, for scalar numbers.
    GreaterOrEqual,
    /// `>`, for scalar numbers.
    Greater,
    /// The column has all elements (or pairs) of the value.
    Includes,
    /// The column has no element (or pair) of the value.
    Excludes,
}

impl Function {
    /// The name in the protocol.
    pub const fn as_str(self) -> &'static str {
        match self {
            Function::Less => "<",
            Function::LessOrEqual => "<=",
            Function::Equal => "==",
            Function::NotEqual => "!=",
            Function::GreaterOrEqual => ">=",
            Function::Greater => ">",
            Function::Includes => "includes",
            Function::Excludes => "excludes",
        }
    }
}

/// One comparison of a column (or `_uuid`) with a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clause {
    /// The column.
    pub column: String,
    /// How to compare.
    pub function: Function,
    /// What to compare with.
    pub value: Datum,
}

impl Clause {
    /// A comparison.
    pub fn new(column: impl Into<String>, function: Function, value: impl Into<Datum>) -> Clause {
        Clause { column: column.into(), function, value: value.into() }
    }

    fn to_json(&self) -> Json {
        let name = Json::from(self.column.as_str());
        Json::array([name, Json::from(self.function.as_str()), self.value.to_json()])
    }
}

/// Which rows of a table a server is to send: those for which ANY of the clauses holds, as in `monitor_cond`
/// (`ovsdb-server(7)`); [`Condition::always`] by default.
///
/// A clause about a column that the server does not have counts as true, so that an older server sends too much
/// rather than too little. A server that knows only `monitor` sends all rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Condition {
    /// `None`: all rows.
    any: Option<Vec<Clause>>,
}

impl Condition {
    /// All rows.
    pub const fn always() -> Condition {
        Condition { any: None }
    }

    /// No rows.
    pub const fn never() -> Condition {
        Condition { any: Some(Vec::new()) }
    }

    /// The rows for which at least one of `clauses` holds.
    pub fn any(clauses: impl IntoIterator<Item = Clause>) -> Condition {
        Condition { any: Some(clauses.into_iter().collect()) }
    }

    /// Adds the rows for which `clause` holds. All rows stay all rows.
    pub fn or(mut self, clause: Clause) -> Condition {
        if let Some(any) = &mut self.any {
            any.push(clause);
        }
        self
    }

    /// The `where` of a monitor request for a server whose table is `table`; `None` if all rows are wanted.
    pub(super) fn to_json(&self, table: &TableSchema) -> Option<Json> {
        let any = self.any.as_ref()?;
        let known = |clause: &Clause| clause.column == "_uuid" || table.column(&clause.column).is_some();
        any.iter().all(known).then(|| match any.as_slice() {
            // An empty list means all rows.
            [] => Json::array([Json::from(false)]),
            clauses => Json::array(clauses.iter().map(Clause::to_json)),
        })
    }
}

impl From<Clause> for Condition {
    fn from(clause: Clause) -> Condition {
        Condition::any([clause])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::Schema;

    #[test]
    fn text_of_conditions() {
        let schema: Schema = crate::schema::OPEN_VSWITCH.parse().unwrap();
        let table = schema.table(schema.table_id("Bridge").unwrap());
        let json = |condition: Condition| condition.to_json(table).map(|json| json.to_string());
        assert_eq!(json(Condition::default()), None);
        assert_eq!(json(Condition::never()).as_deref(), Some("[false]"));
        let named = Condition::never().or(Clause::new("name", Function::Equal, "br0")).or(Clause::new(
            "protocols",
            Function::Includes,
            Datum::set(["OpenFlow10", "OpenFlow15"]),
        ));
        let expected =
            r#"[["name","==","br0"],["protocols","includes",["set",["OpenFlow10","OpenFlow15"]]]]"#;
        assert_eq!(json(named.clone()).as_deref(), Some(expected));
        assert_eq!(json(named.or(Clause::new("of_the_future", Function::Equal, 1))), None);
        assert_eq!(json(Condition::always().or(Clause::new("name", Function::Equal, "x"))), None);
    }
}
