//! Random tables with groups and meters, and random packets: a translation ends within its limits, a second one says the
//! same, and packets that agree on the mask get the same actions.
#![no_main]

#[path = "ofproto/switch.rs"]
mod switch;
#[path = "ofproto/words.rs"]
mod words;

use libfuzzer_sys::fuzz_target;
use ovs_dpif::Action as DpAction;
use ovs_flow::text::{NoNames, parse_match};
use ovs_flow::{DpPort, FlowKey, Metadata, SparseKey, compose, extract_bytes};
use ovs_ofproto::trace::{NodeKind, Tracer, Unwatched};
use ovs_ofproto::translate::{Scratch, Translation, translate};
use ovs_ofproto::{ConnectionKind, FailMode};
use ovs_openflow::text::{parse_flow_mod, parse_group_mod, parse_meter_mod};
use ovs_openflow::{
    FlowModCommand, GroupModCommand, Hello, Message, MeterModCommand, Protocol, Version, VersionSet,
};
use switch::Small;
use words::Words;

/// Rules of an input.
const RULES: usize = 16;
/// Packets that are made of one.
const TWINS: usize = 4;
/// What a translation may do and say in all: lookups times the longest list, and buckets.
const WORK: usize = 1 << 20;
/// Actions that one may give.
const ACTIONS: usize = 1 << 16;

/// Counts what it is told.
struct Counter(usize);

impl Tracer for Counter {
    const ACTIVE: bool = true;

    fn report(&mut self, _: NodeKind, _: String) {
        self.0 += 1;
        assert!(self.0 < WORK, "endless");
    }

    fn open(&mut self, kind: NodeKind, text: String) {
        self.report(kind, text);
    }

    fn close(&mut self) {}
}

fuzz_target!(|data: &[u8]| {
    let mut words = Words::new(data);
    let mut small = Small::new(3, FailMode::Secure);
    load_names(&mut small, &mut words);
    for _ in 0..=words.below(RULES) {
        let text = words.flow();
        let Ok(change) = parse_flow_mod(FlowModCommand::Add, &text, &NoNames) else { continue };
        let _ = small.switch.bridge("br0").expect("the bridge").flow_mod(&change);
    }
    small.turn(2);
    let snapshot = small.switch.snapshot();
    let mut scratch = Scratch::new(&snapshot);
    let watched = words.below(16) == 0;
    for _ in 0..=words.below(3) {
        let (packet, metadata) = packet(&mut words);
        let key = key_of(&packet, &metadata);
        let first = translate(&snapshot, &key, None, &mut scratch, &mut Unwatched);
        assert!(count(&first.actions) < ACTIONS);
        let again = translate(&snapshot, &key, None, &mut scratch, &mut Unwatched);
        same(&key, &first, &key, &again);
        if watched {
            let told = translate(&snapshot, &key, None, &mut scratch, &mut Counter(0));
            same(&key, &first, &key, &told);
        }
        for _ in 0..TWINS {
            let (mut bytes, mut metadata) = (packet.clone(), metadata.clone());
            for _ in 0..=words.below(3) {
                let place = words.below(bytes.len());
                bytes[place] = words.byte();
            }
            metadata.mark ^= u32::from(words.byte() & 1);
            let twin = key_of(&bytes, &metadata);
            if first.mask.agree(&key, &twin) {
                let other = translate(&snapshot, &twin, None, &mut scratch, &mut Unwatched);
                same(&key, &first, &twin, &other);
            }
        }
    }
});

/// Groups and meters, by the way that controllers take.
fn load_names(small: &mut Small, words: &mut Words<'_>) {
    let connection = small
        .switch
        .open_connection("br0", ConnectionKind::Service, small.now)
        .expect("the first connection");
    let protocol = Protocol::new(Version::V13);
    let mut bytes = Vec::new();
    let mut say = |message: Message| {
        let _ = message.encode_into(protocol, 1, &mut bytes);
    };
    say(Message::Hello(Hello { versions: VersionSet::NONE.with(Version::V13) }));
    if let Ok(meter) = parse_meter_mod(MeterModCommand::Add, "meter=1,kbps,band=type=drop,rate=5") {
        say(Message::MeterMod(Box::new(meter)));
    }
    for id in 1..=words.below(4) {
        let text = words.group(id);
        if let Ok(group) = parse_group_mod(GroupModCommand::Add, &text, &NoNames) {
            say(Message::GroupMod(Box::new(group)));
        }
    }
    let _ = small.switch.feed(connection, &bytes);
    small.turn(2);
}

/// The bytes of a packet, and what the datapath says of it.
fn packet(words: &mut Words<'_>) -> (Vec<u8>, Metadata) {
    let key = parse_match(words.packet(), &NoNames).map(|m| m.key).unwrap_or_default();
    let mut bytes = compose(&key, 8);
    for _ in 0..words.below(4) {
        let place = words.below(bytes.len());
        bytes[place] = words.byte();
    }
    let mut metadata = Metadata::of_port(DpPort(words.below(4) as u32));
    (metadata.mark, metadata.priority) = (u32::from(words.byte() & 3), u32::from(words.byte() & 3));
    (bytes, metadata)
}

fn key_of(bytes: &[u8], metadata: &Metadata) -> FlowKey {
    let mut sparse = SparseKey::new();
    extract_bytes(bytes, 0, metadata, 2, &mut sparse);
    sparse.expand()
}

fn same(a: &FlowKey, first: &Translation, b: &FlowKey, second: &Translation) {
    assert_eq!(first.actions, second.actions, "{a:?}\n{b:?}");
    assert_eq!((first.slow, first.error), (second.slow, second.error), "{a:?}\n{b:?}");
}

fn count(list: &[DpAction]) -> usize {
    let inner = |action: &DpAction| match action {
        DpAction::Clone(list) => count(list),
        DpAction::CheckPktLen(check) => count(&check.greater) + count(&check.less_equal),
        _ => 0,
    };
    list.iter().map(|action| 1 + inner(action)).sum()
}
