//! Messages in every version and form, decoded, printed and written again; connections; and text. The first byte chooses.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ovs_openflow::connection::Connection;
use ovs_openflow::text::{ActionsDisplay, NoNames, parse_actions, parse_flow_mods, print_message};
use ovs_openflow::{Message, PacketInFormat, Protocol, SUPPORTED, Version};

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

/// What is decoded and written is decoded to what is written the same. The header is put right for each version, unless
/// the first byte forbids it, so that bodies are reached.
fn messages(bytes: &[u8]) {
    let Some((&first, bytes)) = bytes.split_first() else { return };
    let mut bytes = bytes.to_vec();
    for version in Version::ALL {
        if let (Ok(length), [wire, _, high, low, _, _, _, _, ..], true) =
            (u16::try_from(bytes.len()), bytes.as_mut_slice(), first & 1 == 0)
        {
            *wire = version.wire();
            [*high, *low] = length.to_be_bytes();
        }
        print_message(&bytes, &NoNames);
        for (nxm, packet_in) in [(false, PacketInFormat::Standard), (true, PacketInFormat::Nxt)] {
            let protocol = Protocol::new(version).with_nxm(nxm).with_table_id(nxm).with_packet_in(packet_in);
            let Ok((xid, message)) = Message::decode(protocol, &bytes) else { continue };
            let Ok(once) = message.encode(protocol, xid) else { continue };
            let again = Message::decode(protocol, &once);
            let Ok((_, again)) = again else { panic!("{again:?} from {message:?}") };
            assert_eq!(again.encode(protocol, xid).as_ref(), Ok(&once), "{message:?} and {again:?}");
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
