//! The same random transactions to the distribution's server and to ours: equal results, equal rows.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail on the spot")]

use std::collections::BTreeMap;
use std::process::Command;

use ovs_db::json::Json;

use crate::peer::program;
use crate::support::{Client, Memory, Peer, json};

/// A schema that has a bit of everything.
const SCHEMA: &str = r#"{"name":"d","version":"1.0.0","tables":{
 "root":{"isRoot":true,"indexes":[["i"],["s","b"]],"maxRows":6,"columns":{
   "i":{"type":"integer"},"r":{"type":"real"},"b":{"type":"boolean"},"s":{"type":"string"},
   "oi":{"type":{"key":"integer","min":0,"max":1}},
   "set":{"type":{"key":{"type":"integer","minInteger":-3,"maxInteger":9},"min":0,"max":4}},
   "rs":{"type":{"key":"real","min":0,"max":"unlimited"}},
   "map":{"type":{"key":"string","value":"integer","min":0,"max":"unlimited"}},
   "enum":{"type":{"key":{"type":"string","enum":["set",["","red","green"]]}}},
   "name":{"type":{"key":{"type":"string","maxLength":3}},"mutable":false},
   "kids":{"type":{"key":{"type":"uuid","refTable":"leaf"},"min":0,"max":"unlimited"}},
   "peers":{"type":{"key":{"type":"uuid","refTable":"root","refType":"weak"},"min":0,"max":"unlimited"}},
   "wmap":{"type":{"key":"integer","value":{"type":"uuid","refTable":"leaf","refType":"weak"},"min":0,"max":"unlimited"}},
   "eph":{"type":"integer","ephemeral":true}}},
 "leaf":{"columns":{
   "v":{"type":"integer"},
   "next":{"type":{"key":{"type":"uuid","refTable":"leaf"},"min":0,"max":1}},
   "must":{"type":{"key":{"type":"uuid","refTable":"root","refType":"weak"},"min":0,"max":2}}}}}}"#;

