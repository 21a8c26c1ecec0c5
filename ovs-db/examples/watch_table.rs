//! Watches one table of a database and prints each row that comes, changes or goes.
//!
//! `cargo run -p ovs-db --example watch_table -- unix:/var/run/openvswitch/db.sock Open_vSwitch Interface name ofport`
#![expect(clippy::print_stdout, reason = "a program for people")]

use std::collections::BTreeMap;
use std::time::Instant;

use ovs_db::client::{Connection, Event, Row, SessionConfig};
use ovs_db::value::Uuid;
use ovs_stream::{Address, Role, StreamConfig, sleep};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [remote, database, table, columns @ ..] = args.as_slice() else {
        return Err("usage: watch_table REMOTE DATABASE TABLE COLUMN...".into());
    };
    let remote = Address::parse(remote, Role::Ovsdb)?;
    let config = SessionConfig::new(database).table(table, columns);
    let start = Instant::now();
    let mut db = Connection::new(config, vec![remote], &StreamConfig::default(), start.elapsed());
    let mut shown = BTreeMap::new();
    loop {
        for event in db.poll(start.elapsed()) {
            match event {
                Event::Synced | Event::Changed => {
                    let rows = db.session().rows(table);
                    show_difference(&shown, rows);
                    // Rows are shared, so keeping the old table costs little.
                    shown = rows.clone();
                }
                Event::Notice { remote, notice, .. } => println!("# {remote}: {notice}"),
                Event::Unusable { error, .. } => return Err(error.into()),
                _ => {}
            }
        }
        sleep(&db.waits(), start.elapsed(), None)?;
    }
}

fn show_difference(old: &BTreeMap<Uuid, Row>, new: &BTreeMap<Uuid, Row>) {
    for (uuid, row) in new {
        let sign = match old.get(uuid) {
            None => '+',
            Some(before) if before != row => '~',
            Some(_) => continue,
        };
        let columns: Vec<String> = row.columns().map(|(name, value)| format!("{name}={value}")).collect();
        println!("{sign} {uuid} {}", columns.join(" "));
    }
    for uuid in old.keys().filter(|uuid| !new.contains_key(uuid)) {
        println!("- {uuid}");
    }
}
