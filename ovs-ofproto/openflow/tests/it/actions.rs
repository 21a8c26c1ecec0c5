//! Every action in every version that has it: our bytes of a text are those of `ovs-ofctl`, ours of its bytes are its
//! bytes, and both print the same text.

use ovs_openflow::text::ActionsDisplay;
use ovs_openflow::{Message, Version};

use crate::capture::{capture, parse_command};
use crate::ofctl;

const ACTIONS: &str = include_str!("flows/actions.txt");

/// The flows of a file for one version: each line is a first version, a last one, and a flow.
fn of_version(file: &'static str, version: Version) -> Vec<&'static str> {
    let wanted = 9 + version.wire();
    file.lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .filter_map(|line| {
            let mut parts = line.splitn(3, ' ');
            let (from, to) = (parts.next()?, parts.next()?);
            let has_v11 = !to.ends_with('x');
            let (from, to) = (from.parse::<u8>().ok()?, to.trim_end_matches('x').parse::<u8>().ok()?);
            let holds = (from..=to).contains(&wanted) && (has_v11 || wanted != 11);
            holds.then(|| parts.next()).flatten()
        })
        .collect()
}

#[test]
fn actions_have_their_bytes_and_their_text() {
    let Some(ofctl) = ofctl::find("actions_have_their_bytes_and_their_text") else { return };
    let (mut wrong, mut commands) = (Vec::new(), 0);
    for version in Version::ALL {
        let texts = of_version(ACTIONS, version);
        let received = capture(&ofctl, version, &["--no-names"], &texts);
        assert_eq!(received.len(), texts.len(), "{version}: one message a flow");
        let all: Vec<u8> = received.iter().flat_map(|got| got.bytes.clone()).collect();
        let printed = ofctl::parse(&ofctl, &all);
        let printed: Vec<&str> = printed.lines().filter(|l| l.contains("xid=")).collect();
        assert_eq!(printed.len(), texts.len(), "{version}: one line a message");
        commands += texts.len();
        for ((text, got), theirs) in texts.iter().zip(&received).zip(printed) {
            let again = Message::FlowMod(Box::new(got.flow.clone())).encode(got.protocol, got.xid);
            if again.as_deref() != Ok(&got.bytes) {
                wrong.push(format!(
                    "{version} {text}\n theirs {}\n again  {}",
                    hex(&got.bytes),
                    hex(again.as_deref().unwrap_or_default())
                ));
            }
            let parsed = parse_command(text).encode(got.protocol, got.xid);
            if parsed.as_deref() != Ok(&got.bytes) {
                wrong.push(format!(
                    "{version} {text}\n theirs {}\n parsed {}",
                    hex(&got.bytes),
                    hex(parsed.as_deref().unwrap_or_default())
                ));
            }
            let ours = ActionsDisplay::new(&got.flow.actions).to_string();
            let theirs = theirs.split_once("actions=").map_or("", |(_, actions)| actions);
            if theirs != ours {
                wrong.push(format!("{version} {text}\n theirs {theirs}\n ours   {ours}"));
            }
        }
    }
    eprintln!("{commands} commands");
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

/// From the actions on, more or less.
fn hex(bytes: &[u8]) -> String {
    let head = if bytes.first() == Some(&1) { 24 } else { 48 };
    bytes.iter().skip(head).fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}
