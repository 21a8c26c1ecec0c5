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
