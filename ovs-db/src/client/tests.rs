use super::*;
use crate::json::Json;
use crate::jsonrpc::Message;
use crate::value::{Atom, Datum, Uuid};

const SCHEMA: &str = r#"{"name":"D","version":"1.0.0","tables":{
  "Root":{"columns":{"n":{"type":"integer"},"items":{"type":{"key":{"type":"uuid","refTable":"Item"},"min":0,"max":"unlimited"}}},"isRoot":true,"maxRows":1},
  "Item":{"columns":{
    "name":{"type":"string"},
    "mode":{"type":{"key":{"type":"string","enum":["set",["a","b"]]},"min":0,"max":1}},
    "tags":{"type":{"key":"integer","min":0,"max":3}},
    "map":{"type":{"key":"string","value":"string","min":0,"max":"unlimited"}}}}}}"#;

fn uuid(n: u8) -> Uuid {
    let mut bytes = [0x40; 16];
    bytes[15] = n;
    Uuid(bytes)
}

fn json(text: &str) -> Json {
    text.replace('\'', "\"")
        .replace("U1", &uuid(1).to_string())
        .replace("U2", &uuid(2).to_string())
        .parse()
        .unwrap()
}

/// A session and the ids of the requests that it sent.
struct Bench {
    session: Session,
    sent: Vec<(String, Vec<Json>, Json)>,
}

impl Bench {
    fn new(config: SessionConfig) -> Bench {
        let mut bench = Bench { session: Session::new(config), sent: Vec::new() };
        bench.session.connected();
        bench.collect();
        bench
    }

    fn collect(&mut self) {
        for message in self.session.take_output() {
            if let Message::Request { method, params, id } = message {
                self.sent.push((method, params, id));
            }
        }
    }

    /// Answers the oldest request, which must be `method`; gives its parameters.
    #[track_caller]
    fn answer(&mut self, method: &str, result: Result<&str, &str>) -> Vec<Json> {
        let (sent, params, id) = self.sent.remove(0);
        assert_eq!(sent, method);
        let message = match result {
            Ok(text) => Message::reply(json(text), id),
            Err(text) => Message::error(json(text), id),
        };
        self.session.receive(message).unwrap();
        self.collect();
        params
    }

    /// Answers as a server without `_Server` up to the schema.
    #[track_caller]
    fn old_server(&mut self) {
        if self.sent[0].0 == "set_db_change_aware" {
            self.answer("set_db_change_aware", Err("'unknown method'"));
        }
        self.answer("monitor_cond", Err("{'error':'unknown database'}"));
        self.answer("get_schema", Ok(SCHEMA));
    }

    fn notify(&mut self, method: &str, params: &str) -> Result<(), SessionError> {
        let Json::Array(params) = json(params) else { panic!() };
        self.session.receive(Message::notify(method, params))
    }

    fn events(&mut self) -> Vec<SessionEvent> {
        std::iter::from_fn(|| self.session.take_event()).collect()
    }
}

fn config() -> SessionConfig {
    SessionConfig::new("D")
        .table("Root", ["n", "items", "later"])
        .table("Item", ["name", "mode", "tags", "map"])
        .table("New", ["x"])
}

/// A session with one item.
fn synced(config: SessionConfig) -> Bench {
    let lock = config.lock.is_some();
    let mut b = Bench::new(config);
    b.answer("set_db_change_aware", Ok("{}"));
    if lock {
        b.answer("lock", Ok("{'locked':false}"));
        assert_eq!(b.events(), [SessionEvent::LockLost]);
    }
    b.old_server();
    let content = "[false,'00000000-0000-0000-0000-000000000000',{'Item':{'U1':{'initial':{'name':'x','tags':['set',[1,2]],'map':['map',[['k','v'],['l','w']]]}}},'Root':{'U2':{'initial':{'items':['uuid','U1']}}}}]";
    b.answer("monitor_cond_since", Ok(content));
    assert_eq!(b.events(), [SessionEvent::Synced]);
    b
}

