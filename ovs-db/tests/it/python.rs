//! The client beside the distribution's Python client: both are told the same and must see and write the same.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail on the spot")]

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use ovs_db::client::{Clause, Condition, Function, Mutator, Outcome, Transaction};
use ovs_db::value::{Datum, Uuid};

use crate::client::{Client, Server, config};
use crate::peer;

/// The Python client, killed when dropped.
struct Python {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
}

impl Python {
    fn start(test: &str, remote: &str, schema: &Path) -> Option<Python> {
        peer::program(test, "python3")?;
        let knows = |python: &PathBuf| {
            let probe = Command::new(python).args(["-c", "import ovs.db.idl"]).stderr(Stdio::null()).status();
            probe.is_ok_and(|status| status.success())
        };
        let candidates = [PathBuf::from("python3"), PathBuf::from("/usr/bin/python3")];
        let Some(python) = candidates.into_iter().find(knows) else {
            assert!(std::env::var_os("CI").is_none(), "{test}: python3-openvswitch is not installed");
            let _ = writeln!(std::io::stderr(), "SKIPPED {test}: python3-openvswitch is not installed");
            return None;
        };
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/idl.py");
        let mut command = Command::new(python);
        command.arg(script).arg(remote).arg(schema);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (to, from) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        Some(Python { child, to, from })
    }

    /// Asks, and gives the answer's lines.
    fn ask(&mut self, question: &str) -> Vec<String> {
        writeln!(self.to, "{question}").unwrap();
        self.to.flush().unwrap();
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            assert!(self.from.read_line(&mut line).unwrap() > 0, "the Python client ended");
            match line.trim_end() {
                "end" => return lines,
                line => lines.push(line.to_owned()),
            }
        }
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The snapshot in the Python client's form.
fn shown(client: &Client) -> Vec<String> {
    let rows = ["Bridge", "Open_vSwitch"].map(|table| client.db.session().rows(table).values());
    let line = |row: &ovs_db::client::Row| {
        let columns: Vec<String> = row.columns().map(|(name, value)| format!("\"{name}\":{value}")).collect();
        format!("{} {} {{{}}}", row.table(), row.uuid(), columns.join(","))
    };
    rows.into_iter().flatten().map(line).collect()
}

fn root(client: &Client) -> Uuid {
    client.db.session().first("Open_vSwitch").unwrap().uuid()
}

/// Rows with all kinds of values, changed again and again.
fn write_rows(client: &mut Client, round: i64) {
    let mut txn = Transaction::new();
    let mut rows = Vec::new();
    for n in 0..8 {
        rows.push(txn.insert(
            "Bridge",
            [
                ("name", Datum::from(format!("br{round}.{n} \"\\\u{e9}\u{1f600}"))),
                ("flood_vlans", Datum::set((0..n * round % 7).map(|v| v * 100))),
                ("other_config", Datum::map((0..n).map(|k| (format!("k{k}"), format!("{round}"))))),
            ],
        ));
    }
    let old: Vec<_> = client.db.session().rows("Bridge").values().cloned().collect();
    for (n, row) in old.iter().enumerate() {
        match n % 3 {
            0 => {
                txn.mutate(
                    "Open_vSwitch",
                    root(client),
                    "bridges",
                    Mutator::Delete,
                    Datum::set([row.uuid()]),
                );
            }
            1 => txn.update("Bridge", row.uuid(), [("flood_vlans", Datum::set([round, 4095]))]),
            _ => txn.mutate("Bridge", row.uuid(), "other_config", Mutator::Delete, Datum::set(["k1"])),
        }
    }
    txn.mutate("Open_vSwitch", root(client), "bridges", Mutator::Insert, Datum::set(rows));
    txn.increment("Open_vSwitch", root(client), "next_cfg");
    let outcome = client.commit(&txn);
    assert!(matches!(outcome, Outcome::Committed { incremented: Some(n), .. } if n == round), "{outcome:?}");
}

#[test]
fn both_clients_see_the_same_and_write_the_same() {
    let test = "both_clients_see_the_same_and_write_the_same";
    let Some(server) = Server::start(test) else { return };
    let mut ours = server.client(config());
    ours.synced();
    let remote = server.remote().to_string();
    let Some(mut python) = Python::start(test, &remote, &server.dir.path().join("schema")) else { return };
    let mut txn = Transaction::new();
    txn.insert("Open_vSwitch", [("external_ids", Datum::map([("a", "b")]))]);
    assert!(matches!(ours.commit(&txn), Outcome::Committed { .. }));
    for round in 1..=10 {
        write_rows(&mut ours, round);
        assert_eq!(python.ask(&format!("until {round}")), shown(&ours), "round {round}");
    }

    let some = ours.db.session().rows("Bridge").values().nth(3).unwrap().clone();
    let name = some.get_string("name");
    let named = Clause::new("name", Function::Equal, name);
    let with_vlan = Clause::new("flood_vlans", Function::Includes, Datum::set([4095]));
    let text = |c: &Clause| format!("[\"{}\",\"{}\",{}]", c.column, c.function.as_str(), c.value);
    for condition in [vec![], vec![named.clone()], vec![named, with_vlan]] {
        let list = condition.iter().map(text).collect::<Vec<_>>().join(",");
        let seen = python.ask(&format!("condition [{list}]"));
        let number = ours.db.set_condition("Bridge", Condition::any(condition));
        ours.until("the rows", |db, _| db.session().conditions_met(number).then_some(()));
        assert_eq!(seen, shown(&ours), "{list}");
    }
    let number = ours.db.set_condition("Bridge", Condition::always());
    ours.until("the rows", |db, _| db.session().conditions_met(number).then_some(()));
    python.ask("condition [true]");

    // The same change to two rows that look alike.
    let mut txn = Transaction::new();
    let twins = ["py", "rs"].map(|name| {
        let columns = [("name", Datum::from(name)), ("flood_vlans", Datum::set([1, 2]))];
        txn.insert("Bridge", columns)
    });
    txn.mutate("Open_vSwitch", root(&ours), "bridges", Mutator::Insert, Datum::set(twins));
    txn.increment("Open_vSwitch", root(&ours), "next_cfg");
    assert!(matches!(ours.commit(&txn), Outcome::Committed { .. }));
    python.ask("until 11");
    assert_eq!(python.ask("change py"), ["success 12"]);
    let row = |client: &Client, name: &str| {
        let mut rows = client.db.session().rows("Bridge").values();
        rows.find(|row| row.get_string("name") == name).cloned()
    };
    let rs = row(&ours, "rs").unwrap();
    let mut txn = Transaction::new();
    txn.verify(&rs, "flood_vlans");
    txn.set(&rs, "fail_mode", "secure");
    txn.mutate("Bridge", rs.uuid(), "other_config", Mutator::Insert, Datum::map([("by", "idl")]));
    txn.increment("Open_vSwitch", root(&ours), "next_cfg");
    txn.comment("changed");
    assert!(matches!(ours.commit(&txn), Outcome::Committed { incremented: Some(13), .. }));
    let (py, rs) = (row(&ours, "py").unwrap(), row(&ours, "rs").unwrap());
    for column in ["fail_mode", "flood_vlans", "other_config"] {
        assert_eq!(py.get(column), rs.get(column), "{column}");
    }
    assert_eq!(python.ask("until 13"), shown(&ours));
}
