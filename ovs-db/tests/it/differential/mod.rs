//! The same random transactions, monitors, locks and conversions to the distribution's server and to ours, on random
//! schemas: equal results, equal rows, equal updates.
//!
//! `OVSDB_DIFFERENTIAL=N` runs N schemas instead of a few; 400 make more than 20,000 transactions and 1,000 monitor
//! sessions.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "helpers of tests fail on the spot; the run prints its coverage"
)]

mod coverage;
mod normal;
mod random;
mod schema;
mod sides;
mod transaction;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use ovs_db::json::Json;

use crate::peer::program;
use crate::support::{Peer, json};
use coverage::Coverage;
use normal::{BothNames, Names, error_tag, sort_rows};
use random::Random;
use schema::Schema;
use sides::{Answer, DIED, Ours, Side, Theirs};
use transaction::Generator;

/// How many schemas are tried where nothing else is asked for.
const FEW: u64 = 14;

/// So many reach everything that is to be reached.
const MANY: u64 = 100;

/// Transactions on each schema.
const STEPS: u64 = 60;

/// Sessions on each schema; the first one writes.
const SESSIONS: usize = 3;

#[test]
fn random_transactions_do_what_they_do_elsewhere() {
    const TEST: &str = "random_transactions_do_what_they_do_elsewhere";
    let (Some(server), Some(tool)) = (program(TEST, "ovsdb-server"), program(TEST, "ovsdb-tool")) else {
        return;
    };
    let asked = std::env::var("OVSDB_DIFFERENTIAL").ok().and_then(|n| n.parse().ok());
    let first = std::env::var("OVSDB_DIFFERENTIAL_FIRST").ok().and_then(|n| n.parse().ok()).unwrap_or(0);
    let mut coverage = Coverage::default();
    for seed in first..first + asked.unwrap_or(FEW) {
        run(seed, &server, &tool, &mut coverage);
    }
    let missing = coverage.report();
    // What kills the distribution's server is rare, and so must stay.
    let seeds = asked.unwrap_or(FEW);
    assert!(coverage.deaths <= 2 + seeds / 10, "it died {} times in {seeds} runs", coverage.deaths);
    // A few schemas do not reach everything.
    assert!(asked.is_none_or(|n| n < MANY) || missing.is_empty(), "never reached: {missing:?}");
}

fn run(seed: u64, server: &Path, tool: &Path, coverage: &mut Coverage) {
    let mut random = Random::new(seed);
    let schema = Schema::random(&mut random);
    let dir = tempfile::tempdir().unwrap();
    let (file, database) = (dir.path().join("d.ovsschema"), dir.path().join("d.db"));
    std::fs::write(&file, schema.json()).unwrap();
    let made = Command::new(tool).arg("create").args([&database, &file]).output().unwrap();
    assert!(made.status.success(), "seed {seed}: {}\n{made:?}", schema.json());
    let peer = Peer::start(server, dir.path(), &database);
    let theirs = Theirs::new((0..SESSIONS).map(|_| peer.connect()).collect());
    let ours = Ours::new(&schema.json(), SESSIONS);
    let names = BothNames::default();
    let monitors = (0..SESSIONS).map(|_| BTreeMap::new()).collect();
    let (next_monitor, rows) = (0, BTreeMap::new());
    let mut run = Run {
        seed,
        step: 0,
        schema,
        random,
        coverage,
        theirs,
        ours,
        names,
        monitors,
        next_monitor,
        rows,
        broken: false,
        dead: false,
    };
    run.coverage.sessions += SESSIONS as u64;
    run.whole();
}

/// One schema's run.
struct Run<'a> {
    seed: u64,
    step: u64,
    schema: Schema,
    random: Random,
    coverage: &'a mut Coverage,
    theirs: Theirs,
    ours: Ours,
    names: BothNames,
    /// The monitors of each session, and whether they have conditions.
    monitors: Vec<BTreeMap<u64, bool>>,
    next_monitor: u64,
    /// What the last transaction left.
    rows: BTreeMap<String, Json>,
    /// The peer's database is not good any more.
    broken: bool,
    /// The peer died.
    dead: bool,
}