#[test]
fn it_monitors_what_the_server_has_and_reads_defaults() {
    let mut b = Bench::new(config());
    b.old_server();
    let asked = &b.sent[0].1;
    assert_eq!(
        asked[2],
        json("{'Root':[{'columns':['items','n']}],'Item':[{'columns':['map','mode','name','tags']}]}")
    );
    let b = synced(config());
    let root = b.session.first("Root").unwrap();
    assert_eq!(
        (root.get_int("n"), root.get_uuids("items"), root.get_string("later")),
        (0, vec![uuid(1)], "")
    );
    let item = b.session.row("Item", uuid(1)).unwrap();
    assert_eq!((item.get_string("name"), item.get_optional_string("mode")), ("x", None));
    assert_eq!((item.get_ints("tags"), item.get_map_value("map", "l")), (vec![1, 2], Some("w")));
    assert!(b.session.rows("New").is_empty() && b.session.rows("Nonsense").is_empty());
    assert!(
        b.session.snapshot().has_column("Root", "n") && !b.session.snapshot().has_column("Root", "later")
    );
}

#[test]
fn an_empty_database_is_a_first_content_too() {
    let mut b = Bench::new(config());
    b.old_server();
    assert_eq!(b.session.snapshot().seqno(), 0, "nothing is known yet");
    b.answer("monitor_cond_since", Ok("[false,'00000000-0000-0000-0000-000000000000',{}]"));
    assert_eq!(b.session.snapshot().seqno(), 1);
}

#[test]
fn differences_are_applied_and_tables_numbered() {
    let mut b = synced(config());
    let before = b.session.snapshot().clone();
    b.notify("update3", "['main','U2',{'Item':{'U1':{'modify':{'mode':'b','tags':['set',[2,3]],'map':['map',[['k','x'],['l','w'],['m','y']]]}}}}]").unwrap();
    assert_eq!(b.events(), [SessionEvent::Changed]);
    let item = b.session.row("Item", uuid(1)).unwrap();
    assert_eq!((item.get_optional_string("mode"), item.get_ints("tags")), (Some("b"), vec![1, 3]));
    assert_eq!(item.get_map("map").into_iter().collect::<Vec<_>>(), [("k", "x"), ("m", "y")]);
    assert_eq!(before.row("Item", uuid(1)).unwrap().get_ints("tags"), [1, 2], "a clone does not change");
    let now = b.session.snapshot();
    assert!(now.table_seqno("Item") > before.table_seqno("Item"));
    assert_eq!(now.table_seqno("Root"), before.table_seqno("Root"));
    b.notify("update3", "['main','U2',{'Item':{'U1':{'delete':null}}}]").unwrap();
    assert!(b.session.rows("Item").is_empty());
    let lost = b.notify("update3", "['main','U2',{'Item':{'U1':{'modify':{'mode':'b'}}}}]");
    assert_eq!(lost, Err(SessionError::BadUpdate));
}

#[test]
fn it_goes_back_to_older_ways_of_monitoring() {
    let mut b = Bench::new(config());
    b.old_server();
    b.answer("monitor_cond_since", Err("'unknown method'"));
    b.answer("monitor_cond", Err("'unknown method'"));
    b.answer(
        "monitor",
        Ok("{'Item':{'U1':{'new':{'name':'x','mode':['set',[]],'tags':['set',[]],'map':['map',[]]}}}}"),
    );
    assert_eq!(b.events(), [SessionEvent::Synced]);
    b.notify("update", "['main',{'Item':{'U1':{'old':{'name':'x'},'new':{'name':'z','mode':'a','tags':7,'map':['map',[]]}}}}]").unwrap();
    assert_eq!(b.session.row("Item", uuid(1)).unwrap().get_string("name"), "z");
    b.notify("update", "['main',{'Item':{'U1':{'old':{'name':'z','mode':'a','tags':7,'map':['map',[]]}}}}]")
        .unwrap();
    assert!(b.session.rows("Item").is_empty());
}

#[test]
fn after_a_break_it_goes_on_where_the_server_can() {
    let mut b = synced(config());
    b.notify("update3", "['main','U2',{'Item':{'U1':{'modify':{'name':'y'}}}}]").unwrap();
    b.session.disconnected();
    assert!(!b.session.is_synced());
    assert_eq!(
        b.session.row("Item", uuid(1)).unwrap().get_string("name"),
        "y",
        "the copy outlives the connection"
    );
    b.session.connected();
    b.collect();
    b.old_server();
    let asked = b.answer("monitor_cond_since", Ok("[true,'U1',{'Item':{'U1':{'modify':{'name':'z'}}}}]"));
    assert_eq!(asked[3].as_str(), Some(uuid(2).to_string().as_str()));
    assert_eq!(b.session.row("Item", uuid(1)).unwrap().get_string("name"), "z");
    let seqno = b.session.snapshot().seqno();
    b.session.connected();
    b.collect();
    b.old_server();
    b.answer("monitor_cond_since", Ok("[false,'U1',{'Item':{'U1':{'initial':{'name':'z','mode':'b'}}}}]"));
    assert!(b.session.rows("Root").is_empty());
    assert_eq!(b.session.snapshot().table_seqno("Root"), seqno + 1);
}

