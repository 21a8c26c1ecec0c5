//! Every kind of message in every version: what we write is read by us and by `ovs-ofctl`, and printed alike.

use ovs_openflow::text::{NoNames, print_message};
use ovs_openflow::{Message, StatsRequest, Version};

use crate::{ofctl, samples};

#[test]
fn messages_survive_the_wire() {
    for version in Version::ALL {
        for message in samples::messages(version) {
            let bytes = message.encode(version, 9).unwrap_or_else(|e| panic!("{version} {message:?}: {e}"));
            let (xid, again) = Message::decode(version.into(), &bytes)
                .unwrap_or_else(|e| panic!("{version} {message:?}: {e}\n{bytes:02x?}"));
            assert_eq!(xid, 9);
            assert_eq!(again.encode(version, 9).as_deref(), Ok(&bytes[..]), "{version} {message:?}");
            // Which fields a match leaves open is not told in every form.
            let exact = !matches!(
                message,
                Message::FlowMod(_)
                    | Message::BundleAdd(_)
                    | Message::PacketIn(_)
                    | Message::FlowRemoved(_)
                    | Message::Resume(_)
                    | Message::StatsRequest(StatsRequest::Flow(..))
            );
            if exact {
                assert_eq!(again, message, "{version}");
            }
        }
    }
}

#[test]
fn it_reads_every_message() {
    let Some(ofctl) = ofctl::find("it_reads_every_message") else { return };
    let (mut count, mut wrong) = (0, Vec::new());
    for version in Version::ALL {
        for message in samples::messages(version) {
            let bytes = message.encode(version, 9).expect("encodes");
            let text = ofctl::parse(&ofctl, &bytes);
            count += 1;
            if std::env::var_os("SHOW").is_some() {
                eprintln!("@@ {version} {}\n{text}", message.name());
            }
            let ours = print_message(&bytes, &NoNames);
            if text.trim() != ours.trim() {
                wrong.push(format!("{version} {}\n--- theirs\n{text}\n--- ours\n{ours}", message.name()));
            }
            if text.contains("***") || !text.contains("xid=0x9") {
                wrong.push(format!("{version} {message:?}\n{text}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {count}:\n{}", wrong.len(), wrong.join("\n"));
}

/// What `ovn-controller` sends back of a packet whose question it has answered; the packet's bytes are left out here.
const RESUMED: &str = "\
    06 04 00 b8 00 00 00 00 00 00 23 20 00 00 00 1c \
    00 00 00 04 00 00 00 00 \
    00 03 00 05 00 00 00 00 \
    00 04 00 10 00 00 00 00 00 00 00 00 9f e3 b6 3d \
    00 05 00 05 01 00 00 00 \
    00 06 00 60 80 00 00 04 00 00 00 02 80 01 01 10 00 00 00 10 00 00 00 00 00 00 00 10 00 00 00 00 \
    80 01 0b 10 00 00 00 00 00 00 00 06 00 00 00 00 ff ff ff ff 80 01 0c 08 00 00 00 02 00 00 00 07 \
    80 01 0f 10 00 00 00 02 00 00 00 00 ff ff ff ff 00 00 00 00 80 00 04 08 00 00 00 00 00 00 00 01 \
    00 08 00 20 00 00 00 00 80 00 00 14 8c 2e cf 96 21 70 20 1d 48 99 30 22 47 0d 85 6c 00 00 00 00";

#[test]
fn a_resumed_packet_is_read_as_ovn_writes_it() {
    let bytes: Vec<u8> =
        RESUMED.split_whitespace().map(|byte| u8::from_str_radix(byte, 16).expect("two digits")).collect();
    let (_, message) = Message::decode(Version::V15.into(), &bytes).expect("a whole message");
    let Message::Resume(packet) = &message else { panic!("{message:?}") };
    assert_eq!((packet.cookie, packet.continuation.len()), (0x9fe3_b63d, 24));
    let text = print_message(&bytes, &NoNames);
    assert!(
        text.contains("reg0=0x10/0x10,reg11=0x6,reg12=0x2,reg13=0x7,reg14=0x2,metadata=0x1,in_port=2"),
        "{text}"
    );
    assert_eq!(message.encode(Version::V15, 0).as_deref(), Ok(&bytes[..]));
}
