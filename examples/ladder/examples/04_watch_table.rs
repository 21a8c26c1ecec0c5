//! Step 4, a client of a switch's database: it keeps a copy of a table, and tells what changes in it.
//!
//! `cargo run -p ladder --example 04_watch_table [REMOTE]`, with REMOTE such as `unix:/run/openvswitch/db.sock`;
//! without one, the program has a server of its own in memory, changes something in it and ends.
#![expect(clippy::print_stdout, reason = "a command-line program")]

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ovs_db::client::{Connection, Event, Outcome, SessionConfig, Transaction, pipe};
use ovs_db::database::Database;
use ovs_db::schema::{OPEN_VSWITCH, Schema};
use ovs_db::server::{Now, Server, ServerConfig};
use ovs_db::value::Datum;
use ovs_stream::{Address, Role, StreamConfig, sleep};

fn main() -> Result<(), Box<dyn Error>> {
    let config =
        SessionConfig::new("Open_vSwitch").table("Bridge", ["name"]).table("Open_vSwitch", ["bridges"]);
    let Some(remote) = std::env::args().nth(1) else { return embedded(config) };
    let remotes = vec![Address::parse(&remote, Role::Ovsdb)?];
    let start = Instant::now();
    let mut client = Connection::new(config, remotes, &StreamConfig::default(), start.elapsed());
    loop {
        show(&mut client, start.elapsed());
        sleep(&client.waits(), start.elapsed(), None)?;
    }
}

/// Lets the client work, and prints the table whenever it has changed.
fn show(client: &mut Connection, now: Duration) {
    for event in client.poll(now) {
        match event {
            Event::Synced | Event::Changed => {
                let bridges = client.session().rows("Bridge").values();
                let names: Vec<&str> = bridges.map(|row| row.get_string("name")).collect();
                println!("bridges: [{}]", names.join(" "));
            }
            Event::Notice { remote, notice, .. } => println!("{remote}: {notice}"),
            Event::Done(_, Outcome::Committed { .. }) => println!("our change is committed"),
            _ => {}
        }
    }
}

/// The same client over a pipe in this program. Sessions and servers know no sockets: messages are carried by hand.
fn embedded(config: SessionConfig) -> Result<(), Box<dyn Error>> {
    let mut server = Server::new(ServerConfig::default().seed(*b"ladder"), Now::default());
    let schema: Schema = OPEN_VSWITCH.parse()?;
    server.add_database(Database::new(Arc::new(schema)), false, Now::default())?;
    let (server_side, client_side) = pipe();
    let mut client = Connection::with_connectors(config, vec![Box::new(client_side)], Duration::ZERO);
    show(&mut client, Duration::ZERO);
    let session = server.open_session();
    let mut settle = |client: &mut Connection| {
        while let Some(message) = server_side.take() {
            for effect in server.handle(session, message, Now::default()) {
                if let Some((_, message)) = effect.into_message() {
                    server_side.deliver(message);
                }
            }
            show(client, Duration::ZERO);
        }
    };
    settle(&mut client);

    let mut change = Transaction::new();
    let bridge = change.insert("Bridge", [("name", Datum::from("br0"))]);
    change.insert("Open_vSwitch", [("bridges", Datum::set([bridge]))]);
    client.transact(&change);
    settle(&mut client);
    Ok(())
}
