//! The same conversations through the distribution's Open vSwitch and ours: what comes out, byte for byte, and what is known
//! of the connections afterwards.

use std::collections::BTreeMap;
use std::time::Duration;

use ovs_dpif::conntrack::{CtCursor, CtFilter};
use ovs_dpif::ovs_flow::CtState;

use super::cut::{Order, is_later};
use super::generate::{Dice, Talk};
use super::ours::Ours;
use super::peer::{END, Peer, hex};
use super::pipelines::{PIPELINES, helper, openflow, translates, version};
use crate::rig::Rig;

/// Conversations that are held side by side.
const ABREAST: usize = 32;
/// Packets of each.
const STEPS: usize = 14;

/// What came out of a side, by zone, which is the conversation.
fn by_zone(frames: Vec<Vec<u8>>) -> BTreeMap<u16, Vec<Vec<u8>>> {
    let mut zones: BTreeMap<u16, Vec<Vec<u8>>> = BTreeMap::new();
    for frame in frames.into_iter().filter(|frame| frame[12..14] != END) {
        zones.entry(u16::from_be_bytes([frame[4], frame[5]])).or_default().push(frame);
    }
    zones
}

/// A frame, but an ICMPv6 error without its checksum and what it complains about: when it translates those, the original of 3.1
/// corrects a TCP checksum twice, or writes one over an address. (Ours makes of it what was sent,
/// `properties::errors_complain_about_what_was_sent`.)
fn blurred(frame: &[u8]) -> &[u8] {
    let error = frame[12..14] == [0x86, 0xdd]
        && frame.get(20) == Some(&58)
        && frame.get(54).is_some_and(|kind| *kind < 128);
    if error { &frame[..56] } else { frame }
}

/// Frames as hex, none of them longer than a line or two.
fn shown(frames: &[Vec<u8>]) -> Vec<String> {
    frames.iter().map(|frame| format!("{} {}", frame.len(), hex(&frame[..frame.len().min(160)]))).collect()
}

struct Lab {
    ours: Ours,
    peer: Peer,
    seen: Coverage,
}

/// What came out of the pipelines, and how often.
#[derive(Default)]
struct Coverage {
    /// States, which a frame has in its last byte of the Ethernet source.
    states: BTreeMap<u8, u32>,
    /// IP protocols, by version.
    protocols: BTreeMap<(bool, u8), u32>,
    /// Pipelines of packets that were translated, by what was.
    translations: BTreeMap<(usize, &'static str), u32>,
    /// Datagrams that came in pieces, by how.
    cut: BTreeMap<Order, u32>,
    /// States of TCP connections in dumps, both sides'.
    tcp: BTreeMap<String, u32>,
}

impl Coverage {
    fn note(&mut self, pipeline: usize, frame: &[u8]) {
        let state = frame[11];
        *self.states.entry(state).or_default() += 1;
        let v6 = frame[12..14] == [0x86, 0xdd];
        if let Some(protocol) = frame.get(if v6 { 20 } else { 23 }) {
            *self.protocols.entry((v6, *protocol)).or_default() += 1;
        }
        for (bit, what) in [(CtState::SNAT, "source"), (CtState::DNAT, "destination")] {
            if CtState::from_bits_retain(state).contains(bit) {
                *self.translations.entry((pipeline, what)).or_default() += 1;
            }
        }
    }

    fn note_cut(&mut self, talk: &Talk) {
        if let Some(order) = talk.cut.1 {
            *self.cut.entry(order).or_default() += 1;
        }
    }

    fn note_dump(&mut self, lines: &[String]) {
        for word in lines.iter().flat_map(|line| line.split([',', '('])) {
            if word.starts_with("state_orig=") || word.starts_with("state_reply=") {
                *self.tcp.entry(word.to_owned()).or_default() += 1;
            }
        }
    }

