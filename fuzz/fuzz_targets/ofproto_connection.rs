//! Whatever a connection of a bridge says, the switch goes on: it holds no more than its limits, and forwards after it.
#![no_main]

#[path = "ofproto/switch.rs"]
mod switch;

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use ovs_ofproto::{ConnectionKind, FailMode};
use ovs_openflow::{Hello, Message, Protocol, Version, VersionSet};
use switch::{OUTPUT, Small};

fuzz_target!(|data: &[u8]| {
    let Some((&first, data)) = data.split_first() else { return };
    let mode = if first & 1 == 0 { FailMode::Standalone } else { FailMode::Secure };
    let mut small = Small::new(2, mode);
    let kind = [ConnectionKind::Controller, ConnectionKind::Service, ConnectionKind::Snoop]
        [usize::from(first >> 1) % 3];
    let connection = small.switch.open_connection("br0", kind, small.now).expect("the first connection");
    let version = [Version::V10, Version::V13, Version::V14][usize::from(first >> 3) % 3];
    let mut input = Vec::new();
    // Most inputs get past the hello, and have their messages' versions and lengths put right.
    if first & 0x80 == 0 {
        let hello = Message::Hello(Hello { versions: VersionSet::NONE.with(version) });
        input = hello.encode(Protocol::new(version), 1).expect("a hello");
        for chunk in data.chunks(64) {
            let mut message = chunk.to_vec();
            if message.len() >= 8 {
                message[0] = version.wire();
                message[2..4].copy_from_slice(&(chunk.len() as u16).to_be_bytes());
            }
            input.extend(message);
        }
    } else {
        input.extend(data);
    }
    for piece in input.chunks(200) {
        let _ = small.switch.feed(connection, piece);
        if let Some(p1) = small.dummies.handle("p1") {
            p1.receive([&[0xff; 6][..], &[2; 6], &[0x88, 0xb5], &[0; 46]].concat());
        }
        small.now += Duration::from_millis(50);
        small.turn(3);
        // A reply that is begun is finished: the limit may be passed by one, of which the features of all tables
        // are the longest.
        assert!(small.switch.pending_output(connection) <= OUTPUT + (1 << 19));
        if first & 0x40 != 0 {
            small.switch.take_output(connection, usize::MAX, &mut Vec::new());
        }
    }
    small.switch.close_connection(connection, small.now);
    small.turn(1);
    assert_eq!(small.switch.dpif().ledger().imbalance(), 0);
});
