//! Step 6, a database of one's own: tables become types when the program is built (see `build.rs`), so that a wrong
//! column or a wrong type of value does not compile.
//!
//! `cargo run -p ladder --example 06_typed_tables`: a server in memory, and a client that fills shelves.
#![expect(clippy::print_stdout, reason = "a command-line program")]

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use inventory::{Item, Shelf};
use ovs_db::client::typed::Table as _;
use ovs_db::client::{Connection, Event, Mutator, Outcome, Pipe, SessionConfig, Transaction, pipe};
use ovs_db::database::Database;
use ovs_db::schema::Schema;
use ovs_db::server::{Now, Server, ServerConfig, SessionId};

/// What `ovs_db::codegen` made of the schema.
mod inventory {
    include!(concat!(env!("OUT_DIR"), "/inventory.rs"));
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut server = Server::new(ServerConfig::default().seed(*b"ladder"), Now::default());
    let schema: Schema = include_str!("../schema/inventory.ovsschema").parse()?;
    server.add_database(Database::new(Arc::new(schema)), false, Now::default())?;
    let config = SessionConfig::new(inventory::DATABASE)
        .table_of::<Shelf>()
        .table_of::<Item>()
        .index_by(Shelf::LABEL)
        .track_changes(true);
    let (server_side, client_side) = pipe();
    let mut db = Connection::with_connectors(config, vec![Box::new(client_side)], Duration::ZERO);
    let session = server.open_session();
    let mut commit = |db: &mut Connection, txn: Transaction| {
        db.poll(Duration::ZERO);
        settle(&mut server, session, &server_side, db);
        let id = db.transact(&txn);
        settle(&mut server, session, &server_side, db).into_iter().find_map(|event| match event {
            Event::Done(done, outcome) if done == id => Some(outcome),
            _ => None,
        })
    };

    let mut txn = Transaction::new();
    let item = txn.create::<Item>();
    txn.put(item, Item::NAME, "lamp");
    txn.put(item, Item::COUNT, 3);
    txn.put(item, Item::COLOUR, "green");
    let shelf = txn.create::<Shelf>();
    txn.put(shelf, Shelf::LABEL, "A1");
    txn.put(shelf, Shelf::ITEMS, [item]);
    commit(&mut db, txn);
    show(&mut db);

    let mut txn = Transaction::new();
    for shelf in db.session().snapshot().find(Shelf::LABEL, "A1") {
        for item in db.session().snapshot().get_all(shelf.items()) {
            txn.verify_column(&item, Item::COUNT);
            txn.put(item.reference(), Item::COUNT, item.count() - 1);
        }
        let bulb = txn.create::<Item>();
        txn.put(bulb, Item::NAME, "bulb");
        txn.mutate_column(shelf.reference(), Shelf::ITEMS, Mutator::Insert, [bulb]);
    }
    commit(&mut db, txn);
    show(&mut db);

    let mut txn = Transaction::new();
    if let Some(lamp) = db.session().snapshot().find(Item::NAME, "lamp").next() {
        txn.put(lamp.reference(), Item::COLOUR, "pink");
    }
    if let Some(Outcome::Failed { error, .. }) = commit(&mut db, txn) {
        println!("no pink lamps: {error}");
    }
    Ok(())
}

/// Lets both sides work until nobody has anything to say; gives what happened at the client.
fn settle(server: &mut Server, session: SessionId, pipe: &Pipe, db: &mut Connection) -> Vec<Event> {
    let mut events = Vec::new();
    while let Some(message) = pipe.take() {
        for effect in server.handle(session, message, Now::default()) {
            if let Some((_, message)) = effect.into_message() {
                pipe.deliver(message);
            }
        }
        events.extend(db.poll(Duration::ZERO));
    }
    events
}

/// Prints which items are new, and what became of the others.
fn show(db: &mut Connection) {
    for (old, new) in db.take_changes().of::<Item>() {
        match (old, new) {
            (None, Some(new)) => {
                println!("new: {} x {} ({})", new.count(), new.name(), new.colour().unwrap_or("any colour"));
            }
            (Some(old), Some(new)) => println!("{}: {} -> {}", new.name(), old.count(), new.count()),
            (old, _) => println!("gone: {}", old.map(|item| item.name().to_owned()).unwrap_or_default()),
        }
    }
}
