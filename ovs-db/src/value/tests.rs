use proptest::prelude::*;

use super::*;
use crate::json::Json;
use crate::schema::{AtomType, ColumnType};

fn column(text: &str) -> ColumnType {
    ColumnType::from_json(&text.parse().unwrap()).unwrap()
}

#[test]
fn uuids_print_and_parse() {
    let text = "01234567-89ab-cdef-0123-456789abcdef";
    let uuid: Uuid = text.parse().unwrap();
    assert_eq!(uuid.to_string(), text);
    assert_eq!(text.to_uppercase().parse(), Ok(uuid));
    for bad in ["", "01234567-89ab-cdef-0123-456789abcde", "01234567089ab-cdef-0123-456789abcdef"] {
        assert_eq!(bad.parse::<Uuid>(), Err(UuidParseError));
    }
    let mut a = UuidSource::new(b"seed", "rows");
    let mut b = UuidSource::new(b"seed", "rows");
    let first = a.generate();
    assert_eq!(first, b.generate());
    assert_ne!(first, a.generate());
    assert_eq!(first.to_string().as_bytes()[14], b'4');
}

#[test]
fn data_read_and_print() {
    let set = column(r#"{"key":"integer","min":0,"max":"unlimited"}"#);
    let map = column(r#"{"key":"string","value":"string","min":0,"max":"unlimited"}"#);
    let real = column(r#""real""#);
    for (kind, text, printed) in [
        (&set, r#"["set",[3,1,2]]"#, r#"["set",[1,2,3]]"#),
        (&set, "7", "7"),
        (&set, r#"["set",[7]]"#, "7"),
        (&set, r#"["set",[]]"#, r#"["set",[]]"#),
        (&map, r#"["map",[["b","x"],["a","y"]]]"#, r#"["map",[["a","y"],["b","x"]]]"#),
        (&real, "1", "1"),
        (&real, "0.5", "0.5"),
    ] {
        let json: Json = text.parse().unwrap();
        let datum = Datum::from_json(&json, kind, &mut NoNames).unwrap();
        assert_eq!(datum.to_string(), printed);
    }
    for (kind, text) in [
        (&set, r#"["set",[1,1]]"#),
        (&set, "true"),
        (&map, r#"["map",[["a","x"],["a","y"]]]"#),
        (&map, r#"["set",[]]"#),
        (&map, r#"["map",[["a"]]]"#),
        (&real, r#"["set",[]]"#),
        (&real, r#""x""#),
    ] {
        let json: Json = text.parse().unwrap();
        assert!(Datum::from_json(&json, kind, &mut NoNames).is_err(), "{text}");
    }
}

#[test]
fn map_values_are_found_by_text() {
    let map = Datum::map([("b", "2"), ("a", "1"), ("b", "3")]);
    assert_eq!(map.get_str("a"), Some("1"));
    assert_eq!(map.get_str("b"), Some("2"));
    assert_eq!(map.get_str("c"), None);
    assert_eq!(Atom::default_of(AtomType::Uuid), Atom::Uuid(Uuid::ZERO));
}

fn small_set() -> impl Strategy<Value = Datum> {
    prop::collection::vec(0i64..8, 0..6).prop_map(Datum::set)
}

fn small_map() -> impl Strategy<Value = Datum> {
    prop::collection::vec((0i64..6, 0i64..3), 0..6).prop_map(Datum::map)
}

fn pair() -> impl Strategy<Value = (Datum, Datum)> {
    prop_oneof![(small_set(), small_set()), (small_map(), small_map())]
}

proptest! {
    #[test]
    fn a_difference_can_be_applied((old, new) in pair()) {
        prop_assert_eq!(old.apply_diff(&old.diff(&new)), new.clone());
        prop_assert_eq!(old.diff(&new).is_empty(), old == new);
    }

    #[test]
    fn algebra_holds((a, b) in pair()) {
        let union = a.union(&b);
        prop_assert!(union.includes(&a));
        prop_assert!(b.keys().all(|k| union.contains(k)));
        let rest = a.subtract(&b);
        prop_assert!(rest.excludes(&b) && a.includes(&rest));
        prop_assert_eq!(a.includes(&b) , b.subtract(&a).is_empty());
    }
}
