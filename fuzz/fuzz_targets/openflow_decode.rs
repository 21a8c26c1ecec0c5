//! Messages in every version and form, connections, and text. The first byte chooses.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ovs_openflow::connection::Connection;
use ovs_openflow::text::{ActionsDisplay, NoNames, parse_actions, parse_flow_mods};
use ovs_openflow::{Message, Protocol, SUPPORTED, Version};

fuzz_target!(|data: &[u8]| {
    let Some((&first, rest)) = data.split_first() else { return };
    match first % 3 {
        0 => messages(rest),
        1 => {
            let mut connection = Connection::new(SUPPORTED).with_limit(1 << 20);
            for piece in rest.chunks(usize::from(first).max(1)) {
                connection.feed(piece);
                while connection.next().is_some() {}
            }
        }
        _ => text(rest),
    }
});

fn messages(bytes: &[u8]) {
    for version in Version::ALL {
        for nxm in [false, true] {
            let protocol = Protocol::new(version).with_nxm(nxm).with_table_id(nxm);
            let Ok((xid, message)) = Message::decode(protocol, bytes) else { continue };
            if let Ok(again) = message.encode(protocol, xid) {
                assert!(Message::decode(protocol, &again).is_ok(), "{message:?}");
            }
        }
    }
}

fn text(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let _ = parse_flow_mods(text, &NoNames);
    if let Ok(actions) = parse_actions(text, &NoNames) {
        let printed = ActionsDisplay::new(&actions).to_string();
        let again = parse_actions(&printed, &NoNames).expect("what is printed can be read");
        assert_eq!(ActionsDisplay::new(&again).to_string(), printed);
    }
}
