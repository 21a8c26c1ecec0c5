//! Batches against packets one by one.

use std::time::Duration;

use ovs_dpif::conntrack::{
    Conntrack, ConntrackConfig, CtAction, CtCursor, CtFilter, CtTurn, Helper, NatAction, NatRange, NatSelect,
    Tracked,
};
use ovs_dpif::ovs_flow::hash::HashKey;
use ovs_dpif::ovs_flow::{DpPort, FlowKey, FlowMask, Metadata, SparseKey, Ufid};
use ovs_dpif::ovs_packet::Packet;
use ovs_dpif::text::DisplayConnection;
use ovs_dpif::{Action, Actions, Install, Masked, SetField, UserspaceConfig, Verdict};
use proptest::prelude::*;

use super::generate::{Dice, Talk};
use super::ours::Ours;
use super::pipelines::{PIPELINES, actions, version};
use crate::rig::{Factory, Rig, Script};

/// An action of any kind.
fn action(dice: &mut Dice) -> CtAction {
    let source = NatRange {
        addresses: Some(([10, 9, 0, 1].into(), [10, 9, 0, 2].into())),
        ports: Some((5000, 5002)),
        select: if dice.chance(2) { NatSelect::Random } else { NatSelect::Hash },
        ..NatRange::default()
    };
    let look = CtAction { zone: dice.roll(2) as u16, ..CtAction::default() };
    let commit = CtAction { commit: true, ..look.clone() };
    match dice.roll(10) {
        0..=2 => look,
        3..=4 => commit,
        5 => CtAction { mark: Some(Masked::exact(dice.roll(3) as u32)), ..commit },
        6 => CtAction { label: Some(Masked::exact([dice.roll(3) as u8; 16])), ..commit },
        7 => CtAction { nat: Some(NatAction::Existing), ..if dice.chance(2) { look } else { commit } },
        8 => CtAction { nat: Some(NatAction::Source(source)), ..commit },
        _ if dice.chance(2) => CtAction { force: true, ..commit },
        _ => CtAction { helper: Some(Helper::Ftp), ..commit },
    }
}

fn dump(tracker: &Conntrack, now: Duration) -> Vec<String> {
    let (mut cursor, mut lines) = (CtCursor::default(), Vec::new());
    while tracker.dump(&mut cursor, &CtFilter::default(), now, &mut |view| {
        lines.push(DisplayConnection { view: &view, more: true, times: true }.to_string());
    }) {}
    lines.sort();
    lines
}