#[test]
fn a_transaction_names_new_rows_and_leaves_out_what_the_server_lacks() {
    let mut b = synced(config().lock("l"));
    let item = b.session.row("Item", uuid(1)).unwrap().clone();
    let root = b.session.first("Root").unwrap().clone();
    let mut txn = Transaction::new();
    txn.comment("add y");
    let new = txn.insert("Item", [("name", Datum::from("y")), ("later", Datum::from(1))]);
    txn.update("Item", new, [("tags", Datum::set([1, 2]))]);
    assert!(!txn.set(&item, "name", "x"), "it is x already");
    assert!(txn.set(&item, "mode", "a"));
    txn.verify(&item, "tags");
    txn.mutate("Root", root.uuid(), "items", Mutator::Insert, Datum::set([new]));
    txn.update("Root", root.uuid(), [("later", Datum::from(1))]);
    txn.insert("New", [("x", Datum::from(1))]);
    txn.increment("Root", root.uuid(), "n");

    let id = b.session.transact(&txn);
    assert_eq!(b.events(), [SessionEvent::Done(id, Outcome::NotLocked)]);
    b.notify("locked", "['l']").unwrap();
    let id = b.session.transact(&txn);
    b.collect();
    let ops = b.answer(
        "transact",
        Ok("[{},{},{'uuid':['uuid','U2']},{'count':1},{'count':1},{'count':1},{'rows':[{'n':5}]},{}]"),
    );
    let expected = json(
        "['D',{'op':'assert','lock':'l'},
         {'op':'wait','table':'Item','where':[['_uuid','==',['uuid','U1']]],'columns':['tags'],'rows':[{'tags':['set',[1,2]]}],'timeout':0,'until':'=='},
         {'op':'insert','table':'Item','uuid-name':'row1','row':{'name':'y','tags':['set',[1,2]]}},
         {'op':'update','table':'Item','where':[['_uuid','==',['uuid','U1']]],'row':{'mode':'a'}},
         {'op':'mutate','table':'Root','where':[['_uuid','==',['uuid','U2']]],'mutations':[['items','insert',['set',[['named-uuid','row1']]]]]},
         {'op':'mutate','table':'Root','where':[['_uuid','==',['uuid','U2']]],'mutations':[['n','+=',1]]},
         {'op':'select','table':'Root','where':[['_uuid','==',['uuid','U2']]],'columns':['n']},
         {'op':'comment','comment':'add y'}]",
    );
    assert_eq!(Json::Array(ops), expected);
    let inserted = [(new, uuid(2))].into();
    let done = SessionEvent::Done(id, Outcome::Committed { inserted, incremented: Some(5) });
    assert_eq!(b.events(), [SessionEvent::Locked, done]);
}

#[test]
fn outcomes_of_transactions() {
    let mut b = synced(config());
    let mut txn = Transaction::new();
    let id = b.session.transact(&txn);
    assert_eq!(b.events(), [SessionEvent::Done(id, Outcome::Unchanged)]);
    txn.delete("Item", uuid(1));
    for (result, outcome) in [
        (Ok("[{'error':'timed out','details':'x'}]"), Outcome::TryAgain),
        (Ok("[{'count':1},{'error':'not owner','details':'x'}]"), Outcome::NotLocked),
        (
            Ok("[{'count':1},null,{'error':'constraint violation','details':'x'}]"),
            Outcome::Failed { error: "constraint violation".into(), details: "x".into() },
        ),
        (Err("'canceled'"), Outcome::Failed { error: "canceled".into(), details: String::new() }),
    ] {
        let id = b.session.transact(&txn);
        b.collect();
        b.answer("transact", result);
        assert_eq!(b.events(), [SessionEvent::Done(id, outcome)]);
    }
    let id = b.session.transact(&txn);
    b.session.disconnected();
    assert_eq!(b.events(), [SessionEvent::Done(id, Outcome::Disconnected)]);
}