    fn shown(&self) -> String {
        let states: Vec<_> = self.states.iter().map(|(s, n)| (CtState::from_bits_retain(*s), n)).collect();
        let Self { protocols, translations, tcp, cut, .. } = self;
        format!(
            "states {states:?}\nprotocols {protocols:?}\ntranslations {translations:?}\ntcp {tcp:?}\nin pieces {cut:?}"
        )
    }

    /// Fails where something that there is was not reached.
    fn check(&self) {
        for bit in [
            CtState::NEW,
            CtState::EST,
            CtState::REL,
            CtState::RPL,
            CtState::INV,
            CtState::TRK,
            CtState::SNAT,
            CtState::DNAT,
        ] {
            let reached = self.states.keys().any(|state| CtState::from_bits_retain(*state).contains(bit));
            assert!(reached, "{bit:?} was not reached");
        }
        for protocol in [(false, 1), (false, 6), (false, 17), (false, 47), (true, 58), (true, 6), (true, 17)]
        {
            assert!(self.protocols.contains_key(&protocol), "{protocol:?} was not reached");
        }
        for pipeline in (0..PIPELINES.len()).filter(|p| translates(*p) && helper(*p).is_none()) {
            for what in ["source", "destination"] {
                assert!(
                    self.translations.contains_key(&(pipeline, what)),
                    "{what} of {pipeline} was not reached"
                );
            }
        }
        for state in ["CLOSED", "SYN_SENT", "ESTABLISHED", "CLOSING", "FIN_WAIT_2", "TIME_WAIT"] {
            for side in ["orig", "reply"] {
                // The side that begins has sent something.
                let impossible = (side, state) == ("orig", "CLOSED");
                let name = format!("state_{side}={state}");
                assert!(impossible || self.tcp.contains_key(&name), "{name} was not reached");
            }
        }
    }
}

impl Lab {
    /// Lets conversations go on by one packet each. Gives what differs.
    fn step(&mut self, talks: &mut [Talk], dice: &mut Dice, history: &mut [Vec<String>]) {
        let mut batches = [Vec::new(), Vec::new()];
        let mut inputs = BTreeMap::new();
        for talk in talks.iter_mut() {
            let (side, frames) = talk.send(dice);
            self.seen.note_cut(talk);
            inputs.insert(talk.zone, (side, frames.clone()));
            batches[side].extend(frames);
        }
        for (side, batch) in batches.iter().enumerate() {
            let ours = by_zone(self.ours.through(side + 1, batch));
            let theirs = by_zone(self.peer.through(side + 1, batch));
            for (talk, history) in talks.iter_mut().zip(history.iter_mut()) {
                let Some((_, input)) = inputs.get(&talk.zone).filter(|(from, _)| *from == side) else {
                    continue;
                };
                history.push(format!("p{} {:?}", side + 1, shown(input)));
                let of = |out: &BTreeMap<u16, Vec<Vec<u8>>>| out.get(&talk.zone).cloned().unwrap_or_default();
                let (mut our, mut their) = (of(&ours), of(&theirs));
                if talk.cut.1.is_some() {
                    // Where a batch of the original ends between pieces, they change places.
                    our.sort();
                    their.sort();
                }
                let same =
                    |(our, their): (&Vec<u8>, &Vec<u8>)| our == their || blurred(our) == blurred(their);
                assert!(
                    our.len() == their.len() && our.iter().zip(&their).all(same),
                    "pipeline {} {:#?} {:?}\n  ours {:#?}\ntheirs {:#?}",
                    talk.pipeline,
                    history,
                    talk.cut,
                    shown(&our),
                    shown(&their)
                );
                for frame in &our {
                    self.seen.note(talk.pipeline, frame);
                }
                if let Some(frame) = our.iter().find(|frame| !is_later(frame)) {
                    talk.take(1 - side, frame);
                }
            }
        }
    }

