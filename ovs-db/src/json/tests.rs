use proptest::prelude::*;

use super::*;

fn kind(text: &str) -> JsonErrorKind {
    Json::parse(text.as_bytes()).unwrap_err().kind
}

#[test]
fn numbers_follow_ovsdb() {
    for (text, printed) in [
        ("1.0", "1"),
        ("-0", "0"),
        ("-0.0", "0"),
        ("10e-1", "1"),
        ("1.5e1", "15"),
        ("1e3", "1000"),
        ("9223372036854775807", "9223372036854775807"),
        ("-9223372036854775808", "-9223372036854775808"),
        ("9223372036854775808", "9.22337203685478e+18"),
        ("9007199254740993.0", "9007199254740993"),
        ("0.1", "0.1"),
        ("1e-5", "1e-05"),
        ("123456.789", "123456.789"),
        ("0.0001", "0.0001"),
        ("1e100", "1e+100"),
        ("3.14159265358979323846", "3.14159265358979"),
        ("0e999999999999999999999", "0"),
    ] {
        assert_eq!(Json::parse(text.as_bytes()).unwrap().to_string(), printed, "{text}");
    }
    for text in ["01", "1.", ".5", "-", "1e", "1e+", "+1", "--1"] {
        assert!(Json::parse(text.as_bytes()).is_err(), "{text}");
    }
    assert_eq!(kind("1e400"), JsonErrorKind::NumberRange);
}

