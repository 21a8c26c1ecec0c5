//! The client over an in-process pipe to a server in the same program.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail on the spot")]

use std::sync::Arc;
use std::time::Duration;

use ovs_db::client::{Connection, Event, Outcome, Pipe, SessionConfig, Transaction, pipe};
use ovs_db::database::Database;
use ovs_db::schema::{OPEN_VSWITCH, Schema};
use ovs_db::server::{Now, Server, ServerConfig, SessionId};
use ovs_db::value::Datum;

/// A server and the pipes of its clients; what a program with an embedded database does in each turn.
struct Embedded {
    server: Server,
    clients: Vec<(Pipe, u64, Option<SessionId>)>,
}

impl Embedded {
    fn new() -> Embedded {
        let mut server = Server::new(ServerConfig::default().seed(*b"test"), Now::default());
        let schema: Schema = OPEN_VSWITCH.parse().unwrap();
        server.add_database(Database::new(Arc::new(schema)), false, Now::default()).unwrap();
        Embedded { server, clients: Vec::new() }
    }

    fn client(&mut self, config: SessionConfig) -> Connection {
        let (server_side, connector) = pipe();
        self.clients.push((server_side, 0, None));
        Connection::with_connectors(config, vec![Box::new(connector)], Duration::ZERO)
    }

    fn turn(&mut self) {
        let mut effects = Vec::new();
        for (pipe, connection, session) in &mut self.clients {
            if pipe.connection() != *connection {
                *connection = pipe.connection();
                if let Some(old) = session.take() {
                    effects.extend(self.server.close_session(old));
                }
                *session = Some(self.server.open_session());
            }
            while let (Some(session), Some(message)) = (*session, pipe.take()) {
                effects.extend(self.server.handle(session, message, Now::default()));
            }
        }
        for effect in effects {
            let (session, message) = effect.into_message().unwrap();
            if let Some((pipe, ..)) = self.clients.iter().find(|(.., s)| *s == Some(session)) {
                pipe.deliver(message);
            }
        }
    }

    /// Lets everybody work until nobody has anything to say.
    fn settle<const N: usize>(&mut self, clients: [&mut Connection; N]) -> [Vec<Event>; N] {
        clients.map(|client| {
            let mut events = Vec::new();
            for _ in 0..8 {
                events.extend(client.poll(Duration::ZERO));
                self.turn();
            }
            events.extend(client.poll(Duration::ZERO));
            events
        })
    }
}

fn config() -> SessionConfig {
    SessionConfig::new("Open_vSwitch")
        .table("Open_vSwitch", ["bridges", "next_cfg"])
        .table("Bridge", ["name"])
}

#[test]
fn an_embedded_server_looks_like_any_other() {
    let mut embedded = Embedded::new();
    let mut a = embedded.client(config().lock("ovs_vswitchd"));
    let mut b = embedded.client(config().lock("ovs_vswitchd"));
    let [seen_by_a, seen_by_b] = embedded.settle([&mut a, &mut b]);
    assert!(seen_by_a.contains(&Event::Locked) && seen_by_a.contains(&Event::Synced), "{seen_by_a:?}");
    assert!(seen_by_b.contains(&Event::LockLost) && seen_by_b.contains(&Event::Synced), "{seen_by_b:?}");

    let mut txn = Transaction::new();
    let bridge = txn.insert("Bridge", [("name", Datum::from("br0"))]);
    let root = txn.insert("Open_vSwitch", [("bridges", Datum::set([bridge]))]);
    txn.increment("Open_vSwitch", root, "next_cfg");
    let id = a.transact(&txn);
    let [events, others] = embedded.settle([&mut a, &mut b]);
    let done = events.iter().find_map(|e| match e {
        Event::Done(i, outcome) if *i == id => Some(outcome),
        _ => None,
    });
    let Some(Outcome::Committed { inserted, incremented: Some(1) }) = done else { panic!("{events:?}") };
    assert!(others.contains(&Event::Changed));
    assert_eq!(b.session().row("Bridge", inserted[&bridge]).unwrap().get_string("name"), "br0");

    // The lock passes on when its holder goes, also within one program.
    let (pipe, ..) = &embedded.clients[0];
    pipe.close();
    let events = a.poll(Duration::ZERO);
    assert!(events.contains(&Event::LockLost), "{events:?}");
    a.poll(Duration::from_secs(1));
    let [_, events] = embedded.settle([&mut a, &mut b]);
    assert!(events.contains(&Event::Locked), "{events:?}");
    assert!(a.session().is_synced() && !a.session().has_lock());
}
