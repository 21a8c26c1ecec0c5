//! Random schemas, and values for their columns.

use super::random::Random;

/// An atomic type with its constraint.
#[derive(Clone)]
pub struct Base {
    pub kind: &'static str,
    pub constraint: Constraint,
}

#[derive(Clone)]
pub enum Constraint {
    None,
    Enum(Vec<String>),
    Range(i64, i64),
    /// The number of the table, and whether the reference is weak.
    Ref(usize, bool),
}

#[derive(Clone)]
pub struct Column {
    pub name: String,
    pub key: Base,
    pub value: Option<Base>,
    pub min: u64,
    /// 0 is "unlimited".
    pub max: u64,
    pub mutable: bool,
    pub ephemeral: bool,
}

#[derive(Clone)]
pub struct Table {
    pub name: String,
    pub columns: Vec<Column>,
    pub root: bool,
    pub max_rows: Option<u64>,
    pub indexes: Vec<Vec<String>>,
}

#[derive(Clone)]
pub struct Schema {
    pub version: u64,
    pub tables: Vec<Table>,
}

/// Strings whose lengths differ in bytes and in characters.
const STRINGS: [&str; 6] = ["", "a", "b", "abcd", "éé", "red\\n"];

impl Schema {
    pub fn random(random: &mut Random) -> Schema {
        let count = 2 + random.below(2) as usize;
        let tables = (0..count).map(|i| Table::random(i, count, random)).collect();
        Schema { version: 1, tables }
    }

    /// A schema that differs a little.
    pub fn altered(&self, random: &mut Random) -> Schema {
        let mut new = self.clone();
        new.version += 1;
        let count = new.tables.len();
        let table = random.below(count as u64) as usize;
        let columns = new.tables[table].columns.len() as u64;
        match random.below(4) {
            0 if columns > 3 => {
                // The last two are numbers to calculate with, and a reference.
                let gone = new.tables[table].columns.remove(random.below(columns - 2) as usize).name;
                new.tables[table].indexes.retain(|index| !index.contains(&gone));
            }
            1 => {
                let name = format!("n{}", new.version);
                new.tables[table].columns.insert(0, Column::random(name, count, random));
            }
            2 => {
                // Of another constraint or size, but of the same shape: the distribution's server dies of converting
                // a map to a scalar.
                let random_column = Column::random(String::new(), count, random);
                let column = &mut new.tables[table].columns[0];
                if random_column.key.kind == column.key.kind {
                    column.key = random_column.key;
                }
                if column.max != 1 {
                    column.max = random_column.max;
                }
                new.tables[table].indexes.clear();
            }
            _ => new.tables[table].max_rows = Some(1 + random.below(6)),
        }
        new
    }

    pub fn json(&self) -> String {
        let tables: Vec<String> =
            self.tables.iter().map(|table| format!("\"{}\":{}", table.name, table.json(self))).collect();
        format!(r#"{{"name":"d","version":"{}.0.0","tables":{{{}}}}}"#, self.version, tables.join(","))
    }
}

impl Table {
    fn random(i: usize, count: usize, random: &mut Random) -> Table {
        let n = 2 + random.below(6);
        let mut columns: Vec<Column> =
            (0..n).map(|c| Column::random(format!("c{c}"), count, random)).collect();
        // Numbers to calculate with, and something to refer to, are in every table.
        columns.push(Column::plain("num", if random.once_in(2) { "integer" } else { "real" }));
        let mut link = Column::plain("link", "uuid");
        link.key.constraint = Constraint::Ref(random.below(count as u64) as usize, random.once_in(3));
        (link.min, link.max) = (0, random.below(3));
        columns.push(link);
        let indexable: Vec<String> =
            columns.iter().filter(|c| !c.ephemeral).map(|c| c.name.clone()).collect();
        let mut indexes = Vec::new();
        for _ in 0..random.below(3) {
            let mut index: Vec<String> = vec![random.pick(&indexable).clone()];
            let other = random.pick(&indexable).clone();
            if !index.contains(&other) {
                index.push(other);
            }
            indexes.push(index);
        }
        let root = i == 0 || random.once_in(2);
        let max_rows = random.once_in(4).then(|| 2 + random.below(4));
        Table { name: format!("t{i}"), columns, root, max_rows, indexes }
    }

