use super::*;

/// The POSIX `cksum` of some text: a CRC over the bytes and then over their number.
fn cksum(text: &str) -> String {
    let mut length = text.len();
    let mut tail = Vec::new();
    while length > 0 {
        tail.push(length as u8);
        length >>= 8;
    }
    let mut crc: u32 = 0;
    for byte in text.bytes().chain(tail) {
        crc ^= u32::from(byte) << 24;
        for _ in 0..8 {
            crc = if crc & 0x8000_0000 == 0 { crc << 1 } else { crc << 1 ^ 0x04c1_1db7 };
        }
    }
    format!("{} {}", !crc, text.len())
}

#[test]
fn shipped_schemas_are_what_they_say() {
    for (text, name, version) in [(OPEN_VSWITCH, "Open_vSwitch", "8.8.0"), (SERVER, "_Server", "1.2.0")] {
        let schema: Schema = text.parse().unwrap();
        assert_eq!((schema.name(), schema.version()), (name, Some(version)));
        let rest: Vec<&str> = text.split_inclusive('\n').filter(|line| !line.contains("cksum")).collect();
        assert_eq!(schema.cksum(), Some(cksum(&rest.concat()).as_str()));
        assert_eq!(Schema::from_json(&schema.to_json()).unwrap(), schema);
    }
}

#[test]
fn strong_references_to_transient_rows_are_kept() {
    let text = r#"{"name":"d","version":"1.0.0","tables":{
        "a":{"isRoot":true,"columns":{
            "strong":{"type":{"key":{"type":"uuid","refTable":"b"},"min":0},"ephemeral":true},
            "plain":{"type":"integer","ephemeral":true}}},
        "b":{"columns":{"x":{"type":"integer"}}}}}"#;
    let schema: Schema = text.parse().unwrap();
    let table = schema.table(schema.table_id("a").unwrap());
    let persistent = |name: &str| table.columns[table.column(name).unwrap().0].persistent;
    assert!(persistent("strong") && !persistent("plain"));
}

#[test]
fn bad_schemas_are_refused() {
    for text in [
        "[]",
        r#"{"name":"d","version":"1.0.0"}"#,
        r#"{"name":"9","version":"1.0.0","tables":{}}"#,
        r#"{"name":"d","version":"1.0","tables":{}}"#,
        r#"{"name":"d","version":"1.0.0","tables":{"_t":{"columns":{}}}}"#,
        r#"{"name":"d","version":"1.0.0","tables":{"t":{"columns":{"_c":{"type":"integer"}}}}}"#,
        r#"{"name":"d","version":"1.0.0","tables":{"t":{"columns":{"c":{"type":"number"}}}}}"#,
        r#"{"name":"d","version":"1.0.0","tables":{"t":{"columns":{"c":{"type":"integer"}},"indexes":[["x"]]}}}"#,
        r#"{"name":"d","version":"1.0.0","tables":{"t":{"columns":{"c":{"type":{"key":{"type":"uuid","refTable":"u"}}}}}}}"#,
        r#"{"name":"d","version":"1.0.0","tables":{"t":{"columns":{"c":{"type":{"key":{"type":"integer","minInteger":2,"maxInteger":1}}}}}}}"#,
        r#"{"name":"d","version":"1.0.0","tables":{"t":{"columns":{"c":{"type":{"key":"integer","min":2,"max":3}}}}}}"#,
        r#"{"name":"d","version":"1.0.0","tables":{"t":{"columns":{},"maxRows":0}}}"#,
    ] {
        assert!(text.parse::<Schema>().is_err(), "{text}");
    }
}
