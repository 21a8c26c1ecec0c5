//! JSON texts, and streams of them in pieces. The first byte chooses.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ovs_db::json::{Framer, Json};
use ovs_db::jsonrpc::Message;

fuzz_target!(|data: &[u8]| {
    let Some((&first, data)) = data.split_first() else { return };
    if first % 2 == 0 {
        // Text that was read prints to text that reads alike.
        if let Ok(json) = Json::parse(data) {
            // A long real reads back as the integer that it was rounded to, once.
            let text = Json::parse(json.to_string().as_bytes()).expect("own text").to_string();
            assert_eq!(Json::parse(text.as_bytes()).expect("own text").to_string(), text);
            if let Ok(message) = Message::from_json(json) {
                assert_eq!(message.to_bytes(), message.to_json().to_string().into_bytes());
            }
        }
        return;
    }
    // However a stream is cut, the same messages come of it, and the same failure ends it.
    let read = |size: usize| {
        let mut framer = Framer::new(1 << 16);
        let mut messages = Vec::new();
        for piece in data.chunks(size) {
            framer.push(piece);
            loop {
                match framer.next_message() {
                    Ok(Some(message)) => messages.push(message.to_string()),
                    Ok(None) => break,
                    Err(_) => return (messages, true),
                }
            }
        }
        (messages, false)
    };
    let whole = read(data.len().max(1));
    assert_eq!(read(1 + usize::from(first >> 1) % 7), whole);
});
