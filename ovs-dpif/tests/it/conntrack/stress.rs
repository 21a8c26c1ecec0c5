//! Several workers and control at once on one table: nothing is doubled, nothing leaks, and control makes nobody wait.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use ovs_dpif::conntrack::{
    Conntrack, ConntrackConfig, CtAction, CtCursor, CtFilter, NatAction, NatRange, Refusal,
};
use ovs_dpif::ovs_flow::{CtMetadata, CtState};
use ovs_dpif::ovs_packet::edit::Ipv4;
use ovs_dpif::ovs_packet::{Packet, build};

use super::generate::Dice;

const NOW: Duration = Duration::from_secs(1);
const WORKERS: u64 = 3;
const STEPS: u64 = 30_000;

/// Conversations: two packets of each, one for each direction.
fn frames(kinds: &[&str]) -> Vec<[Vec<u8>; 2]> {
    kinds
        .iter()
        .map(|kind| {
            let (ahead, back) = kind.split_once(" < ").unwrap();
            [ahead, back].map(|text| build::frame(&format!("eth / {text}")).unwrap())
        })
        .collect()
}

fn from(frame: &[u8], client: u8) -> Packet {
    let mut packet = Packet::detached(frame).unwrap();
    let mut ip = Ipv4::of(&mut packet).unwrap();
    if ip.src()[3] == 1 {
        ip.set_src([10, 0, 0, client]);
    } else {
        ip.set_dst([10, 0, 0, client]);
    }
    packet
}

fn live(conntrack: &Conntrack) -> (u32, usize) {
    let (mut count, mut tuples, mut cursor) = (0, BTreeSet::new(), CtCursor::default());
    while conntrack.dump(&mut cursor, &CtFilter::default(), NOW, &mut |view| {
        count += 1;
        tuples.insert(*view.orig);
        tuples.insert(*view.reply);
    }) {}
    (count, tuples.len())
}

/// Workers commit and look up a few conversations over and over, while control flushes, sweeps and shows.
#[test]
fn workers_and_control_share_a_table() {
    let conntrack = Conntrack::new(&ConntrackConfig::default());
    let frames = frames(&[
        "ipv4 10.0.0.1 > 10.0.0.200 / udp 1 > 2 < ipv4 10.0.0.200 > 10.0.0.1 / udp 2 > 1",
        "ipv4 10.0.0.1 > 10.0.0.200 / icmp 8 0 id=7 < ipv4 10.0.0.200 > 10.0.0.1 / icmp 0 0 id=7",
        "ipv4 10.0.0.1 > 10.0.0.200 / tcp 1 > 2 flags=2 window=9000 < \
         ipv4 10.0.0.200 > 10.0.0.1 / tcp 2 > 1 flags=0x12 window=9000 ack=1",
    ]);
    let (done, shown) = (AtomicBool::new(false), AtomicU64::new(0));
    thread::scope(|scope| {
        let workers: Vec<_> = (0..WORKERS)
            .map(|seed| {
                let (conntrack, frames) = (conntrack.clone(), &frames);
                scope.spawn(move || {
                    let mut dice = Dice(seed);
                    for step in 0..STEPS {
                        // Some seconds in all: less than any connection lives.
                        let now = NOW + Duration::from_micros(200 * step);
                        let pair = &frames[dice.roll(frames.len() as u64) as usize];
                        let mut packet = from(&pair[dice.roll(2) as usize], 1 + dice.roll(20) as u8);
                        let zone = dice.roll(2) as u16;
                        let force = dice.chance(50);
                        let mark = dice.chance(4).then_some(ovs_dpif::Masked::exact(7));
                        let action = CtAction { commit: true, force, zone, mark, ..CtAction::default() };
                        let mut ct = CtMetadata::default();
                        conntrack.track(&mut packet, &mut ct, &action, now, 0);
                        assert!(CtState::from_bits_retain(ct.state).contains(CtState::TRK));
                    }
                })
            })
            .collect();
        scope.spawn(|| {
            let mut dice = Dice(99);
            while !done.load(Ordering::Relaxed) {
                match dice.roll(3) {
                    0 => {
                        let mut cursor = CtCursor::default();
                        while conntrack.flush(&mut cursor, &CtFilter::of_zone(dice.roll(2) as u16)) {}
                    }
                    1 => drop(conntrack.sweep(NOW, 100)),
                    _ => {
                        shown.fetch_add(live(&conntrack).0.into(), Ordering::Relaxed);
                    }
                }
            }
        });
        for worker in workers {
            worker.join().unwrap();
        }
        done.store(true, Ordering::Relaxed);
    });
    // What is there is there once, and is all that is counted.
    let (count, tuples) = live(&conntrack);
    assert_eq!(tuples, 2 * count as usize);
    assert_eq!(conntrack.len(), count);
    assert_eq!(conntrack.limit(0).count + conntrack.limit(1).count, count);
    conntrack.tidy();
    assert_eq!(conntrack.index_size().0, count as usize);
    let mut cursor = CtCursor::default();
    while conntrack.flush(&mut cursor, &CtFilter::default()) {}
    conntrack.tidy();
    assert_eq!((conntrack.len(), conntrack.index_size().0), (0, 0));
    // Places are lived in again and again.
    assert!(conntrack.places() < 256 * 64, "{}", conntrack.places());
}

/// Workers that want the same few ports at the same time get one each.
#[test]
fn no_translation_is_given_twice() {
    let conntrack = Conntrack::new(&ConntrackConfig::default());
    let address = [10, 9, 0, 1].into();
    let range =
        NatRange { addresses: Some((address, address)), ports: Some((5000, 5039)), ..NatRange::default() };
    let action = CtAction { commit: true, nat: Some(NatAction::Source(range)), ..CtAction::default() };
    let refused = AtomicU64::new(0);
    thread::scope(|scope| {
        for worker in 0..WORKERS as u8 {
            let (conntrack, action, refused) = (conntrack.clone(), action.clone(), &refused);
            scope.spawn(move || {
                for port in 0..20 {
                    let text = format!("eth / ipv4 10.0.0.{worker} > 10.0.0.200 / udp {} > 53", 1000 + port);
                    let mut packet = Packet::detached(&build::frame(&text).unwrap()).unwrap();
                    let tracked = conntrack.track(&mut packet, &mut CtMetadata::default(), &action, NOW, 0);
                    assert!(matches!(tracked.refused, None | Some(Refusal::NatExhausted)));
                    refused.fetch_add(tracked.refused.is_some().into(), Ordering::Relaxed);
                }
            });
        }
    });
    let mut replies = BTreeSet::new();
    let mut cursor = CtCursor::default();
    while conntrack.dump(&mut cursor, &CtFilter::default(), NOW, &mut |view| {
        assert!(replies.insert(*view.reply), "{:?} twice", view.reply);
    }) {}
    assert_eq!(replies.len() as u64 + refused.into_inner(), 20 * WORKERS);
    // A choice that is lost eight times over is given up; 40 ports are hardly ever lost all.
    assert!(replies.len() >= 30, "{}", replies.len());
}