#[test]
fn strings_follow_ovsdb() {
    assert_eq!(kind(r#""a\u0000b""#), JsonErrorKind::NullCharacter);
    assert_eq!(kind(r#""\ud800""#), JsonErrorKind::LoneSurrogate);
    assert_eq!(kind(r#""\ud800A""#), JsonErrorKind::LoneSurrogate);
    assert_eq!(kind(r#""\udc00""#), JsonErrorKind::LoneSurrogate);
    assert_eq!(kind("\"\n\""), JsonErrorKind::ControlCharacter(b'\n'));
    assert_eq!(Json::parse(b"\"\xff\"").unwrap_err().kind, JsonErrorKind::BadUtf8);
    let text = "\"\\ud834\\udd1e \\\"\\\\\\/\\b\\f\\n\\r\\t\\u0001\"";
    let value = Json::parse(text.as_bytes()).unwrap();
    assert_eq!(value.as_str(), Some("\u{1d11e} \"\\/\u{8}\u{c}\n\r\t\u{1}"));
    assert_eq!(value.to_string(), "\"\u{1d11e} \\\"\\\\/\\b\\f\\n\\r\\t\\u0001\"");
}

#[test]
fn objects_keep_the_last_duplicate_and_sort() {
    let value = Json::parse(br#" {"b":1,"a":[],"b":{"x":null}} "#).unwrap();
    assert_eq!(value.to_string(), r#"{"a":[],"b":{"x":null}}"#);
}

#[test]
fn depth_is_limited_in_parser_and_framer() {
    let good = "[".repeat(MAX_DEPTH) + &"]".repeat(MAX_DEPTH);
    let bad = "[".repeat(MAX_DEPTH + 1) + &"]".repeat(MAX_DEPTH + 1);
    let value = Json::parse(good.as_bytes()).unwrap();
    assert_eq!(value.clone().to_string(), good);
    assert_eq!(kind(&bad), JsonErrorKind::TooDeep);
    let mut framer = Framer::default();
    framer.push(bad.as_bytes());
    assert_eq!(framer.next_message().unwrap_err().kind, JsonErrorKind::TooDeep);
}

#[test]
fn framer_refuses_what_is_no_message() {
    let mut framer = Framer::default();
    framer.push(b"  x");
    assert_eq!(framer.next_message().unwrap_err().kind, JsonErrorKind::NotContainer);
    framer.push(b"{}");
    assert!(framer.next_message().is_err(), "a failed framer stays failed");

    let mut framer = Framer::new(8);
    framer.push(b"[1,2,3,4,5,6");
    assert_eq!(framer.next_message().unwrap_err().kind, JsonErrorKind::TooLong(8));

    let mut framer = Framer::default();
    framer.push(b"[}");
    assert!(framer.next_message().is_err());
}

/// A real as a peer reads it: what has more than 15 digits may be an integer then.
fn as_read(real: f64) -> Json {
    Json::parse(Json::from(real).to_string().as_bytes()).unwrap()
}

fn any_json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::Bool),
        any::<i64>().prop_map(Json::Integer),
        any::<f64>().prop_filter("finite", |r| r.is_finite()).prop_map(as_read),
        "[^\u{0}]{0,12}".prop_map(Json::String),
    ];
    leaf.prop_recursive(5, 64, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Json::Array),
            prop::collection::btree_map("[^\u{0}]{0,6}", inner, 0..6).prop_map(Json::Object),
        ]
    })
}

fn same(ours: &Json, theirs: &serde_json::Value) -> bool {
    match (ours, theirs) {
        (Json::Null, serde_json::Value::Null) => true,
        (Json::Bool(a), serde_json::Value::Bool(b)) => a == b,
        (Json::Integer(_) | Json::Real(_), serde_json::Value::Number(b)) => {
            let (a, b) = (ours.as_real().unwrap(), b.as_f64().unwrap());
            (a - b).abs() <= a.abs() * 1e-14
        }
        (Json::String(a), serde_json::Value::String(b)) => a == b,
        (Json::Array(a), serde_json::Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Json::Object(a), serde_json::Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(k, a)| b.get(k).is_some_and(|b| same(a, b)))
        }
        _ => false,
    }
}

/// Texts that are nearly JSON: valid ones with some bytes changed.
fn nearly_json() -> impl Strategy<Value = Vec<u8>> {
    (any_json(), prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3)).prop_map(
        |(value, edits)| {
            let mut text = value.to_string().into_bytes();
            for (index, byte) in edits {
                let at = index.index(text.len());
                text[at] = byte;
            }
            text
        },
    )
}

proptest! {
    #[test]
    fn prints_what_serde_json_reads(value in any_json()) {
        let text = value.to_string();
        let theirs: serde_json::Value = serde_json::from_str(&text).unwrap();
        prop_assert!(same(&value, &theirs), "{text}");
        // A real of more than 15 digits may read back as the integer it was rounded to; that stays.
        let again = Json::parse(text.as_bytes()).unwrap().to_string();
        prop_assert_eq!(Json::parse(again.as_bytes()).unwrap().to_string(), again);
    }

    #[test]
    fn agrees_with_serde_json_on_what_is_json(text in nearly_json()) {
        let ours = Json::parse(&text);
        let theirs = serde_json::from_slice::<serde_json::Value>(&text);
        match (&ours, &theirs) {
            (Ok(a), Ok(b)) => prop_assert!(same(a, b)),
            (Err(_), Err(_)) => {}
            (Err(e), Ok(_)) => prop_assert_eq!(e.kind, JsonErrorKind::NullCharacter),
            (Ok(_), Err(e)) => prop_assert!(false, "{e}: {}", String::from_utf8_lossy(&text)),
        }
    }

    #[test]
    fn never_panics(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let _ = Json::parse(&bytes);
        let mut framer = Framer::default();
        framer.push(&bytes);
        while let Ok(Some(_)) = framer.next_message() {}
    }

    #[test]
    fn frames_alike_however_cut(values in prop::collection::vec(any_json(), 0..4), cut in 1usize..9) {
        let messages: Vec<Json> = values.into_iter().map(|v| Json::Array(vec![v])).collect();
        let texts: Vec<String> = messages.iter().map(|m| format!(" {m}\n")).collect();
        let stream = texts.concat();
        let mut framer = Framer::default();
        let mut got = Vec::new();
        for piece in stream.as_bytes().chunks(cut) {
            framer.push(piece);
            while let Some(message) = framer.next_message().unwrap() {
                got.push(message.to_string());
            }
        }
        prop_assert_eq!(framer.pending(), 0);
        prop_assert_eq!(got, messages.iter().map(ToString::to_string).collect::<Vec<_>>());
    }
}