    fn json(&self, schema: &Schema) -> String {
        let columns: Vec<String> = self
            .columns
            .iter()
            .map(|column| format!("\"{}\":{}", column.name, column.json(schema)))
            .collect();
        let rows = self.max_rows.map_or(String::new(), |rows| format!(",\"maxRows\":{rows}"));
        let indexes: Vec<String> =
            self.indexes.iter().map(|index| format!("[\"{}\"]", index.join("\",\""))).collect();
        let indexes = match indexes.as_slice() {
            [] => String::new(),
            some => format!(",\"indexes\":[{}]", some.join(",")),
        };
        format!(r#"{{"columns":{{{}}},"isRoot":{}{rows}{indexes}}}"#, columns.join(","), self.root)
    }
}

impl Column {
    fn plain(name: &str, kind: &'static str) -> Column {
        let key = Base { kind, constraint: Constraint::None };
        Column { name: name.into(), key, value: None, min: 1, max: 1, mutable: true, ephemeral: false }
    }

    fn random(name: String, tables: usize, random: &mut Random) -> Column {
        let key = Base::random(tables, random);
        // The distribution's server does not delete the two rows of a pair whose key is weak and whose value is strong
        // together: it goes on counting the reference of a row that is gone.
        let refers = |base: &Base, weak: bool| matches!(base.constraint, Constraint::Ref(_, w) if w == weak);
        let value = random.once_in(4).then(|| Base::random(tables, random));
        let value = value.filter(|value| !(refers(&key, true) && refers(value, false)));
        let (min, max) = *random.pick(&[(1, 1), (1, 1), (0, 1), (0, 1), (0, 3), (1, 2), (0, 0), (0, 0)]);
        let (mutable, ephemeral) = (!random.once_in(8), random.once_in(8));
        Column { name, key, value, min, max, mutable, ephemeral }
    }

    fn json(&self, schema: &Schema) -> String {
        let value = self.value.as_ref().map_or(String::new(), |v| format!(",\"value\":{}", v.json(schema)));
        let max = if self.max == 0 { "\"unlimited\"".to_owned() } else { self.max.to_string() };
        format!(
            r#"{{"type":{{"key":{}{value},"min":{},"max":{max}}},"mutable":{},"ephemeral":{}}}"#,
            self.key.json(schema),
            self.min,
            self.mutable,
            self.ephemeral
        )
    }

    pub fn is_scalar(&self) -> bool {
        self.value.is_none() && self.min == 1 && self.max == 1
    }

    /// True if the default is no good, so that an insert has to name the column.
    pub fn is_needed(&self) -> bool {
        let bad = |base: &Base| match &base.constraint {
            Constraint::None => false,
            Constraint::Enum(atoms) => !atoms.iter().any(|atom| atom == "0" || atom == "\"\""),
            Constraint::Range(min, _) => *min > 0,
            Constraint::Ref(..) => true,
        };
        self.min > 0 && (bad(&self.key) || self.value.as_ref().is_some_and(bad))
    }

    /// The tables that elements refer to weakly, and whether by the values of a map.
    pub fn weak_references(&self) -> Vec<(usize, bool)> {
        let bases = [(Some(&self.key), false), (self.value.as_ref(), true)];
        let weak = |(base, in_value): (Option<&Base>, bool)| match base?.constraint {
            Constraint::Ref(table, true) => Some((table, in_value)),
            _ => None,
        };
        bases.into_iter().filter_map(weak).collect()
    }

    pub fn is_number(&self) -> bool {
        self.value.is_none() && matches!(self.key.kind, "integer" | "real")
    }

