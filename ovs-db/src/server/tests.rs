use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::json::Json;
use crate::schema::Schema;

const SCHEMA: &str = r#"{"name":"d","version":"1.0.0","tables":{"t":{"isRoot":true,"indexes":[["k"]],
    "columns":{"k":{"type":"integer"},"s":{"type":{"key":"integer","min":0,"max":"unlimited"}}}}}}"#;

struct Rig {
    server: Server,
    database: DatabaseId,
    now: Now,
}

/// What went to a session, as text, and the writes that were asked for.
#[derive(Debug, Default)]
struct Out {
    sent: Vec<(SessionId, String)>,
    writes: Vec<Ticket>,
    closed: Vec<SessionId>,
    /// Whether one of the writes is to be durable.
    durable: bool,
}

impl Out {
    fn to(&self, session: SessionId) -> Vec<&str> {
        self.sent.iter().filter(|(s, _)| *s == session).map(|(_, text)| text.as_str()).collect()
    }
}

fn sort(effects: Vec<Effect>) -> Out {
    let mut out = Out::default();
    for effect in effects {
        let effect = match effect {
            Effect::Write { session, text } => {
                Effect::Send { session, message: text.to_message().expect("a message") }
            }
            other => other,
        };
        match effect {
            Effect::Write { .. } => {}
            Effect::Send { session, message } => {
                let text = match message {
                    Message::Reply { result, .. } => format!("reply {result}"),
                    Message::Error { error, .. } => {
                        format!("error {}", error.get("error").cloned().unwrap_or(error))
                    }
                    Message::Notify { method, params } => format!("{method} {}", Json::Array(params)),
                    Message::Request { method, .. } => format!("request {method}"),
                };
                out.sent.push((session, text));
            }
            Effect::Append { ticket, sync, .. } => {
                out.writes.push(ticket);
                out.durable |= sync;
            }
            Effect::Replace { ticket, .. } => out.writes.push(ticket),
            Effect::Close { session, .. } => out.closed.push(session),
            Effect::Forward { session, .. } => out.sent.push((session, "forward".to_owned())),
        }
    }
    out
}

impl Rig {
    fn new(stored: bool) -> Rig {
        let now = Now::default();
        let mut server = Server::new(ServerConfig::default().seed(*b"rig").history(3), now);
        let schema: Schema = SCHEMA.parse().unwrap();
        let (database, _) = server.add_database(Database::new(Arc::new(schema)), stored, now).unwrap();
        Rig { server, database, now }
    }

    fn call(&mut self, session: SessionId, method: &str, params: &str) -> Out {
        let Json::Array(params) = params.parse().unwrap() else { panic!("{params}") };
        let message = Message::request(method, params, 1);
        sort(self.server.handle(session, message, self.now))
    }