    /// Forgets everything.
    fn clear(&mut self, pieces: bool) {
        if pieces {
            self.ours.pass(Duration::from_secs(61));
            self.peer.command("time/warp", &["61000"]);
            // What comes next takes along what is over.
            for port in [1, 2] {
                self.peer.through(port, &[]);
            }
        }
        let flushed = self.peer.command("dpctl/flush-conntrack", &[]);
        assert_eq!(flushed, "");
        let conntrack = self.ours.rig.dpif.conntrack().unwrap();
        let mut cursor = CtCursor::default();
        while conntrack.flush(&mut cursor, &CtFilter::default()) {}
    }

    fn compare(&mut self, talk: &Talk, history: &[String]) {
        let zone = format!("zone={}", talk.zone);
        let theirs = self.peer.command("dpctl/dump-conntrack", &["-m", "-s", &zone]);
        let mut theirs: Vec<String> =
            theirs.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect();
        theirs.sort();
        let ours = self.ours.dump(talk.zone);
        self.seen.note_dump(&ours);
        assert!(
            ours == theirs,
            "pipeline {} {history:#?}\n  ours {ours:#?}\ntheirs {theirs:#?}",
            talk.pipeline
        );
    }
}

#[test]
fn conversations_are_tracked_as_the_original_does() {
    compare("random", 480, |pipeline| helper(pipeline).is_none(), Coverage::check);
}

#[test]
fn helped_conversations_are_tracked_as_the_original_does() {
    compare("helped", 96, |pipeline| helper(pipeline).is_some(), |_| {});
}

/// Holds conversations on some pipelines, `CT_SEQUENCES` of them or as many as are usual.
fn compare(name: &str, usual: u64, chosen: fn(usize) -> bool, check: fn(&Coverage)) {
    let Some(peer) = Peer::start(name, &openflow()) else { return };
    let number =
        |name: &str, default| std::env::var(name).ok().and_then(|n| n.parse().ok()).unwrap_or(default);
    let (sequences, seed) = (number("CT_SEQUENCES", usual) as usize, number("CT_SEED", 1));
    let mut lab = Lab { ours: Ours::new(Rig::userspace()), peer, seen: Coverage::default() };
    let mut dice = Dice(seed);
    let mut done = 0;
    while done < sequences {
        // Connections that are translated must not be over before they are compared: in the original of 3.1 their ports are
        // free only once a thread of its own has swept them.
        let translating = done / ABREAST % 2 == 1;
        let fit: Vec<usize> =
            (0..PIPELINES.len()).filter(|p| chosen(*p) && translates(*p) == translating).collect();
        // Twice each with short packets and with long ones.
        let long = done / ABREAST % 4 >= 2;
        let mut talks: Vec<Talk> = (0..ABREAST)
            .map(|at| {
                let pipeline = fit[at % fit.len()];
                let talk = Talk::new(&mut dice, pipeline, version(pipeline), (done + at) as u16).compared();
                if long { talk.long() } else { talk }
            })
            .collect();
        // Pieces must not be over either: the original sends them on then, as invalid. What was announced counts once here, and in
        // the original while the connection lives that announced it: data must not be over.
        let helped = fit.iter().any(|pipeline| helper(*pipeline).is_some());
        let mut left = match (long || helped, translating) {
            (true, _) => 10_500,
            (false, true) => 20_000,
            (false, false) => u64::MAX,
        };
        let mut history = vec![Vec::new(); ABREAST];
        for _ in 0..STEPS {
            lab.step(&mut talks, &mut dice, &mut history);
            if dice.chance(5) {
                let millis = [500, 10_000, 31_000, 61_000][dice.roll(4) as usize];
                if millis > left {
                    continue;
                }
                left -= millis;
                lab.ours.pass(Duration::from_millis(millis));
                lab.peer.command("time/warp", &[&millis.to_string()]);
                for history in &mut history {
                    history.push(format!("{millis} ms pass"));
                }
            }
        }
        for (talk, history) in talks.iter().zip(&history) {
            lab.compare(talk, history);
        }
        lab.clear(long);
        done += ABREAST;
    }
    eprintln!("{done} conversations of {STEPS} packets\n{}", lab.seen.shown());
    check(&lab.seen);
}