    /// A value that mostly fits.
    pub fn value(&self, random: &mut Random) -> String {
        if random.once_in(120) {
            let odd = ["null", "{}", "[]", r#"["set"]"#, r#"["map",[[1]]]"#, "true", "\"x\"", "7", "1.5"];
            return (*random.pick(&odd)).into();
        }
        let most = if self.max == 0 { 4 } else { self.max };
        let count = match random.below(25) {
            0 if random.once_in(3) => most + 1,
            1 => 0,
            _ => self.min + random.below(most - self.min + 1),
        };
        self.elements(count, random)
    }

    /// A value of so many elements.
    pub fn elements(&self, count: u64, random: &mut Random) -> String {
        let Some(value) = &self.value else {
            if count == 1 && !random.once_in(4) {
                return self.key.atom(random);
            }
            let mut atoms: Vec<String> = (0..count).map(|_| self.key.atom(random)).collect();
            if !random.once_in(9) {
                atoms.sort();
                atoms.dedup();
            }
            return format!(r#"["set",[{}]]"#, atoms.join(","));
        };
        let mut keys: Vec<String> = (0..count).map(|_| self.key.atom(random)).collect();
        if !random.once_in(9) {
            keys.sort();
            keys.dedup();
        }
        let pairs: Vec<String> =
            keys.into_iter().map(|key| format!("[{key},{}]", value.atom(random))).collect();
        format!(r#"["map",[{}]]"#, pairs.join(","))
    }
}

impl Base {
    fn random(tables: usize, random: &mut Random) -> Base {
        let kind = *random.pick(&["integer", "real", "boolean", "string", "uuid", "uuid"]);
        let constraint = match (kind, random.below(3)) {
            ("uuid", 1 | 2) => Constraint::Ref(random.below(tables as u64) as usize, random.once_in(2)),
            ("integer" | "real" | "string", 1) => {
                let low = random.below(3) as i64;
                Constraint::Range(low, low + random.below(4) as i64)
            }
            ("uuid" | "boolean", _) | (_, 0) => Constraint::None,
            (kind, _) => {
                let base = Base { kind, constraint: Constraint::None };
                let mut some: Vec<String> = (0..4).map(|_| base.good(random)).collect();
                // The default is among them mostly: else no row can be inserted without the column.
                if !random.once_in(9) {
                    some.push(if kind == "string" { "\"\"".into() } else { "0".into() });
                }
                some.sort();
                some.dedup();
                Constraint::Enum(some)
            }
        };
        Base { kind, constraint }
    }

    fn json(&self, schema: &Schema) -> String {
        let kind = self.kind;
        match &self.constraint {
            Constraint::None => format!("\"{kind}\""),
            Constraint::Enum(atoms) => format!(r#"{{"type":"{kind}","enum":["set",[{}]]}}"#, atoms.join(",")),
            Constraint::Range(min, max) => {
                let what = match kind {
                    "integer" => "Integer",
                    "real" => "Real",
                    _ => "Length",
                };
                format!(r#"{{"type":"{kind}","min{what}":{min},"max{what}":{max}}}"#)
            }
            Constraint::Ref(table, weak) => {
                let how = if *weak { "weak" } else { "strong" };
                format!(r#"{{"type":"uuid","refTable":"{}","refType":"{how}"}}"#, schema.tables[*table].name)
            }
        }
    }

    /// An atom that mostly satisfies the constraint.
    pub fn atom(&self, random: &mut Random) -> String {
        match &self.constraint {
            Constraint::Enum(atoms) if !random.once_in(50) => random.pick(atoms).clone(),
            Constraint::Range(min, max) if self.kind != "string" && !random.once_in(50) => {
                (min + random.below((max - min + 1) as u64) as i64).to_string()
            }
            Constraint::Range(min, _) if self.kind == "string" && !random.once_in(50) => {
                format!("\"{}\"", "ä".repeat(*min as usize))
            }
            Constraint::Ref(table, _) => reference(*table, random),
            _ => self.good(random),
        }
    }

    fn good(&self, random: &mut Random) -> String {
        match self.kind {
            "integer" => match random.below(14) {
                0 => "9223372036854775807".into(),
                1 => "-9223372036854775808".into(),
                _ => (random.below(6) as i64 - 1).to_string(),
            },
            "real" => (*random.pick(&["0", "1", "0.5", "-2.25", "1e300", "3"])).into(),
            "boolean" => (*random.pick(&["true", "false"])).into(),
            "string" => format!("\"{}\"", random.pick(&STRINGS)),
            _ => reference(random.below(2) as usize, random),
        }
    }
}

/// A reference to a row of a table, which mostly exists.
pub fn reference(table: usize, random: &mut Random) -> String {
    if random.once_in(12) {
        return format!(r#"["named-uuid","n{}"]"#, random.below(3));
    }
    format!(r#"["uuid","{}"]"#, known(table, random))
}

/// The UUID of a row of a table, which mostly exists.
pub fn known(table: usize, random: &mut Random) -> String {
    let count = random.rows.get(table).map_or(0, Vec::len) as u64;
    if count > 0 && random.below(8) > 0 {
        let i = random.below(count) as usize;
        return random.rows[table][i].clone();
    }
    chosen(table, random)
}

/// One of the UUIDs that rows of a table are given; those of different tables are different, as a server's own
/// would be.
pub fn chosen(table: usize, random: &mut Random) -> String {
    format!("00000000-0000-4000-8000-{:012x}", random.below(64) + 0x100 * table as u64)
}