#[test]
fn locks_come_and_go() {
    let mut b = Bench::new(config().lock("l"));
    assert!(!b.session.has_lock());
    b.answer("set_db_change_aware", Ok("{}"));
    b.answer("lock", Ok("{'locked':false}"));
    b.notify("locked", "['l']").unwrap();
    assert!(b.session.has_lock());
    b.notify("stolen", "['l']").unwrap();
    b.notify("locked", "['another']").unwrap();
    assert!(!b.session.has_lock());
    assert_eq!(b.events(), [SessionEvent::LockLost, SessionEvent::Locked, SessionEvent::LockLost]);
}

#[test]
fn a_server_that_is_of_no_use_is_named() {
    let mut b = Bench::new(config());
    b.answer("set_db_change_aware", Ok("{}"));
    b.answer("monitor_cond", Err("'unknown method'"));
    let (.., id) = b.sent.remove(0);
    let error = Message::error(json("{'error':'unknown database','details':'x'}"), id);
    assert_eq!(b.session.receive(error), Err(SessionError::NoDatabase("D".into())));
    assert_eq!(b.notify("monitor_canceled", "['main']"), Err(SessionError::Cancelled));
    let echo = Message::request("echo", vec![Json::from(1)], "echo");
    b.session.receive(echo).unwrap();
    assert_eq!(b.session.take_output(), [Message::reply(json("[1]"), Json::from("echo"))]);
}

#[test]
fn accessors_give_defaults_for_other_types() {
    let b = synced(config());
    let item = b.session.row("Item", uuid(1)).unwrap();
    assert_eq!((item.get_int("name"), item.get_bool("map"), item.get_string("tags")), (0, false, ""));
    assert!(
        item.get_uuid("nope").is_none()
            && item.get_map("tags").is_empty()
            && item.get_uuids("tags").is_empty()
    );
    assert_eq!(item.get_set("map").map(Atom::as_str).collect::<Vec<_>>(), [Some("k"), Some("l")]);
}

mod hostile {
    use proptest::prelude::*;

    use super::*;

    /// JSON made of words that mean something to the protocol.
    fn any_json() -> impl Strategy<Value = Json> {
        let word = prop::sample::select(
            &["set", "map", "uuid", "x", "Item", "name", "tags", "modify", "a", "unknown method"][..],
        );
        let leaf = prop_oneof![
            Just(Json::Null),
            any::<bool>().prop_map(Json::from),
            (-3i64..9).prop_map(Json::from),
            word.prop_map(Json::from),
            Just(Json::from(uuid(1).to_string())),
        ];
        leaf.prop_recursive(5, 40, 5, |inner| {
            let key = prop_oneof![
                prop::sample::select(
                    &[
                        "Item", "Root", "modify", "insert", "new", "delete", "initial", "name", "tags",
                        "map", "mode"
                    ][..]
                )
                .prop_map(String::from),
                Just(uuid(1).to_string()),
            ];
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Json::Array),
                prop::collection::btree_map(key, inner, 0..4).prop_map(Json::Object),
            ]
        })
    }

    /// One table-updates object that has the right shape down to the rows' columns.
    fn likely_update() -> impl Strategy<Value = Json> {
        let kind = prop::sample::select(&["modify", "insert", "delete", "new"][..]);
        let column = prop::sample::select(&["name", "tags", "map", "mode"][..]);
        (kind, prop::collection::btree_map(column.prop_map(String::from), any_json(), 0..4)).prop_map(
            |(kind, row)| {
                let row = Json::object([(kind, Json::Object(row))]);
                Json::object([("Item", Json::object([(uuid(1).to_string(), row)]))])
            },
        )
    }

    proptest! {
        /// Whatever a server sends is understood or refused; nothing panics, and the session can start anew.
        #[test]
        fn any_message_is_taken_or_refused(
            messages in prop::collection::vec((0u8..6, prop_oneof![any_json(), likely_update()]), 1..12)
        ) {
            let mut b = synced(config());
            for (kind, json) in messages {
                let message = match kind {
                    0 => Message::notify("update", vec![Json::from("main"), json]),
                    1 => Message::notify("update2", vec![Json::from("main"), json]),
                    2 => Message::notify("update3", vec![Json::from("main"), Json::Null, json]),
                    3 => Message::reply(json, Json::from(1)),
                    4 => Message::error(json, Json::from(2)),
                    _ => Message::request("echo", vec![json], 7),
                };
                if b.session.receive(message).is_err() {
                    b.session.disconnected();
                    b.session.connected();
                }
                let mut txn = Transaction::new();
                txn.delete("Item", uuid(1));
                b.session.transact(&txn);
                b.session.take_output();
            }
        }
    }
}