    fn insert(&mut self, session: SessionId, k: i64) -> Out {
        let row = format!(r#"["d",{{"op":"insert","table":"t","row":{{"k":{k}}}}}]"#);
        self.call(session, "transact", &row)
    }

    fn stored(&mut self, ticket: Ticket) -> Out {
        sort(self.server.stored(self.database, ticket, Ok(()), self.now))
    }

    fn rows(&self) -> usize {
        self.server.database(self.database).unwrap().total_rows()
    }
}

#[test]
fn nothing_is_told_before_it_is_stored() {
    let mut rig = Rig::new(true);
    let (a, b) = (rig.server.open_session(), rig.server.open_session());
    rig.call(b, "monitor", r#"["d","m",{"t":{"columns":["k"]}}]"#);
    let first = rig.insert(a, 1);
    let second = rig.insert(a, 2);
    assert!(first.sent.is_empty() && second.sent.is_empty());
    // A read sees the newest state, so its reply waits for that to be stored.
    let read = rig.call(a, "transact", r#"["d",{"op":"select","table":"t","where":[],"columns":["k"]}]"#);
    assert!(read.sent.is_empty() && read.writes.is_empty());
    // A monitor starts from a state of which nothing is pending.
    let late = rig.call(b, "monitor_cond", r#"["d","n",{"t":{"columns":["k"]}}]"#);
    assert!(late.sent.is_empty());

    // Completions may come in any order; what is told comes in order.
    assert!(rig.stored(second.writes[0]).sent.is_empty());
    let all = rig.stored(first.writes[0]);
    let to_a = all.to(a);
    assert_eq!(to_a.len(), 3);
    assert!(to_a[2].contains(r#"[{"rows":[{"k":"#) && to_a[2].matches("\"k\"").count() == 2, "{to_a:?}");
    let to_b = all.to(b);
    assert!(to_b[0].starts_with("update [\"m\"") && to_b[1].starts_with("update [\"m\""));
    assert!(to_b[2].starts_with("reply") && to_b[2].matches("initial").count() == 2, "{to_b:?}");
}

#[test]
fn a_failed_write_fails_everything_behind_it() {
    let mut rig = Rig::new(true);
    let a = rig.server.open_session();
    let ticket = rig.insert(a, 1).writes[0];
    rig.stored(ticket);
    let first = rig.insert(a, 2).writes[0];
    rig.insert(a, 3);
    assert_eq!(rig.rows(), 3);
    let error = StorageError::Failed { path: "d.db".into() };
    let out = sort(rig.server.stored(rig.database, first, Err(&error), rig.now));
    assert_eq!(out.to(a).iter().filter(|text| text.contains("I/O error")).count(), 2);
    assert_eq!(rig.rows(), 1);
    assert!(rig.server.read_only(rig.database).is_some());
    let refused = rig.insert(a, 4);
    assert!(refused.to(a)[0].contains("not allowed") && refused.writes.is_empty(), "{refused:?}");
    let read = rig.call(a, "transact", r#"["d",{"op":"select","table":"t","where":[],"columns":["k"]}]"#);
    assert_eq!(read.to(a), [r#"reply [{"rows":[{"k":1}]}]"#]);
}

#[test]
fn waits_come_true_time_out_and_are_cancelled() {
    let mut rig = Rig::new(false);
    let (a, b) = (rig.server.open_session(), rig.server.open_session());
    let wait = |k: i64, timeout: &str| {
        format!(
            r#"["d",{{"op":"wait","table":"t","where":[["k","==",{k}]],"columns":["k"],"until":"==","rows":[{{"k":{k}}}]{timeout}}}]"#
        )
    };
    assert!(rig.call(a, "transact", &wait(1, "")).sent.is_empty());
    assert_eq!(rig.server.deadline(), None);
    let out = rig.insert(b, 1);
    assert_eq!(out.to(a), ["reply [{}]"]);

    assert!(rig.call(a, "transact", &wait(2, r#","timeout":50"#)).sent.is_empty());
    assert_eq!(rig.server.deadline(), Some(Duration::from_millis(50)));
    rig.now.monotonic = Duration::from_millis(49);
    assert!(rig.server.poll(rig.now).is_empty());
    rig.now.monotonic = Duration::from_millis(50);
    let out = sort(rig.server.poll(rig.now));
    assert!(out.to(a)[0].contains("timed out"));
    assert_eq!(rig.server.deadline(), None);

    rig.call(a, "transact", &wait(3, ""));
    let cancel = Message::notify("cancel", vec![Json::from(1)]);
    let out = sort(rig.server.handle(a, cancel, rig.now));
    assert_eq!(out.to(a), ["error \"canceled\""]);

    rig.call(a, "transact", &wait(4, ""));
    rig.server.close_session(a);
    assert!(rig.insert(b, 4).to(a).is_empty());
}

#[test]
fn clients_that_come_back_get_what_they_missed() {
    let mut rig = Rig::new(false);
    let a = rig.server.open_session();
    let since = |id: &str| format!(r#"["d","m{id}",{{"t":{{"columns":["k"]}}}},"{id}"]"#);
    let zero = Uuid::ZERO.to_string();
    let start = rig.call(a, "monitor_cond_since", &since(&zero));
    let reply: Json = start.to(a)[0].trim_start_matches("reply ").parse().unwrap();
    let reply = reply.as_array().unwrap();
    assert_eq!((&reply[0], &reply[2]), (&Json::Bool(false), &Json::object::<&str>([])));
    let base = reply[1].as_str().unwrap().to_owned();

    let update = rig.insert(a, 1);
    let to_a = update.to(a);
    assert!(to_a[0].starts_with("update3 "), "{to_a:?}");
    rig.insert(a, 2);
    let b = rig.server.open_session();
    let missed = rig.call(b, "monitor_cond_since", &since(&base));
    let text = missed.to(b)[0].to_owned();
    assert!(text.starts_with("reply [true,") && text.matches("insert").count() == 2, "{text}");
    // The history is three transactions long.
    rig.insert(a, 3);
    rig.insert(a, 4);
    let c = rig.server.open_session();
    let forgotten = rig.call(c, "monitor_cond_since", &since(&base));
    let text = forgotten.to(c)[0].to_owned();
    assert!(text.starts_with("reply [false,") && text.matches("initial").count() == 4, "{text}");
}

#[test]
fn conditions_decide_what_is_seen() {
    let mut rig = Rig::new(false);
    let a = rig.server.open_session();
    rig.insert(a, 1);
    let start =
        rig.call(a, "monitor_cond", r#"["d","m",{"t":[{"columns":["k","s"],"where":[["k",">",5]]}]}]"#);
    assert_eq!(start.to(a), ["reply {}"]);
    let moved = rig.call(a, "transact", r#"["d",{"op":"update","table":"t","where":[],"row":{"k":6}}]"#);
    assert!(moved.to(a)[0].contains(r#"{"insert":{"k":6}}"#), "{moved:?}");
    let changed = rig.call(
        a,
        "transact",
        r#"["d",{"op":"mutate","table":"t","where":[],"mutations":[["s","insert",1]]}]"#,
    );
    assert!(changed.to(a)[0].contains(r#"{"modify":{"s":1}}"#), "{changed:?}");
    let gone = rig.call(a, "monitor_cond_change", r#"["m","n",{"t":[{"where":[["k",">",6]]}]}]"#);
    assert!(gone.to(a)[0].contains(r#"update2 ["m","#) && gone.to(a)[0].contains(r#"{"delete":null}"#));
    assert_eq!(gone.to(a)[1], "reply {}");
    let back = rig.call(a, "monitor_cond_change", r#"["n","n",{"t":[{"where":[true]}]}]"#);
    assert!(back.to(a)[0].contains(r#"{"insert":{"k":6,"s":1}}"#), "{back:?}");
    assert_eq!(rig.call(a, "monitor_cancel", r#"["m"]"#).to(a), ["error \"unknown monitor\""]);
    assert_eq!(rig.call(a, "monitor_cancel", r#"["n"]"#).to(a), ["reply {}"]);
    assert_eq!(rig.insert(a, 9).sent.len(), 1);
}

#[test]
fn databases_come_and_go() {
    let mut rig = Rig::new(false);
    let (a, b) = (rig.server.open_session(), rig.server.open_session());
    rig.call(a, "set_db_change_aware", "[true]");
    rig.call(a, "monitor", r#"["d","m",{"t":{}}]"#);
    rig.call(a, "monitor", r#"["_Server","s",{"Database":{"columns":["name"]}}]"#);
    let (_, effects) = rig.server.remove_database("d").unwrap();
    let out = sort(effects);
    assert_eq!(out.to(a)[0], r#"monitor_canceled ["m"]"#);
    assert!(out.to(a)[1].contains(r#"{"old":{"name":"d"}}"#));
    assert_eq!(out.closed, [b]);
    assert_eq!(rig.insert(a, 1).to(a), ["error \"unknown database\""]);
    assert!(matches!(rig.server.remove_database("_Server"), Err(ServerError::Unknown(_))));
    let refused = rig.call(a, "transact", r#"["_Server",{"op":"delete","table":"Database","where":[]}]"#);
    assert!(refused.to(a)[0].contains("not allowed"), "{refused:?}");
}

#[test]
fn compaction_goes_on_beside_commits() {
    let mut rig = Rig::new(true);
    let a = rig.server.open_session();
    let ticket = sort(rig.server.compact("d", rig.now).unwrap()).writes[0];
    assert!(matches!(rig.server.compact("d", rig.now), Err(ServerError::Busy(_))));
    let insert = rig.insert(a, 1).writes[0];
    assert_eq!(rig.stored(insert).to(a).len(), 1, "nobody waits for the new file");
    // A conversion does, and others wait for the conversion.
    let wider = SCHEMA.replace("1.0.0", "2.0.0");
    assert!(rig.call(a, "convert", &format!(r#"["d",{wider}]"#)).writes.is_empty());
    let convert = rig.stored(ticket).writes[0];
    assert!(rig.insert(a, 2).writes.is_empty());
    let out = rig.stored(convert);
    assert_eq!((out.to(a)[0], out.writes.len(), out.closed.len()), ("reply {}", 1, 1));

    // A journal that has grown is rewritten by itself, once.
    rig.stored(out.writes[0]);
    rig.server.config.compact_after = 1;
    let ticket = sort(rig.server.poll(rig.now)).writes[0];
    assert!(rig.server.poll(rig.now).is_empty());
    rig.stored(ticket);
    assert!(rig.server.poll(rig.now).is_empty());
}

#[test]
fn only_what_is_to_be_durable_is_synced() {
    let mut rig = Rig::new(true);
    let a = rig.server.open_session();
    assert!(!rig.insert(a, 1).durable);
    let durable = r#"["d",{"op":"insert","table":"t","row":{"k":2}},{"op":"commit","durable":true}]"#;
    assert!(rig.call(a, "transact", durable).durable);
}

#[test]
fn a_conversion_keeps_what_fits_and_is_seen() {
    let mut rig = Rig::new(false);
    let (a, b) = (rig.server.open_session(), rig.server.open_session());
    rig.call(a, "set_db_change_aware", "[true]");
    rig.insert(a, 1);
    rig.call(a, "monitor", r#"["d","m",{"t":{"columns":["k"]}}]"#);
    let refused = rig.call(
        a,
        "convert",
        r#"["d",{"name":"d","tables":{"t":{"isRoot":true,"columns":{
        "k":{"type":"string"}}}}}]"#,
    );
    assert!(refused.to(a)[0].contains("syntax error"), "{refused:?}");
    let other = rig.call(a, "convert", r#"["d",{"name":"e","tables":{}}]"#);
    assert!(other.to(a)[0].starts_with("error"), "{other:?}");
    let out = rig.call(
        a,
        "convert",
        r#"["d",{"name":"d","version":"2.0.0","tables":{"t":{"isRoot":true,
        "columns":{"k":{"type":"real"},"new":{"type":"string"}}},"u":{"columns":{}}}}]"#,
    );
    assert_eq!(out.to(a)[..2], [r#"monitor_canceled ["m"]"#, "reply {}"]);
    assert_eq!(out.closed, [b]);
    let rows =
        rig.call(a, "transact", r#"["d",{"op":"select","table":"t","where":[],"columns":["k","new"]}]"#);
    assert_eq!(rows.to(a), [r#"reply [{"rows":[{"k":1,"new":""}]}]"#]);
    let schema = rig.call(a, "get_schema", r#"["d"]"#);
    assert!(schema.to(a)[0].contains("2.0.0"));
}

#[test]
fn conditions_can_be_disabled() {
    let mut rig = Rig::new(false);
    let a = rig.server.open_session();
    rig.server.disable_monitor_cond();
    for (method, params) in [
        ("monitor_cond", r#"["d","m",{"t":{}}]"#),
        ("monitor_cond_since", r#"["d","m",{"t":{}},"00000000-0000-0000-0000-000000000000"]"#),
    ] {
        assert_eq!(rig.call(a, method, params).to(a), [r#"error "unknown method""#], "{method}");
    }
    assert_eq!(rig.call(a, "monitor", r#"["d","m",{"t":{}}]"#).to(a), ["reply {}"]);
}

#[test]
fn equal_monitors_share_their_text() {
    let mut rig = Rig::new(false);
    let writer = rig.server.open_session();
    let sessions: Vec<SessionId> = (0..50).map(|_| rig.server.open_session()).collect();
    for (n, session) in sessions.iter().enumerate() {
        let wanted = if n % 2 == 0 { r#"{"t":[{"where":[["k","<",5]]}]}"# } else { r#"{"t":{}}"# };
        rig.call(*session, "monitor_cond", &format!(r#"["d","m",{wanted}]"#));
    }
    let params: Json = r#"["d",{"op":"insert","table":"t","row":{"k":1}}]"#.parse().unwrap();
    let Json::Array(params) = params else { unreachable!() };
    let effects = rig.server.handle(writer, Message::request("transact", params, 1), rig.now);
    let mut texts = std::collections::BTreeSet::new();
    let mut count = 0;
    for effect in effects {
        if let Effect::Write { text, .. } = effect {
            let body = text.body();
            texts.insert(Arc::as_ptr(&body).addr());
            count += 1;
            std::mem::forget(body);
        }
    }
    assert_eq!((count, texts.len()), (50, 2));
}

#[test]
fn roles_bound_what_clients_write() {
    let schema = r#"{"name":"d","tables":{
        "t":{"isRoot":true,"columns":{"owner":{"type":"string"},"n":{"type":"integer"},"m":{"type":{
            "key":"string","value":"string","min":0,"max":"unlimited"}}}},
        "RBAC_Role":{"isRoot":true,"columns":{"name":{"type":"string"},"permissions":{"type":{
            "key":"string","value":{"type":"uuid","refTable":"P"},"min":0,"max":"unlimited"}}}},
        "P":{"columns":{"table":{"type":"string"},"authorization":{"type":{"key":"string","min":0,"max":"unlimited"}},
            "insert_delete":{"type":"boolean"},"update":{"type":{"key":"string","min":0,"max":"unlimited"}}}}}}"#;
    let now = Now::default();
    let mut server = Server::new(ServerConfig::default(), now);
    let schema: Schema = schema.parse().unwrap();
    let (database, _) = server.add_database(Database::new(Arc::new(schema)), false, now).unwrap();
    let mut rig = Rig { server, database, now };
    let root = rig.server.open_session();
    rig.call(root, "transact", r#"["d",
        {"op":"insert","table":"P","uuid-name":"p","row":{"authorization":"owner","insert_delete":true,
            "update":["set",["n","m:a"]]}},
        {"op":"insert","table":"RBAC_Role","row":{"name":"r","permissions":["map",[["t",["named-uuid","p"]]]]}},
        {"op":"insert","table":"t","row":{"owner":"x"}},{"op":"insert","table":"t","row":{"owner":"y"}}]"#);
    let x = rig.server.open_session_with(SessionOptions::default().role("r").client(Some("x".into())));
    let mut ask = |op: &str| {
        let out = rig.call(x, "transact", &format!(r#"["d",{op}]"#));
        out.to(x)[0].contains("permission error")
    };
    let own = r#""where":[["owner","==","x"]]"#;
    assert!(!ask(&format!(r#"{{"op":"update","table":"t",{own},"row":{{"n":1}}}}"#)));
    assert!(ask(r#"{"op":"update","table":"t","where":[],"row":{"n":1}}"#));
    assert!(ask(&format!(r#"{{"op":"update","table":"t",{own},"row":{{"owner":"z"}}}}"#)));
    assert!(!ask(&format!(
        r#"{{"op":"mutate","table":"t",{own},"mutations":[["m","insert",["map",[["a","b"]]]]]}}"#
    )));
    assert!(ask(&format!(
        r#"{{"op":"mutate","table":"t",{own},"mutations":[["m","insert",["map",[["b","b"]]]]]}}"#
    )));
    assert!(ask(r#"{"op":"insert","table":"P","row":{}}"#));
    assert!(!ask(r#"{"op":"insert","table":"t","row":{"owner":"z"}}"#));
    assert!(ask(r#"{"op":"delete","table":"t","where":[["owner","==","y"]]}"#));
    assert!(!ask(&format!(r#"{{"op":"delete","table":"t",{own}}}"#)));
}

#[test]
fn the_uuid_of_a_row_that_never_was_is_free() {
    let mut rig = Rig::new(false);
    let a = rig.server.open_session();
    let chosen = "00000000-0000-4000-8000-000000000001";
    let insert = format!(r#"{{"op":"insert","table":"t","uuid":"{chosen}","row":{{"k":1}}}}"#);
    let delete = r#"{"op":"delete","table":"t","where":[]}"#;
    let again = rig.call(a, "transact", &format!(r#"["d",{insert},{delete},{insert}]"#));
    assert!(!again.to(a)[0].contains("error"), "{again:?}");
    assert_eq!(rig.rows(), 1);
    // A row that was there before the transaction keeps its UUID until that is done.
    let taken = rig.call(a, "transact", &format!(r#"["d",{delete},{insert}]"#));
    assert!(taken.to(a)[0].contains("duplicate uuid"), "{taken:?}");
    let gone = rig.call(a, "transact", &format!(r#"["d",{delete}]"#));
    assert!(!gone.to(a)[0].contains("error"), "{gone:?}");
    let free = rig.call(a, "transact", &format!(r#"["d",{insert}]"#));
    assert!(!free.to(a)[0].contains("error"), "{free:?}");
}