impl Run<'_> {
    fn generator(&mut self) -> Generator<'_> {
        Generator { schema: &self.schema, random: &mut self.random, coverage: self.coverage }
    }

    fn whole(&mut self) {
        for session in 0..SESSIONS {
            let _ = self.both(session, "set_db_change_aware", "[true]");
            self.open_monitor(session);
            self.open_monitor(session);
        }
        let (theirs, ours) = self.call(0, "list_dbs", "[]");
        if self.dead {
            return;
        }
        let sorted = |answer: Answer| {
            let mut names = answer.result.unwrap().as_array().unwrap().to_vec();
            names.sort_by_key(ToString::to_string);
            names
        };
        assert_eq!(sorted(theirs), sorted(ours), "the order is that of a hash");
        let _ = self.both(0, "get_schema", r#"["d"]"#);
        self.call(0, "get_server_id", "[]");
        for step in 0..STEPS {
            self.step = step;
            match self.random.below(24) {
                0 => self.change_monitor(),
                1 => self.lock(),
                2 if step > STEPS / 2 => self.convert(),
                _ => {}
            }
            let operations = self.transact();
            if self.dead {
                return;
            }
            if !self.broken {
                self.contents(&operations);
            }
            if self.dead {
                return;
            }
            if self.broken {
                self.coverage.dangling += 1;
                return;
            }
        }
    }

    fn what(&self, text: &str) -> String {
        format!("seed {} step {}: {text}", self.seed, self.step)
    }

    /// Calls both servers.
    fn call(&mut self, session: usize, method: &str, params: &str) -> (Answer, Answer) {
        self.coverage.hit("method", method);
        let Json::Array(params) = json(params) else { panic!("{params}") };
        if std::env::var_os("OVSDB_DIFFERENTIAL_TRACE").is_some() {
            println!(
                "seed {} step {} session {session}: {method} {}",
                self.seed,
                self.step,
                Json::Array(params.clone())
            );
        }
        if self.dead {
            let nothing = || Answer { result: Err(Json::Null), notices: Vec::new() };
            return (nothing(), nothing());
        }
        let theirs = self.theirs.call(session, method, &params);
        let ours = self.ours.call(session, method, &params);
        if theirs.result == Err(Json::from(DIED)) {
            self.died(method);
        }
        if std::env::var_os("OVSDB_DIFFERENTIAL_TRACE").is_some() {
            println!("  theirs {theirs:?}\n  ours {ours:?}");
        }
        (theirs, ours)
    }

    /// The distribution's server dies of some conversions, and where two monitors watch the same columns of a table and
    /// the conditions of one are about others. What comes then is not compared; nothing else may kill it.
    fn died(&mut self, method: &str) {
        let conditional = self.monitors.iter().flat_map(BTreeMap::values).any(|conditional| *conditional);
        assert!(method == "convert" || conditional, "{}", self.what(&format!("the peer died of {method}")));
        self.coverage.deaths += 1;
        self.dead = true;
    }

    /// Calls both servers, and demands equal answers and notifications.
    fn both(&mut self, session: usize, method: &str, params: &str) -> Result<Json, Json> {
        let (theirs, ours) = self.call(session, method, params);
        let what = self.what(&format!("session {session} {method} {params}"));
        self.compare_answers(&theirs.result, &ours.result, &what);
        self.compare_notices(&theirs.notices, &ours.notices, &what);
        self.others(session, &what);
        ours.result
    }

    /// What the other sessions were told meanwhile.
    fn others(&mut self, session: usize, what: &str) {
        for other in (0..SESSIONS).filter(|other| *other != session) {
            let (theirs, ours) = self.call(other, "echo", "[]");
            self.compare_notices(&theirs.notices, &ours.notices, &format!("{what}, session {other}"));
        }
    }

    fn compare_answers(&mut self, theirs: &Result<Json, Json>, ours: &Result<Json, Json>, what: &str) {
        if self.dead {
            return;
        }
        match (theirs, ours) {
            (Ok(a), Ok(b)) => {
                let (a, b) = (self.names.theirs.normal(a), self.names.ours.normal(b));
                assert_eq!(a, b, "{what}\n{}", self.schema.json());
            }
            // Of several tables with something wrong, which one is reported depends on the order of a hash.
            (Err(a), Err(b)) if what.contains("monitor_cond") => {
                self.coverage.forgiven += u64::from(error_tag(a) != error_tag(b));
            }
            (Err(a), Err(b)) => assert_eq!(error_tag(a), error_tag(b), "{what}\ntheirs {a}\nours {b}"),
            _ => panic!("{what}\ntheirs {theirs:?}\nours {ours:?}\n{}", self.schema.json()),
        }
    }

    /// Notifications of several monitors come in any order.
    fn compare_notices(&mut self, theirs: &[Json], ours: &[Json], what: &str) {
        if self.dead {
            return;
        }
        let sort = |names: &Names, notices: &[Json]| {
            let mut texts: Vec<String> =
                notices.iter().filter_map(|n| Some(names.normal(&telling(n)?).to_string())).collect();
            texts.sort();
            texts
        };
        let (a, b) = (sort(&self.names.theirs, theirs), sort(&self.names.ours, ours));
        if a != b && self.peer_dangles() {
            self.broken = true;
            return;
        }
        assert_eq!(a, b, "{what}\ntheirs {theirs:?}\nours {ours:?}\n{}", self.schema.json());
        self.coverage.updates += ours.len() as u64;
        for notice in ours {
            let method = notice.get("method").and_then(Json::as_str).unwrap_or_default();
            self.coverage.hit("notification", method);
            note_kinds(notice, self.coverage);
        }
    }

    fn open_monitor(&mut self, session: usize) {
        let method = *self.random.pick(&["monitor", "monitor_cond", "monitor_cond_since"]);
        let requests = self.generator().monitor_requests(method != "monitor");
        let n = self.next_monitor;
        self.next_monitor += 1;
        let since = match method {
            "monitor_cond_since" => ",\"00000000-0000-0000-0000-000000000000\"",
            _ => "",
        };
        let params = format!(r#"["d","m{n}",{requests}{since}]"#);
        let (theirs, ours) = self.call(session, method, &params);
        let what = self.what(&format!("{method} {params}"));
        let strip = |result: &Result<Json, Json>| match result {
            // Whether a state is known, and what it is called, is each server's own business.
            Ok(Json::Array(parts)) if parts.len() == 3 => Ok(parts[2].clone()),
            other => other.clone(),
        };
        let (theirs, ours) = (strip(&theirs.result), strip(&ours.result));
        self.compare_answers(&theirs, &ours, &what);
        if let Ok(ours) = &ours {
            self.coverage.monitors += 1;
            note_kinds(ours, self.coverage);
            self.monitors[session].insert(n, method != "monitor");
        }
    }

    fn change_monitor(&mut self) {
        let session = self.random.below(SESSIONS as u64) as usize;
        let known: Vec<(u64, bool)> = self.monitors[session].iter().map(|(n, c)| (*n, *c)).collect();
        let conditional: Vec<u64> = known.iter().filter(|(_, c)| *c).map(|(n, _)| *n).collect();
        match self.random.below(4) {
            0 => self.open_monitor(session),
            1 if !known.is_empty() => {
                let (n, _) = *self.random.pick(&known);
                self.monitors[session].remove(&n);
                let _ = self.both(session, "monitor_cancel", &format!("[\"m{n}\"]"));
            }
            _ if !conditional.is_empty() => {
                let n = *self.random.pick(&conditional);
                let conditions = self.generator().new_conditions();
                let params = format!(r#"["m{n}","m{n}",{conditions}]"#);
                if self.both(session, "monitor_cond_change", &params).is_err() {
                    // What of a bad change holds is the distribution's server's secret; with ours it is nothing.
                    self.monitors[session].remove(&n);
                    let _ = self.both(session, "monitor_cancel", &format!("[\"m{n}\"]"));
                }
            }
            _ => {}
        }
    }

    fn lock(&mut self) {
        let session = self.random.below(SESSIONS as u64) as usize;
        let method = *self.random.pick(&["lock", "lock", "steal", "unlock"]);
        let name = self.random.below(3);
        let _ = self.both(session, method, &format!("[\"l{name}\"]"));
    }

    fn convert(&mut self) {
        let altered = self.schema.altered(&mut self.random);
        let params = format!(r#"["d",{}]"#, altered.json());
        let (theirs, ours) = self.call(0, "convert", &params);
        if self.dead {
            return;
        }
        let what = self.what(&format!("convert {params}"));
        self.compare_answers(&theirs.result, &ours.result, &what);
        self.compare_notices(&theirs.notices, &ours.notices, &what);
        self.others(0, &what);
        if ours.result.is_ok() {
            self.coverage.conversions += 1;
            self.schema = altered;
            for session in 0..SESSIONS {
                self.monitors[session].clear();
                self.open_monitor(session);
            }
        }
    }

    /// Gives the names of the operations.
    fn transact(&mut self) -> String {
        let n = 1 + self.random.below(4);
        let mut generator = self.generator();
        let mut operations = if generator.random.once_in(6) { generator.linked() } else { Vec::new() };
        if operations.is_empty() {
            operations = (0..n).map(|_| generator.operation()).collect();
        }
        let params = format!(r#"["d",{}]"#, operations.join(","));
        let (theirs, ours) = self.call(0, "transact", &params);
        if self.dead {
            return params;
        }
        let what = self.what(&params);
        let (Ok(a), Ok(b)) = (&theirs.result, &ours.result) else {
            self.compare_answers(&theirs.result, &ours.result, &what);
            return params;
        };
        self.names.learn(a, b);
        let same = sort_rows(&self.names.theirs.normal(a));
        let mine = sort_rows(&self.names.ours.normal(b));
        if same != mine {
            let forgiven = either_error(&operations, &same, &mine);
            assert!(forgiven, "{what}\ntheirs {a}\nours {b}\n{}", self.schema.json());
            self.coverage.forgiven += 1;
        }
        self.compare_notices(&theirs.notices, &ours.notices, &what);
        self.others(0, &what);
        self.note_result(b);
        params
    }

    fn note_result(&mut self, results: &Json) {
        self.coverage.transactions += 1;
        let results = results.as_array().unwrap();
        let Some(error) = results.iter().find(|r| r.get("error").is_some()) else {
            self.coverage.good += 1;
            return;
        };
        self.coverage.hit("error", &error_tag(error));
        let details = error.get("details").and_then(Json::as_str).unwrap_or_default();
        for (part, constraint) in [
            ("is not one of the allowed values", "enum"),
            ("outside the valid range", "range"),
            ("characters, allowed are", "length"),
            ("elements where", "count"),
            ("contains duplicate", "duplicate"),
            ("which does not exist", "strong"),
            ("remaining reference", "remaining"),
            ("would be empty", "weak"),
            ("unique column", "index"),
            ("rows, allowed are", "rows"),
            ("cannot be changed", "immutable"),
        ] {
            if details.contains(part) {
                self.coverage.hit("constraint", constraint);
            }
        }
    }

    /// Everything that is in the tables.
    fn contents(&mut self, operations: &str) {
        let selects: Vec<String> = self
            .schema
            .tables
            .iter()
            .map(|table| format!(r#"{{"op":"select","table":"{}","where":[]}}"#, table.name))
            .collect();
        let (theirs, ours) = self.call(0, "transact", &format!(r#"["d",{}]"#, selects.join(",")));
        if self.dead {
            return;
        }
        let (a, b) = (theirs.result.unwrap(), ours.result.unwrap());
        let (a, b) = (sort_rows(&self.names.theirs.normal(&a)), sort_rows(&self.names.ours.normal(&b)));
        if a != b && self.peer_dangles() {
            self.broken = true;
            return;
        }
        assert_eq!(a, b, "{}", self.what("contents"));
        let rows: BTreeMap<String, Json> = b
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|table| table.get("rows").and_then(Json::as_array).unwrap())
            .map(|row| (row.get("_uuid").unwrap().to_string(), row.clone()))
            .collect();
        self.random.rows = b
            .as_array()
            .unwrap()
            .iter()
            .map(|table| {
                let rows = table.get("rows").and_then(Json::as_array).unwrap().iter();
                let uuid = |row: &Json| row.get("_uuid")?.as_array()?.get(1)?.as_str().map(str::to_owned);
                // Those that the servers chose themselves are called differently by the peer.
                rows.filter_map(uuid).filter(|uuid| uuid.starts_with("00000000-0000-")).collect()
            })
            .collect();
        self.note_consequences(operations, &rows);
        self.rows = rows;
    }

    /// True if a weak reference of the peer's leads to a row that is not there: it forgets some that change in the
    /// transaction that deletes the row, against RFC 7047 section 3.2.
    fn peer_dangles(&mut self) -> bool {
        let names: Vec<&str> = self.schema.tables.iter().map(|table| table.name.as_str()).collect();
        let selects: Vec<String> =
            names.iter().map(|name| format!(r#"{{"op":"select","table":"{name}","where":[]}}"#)).collect();
        let Json::Array(params) = json(&format!(r#"["d",{}]"#, selects.join(","))) else { return false };
        let Ok(all) = self.theirs.call(0, "transact", &params).result else { return false };
        let tables: Vec<&[Json]> =
            all.as_array().unwrap().iter().map(|t| t.get("rows").and_then(Json::as_array).unwrap()).collect();
        let exists = |table: usize, uuid: &str| {
            tables[table]
                .iter()
                .any(|row| row.get("_uuid").is_some_and(|known| known.to_string().contains(uuid)))
        };
        self.schema.tables.iter().zip(&tables).any(|(table, rows)| {
            table.columns.iter().any(|column| {
                column.weak_references().into_iter().any(|(target, in_value)| {
                    let cells = rows.iter().filter_map(|row| row.get(&column.name));
                    cells.flat_map(|cell| uuids(cell, in_value)).any(|uuid| !exists(target, &uuid))
                })
            })
        })
    }

    /// Counts rows that went, or changed, although no operation said so.
    fn note_consequences(&mut self, operations: &str, rows: &BTreeMap<String, Json>) {
        let has = |op: &str| operations.contains(&format!("\"op\":\"{op}\""));
        if !has("delete") && self.rows.keys().any(|uuid| !rows.contains_key(uuid)) {
            self.coverage.hit("consequence", "garbage");
        }
        let changed = |(uuid, row): (&String, &Json)| rows.get(uuid).is_some_and(|new| new != row);
        if !has("update") && !has("mutate") && self.rows.iter().any(changed) {
            self.coverage.hit("consequence", "weak reference dropped");
        }
    }
}

/// The UUIDs in a column: of a map those of its values, if `in_value`, else its keys.
fn uuids(cell: &Json, in_value: bool) -> Vec<String> {
    let uuid = |json: &Json| Some(json.as_array()?.get(1)?.as_str()?.to_owned());
    match cell.as_array() {
        Some([Json::String(tag), Json::Array(elements)]) if tag == "set" => {
            elements.iter().filter_map(uuid).collect()
        }
        Some([Json::String(tag), Json::Array(pairs)]) if tag == "map" => {
            pairs.iter().filter_map(|pair| uuid(pair.as_array()?.get(usize::from(in_value))?)).collect()
        }
        _ => uuid(cell).into_iter().collect(),
    }
}

/// Without what a state is called, and without changes that say nothing: the distribution's server sends empty ones
/// for rows of which only unwatched columns changed. `None` if nothing is left.
fn telling(notice: &Json) -> Option<Json> {
    let mut notice = notice.clone();
    let Json::Object(members) = &mut notice else { return Some(notice) };
    let method = members.get("method").and_then(Json::as_str).unwrap_or_default().to_owned();
    let Some(Json::Array(params)) = members.get_mut("params") else { return Some(notice) };
    if method == "update3" {
        params[1] = Json::Null;
    }
    if method.starts_with("update")
        && let Some(Json::Object(tables)) = params.last_mut()
    {
        for table in tables.values_mut() {
            if let Json::Object(rows) = table {
                let nothing = Some(Json::object::<&str>([]));
                rows.retain(|_, row| {
                    let changed = row.get("new").and(row.get("old")).or(row.get("modify"));
                    changed.is_none() || changed != nothing.as_ref()
                });
            }
        }
        tables.retain(|_, rows| rows.as_object().is_none_or(|rows| !rows.is_empty()));
        if tables.is_empty() {
            return None;
        }
    }
    Some(notice)
}

/// Counts what happened to rows.
fn note_kinds(json: &Json, coverage: &mut Coverage) {
    match json {
        Json::Object(members) => {
            if members.contains_key("old") && members.contains_key("new") {
                coverage.hit("notification", "old+new");
            }
            for (name, value) in members {
                coverage.hit("notification", name);
                note_kinds(value, coverage);
            }
        }
        Json::Array(elements) => elements.iter().for_each(|element| note_kinds(element, coverage)),
        _ => {}
    }
}

/// Where an operation has two things wrong with it, which one is reported depends on the order in which a server looks
/// at rows and columns: then both have to fail at the same place, with whatever error.
fn either_error(operations: &[String], theirs: &Json, ours: &Json) -> bool {
    let (Some(a), Some(b)) = (theirs.as_array(), ours.as_array()) else { return false };
    let failed = |results: &[Json]| results.iter().position(|r| r.get("error").is_some());
    let (Some(i), Some(j)) = (failed(a), failed(b)) else { return false };
    let writes =
        operations.get(i).is_none_or(|op| ["insert", "update", "mutate"].iter().any(|o| op.contains(o)));
    i == j && a.len() == b.len() && writes
}
