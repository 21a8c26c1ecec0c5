use super::*;
use crate::json::Json;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Command {
    Exit,
    Warp,
}

fn registry() -> Registry<Command> {
    let mut r = Registry::new("demo (Open vSwitch) 3.7.1");
    r.add("exit", "[--cleanup]", 0, Some(1), Command::Exit);
    r.add("time/warp", "[large_msecs] msecs", 1, Some(2), Command::Warp);
    r
}

/// Feeds `request`; gives the text of the answers.
fn ask(session: &mut Session, request: &str) -> String {
    session.push(request.as_bytes());
    assert_eq!(session.next_call(&registry()), Ok(None), "{request}");
    String::from_utf8(session.take_output()).unwrap()
}

#[test]
fn wrong_calls_get_the_texts_that_users_know() {
    let mut s = Session::default();
    let mut error = |request: &str| {
        let answer: Json = ask(&mut s, request).parse().unwrap();
        answer.get("error").and_then(Json::as_str).unwrap().to_string()
    };
    assert_eq!(
        error(r#"{"method":"foo","params":[],"id":0}"#),
        "\"foo\" is not a valid command (use \"list-commands\" to see a list of valid commands)\n"
    );
    assert_eq!(
        error(r#"{"method":"time/warp","params":[],"id":0}"#),
        "\"time/warp\" command requires at least 1 arguments\n"
    );
    assert_eq!(
        error(r#"{"method":"version","params":["x"],"id":0}"#),
        "\"version\" command takes at most 0 arguments\n"
    );
    assert_eq!(
        error(r#"{"method":"exit","params":[1],"id":0}"#),
        "\"exit\" command has non-string argument\n"
    );
    assert_eq!(
        error(r#"{"method":"set-options","params":["--format","xml"],"id":0}"#),
        "option --format has invalid value xml\n"
    );
}

#[test]
fn built_in_commands_answer_in_both_forms() {
    let mut s = Session::default();
    assert_eq!(
        ask(&mut s, r#"{"method":"version","params":[],"id":7}"#),
        r#"{"error":null,"id":7,"result":"demo (Open vSwitch) 3.7.1\n"}"#
    );
    let text = ask(&mut s, r#"{"method":"list-commands","params":[],"id":7}"#);
    assert!(text.contains(
        r"The available commands are:\n  exit                    [--cleanup]\n  list-commands           \n"
    ));
    ask(&mut s, r#"{"method":"set-options","params":["--format","json"],"id":7}"#);
    assert_eq!(
        ask(&mut s, r#"{"method":"version","params":[],"id":"x"}"#),
        r#"{"error":null,"id":"x","result":{"reply":"demo (Open vSwitch) 3.7.1\n","reply-format":"plain"}}"#
    );
    let list: Json = ask(&mut s, r#"{"method":"list-commands","params":[],"id":7}"#).parse().unwrap();
    assert_eq!(list.get("result").unwrap().get("exit").unwrap().as_str(), Some("[--cleanup]"));
}

#[test]
fn calls_wait_for_each_other() {
    let mut s = Session::default();
    s.push(br#"{"method":"time/warp","params":["5"],"id":1}{"method":"exit","params":[],"id":2}"#);
    let call = s.next_call(&registry()).unwrap().unwrap();
    assert_eq!((call.command, call.args), (Command::Warp, vec!["5".to_string()]));
    assert_eq!(s.next_call(&registry()), Ok(None));
    assert!(s.is_busy() && s.take_output().is_empty());
    s.reply(Ok("warped".into()));
    assert_eq!(s.take_output(), br#"{"error":null,"id":1,"result":"warped\n"}"#);
    assert_eq!(s.next_call(&registry()).unwrap().unwrap().command, Command::Exit);
}

#[test]
fn what_is_no_request_ends_the_connection() {
    for bad in [
        r#"{"method":"exit","params":[],"id":null}"#,
        r#"{"result":1,"error":null,"id":1}"#,
        "{]}",
        "hello",
        "[]",
    ] {
        let mut s = Session::default();
        s.push(bad.as_bytes());
        assert!(s.next_call(&registry()).is_err(), "{bad}");
    }
}