/// Packets of two conversations or three, each of which comes more than once.
fn batch(dice: &mut Dice, talks: &mut [Talk]) -> Vec<Packet> {
    let count = 1 + dice.roll(40) as usize;
    let mut frames: Vec<Vec<u8>> = Vec::new();
    while frames.len() < count {
        if dice.chance(3) && !frames.is_empty() {
            frames.push(frames[dice.roll(frames.len() as u64) as usize].clone());
            continue;
        }
        let talk = dice.roll(talks.len() as u64) as usize;
        let (side, frame) = talks[talk].next(dice);
        talks[talk].take(1 - side, &frame);
        frames.push(frame);
    }
    frames.iter().map(|frame| Packet::detached(frame).unwrap()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// What a batch is told, what becomes of its packets, and what is remembered, is as if they came one by one.
    #[test]
    fn a_batch_is_tracked_as_its_packets_one_by_one(seed in any::<u64>()) {
        let mut dice = Dice(seed);
        let trackers = [(); 2].map(|()| Conntrack::new(&ConntrackConfig::default().max_connections(12)));
        let mut talks: Vec<Talk> = (0..3).map(|_| Talk::new(&mut dice, 1, None, 0)).collect();
        let mut now = Duration::from_secs(1);
        for _ in 0..12 {
            let mut packets = batch(&mut dice, &mut talks);
            let mut others: Vec<Packet> =
                packets.iter().map(|packet| Packet::detached(packet.data()).unwrap()).collect();
            let count = packets.len();
            let mut metadata = vec![Metadata::of_port(DpPort(1)); count];
            let mut expected = metadata.clone();
            // Twice, the second time with what the first has said.
            for _ in 0..2 {
                let actions: Vec<CtAction> = (0..2).map(|_| action(&mut dice)).collect();
                let turns: Vec<_> = (0..count)
                    .map(|_| {
                        let turn = CtTurn { action: &actions[dice.roll(2) as usize], random: dice.roll(1 << 32) as u32 };
                        (!dice.chance(10)).then_some(turn)
                    })
                    .collect();
                let mut tracked = vec![Tracked::default(); count];
                let before: Vec<Vec<u8>> = packets.iter().map(|packet| packet.data().to_vec()).collect();
                trackers[0].track_batch(&mut packets, &mut metadata, &turns, now, &mut tracked);
                for (i, turn) in turns.iter().enumerate() {
                    let one = turn.map_or(Tracked::default(), |CtTurn { action, random }| {
                        trackers[1].track(&mut others[i], &mut expected[i].ct, action, now, random)
                    });
                    prop_assert_eq!(tracked[i], one, "packet {} {:?}", i, turn);
                    prop_assert_eq!(&metadata[i], &expected[i], "packet {} {:?}", i, turn);
                    prop_assert_eq!(packets[i].data(), others[i].data());
                    prop_assert!(one.rewritten || packets[i].data() == before[i]);
                }
            }
            let [a, b] = trackers.each_ref().map(|tracker| (dump(tracker, now), tracker.stats()));
            prop_assert_eq!(a, b);
            now += Duration::from_millis(dice.roll(40_000));
        }
    }

    /// A datapath that hits megaflows by whole batches does what one does that asks for each packet. Packets of one
    /// conversation that come together go through the tracker once, for the second time they do is behind the first time of all, and
    /// hit one megaflow, for those that hit another may overtake those that wait for theirs.
    #[test]
    fn datapaths_agree_on_batches(seed in any::<u64>()) {
        let mut dice = Dice(seed);
        let config = UserspaceConfig::default().seed(1).flow_limit(10_000).cache(64, 1);
        let (mut naive, mut ours) = (Ours::new(Rig::naive()), Ours::new(Rig::configured(config, 1)));
        // Megaflows of whole conversations, whose packets say by which one they went; or of all.
        let narrow = dice.chance(2);
        for (side, installs) in [(&mut naive, false), (&mut ours, true)] {
            let script = Script::new(move |upcall| answer(upcall.key, narrow, installs));
            side.rig.dpif.set_handler(std::sync::Arc::new(Factory(script)));
            side.rig.settle();
        }
        // Many of one kind, or of all kinds.
        let kind = dice.roll(PIPELINES.len() as u64) as usize;
        let mixed = dice.chance(2);
        let mut talks: Vec<Talk> = (1..=10)
            .map(|zone| {
                let pipeline = if mixed { dice.roll(PIPELINES.len() as u64) as usize } else { kind };
                Talk::new(&mut dice, pipeline, version(pipeline), zone)
            })
            .collect();
        for _ in 0..15 {
            let mut frames: [Vec<Vec<u8>>; 2] = Default::default();
            for talk in &mut talks {
                let most = if PIPELINES[talk.pipeline].len() == 1 && !narrow { 3 } else { 1 };
                for _ in 0..=dice.roll(most) {
                    let (side, frame) = talk.next(&mut dice);
                    frames[side].push(frame);
                    if most == 1 {
                        break;
                    }
                }
            }
            for (side, frames) in frames.iter().enumerate() {
                let mut expected = naive.through(side + 1, frames);
                let mut got = ours.together(side + 1, frames);
                for frame in &expected {
                    let zone = u16::from_be_bytes([frame[4], frame[5]]);
                    talks.iter_mut().filter(|talk| talk.zone == zone).for_each(|talk| talk.take(1 - side, frame));
                }
                expected.sort();
                got.sort();
                prop_assert_eq!(&got, &expected);
            }
        }
        for zone in 1..=10 {
            prop_assert_eq!(naive.dump(zone), ours.dump(zone));
        }
    }
}

/// What the pipelines do with a packet, and with all that have in common with it what they look at. If that is to be `narrow`, they
/// look at addresses and ports too, those of the connection's original direction included, and write what they see into
/// the packet.
fn answer(key: &FlowKey, narrow: bool, installs: bool) -> Verdict {
    let mut mask = FlowMask::default();
    let fields = &mut mask.fields;
    (fields.in_port, fields.recirc_id, fields.dl_type) = (u32::MAX, u32::MAX, 0xffff.into());
    (fields.ct_state, fields.ct_mark, fields.ct_label) = (u8::MAX, u32::MAX, [0xff; 16]);
    fields.dl_dst = [0xff; 6];
    if narrow {
        let whole = u32::MAX.into();
        (fields.nw_src, fields.nw_dst, fields.ct_nw_src, fields.ct_nw_dst) = (whole, whole, whole, whole);
        (fields.ipv6_src, fields.ipv6_dst) = ([0xff; 16], [0xff; 16]);
        (fields.ct_ipv6_src, fields.ct_ipv6_dst) = ([0xff; 16], [0xff; 16]);
        let whole = u16::MAX.into();
        (fields.tp_src, fields.tp_dst, fields.ct_tp_src, fields.ct_tp_dst) = (whole, whole, whole, whole);
        (fields.ct_zone, fields.ct_nw_proto) = (u16::MAX, u8::MAX);
    }
    let seen = HashKey::from_seed(1).masked(&SparseKey::from(key), &mask);
    let mut actions = actions(key);
    if narrow && matches!(actions.last(), Some(Action::Output(_))) {
        let [a, b, c, ..] = seen.to_be_bytes();
        let src = Masked::new([a, b, c, 0, 0, 0], [0xff, 0xff, 0xff, 0, 0, 0]);
        actions.insert(0, Action::Set(SetField::Ethernet { src, dst: Masked::NONE }));
    }
    let actions: Actions = actions.into();
    let ufid = Ufid(seen.into());
    let install = installs.then(|| Install { ufid, mask: Box::new(mask), actions: actions.clone() });
    Verdict::Forward { actions, install }
}
