//! The server with sockets: slow and silent clients, remotes that are connected to.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail on the spot")]

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::Arc;
use std::time::Duration;

use ovs_db::database::Database;
use ovs_db::json::{Framer, Json};
use ovs_db::jsonrpc::Message;
use ovs_db::schema::Schema;
use ovs_db::server::{Event, Listener, ListenerConfig, Now, Server, ServerConfig};
use ovs_stream::{StreamConfig, Wait};

use crate::support::json;

const SCHEMA: &str = r#"{"name":"d","version":"1.0.0","tables":{"t":{"isRoot":true,"columns":{
    "s":{"type":"string"}}}}}"#;

fn listener(config: ListenerConfig) -> Listener {
    let now = Now::default();
    let mut listener = Listener::new(Server::new(ServerConfig::default(), now), config);
    let schema: Schema = SCHEMA.parse().unwrap();
    listener.add_database(Database::new(Arc::new(schema)), None, now).unwrap();
    listener
}

fn at(seconds: u64) -> Now {
    Now { monotonic: Duration::from_secs(seconds), ..Now::default() }
}

/// Polls until something happened that `wanted` is after.
fn until(listener: &mut Listener, now: Now, wanted: impl Fn(&Event) -> bool) -> Event {
    for _ in 0..1000 {
        listener.poll(now);
        if let Some(event) = listener.take_events().into_iter().find(|event| wanted(event)) {
            return event;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    panic!("it did not happen");
}

fn insert(listener: &mut Listener, text: &str) -> String {
    let session = listener.open_local();
    let operation = Json::object([
        ("op", Json::from("insert")),
        ("table", Json::from("t")),
        ("row", Json::object([("s", Json::from(text))])),
    ]);
    listener.send_local(session, Message::request("transact", vec![Json::from("d"), operation], 1), at(0));
    let reply = listener.receive_local(session).unwrap().unwrap();
    listener.close_local(session, at(0));
    reply.to_json().to_string()
}

#[test]
fn a_client_that_does_not_read_is_dropped_and_others_are_not() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("s");
    let config = ListenerConfig::default().stream(StreamConfig::default().send_limit(1 << 20));
    let mut listener = listener(config);
    listener.add_remote(&format!("punix:{}", path.display()), at(0)).unwrap();
    let mut slow = UnixStream::connect(&path).unwrap();
    let monitor = json(r#"["d","m",{"t":{}}]"#).as_array().unwrap().to_vec();
    slow.write_all(&Message::request("monitor", monitor, 1).to_bytes()).unwrap();
    until(&mut listener, at(0), |event| matches!(event, Event::Connected { .. }));
    listener.poll(at(0));
    let text = "x".repeat(100_000);
    for n in 0..40 {
        assert!(insert(&mut listener, &text).contains("uuid"), "{n}");
        listener.poll(at(0));
    }
    let events = listener.take_events();
    let dropped = events.iter().any(|event| matches!(event, Event::Dropped { .. }));
    assert!(dropped && listener.server().session_count() == 0, "{events:?}");
    assert_eq!(listener.server().monitor_count(), 0);
}

#[test]
fn silent_clients_on_a_network_are_probed_and_given_up() {
    let mut listener = listener(ListenerConfig::default());
    listener.add_remote("ptcp:0:127.0.0.1", at(0)).unwrap();
    let bound = listener.bound("ptcp:0:127.0.0.1").unwrap();
    let port: u16 = bound.split(':').nth(1).unwrap().parse().unwrap();
    let mut client = TcpStream::connect(("127.0.0.1", port)).unwrap();
    until(&mut listener, at(0), |event| matches!(event, Event::Connected { .. }));
    listener.poll(at(4));
    client.set_nonblocking(true).unwrap();
    assert!(client.read(&mut [0; 16]).is_err(), "no probe yet");
    client.set_nonblocking(false).unwrap();
    listener.poll(at(5));
    let mut probe = [0; 256];
    let n = client.read(&mut probe).unwrap();
    let probe = json(std::str::from_utf8(&probe[..n]).unwrap());
    assert_eq!(probe.get("method"), Some(&Json::from("echo")));

    // An answer keeps the connection; silence ends it.
    let reply = Message::reply(Json::array([]), probe.get("id").unwrap().clone());
    client.write_all(&reply.to_bytes()).unwrap();
    for _ in 0..20 {
        listener.poll(at(6));
        std::thread::sleep(Duration::from_millis(1));
    }
    listener.poll(at(9));
    assert_eq!(listener.server().session_count(), 1);
    assert!(listener.waits().any(|wait| matches!(wait, Wait::At(_))));
    listener.poll(at(11));
    until(&mut listener, at(16), |event| matches!(event, Event::NoResponse { .. }));
    assert_eq!(listener.server().session_count(), 0);
}

#[test]
fn the_server_connects_to_clients_and_comes_back() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("manager");
    let mut listener = listener(ListenerConfig::default());
    listener.add_remote(&format!("unix:{}", path.display()), at(0)).unwrap();
    until(&mut listener, at(1), |event| matches!(event, Event::ConnectFailed { .. }));
    let manager = UnixListener::bind(&path).unwrap();
    until(&mut listener, at(10), |event| matches!(event, Event::Connected { .. }));
    let (mut stream, _) = manager.accept().unwrap();
    stream.write_all(&Message::request("list_dbs", vec![], 1).to_bytes()).unwrap();
    let mut reply = [0; 256];
    listener.poll(at(10));
    let n = stream.read(&mut reply).unwrap();
    assert!(String::from_utf8_lossy(&reply[..n]).contains("_Server"));
    drop(stream);
    until(&mut listener, at(11), |event| matches!(event, Event::Disconnected { .. }));
    until(&mut listener, at(40), |event| matches!(event, Event::Connected { .. }));
    listener.remove_remote(&format!("unix:{}", path.display()), at(40)).unwrap();
    assert_eq!(listener.server().session_count(), 0);
}

/// Sends one request over a socket and reads the answer, while the listener is polled.
fn ask(listener: &mut Listener, stream: &mut UnixStream, text: &str) -> (usize, Json) {
    stream.set_nonblocking(true).unwrap();
    stream.write_all(text.as_bytes()).unwrap();
    let mut framer = Framer::default();
    let (mut length, mut chunk) = (0, vec![0; 1 << 16]);
    for _ in 0..10_000 {
        listener.poll(at(0));
        match stream.read(&mut chunk) {
            Ok(n) => {
                assert!(n > 0, "closed");
                length += n;
                framer.push(&chunk[..n]);
                if let Some(message) = framer.next_message().unwrap() {
                    return (length, message);
                }
            }
            Err(_) => std::thread::sleep(Duration::from_millis(1)),
        }
    }
    panic!("no answer to {text}");
}

#[test]
fn a_client_that_comes_back_gets_just_what_it_missed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("s");
    let mut listener = listener(ListenerConfig::default());
    listener.add_remote(&format!("punix:{}", path.display()), at(0)).unwrap();
    (0..5000).for_each(|n| assert!(insert(&mut listener, &format!("old {n}")).contains("uuid")));
    let request = |since: &str| {
        format!(
            r#"{{"id":1,"method":"monitor_cond_since","params":["d","m",{{"t":[{{"columns":["s"]}}]}},"{since}"]}}"#
        )
    };
    let mut client = UnixStream::connect(&path).unwrap();
    let (all, first) = ask(&mut listener, &mut client, &request("00000000-0000-0000-0000-000000000000"));
    drop(client);
    let result = |reply: &Json| reply.get("result").unwrap().as_array().unwrap().to_vec();
    let state = result(&first)[1].as_str().unwrap().to_owned();
    assert_eq!(result(&first)[0], Json::Bool(false));

    for n in 0..1000 {
        assert!(insert(&mut listener, &format!("new {n}")).contains("uuid"));
    }
    let mut client = UnixStream::connect(&path).unwrap();
    let (missed, second) = ask(&mut listener, &mut client, &request(&state));
    let parts = result(&second);
    assert_eq!(parts[0], Json::Bool(true));
    let rows = parts[2].get("t").and_then(Json::as_object).unwrap();
    assert_eq!(rows.len(), 1000);
    assert!(rows.values().all(|row| row.to_string().starts_with(r#"{"insert":{"s":"new "#)));
    assert!(missed < all / 4, "{missed} of {all} bytes");
}

/// What comes on a stream until `count` messages are there: whether each is an answer, and the text of the rows.
fn messages(listener: &mut Listener, stream: &mut UnixStream, count: usize) -> Vec<Json> {
    stream.set_nonblocking(true).unwrap();
    let (mut framer, mut out, mut chunk) = (Framer::default(), Vec::new(), [0; 4096]);
    for _ in 0..1000 {
        listener.poll(at(0));
        while let Ok(n @ 1..) = stream.read(&mut chunk) {
            framer.push(&chunk[..n]);
        }
        while let Some(message) = framer.next_message().unwrap() {
            out.push(message);
        }
        if out.len() >= count {
            return out;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    panic!("{} of {count} messages came", out.len());
}

#[test]
fn a_change_is_told_before_it_is_answered_and_once_to_each() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("s");
    let mut listener = listener(ListenerConfig::default());
    listener.add_remote(&format!("punix:{}", path.display()), at(0)).unwrap();
    let mut clients: Vec<UnixStream> = (0..3).map(|_| UnixStream::connect(&path).unwrap()).collect();
    // Two monitors each: what they are told comes in order, too.
    for client in &mut clients {
        for name in ["a", "b"] {
            let params = json(&format!(r#"["d","{name}",{{"t":{{}}}}]"#)).as_array().unwrap().to_vec();
            client.write_all(&Message::request("monitor", params, 1).to_bytes()).unwrap();
        }
        messages(&mut listener, client, 2);
    }
    // Many at once, of the client in the middle.
    let mut requests = Vec::new();
    for n in 0..5i64 {
        let params = json(&format!(r#"["d",{{"op":"insert","table":"t","row":{{"s":"{n}"}}}}]"#));
        requests.extend(Message::request("transact", params.as_array().unwrap().to_vec(), n).to_bytes());
    }
    clients[1].write_all(&requests).unwrap();
    let own = messages(&mut listener, &mut clients[1], 15);
    for (n, three) in own.chunks(3).enumerate() {
        let told = |message: &Json, name: &str| {
            message.to_string().contains(&format!(r#"["{name}",{{"t":"#))
                && message.to_string().contains(&format!(r#""s":"{n}""#))
        };
        assert!(told(&three[0], "a") && told(&three[1], "b"), "{three:?}");
        assert_eq!(three[2].get("id"), Some(&Json::from(n as i64)), "{three:?}");
    }
    for other in [0, 2] {
        let told = messages(&mut listener, &mut clients[other], 10);
        assert_eq!(told.len(), 10);
        for (n, two) in told.chunks(2).enumerate() {
            assert!(two.iter().all(|m| m.to_string().contains(&format!(r#""s":"{n}""#))), "{two:?}");
        }
    }
}

#[test]
fn a_client_that_was_answered_is_looked_at_by_itself() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("s");
    let mut listener = listener(ListenerConfig::default());
    listener.add_remote(&format!("punix:{}", path.display()), at(0)).unwrap();
    let mut client = UnixStream::connect(&path).unwrap();
    let echo = Message::request("echo", Vec::new(), 7).to_bytes();
    assert!(!listener.poll_recent(at(0)) && !listener.has_recent());
    client.write_all(&echo).unwrap();
    messages(&mut listener, &mut client, 1);
    assert!(listener.has_recent());
    assert!(!listener.poll_recent(at(0)), "it asked nothing");
    client.write_all(&echo).unwrap();
    assert!(listener.poll_recent(at(0)) && listener.has_recent());
    let mut chunk = [0; 100];
    let n = client.read(&mut chunk).unwrap();
    assert!(String::from_utf8_lossy(&chunk[..n]).contains("\"id\":7"));
    // One that goes away is let go.
    drop(client);
    assert!(!listener.poll_recent(at(0)));
    until(&mut listener, at(0), |event| matches!(event, Event::Disconnected { .. }));
    assert_eq!(listener.server().session_count(), 0);
}

#[test]
fn what_others_are_told_waits_for_a_whole_turn() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("s");
    let mut listener = listener(ListenerConfig::default());
    listener.add_remote(&format!("punix:{}", path.display()), at(0)).unwrap();
    let [mut writer, mut watcher] = [(); 2].map(|()| UnixStream::connect(&path).unwrap());
    for client in [&mut writer, &mut watcher] {
        let params = json(r#"["d","m",{"t":{}}]"#).as_array().unwrap().to_vec();
        client.write_all(&Message::request("monitor", params, 1).to_bytes()).unwrap();
        messages(&mut listener, client, 1);
    }
    let insert = |n: i64| {
        let params = json(&format!(r#"["d",{{"op":"insert","table":"t","row":{{"s":"{n}"}}}}]"#));
        Message::request("transact", params.as_array().unwrap().to_vec(), n).to_bytes()
    };
    writer.write_all(&insert(0)).unwrap();
    messages(&mut listener, &mut writer, 2);
    messages(&mut listener, &mut watcher, 1);
    watcher.set_nonblocking(true).unwrap();
    let mut told = [0; 4096];
    for n in 1..4 {
        writer.write_all(&insert(n)).unwrap();
        while !listener.poll_recent(at(0)) {}
        // The one who changes something hears of it, and before the answer.
        let mut own = Vec::new();
        while own.windows(9).filter(|part| part == b"\"result\":").count() == 0 {
            let taken = writer.read(&mut told).unwrap();
            own.extend_from_slice(&told[..taken]);
        }
        let own = String::from_utf8(own).unwrap();
        let place = |what: &str| own.find(what).unwrap_or_else(|| panic!("{what} in {own}"));
        assert!(place(&format!(r#""s":"{n}""#)) < place("\"result\":"));
        assert_eq!(watcher.read(&mut told).unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
    }
    let three = messages(&mut listener, &mut watcher, 3);
    for (n, one) in (1..).zip(&three) {
        assert!(one.to_string().contains(&format!(r#""s":"{n}""#)), "{three:?}");
    }
}