/// A small generator of numbers; the seed is part of the test's name in failures.
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % n
    }

    fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        from[self.below(from.len() as u64) as usize]
    }

    fn int(&mut self) -> String {
        match self.below(12) {
            0 => "9223372036854775807".into(),
            1 => "-9223372036854775808".into(),
            2 => "12".into(),
            _ => (self.below(6) as i64 - 1).to_string(),
        }
    }

    fn real(&mut self) -> String {
        self.pick(&["0", "1", "0.5", "-2.25", "1e300", "3"]).into()
    }

    fn list(&mut self, max: u64, item: impl Fn(&mut Random) -> String) -> String {
        let n = self.below(max + 1);
        let items: Vec<String> = (0..n).map(|_| item(self)).collect();
        format!(r#"["set",[{}]]"#, items.join(","))
    }

    /// A row of `table`, which perhaps exists.
    fn uuid(&mut self, table: &str) -> String {
        match self.below(8) {
            0 => format!(r#"["named-uuid","n{}"]"#, self.below(3)),
            _ => format!(r#"["uuid","{}"]"#, self.chosen(table)),
        }
    }

    /// The rows' UUIDs are chosen by the test, so that they are equal on both sides; those of the tables are
    /// different, as a server's own would be.
    fn chosen(&mut self, table: &str) -> String {
        format!("00000000-0000-4000-8000-{:012x}", self.below(12) + if table == "leaf" { 0x100 } else { 0 })
    }

    fn map(
        &mut self,
        max: u64,
        key: impl Fn(&mut Random) -> String,
        value: impl Fn(&mut Random) -> String,
    ) -> String {
        let n = self.below(max + 1);
        let pairs: Vec<String> = (0..n).map(|_| format!("[{},{}]", key(self), value(self))).collect();
        format!(r#"["map",[{}]]"#, pairs.join(","))
    }

    fn string(&mut self) -> String {
        format!("\"{}\"", self.pick(&["", "a", "b", "abcd", "é", "red"]))
    }

    /// A value that mostly fits the column.
    fn value(&mut self, column: &str) -> String {
        if self.below(25) == 0 {
            return self
                .pick(&["null", "{}", "[]", r#"["set"]"#, r#"["map",[[1]]]"#, "true", "\"x\"", "7"])
                .into();
        }
        match column {
            "i" | "eph" | "v" => self.int(),
            "r" => self.real(),
            "b" => self.pick(&["true", "false"]).into(),
            "s" | "name" => self.string(),
            "oi" => self.list(1, Random::int),
            "set" => self.list(4, |r| (r.below(12) as i64 - 2).to_string()),
            "rs" => self.list(3, Random::real),
            "map" => self.map(3, Random::string, Random::int),
            "enum" => self.pick(&["\"red\"", "\"green\"", "\"\"", "\"blue\""]).into(),
            "kids" => self.list(3, |r| r.uuid("leaf")),
            "peers" => self.list(3, |r| r.uuid("root")),
            "wmap" => self.map(2, Random::int, |r| r.uuid("leaf")),
            "next" => self.list(1, |r| r.uuid("leaf")),
            "must" => self.list(2, |r| r.uuid("root")),
            "_uuid" => {
                let table = self.pick(&["root", "leaf"]);
                self.uuid(table)
            }
            _ => "1".into(),
        }
    }

    fn column(&mut self, table: &str) -> &'static str {
        let columns: &[&str] = if table == "root" {
            &[
                "i", "r", "b", "s", "oi", "set", "rs", "map", "enum", "name", "kids", "kids", "peers",
                "wmap", "eph",
            ]
        } else {
            &["v", "next", "next", "must"]
        };
        if self.below(60) == 0 { "nope" } else { self.pick(columns) }
    }

    fn row(&mut self, table: &str, most: u64) -> String {
        let mut cells = BTreeMap::new();
        for _ in 0..=self.below(most) {
            let column = self.column(table);
            // A name cannot change, and is seldom given.
            if column != "name" || self.below(6) == 0 {
                cells.insert(column, self.value(column));
            }
        }
        let cells: Vec<String> = cells.iter().map(|(k, v)| format!("\"{k}\":{v}")).collect();
        format!("{{{}}}", cells.join(","))
    }

    fn condition(&mut self, table: &str) -> String {
        let n = self.below(3);
        let clauses: Vec<String> = (0..n)
            .map(|_| {
                let column = if self.below(2) == 0 { "_uuid" } else { self.column(table) };
                let function = match self.below(3) {
                    0 => "==",
                    _ => self.pick(&["<", "<=", "!=", ">=", ">", "includes", "excludes", "==", "~"]),
                };
                format!(r#"["{column}","{function}",{}]"#, self.value(column))
            })
            .collect();
        format!("[{}]", clauses.join(","))
    }

    fn insert(&mut self, table: &str) -> String {
        let name = match self.below(3) {
            0 => format!(r#","uuid-name":"n{}""#, self.below(3)),
            _ => format!(r#","uuid":"{}""#, self.chosen(table)),
        };
        format!(r#"{{"op":"insert","table":"{table}","row":{}{name}}}"#, self.row(table, 4))
    }

    fn mutate(&mut self, table: &str) -> String {
        let mutator = self.pick(&["+=", "-=", "*=", "/=", "%=", "insert", "delete", "insert", "delete"]);
        let numbers: &[&str] = if table == "root" { &["i", "r", "oi", "set", "rs", "eph"] } else { &["v"] };
        let fits = mutator.ends_with('=') && self.below(8) > 0;
        let column = if fits { self.pick(numbers) } else { self.column(table) };
        let value = if fits { self.int() } else { self.value(column) };
        let condition = self.condition(table);
        format!(
            r#"{{"op":"mutate","table":"{table}","where":{condition},"mutations":[["{column}","{mutator}",{value}]]}}"#
        )
    }

    fn operation(&mut self) -> String {
        let table = if self.below(80) == 0 { "none" } else { self.pick(&["root", "root", "leaf", "leaf"]) };
        match self.below(14) {
            0..=4 => self.insert(table),
            5 | 6 => {
                let (condition, row) = (self.condition(table), self.row(table, 3));
                format!(r#"{{"op":"update","table":"{table}","where":{condition},"row":{row}}}"#)
            }
            7..=9 => self.mutate(table),
            10 => format!(r#"{{"op":"delete","table":"{table}","where":{}}}"#, self.condition(table)),
            11 => {
                let condition = self.condition(table);
                let column = self.column(table);
                format!(
                    r#"{{"op":"select","table":"{table}","where":{condition},"columns":["_uuid","{column}"]}}"#
                )
            }
            12 => {
                let (condition, row) = (self.condition(table), self.row(table, 1));
                let column = self.column(table);
                let until = self.pick(&["==", "!="]);
                format!(
                    r#"{{"op":"wait","timeout":0,"table":"{table}","where":{condition},"columns":["{column}"],"until":"{until}","rows":[{row}]}}"#
                )
            }
            _ => self
                .pick(&[
                    r#"{"op":"comment","comment":"x"}"#,
                    r#"{"op":"commit","durable":false}"#,
                    r#"{"op":"abort"}"#,
                    r#"{"op":"assert","lock":"l"}"#,
                ])
                .into(),
        }
    }
}

/// Takes away what may differ: texts for people, and UUIDs that the servers chose.
fn normal(json: &Json) -> Json {
    match json {
        Json::Object(members) => {
            let kept = members.iter().filter(|(name, _)| !matches!(name.as_str(), "details" | "syntax"));
            Json::object(kept.map(|(name, value)| (name.clone(), normal(value))))
        }
        Json::Array(elements) => match elements.as_slice() {
            [Json::String(tag), Json::String(uuid)]
                if tag == "uuid" && !uuid.starts_with("00000000-0000-4") =>
            {
                Json::from("a UUID")
            }
            _ => Json::array(elements.iter().map(normal)),
        },
        other => other.clone(),
    }
}

/// The rows of a `select`, in the order of their text.
fn sorted(result: &Json) -> Json {
    let mut rows: Vec<Json> = result.get("rows").and_then(Json::as_array).unwrap_or_default().to_vec();
    // Rows with chosen UUIDs first: then the others are numbered alike.
    rows.sort_by_key(|row| {
        let mut members = row.as_object().cloned().unwrap_or_default();
        let uuid = members.remove("_uuid").map(|u| u.to_string()).unwrap_or_default();
        let ours = uuid.contains("00000000-0000-4");
        (!ours, if ours { uuid } else { Json::Object(members).to_string() })
    });
    Json::Array(rows)
}

/// Where a row has two things wrong with it, which one is reported depends on the order in which a server
/// looks at the columns: then any error is as good as another.
fn forgive_order(operations: &[Json], theirs: &mut Json, ours: &Json) {
    let Json::Array(results) = theirs else { return };
    let ours = ours.as_array().unwrap();
    for (i, operation) in operations.iter().enumerate() {
        let cells = operation.get("row").and_then(Json::as_object).map_or(0, BTreeMap::len);
        let failed = |result: Option<&Json>| result.is_some_and(|r| r.get("error").is_some());
        if cells > 1 && failed(results.get(i)) && failed(ours.get(i)) {
            results[i] = ours[i].clone();
        }
    }
}

/// Everything that is in the tables.
const FORGET: &str =
    r#"[{"op":"select","table":"root","where":[]},{"op":"select","table":"leaf","where":[]}]"#;

#[test]
fn random_transactions_do_what_they_do_elsewhere() {
    const TEST: &str = "random_transactions_do_what_they_do_elsewhere";
    let (Some(server), Some(tool)) = (program(TEST, "ovsdb-server"), program(TEST, "ovsdb-tool")) else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let schema = dir.path().join("d.ovsschema");
    std::fs::write(&schema, SCHEMA).unwrap();
    let mut counts = Counts::default();
    for seed in 0..12 {
        let database = dir.path().join(format!("{seed}.db"));
        assert!(Command::new(&tool).arg("create").args([&database, &schema]).status().unwrap().success());
        let peer = Peer::start(&server, dir.path(), &database);
        compare(seed, &mut peer.connect(), &mut counts);
    }
    let Counts { good, errors } = counts;
    println!("{good} transactions succeeded, failures: {errors:?}");
    for tag in [
        "syntax error",
        "constraint violation",
        "referential integrity violation",
        "range error",
        "domain error",
        "timed out",
        "aborted",
        "not owner",
        "duplicate uuid",
        "duplicate uuid-name",
        "unknown column",
        "unknown function",
    ] {
        assert!(errors.contains_key(&format!("\"{tag}\"")), "{tag} never came");
    }
    assert!(good > 200, "{good}");
}

/// How transactions ended.
#[derive(Default)]
struct Counts {
    good: usize,
    errors: BTreeMap<String, usize>,
}

/// Sends transactions that follow from `seed` to both, and compares after each.
fn compare(seed: u64, theirs: &mut Client, counts: &mut Counts) {
    let mut ours = Memory::new(SCHEMA);
    let mut random = Random(seed);
    let select = |result: &Json| {
        let results = result.as_array().unwrap();
        Json::array(results.iter().map(|r| if r.get("rows").is_some() { sorted(r) } else { r.clone() }))
    };
    for step in 0..300 {
        let operations: Vec<String> = (0..=random.below(3)).map(|_| random.operation()).collect();
        let text = format!("[{}]", operations.join(","));
        let what = format!("seed {seed} step {step}: {text}");
        let mut params = json(&text).as_array().unwrap().to_vec();
        params.insert(0, Json::from("d"));
        let expected = theirs.call("transact", &params);
        let got = ours.transact(&text);
        let (mut a, b) = (select(&normal(&expected)), select(&normal(&got)));
        forgive_order(&params[1..], &mut a, &b);
        assert_eq!(a, b, "{what}\ntheirs {expected}\nours {got}");
        match b.as_array().unwrap().iter().find_map(|r| r.get("error")) {
            Some(error) => *counts.errors.entry(error.to_string()).or_default() += 1,
            None => counts.good += 1,
        }
        compare_contents(theirs, &mut ours, &what);
    }
}

fn compare_contents(theirs: &mut Client, ours: &mut Memory, what: &str) {
    let mut params = json(FORGET).as_array().unwrap().to_vec();
    params.insert(0, Json::from("d"));
    let contents = |result: Json| {
        let tables = result.as_array().unwrap().iter().map(|table| {
            let mut rows = Vec::new();
            for row in table.get("rows").and_then(Json::as_array).unwrap() {
                let mut row = row.as_object().unwrap().clone();
                row.remove("_version");
                rows.push(Json::Object(row));
            }
            sorted(&Json::object([("rows", Json::Array(rows))]))
        });
        tables.map(|table| normal(&table)).collect::<Vec<_>>()
    };
    let (a, b) = (contents(theirs.call("transact", &params)), contents(ours.transact(FORGET)));
    assert_eq!(a, b, "{what}");
}
