//! Random transactions for a schema.

use std::collections::BTreeMap;

use super::coverage::Coverage;
use super::random::Random;
use super::schema::{Column, Constraint, Schema, Table, chosen, known};

/// Makes operations, and counts what they are made of.
pub struct Generator<'a> {
    pub schema: &'a Schema,
    pub random: &'a mut Random,
    pub coverage: &'a mut Coverage,
}

const FUNCTIONS: [&str; 8] = ["==", "!=", "includes", "excludes", "<", "<=", ">=", ">"];

impl<'a> Generator<'a> {
    fn table(&mut self) -> (usize, &'a Table) {
        let i = self.random.below(self.schema.tables.len() as u64) as usize;
        (i, &self.schema.tables[i])
    }

    fn column(&mut self, table: &'a Table) -> &'a Column {
        self.random.pick(&table.columns)
    }

    fn name<'b>(&mut self, column: &'b Column) -> &'b str {
        if self.random.once_in(250) { "nope" } else { &column.name }
    }

    fn note_type(&mut self, column: &Column) {
        self.coverage.hit("type", column.key.kind);
        let shape = match (&column.value, column.min, column.max) {
            (Some(_), ..) => "map",
            (None, 1, 1) => "scalar",
            (None, 0, 1) => "optional",
            _ => "set",
        };
        self.coverage.hit("type", shape);
        if column.ephemeral {
            self.coverage.hit("type", "ephemeral");
        }
    }

    /// A row for a write or a comparison.
    fn row(&mut self, table: &'a Table, most: u64, insert: bool) -> String {
        let mut cells = BTreeMap::new();
        for column in table.columns.iter().filter(|column| insert && column.is_needed()) {
            cells.insert(column.name.clone(), column.value(self.random));
        }
        for _ in 0..=self.random.below(most) {
            let column = self.column(table);
            // What cannot change is seldom given in an update.
            if !insert && !column.mutable && !self.random.once_in(5) {
                continue;
            }
            self.note_type(column);
            let value = column.value(self.random);
            cells.insert(self.name(column).to_owned(), value);
        }
        let cells: Vec<String> = cells.iter().map(|(k, v)| format!("\"{k}\":{v}")).collect();
        format!("{{{}}}", cells.join(","))
    }

    /// One clause; some of them are by UUID, so that single rows are meant.
    pub fn clause(&mut self, table: usize, names: bool) -> String {
        let schema = &self.schema.tables[table];
        match self.random.below(12) {
            0 => {
                self.coverage.hit("function", "true");
                return "true".into();
            }
            1 => {
                self.coverage.hit("function", "false");
                return "false".into();
            }
            2..=5 => {
                let uuid = known(table, self.random);
                self.coverage.hit("function", "==");
                return format!(r#"["_uuid","==",["uuid","{uuid}"]]"#);
            }
            _ => {}
        }
        let column = self.column(schema);
        let orders = column.is_number() && column.max == 1;
        let known = if orders || self.random.once_in(20) { 8 } else { 4 };
        let function = if self.random.once_in(80) { "~" } else { *self.random.pick(&FUNCTIONS[..known]) };
        self.coverage.hit("function", function);
        let mut value = if known == 8 && orders {
            column.key.atom(self.random)
        } else if matches!(function, "includes" | "excludes") && !column.is_scalar() {
            let count = self.random.below(3);
            column.elements(count, self.random)
        } else {
            column.value(self.random)
        };
        if !names && value.contains("named-uuid") {
            value = r#"["uuid","00000000-0000-4000-8000-000000000001"]"#.into();
        }
        format!(r#"["{}","{function}",{value}]"#, self.name(column))
    }

    fn condition(&mut self, table: usize) -> String {
        let n = self.random.below(3);
        let clauses: Vec<String> = (0..n).map(|_| self.clause(table, true)).collect();
        format!("[{}]", clauses.join(","))
    }

    fn insert(&mut self, i: usize, table: &'a Table) -> String {
        let uuid = match self.random.below(12) {
            0 => String::new(),
            _ => format!(r#","uuid":"{}""#, chosen(i, self.random)),
        };
        let name = match self.random.below(3) {
            0 => format!(r#","uuid-name":"n{}""#, self.random.below(3)),
            _ => String::new(),
        };
        format!(
            r#"{{"op":"insert","table":"{}","row":{}{uuid}{name}}}"#,
            table.name,
            self.row(table, 6, true)
        )
    }

    fn mutation(&mut self, table: &'a Table) -> String {
        let numbers: Vec<&Column> = table.columns.iter().filter(|column| column.is_number()).collect();
        let collections: Vec<&Column> = table.columns.iter().filter(|column| !column.is_scalar()).collect();
        let arithmetic = self.random.once_in(2);
        let mutator: &str = match (arithmetic, self.random.below(60)) {
            (_, 0) => "~=",
            (true, _) => self.random.pick::<&str>(&["+=", "-=", "*=", "/=", "%="]),
            (false, _) => self.random.pick::<&str>(&["insert", "delete"]),
        };
        self.coverage.hit("mutator", mutator);
        let column = match arithmetic {
            _ if self.random.once_in(20) => self.column(table),
            true => *self.random.pick(&numbers),
            false => *self.random.pick(&collections),
        };
        self.note_type(column);
        let value = match mutator {
            "insert" | "delete" if !column.is_scalar() => {
                let count = self.random.below(4);
                let keys = mutator == "delete" && column.value.is_some() && self.random.once_in(2);
                let keys_only = Column { value: None, ..column.clone() };
                (if keys { &keys_only } else { column }).elements(count, self.random)
            }
            // The distribution's server dies of -1 *= 0 and of dividing the least integer by -1, and takes some
            // products for too large that are not.
            "*=" if column.key.kind == "integer" => (2 + self.random.below(2)).to_string(),
            "/=" | "%=" if column.key.kind == "integer" => {
                (*self.random.pick(&["0", "2", "3", "7", "9223372036854775807"])).into()
            }
            // There, zero and the negative zero, as which a negative number times 0 comes out, are different keys of
            // an index.
            "*=" if table.indexes.iter().flatten().any(|name| *name == column.name) => {
                (*self.random.pick(&["2", "0.5", "1e300"])).into()
            }
            "*=" | "/=" => (*self.random.pick(&["0", "2", "0.5", "1e300"])).into(),
            _ if self.random.once_in(6) => "0".into(),
            _ => column.key.atom(self.random),
        };
        format!(r#"["{}","{mutator}",{value}]"#, self.name(column))
    }

    fn select(&mut self, i: usize, table: &'a Table) -> String {
        let condition = self.condition(i);
        let mut columns: Vec<&str> = vec!["_uuid"];
        for column in &self.random.some(&table.columns) {
            columns.extend(table.columns.iter().map(|c| c.name.as_str()).filter(|n| *n == column.name));
        }
        if self.random.once_in(3) {
            columns.remove(0);
        }
        let columns = match self.random.below(4) {
            0 => String::new(),
            _ if columns.is_empty() => String::new(),
            _ => format!(r#","columns":["{}"]"#, columns.join("\",\"")),
        };
        format!(r#"{{"op":"select","table":"{}","where":{condition}{columns}}}"#, table.name)
    }

    fn wait(&mut self, i: usize, table: &'a Table) -> String {
        let condition = self.condition(i);
        let column = self.column(table);
        let until = *self.random.pick(&["==", "!=", "!=", "!="]);
        let rows: Vec<String> = (0..self.random.below(3))
            .map(|_| format!("{{\"{}\":{}}}", column.name, column.value(self.random)))
            .collect();
        format!(
            r#"{{"op":"wait","timeout":0,"table":"{}","where":{condition},"columns":["{}"],"until":"{until}","rows":[{}]}}"#,
            table.name,
            column.name,
            rows.join(",")
        )
    }

    /// A row that lives by being referred to, and the row that does; or an operation that takes such references away.
    /// Nothing, if the schema has no such tables.
    pub fn linked(&mut self) -> Vec<String> {
        let tables = &self.schema.tables;
        let strong = |column: &Column| match column.key.constraint {
            Constraint::Ref(to, false) if column.value.is_none() && !tables[to].root => Some(to),
            _ => None,
        };
        let from: Vec<(usize, &'a Column, usize)> = (0..tables.len())
            .flat_map(|i| tables[i].columns.iter().filter_map(move |c| Some((i, c, strong(c)?))))
            .filter(|(i, ..)| tables[*i].root)
            .collect();
        if from.is_empty() {
            return Vec::new();
        }
        let (i, column, to) = *self.random.pick(&from);
        let (name, column) = (&tables[i].name, &column.name);
        if self.random.once_in(3) {
            let text =
                format!(r#"{{"op":"update","table":"{name}","where":[],"row":{{"{column}":["set",[]]}}}}"#);
            return vec![text];
        }
        let (uuid, row) = (chosen(to, self.random), self.row(&tables[to], 3, true));
        let child = format!(r#"{{"op":"insert","table":"{}","row":{row},"uuid":"{uuid}"}}"#, tables[to].name);
        let uuid = format!(r#"["uuid","{uuid}"]"#);
        let row = self.row_with(&tables[i], column, &uuid);
        let parent = chosen(i, self.random);
        vec![child, format!(r#"{{"op":"insert","table":"{name}","row":{row},"uuid":"{parent}"}}"#)]
    }

    /// A row that has `value` in `column`, and what it needs.
    fn row_with(&mut self, table: &'a Table, column: &str, value: &str) -> String {
        let needed = table.columns.iter().filter(|c| c.is_needed() && c.name != column);
        let mut cells: Vec<String> =
            needed.map(|c| format!("\"{}\":{}", c.name, c.value(self.random))).collect();
        cells.push(format!("\"{column}\":{value}"));
        cells.push(format!("\"num\":{}", self.random.below(1000)));
        format!("{{{}}}", cells.join(","))
    }

    /// One operation.
    pub fn operation(&mut self) -> String {
        let (i, table) = self.table();
        let (op, text) = match self.random.below(24) {
            0..=8 => ("insert", self.insert(i, table)),
            9..=11 => {
                let (condition, row) = (self.condition(i), self.row(table, 3, false));
                let name = &table.name;
                ("update", format!(r#"{{"op":"update","table":"{name}","where":{condition},"row":{row}}}"#))
            }
            12..=15 => {
                let condition = self.condition(i);
                let mutations: Vec<String> =
                    (0..=self.random.below(2)).map(|_| self.mutation(table)).collect();
                let (name, mutations) = (&table.name, mutations.join(","));
                let text = format!(
                    r#"{{"op":"mutate","table":"{name}","where":{condition},"mutations":[{mutations}]}}"#
                );
                ("mutate", text)
            }
            16 | 17 => {
                let (name, condition) = (&table.name, self.condition(i));
                ("delete", format!(r#"{{"op":"delete","table":"{name}","where":{condition}}}"#))
            }
            18 | 19 => ("select", self.select(i, table)),
            20 => ("wait", self.wait(i, table)),
            _ => self.other(),
        };
        self.coverage.hit("operation", op);
        text
    }

    fn other(&mut self) -> (&'static str, String) {
        let lock = self.random.below(3);
        match self.random.below(16) {
            0 => ("abort", r#"{"op":"abort"}"#.into()),
            1 => ("commit", r#"{"op":"commit","durable":true}"#.into()),
            2..=4 => ("commit", r#"{"op":"commit","durable":false}"#.into()),
            5..=7 => ("assert", format!(r#"{{"op":"assert","lock":"l{lock}"}}"#)),
            8 => ("select", r#"{"op":"select","table":"none","where":[]}"#.into()),
            9 => ("select", r#"{"op":"nothing"}"#.into()),
            10 => ("select", r#"{"op":"select","table":"t0","where":[],"odd":1}"#.into()),
            _ => ("comment", r#"{"op":"comment","comment":"x"}"#.into()),
        }
    }

    /// What is to be monitored: `{TABLE: [REQUEST...]}`.
    pub fn monitor_requests(&mut self, conditions: bool) -> String {
        let mut tables = Vec::new();
        for (i, table) in self.schema.tables.iter().enumerate() {
            if self.random.once_in(4) {
                continue;
            }
            let mut members = Vec::new();
            if !self.random.once_in(3) {
                let columns: Vec<String> =
                    self.random.some(&table.columns).iter().map(|c| format!("\"{}\"", c.name)).collect();
                members.push(format!(r#""columns":[{}]"#, columns.join(",")));
            }
            if self.random.once_in(3) {
                let kinds: Vec<String> = ["initial", "insert", "delete", "modify"]
                    .iter()
                    .map(|kind| format!("\"{kind}\":{}", !self.random.once_in(3)))
                    .collect();
                members.push(format!(r#""select":{{{}}}"#, kinds.join(",")));
            }
            if conditions && !self.random.once_in(3) {
                members.push(self.where_member(i));
            }
            tables.push(format!("\"{}\":[{{{}}}]", table.name, members.join(",")));
        }
        format!("{{{}}}", tables.join(","))
    }

    fn where_member(&mut self, table: usize) -> String {
        let n = self.random.below(4);
        let mut clauses: Vec<String> = (0..n).map(|_| self.clause(table, false)).collect();
        // The distribution's server does not take one constant among several clauses for what `ovsdb-server(7)`
        // says, which is that one clause that passes is enough.
        if clauses.len() > 1 {
            clauses.retain(|clause| clause.starts_with('['));
        }
        format!(r#""where":[{}]"#, clauses.join(","))
    }

    /// New conditions: `{TABLE: [{"where": ...}]}`.
    pub fn new_conditions(&mut self) -> String {
        let mut tables = Vec::new();
        for (i, table) in self.schema.tables.iter().enumerate() {
            if !self.random.once_in(3) {
                let member = self.where_member(i);
                tables.push(format!("\"{}\":[{{{member}}}]", table.name));
            }
        }
        format!("{{{}}}", tables.join(","))
    }
}