mod followed {
    use std::ops::Bound::{Excluded, Included};

    use super::*;

    /// What `_Server` says about the database, with the schema.
    fn server(more: &str) -> String {
        let schema = SCHEMA.replace('\n', " ").replace('"', "\\\"");
        format!("{{'Database':{{'U1':{{'initial':{{'name':'D','schema':'{schema}'{more}}}}}}}}}")
    }

    fn content() -> &'static str {
        "[false,'U1',{'Item':{'U1':{'initial':{'name':'x','tags':['set',[1,2]]}},'U2':{'initial':{'name':'y'}}}}]"
    }

    fn clustered(leader: bool, index: i64) -> String {
        let cid = "'cid':['uuid','U1']";
        server(&format!(",'model':'clustered','connected':true,'leader':{leader},'index':{index},{cid}"))
    }

    /// Answers up to the request for content.
    #[track_caller]
    fn connect(b: &mut Bench, says: &str) -> Result<(), SessionError> {
        b.session.connected();
        b.sent.clear();
        b.collect();
        b.answer("set_db_change_aware", Ok("{}"));
        let (method, params, id) = b.sent.remove(0);
        assert_eq!((method.as_str(), params[0].as_str()), ("monitor_cond", Some("_Server")));
        let done = b.session.receive(Message::reply(json(says), id));
        b.collect();
        done
    }

    #[test]
    fn one_question_is_enough_when_the_server_tells_the_schema() {
        let mut b = Bench::new(config());
        connect(&mut b, &server(",'model':'standalone','connected':true,'leader':true")).unwrap();
        let asked = b.answer("monitor_cond_since", Ok(content()));
        assert_eq!(asked[3].as_str(), Some(Uuid::ZERO.to_string().as_str()));
        assert!(b.session.is_synced());
    }

    #[test]
    fn members_of_a_cluster_are_judged() {
        let mut b = Bench::new(config().leader_only(true));
        let unfit = |why| Err(SessionError::Unfit { database: "D".into(), why });
        assert_eq!(connect(&mut b, "{}"), Err(SessionError::NoDatabase("D".into())));
        assert_eq!(
            connect(&mut b, &server(",'model':'clustered','connected':false")),
            unfit(Unfit::Disconnected)
        );
        assert_eq!(connect(&mut b, &server(",'model':'relay'")), unfit(Unfit::Disconnected));
        assert_eq!(connect(&mut b, &clustered(false, 5)), unfit(Unfit::NotLeader));
        connect(&mut b, &clustered(true, 9)).unwrap();
        assert_eq!(connect(&mut b, &clustered(true, 8)), unfit(Unfit::Stale));
        let other = clustered(true, 10).replace("'cid':['uuid','U1']", "'cid':['uuid','U2']");
        assert_eq!(connect(&mut b, &other), unfit(Unfit::OtherCluster));
        connect(&mut b, &clustered(true, 10)).unwrap();
        b.answer("monitor_cond_since", Ok(content()));
        b.notify("update2", "['server',{'Database':{'U1':{'modify':{'index':12}}}}]").unwrap();
        let deposed = b.notify("update2", "['server',{'Database':{'U1':{'modify':{'leader':false}}}}]");
        assert_eq!(deposed, unfit(Unfit::NotLeader));
        b.session.config.leader_only = false;
        connect(&mut b, &clustered(false, 12)).unwrap();
    }

    #[test]
    fn a_new_schema_is_taken_without_a_new_connection() {
        let mut b = Bench::new(config());
        connect(&mut b, &server(",'model':'standalone','connected':true")).unwrap();
        b.answer("monitor_cond_since", Ok(content()));
        b.notify("monitor_canceled", "['main']").unwrap();
        b.collect();
        assert!(!b.session.is_synced() && b.session.rows("Item").len() == 2);
        b.answer("get_schema", Ok(r#"{"name":"D","tables":{"New":{"columns":{"x":{"type":"integer"}}}}}"#));
        let asked = b.answer("monitor_cond_since", Ok("[false,'U2',{'New':{'U1':{'initial':{'x':3}}}}]"));
        assert_eq!(asked[3].as_str(), Some(Uuid::ZERO.to_string().as_str()), "other columns than before");
        assert_eq!(b.session.first("New").unwrap().get_int("x"), 3);
        assert!(b.session.rows("Item").is_empty());
        assert_eq!(b.notify("monitor_canceled", "['server']"), Err(SessionError::Cancelled));
    }

    fn wanted(name: &str) -> Clause {
        Clause::new("name", Function::Equal, name)
    }

    #[test]
    fn conditions_change_one_after_the_other_and_survive_a_break() {
        let mut b = Bench::new(config().condition("Item", wanted("x")));
        connect(&mut b, &server(",'model':'standalone'")).unwrap();
        assert_eq!(
            b.sent[0].1[2].get("Item"),
            Some(&json("[{'columns':['map','mode','name','tags'],'where':[['name','==','x']]}]"))
        );
        b.answer("monitor_cond_since", Ok(content()));
        assert_eq!(b.session.set_condition("Item", wanted("x")), 0, "it is so already");
        let first = b.session.set_condition("Item", Condition::never());
        let second = b.session.set_condition("Item", Condition::any([wanted("x"), wanted("y")]));
        b.collect();
        assert_eq!(b.sent.len(), 1, "one change at a time");
        b.events();
        let asked = b.answer("monitor_cond_change", Ok("{}"));
        assert_eq!(Json::Array(asked), json("['main','main',{'Item':[{'where':[false]}]}]"));
        assert!(b.session.conditions_met(first) && !b.session.conditions_met(second));
        assert_eq!(b.events(), [SessionEvent::ConditionsMet(first)]);
        b.answer("monitor_cond_change", Ok("{}"));
        assert!(b.session.conditions_met(second));

        // What changes while there is no connection is told after the copy has been brought up to date.
        b.session.disconnected();
        let third = b.session.set_condition("Item", Condition::always());
        connect(&mut b, &server(",'model':'standalone'")).unwrap();
        let asked = b.answer("monitor_cond_since", Ok("[true,'U2',{}]"));
        assert_eq!(asked[3].as_str(), Some(uuid(1).to_string().as_str()));
        assert_eq!(
            asked[2].get("Item").unwrap().as_array().unwrap()[0].get("where"),
            Some(&json("[['name','==','x'],['name','==','y']]"))
        );
        assert!(!b.session.conditions_met(third));
        assert_eq!(b.sent[0].1[2], json("{'Item':[{'where':[]}]}"));

        // If the connection breaks before the answer, nobody knows what the copy is for: all is asked for again.
        b.session.disconnected();
        connect(&mut b, &server(",'model':'standalone'")).unwrap();
        let asked = b.answer("monitor_cond_since", Ok(content()));
        assert_eq!(asked[3].as_str(), Some(Uuid::ZERO.to_string().as_str()));
        assert!(b.session.conditions_met(third) && b.sent.is_empty());
    }

    #[test]
    fn a_server_without_conditions_sends_everything() {
        let mut b = Bench::new(config());
        connect(&mut b, &server(",'model':'standalone'")).unwrap();
        b.answer("monitor_cond_since", Err("'unknown method'"));
        b.answer("monitor_cond", Err("'unknown method'"));
        b.answer("monitor", Ok("{}"));
        let change = b.session.set_condition("Item", Condition::never());
        assert!(b.session.conditions_met(change));
    }

    #[test]
    fn nothing_goes_on_from_a_bad_update() {
        let mut b = Bench::new(config());
        connect(&mut b, &server(",'model':'standalone'")).unwrap();
        b.answer("monitor_cond_since", Ok(content()));
        b.notify("update3", "['main','U2',{'Item':{'U1':{'delete':null},'U2':{'modify':{'name':7}}}}]")
            .unwrap_err();
        connect(&mut b, &server(",'model':'standalone'")).unwrap();
        assert_eq!(b.sent[0].1[3].as_str(), Some(Uuid::ZERO.to_string().as_str()));
        let lie = b.sent.remove(0).2;
        assert_eq!(
            b.session.receive(Message::reply(json("[true,'U2',{}]"), lie)),
            Err(SessionError::BadUpdate)
        );
    }

    #[test]
    fn changes_are_tracked_across_breaks() {
        let mut b = Bench::new(config().track_changes(true));
        connect(&mut b, &server(",'model':'standalone'")).unwrap();
        b.answer("monitor_cond_since", Ok(content()));
        let before = b.session.snapshot().clone();
        let changes = b.session.take_changes();
        assert_eq!((changes.len(), changes.inserted("Item").count()), (2, 2));
        assert!(b.session.take_changes().is_empty());
        for update in ["'modify':{'name':'a'}", "'modify':{'mode':'b'}", "'modify':{'name':'x'}"] {
            b.notify("update3", &format!("['main','U2',{{'Item':{{'U1':{{{update}}}}}}}]")).unwrap();
        }
        b.notify("update3", "['main','U2',{'Item':{'U2':{'delete':null}}}]").unwrap();
        let changes = b.session.take_changes();
        let (_, change) = changes.table("Item").next().unwrap();
        assert_eq!(
            (change.kind(), change.columns().collect::<Vec<_>>()),
            (ChangeKind::Modified, vec!["mode"])
        );
        assert_eq!(changes.deleted("Item").next().unwrap().get_string("name"), "y");
        assert_eq!(changes.tables().collect::<Vec<_>>(), ["Item"]);
        assert_eq!(b.session.snapshot().changes_since(&before), changes);

        connect(&mut b, &server(",'model':'standalone'")).unwrap();
        b.answer("monitor_cond_since", Ok(content()));
        let changes = b.session.take_changes();
        assert_eq!((changes.modified("Item").count(), changes.inserted("Item").count()), (1, 1));
        assert_eq!(b.session.snapshot().changes_since(&before), Changes::default());
    }

    #[test]
    fn indexes_follow_rows() {
        let mut b = Bench::new(config().index("Item", ["name"]).index("Item", ["mode", "name"]));
        connect(&mut b, &server(",'model':'standalone'")).unwrap();
        b.answer("monitor_cond_since", Ok(content()));
        let found = |b: &Bench, name: &str| -> Vec<Uuid> {
            let index = b.session.snapshot().index("Item", &["name"]).unwrap();
            index.find(&[name.into()]).map(Row::uuid).collect()
        };
        assert_eq!((found(&b, "x"), found(&b, "y"), found(&b, "z")), (vec![uuid(1)], vec![uuid(2)], vec![]));
        b.notify("update3", "['main','U2',{'Item':{'U1':{'modify':{'name':'y','mode':'a'}}}}]").unwrap();
        assert_eq!((found(&b, "x"), found(&b, "y")), (vec![], vec![uuid(1), uuid(2)]));
        let snapshot = b.session.snapshot().clone();
        b.notify("update3", "['main','U2',{'Item':{'U2':{'delete':null}}}]").unwrap();
        assert_eq!(found(&b, "y"), [uuid(1)]);
        let index = snapshot.index("Item", &["mode", "name"]).unwrap();
        let names = |rows: &mut dyn Iterator<Item = &Row>| rows.map(Row::uuid).collect::<Vec<_>>();
        assert_eq!(names(&mut index.iter()), [uuid(2), uuid(1)], "no mode comes first");
        assert_eq!(names(&mut index.prefix(&[Datum::from("a")])), [uuid(1)]);
        let (low, high) = ([Datum::from("a")], [Datum::from("b")]);
        assert_eq!(names(&mut index.range((Included(&low[..]), Excluded(&high[..])))), [uuid(1)]);
        assert_eq!(names(&mut index.range((Excluded(&high[..]), Excluded(&low[..])))), []);
        assert!(snapshot.index("Item", &["tags"]).is_none() && snapshot.index("None", &[]).is_none());
    }

    #[test]
    fn another_lock_is_asked_for() {
        let mut b = synced(config().lock("l"));
        b.session.set_lock(Some("m".into()));
        b.collect();
        b.answer("unlock", Ok("{}"));
        b.notify("locked", "['l']").unwrap();
        assert!(!b.session.has_lock());
        b.answer("lock", Ok("{'locked':true}"));
        assert_eq!(b.events(), [SessionEvent::Locked]);
        b.session.set_lock(None);
        assert!(b.session.has_lock(), "none is wanted");
    }
}
