//! What holds for any packets, without a peer.

use std::time::Duration;

use ovs_dpif::conntrack::{
    Conntrack, ConntrackConfig, CtAction, CtCursor, CtFilter, NatAction, NatRange, Refusal,
};
use ovs_dpif::ovs_flow::{CtMetadata, CtState};
use ovs_dpif::ovs_packet::{Offload, Packet, build};
use proptest::prelude::*;

use super::generate::{Dice, Talk};
use super::ours::Ours;
use super::pipelines::{PIPELINES, version};
use crate::rig::Rig;

const NOW: Duration = Duration::from_secs(1);

fn commit(zone: u16) -> CtAction {
    CtAction { commit: true, zone, ..CtAction::default() }
}

fn udp(client: u8, port: u16) -> Packet {
    Packet::detached(
        &build::frame(&format!("eth / ipv4 10.0.0.{client} > 10.0.0.100 / udp {port} > 53")).unwrap(),
    )
    .unwrap()
}

fn state(ct: &CtMetadata) -> CtState {
    CtState::from_bits_retain(ct.state)
}

/// All connections, as text.
fn count(tracker: &Conntrack, filter: &CtFilter, now: Duration) -> usize {
    let (mut cursor, mut count) = (CtCursor::default(), 0);
    while tracker.dump(&mut cursor, filter, now, &mut |_| count += 1) {}
    count
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// What one zone says of a packet does not depend on what others have seen.
    #[test]
    fn zones_know_nothing_of_each_other(seed in any::<u64>(), zones in 1_u16..5) {
        let (mut alone, mut crowd) = (Ours::new(Rig::userspace()), Ours::new(Rig::userspace()));
        let mut dice = Dice(seed);
        let pipeline = dice.roll(PIPELINES.len() as u64) as usize;
        let mut talk = Talk::new(&mut dice, pipeline, version(pipeline), 0);
        for _ in 0..20 {
            let (side, frame) = talk.next(&mut dice);
            let expected = alone.through(side + 1, std::slice::from_ref(&frame));
            for zone in 1..=zones {
                // The same packet, and now and then not.
                let mut other = frame.clone();
                other[4..6].copy_from_slice(&zone.to_be_bytes());
                if !dice.chance(3) {
                    crowd.through(side + 1, &[other]);
                }
            }
            let got = crowd.through(side + 1, &[frame]);
            prop_assert_eq!(&got, &expected);
            if let Some(out) = got.first() {
                talk.take(1 - side, out);
            }
        }
        prop_assert_eq!(alone.dump(0), crowd.dump(0));
    }

    /// Both datapaths, and one with several workers, do the same.
    #[test]
    fn datapaths_agree(seed in any::<u64>()) {
        let mut all = [Ours::new(Rig::naive()), Ours::new(Rig::userspace())];
        let mut dice = Dice(seed);
        let pipeline = dice.roll(PIPELINES.len() as u64) as usize;
        let mut talk = Talk::new(&mut dice, pipeline, version(pipeline), 9);
        for _ in 0..20 {
            let (side, frame) = talk.next(&mut dice);
            let [a, b] = &mut all;
            let (a, b) = (a.through(side + 1, std::slice::from_ref(&frame)), b.through(side + 1, &[frame]));
            prop_assert_eq!(&a, &b);
            a.first().into_iter().for_each(|out| talk.take(1 - side, out));
        }
        prop_assert_eq!(all[0].dump(9), all[1].dump(9));
    }

    /// No bytes make it panic, and every count is of what is there.
    #[test]
    fn any_bytes_are_taken(packets in prop::collection::vec((prop::collection::vec(any::<u8>(), 0..90), 0_u16..3, any::<u8>()), 1..60)) {
        let tracker = Conntrack::new(&ConntrackConfig::default());
        let mut now = NOW;
        for (bytes, zone, choice) in packets {
            let mut frame = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0];
            frame.extend(&bytes);
            if choice & 1 == 0 && bytes.len() >= 20 {
                frame[14] = 0x45;
                frame[16..18].copy_from_slice(&(bytes.len() as u16).to_be_bytes());
                (frame[20], frame[21], frame[23]) = (0, 0, [1, 6, 17, 132][usize::from(choice >> 1 & 3)]);
            }
            let mut packet = Packet::detached(&frame).unwrap();
            // What was said by a device is believed: garbage gets further in.
            packet.facts_mut().offload = Offload::CSUM_VALID;
            let mut action = commit(zone);
            action.nat = (choice & 8 != 0).then_some(NatAction::Source(NatRange {
                addresses: Some(([10, 9, 0, 1].into(), [10, 9, 0, 3].into())),
                ports: (choice & 16 != 0).then_some((5000, 5001)),
                ..NatRange::default()
            }));
            let mut ct = CtMetadata::default();
            tracker.track(&mut packet, &mut ct, &action, now, 3);
            prop_assert!(state(&ct).contains(CtState::TRK));
            let states = [CtState::NEW, CtState::EST, CtState::INV, CtState::REL];
            prop_assert!(states.iter().any(|one| state(&ct).contains(*one)), "{:?}", state(&ct));
            now += Duration::from_secs(u64::from(choice % 7));
        }
        let zones = (0..3).map(|zone| count(&tracker, &CtFilter::of_zone(zone), now)).sum::<usize>();
        prop_assert_eq!(zones, count(&tracker, &CtFilter::default(), now));
        tracker.sweep(now, u32::MAX);
        prop_assert_eq!(tracker.len() as usize, zones);
        let mut cursor = CtCursor::default();
        while tracker.flush(&mut cursor, &CtFilter::default()) {}
        tracker.tidy();
        prop_assert_eq!((tracker.len(), tracker.index_size().0), (0, 0));
    }
}

#[test]
fn errors_complain_about_what_was_sent() {
    let translations = [
        ("ipv4 10.0.0.1 > 10.0.0.100", "10.0.0.100", "10.9.0.1", 20),
        ("ipv6 fd00::1 > fd00::100", "fd00::100", "fd00::9", 40),
    ];
    for (ip, router, address, header) in translations {
        let sent = build::frame(&format!("eth / {ip} / tcp 1000 > 80 flags=2 / 40")).unwrap();
        let tracker = Conntrack::new(&ConntrackConfig::default());
        let address = address.parse().unwrap();
        let range = NatRange {
            addresses: Some((address, address)),
            ports: Some((7000, 7000)),
            ..NatRange::default()
        };
        let action = CtAction { nat: Some(NatAction::Source(range)), ..commit(1) };
        let mut packet = Packet::detached(&sent).unwrap();
        tracker.track(&mut packet, &mut CtMetadata::default(), &action, NOW, 0);
        assert_ne!(packet.data(), &sent[..]);
        let inner = packet.data()[14..].to_vec();
        let mut error = error_about(&inner, router, address);
        let mut ct = CtMetadata::default();
        let action = CtAction { nat: Some(NatAction::Existing), zone: 1, ..CtAction::default() };
        tracker.track(&mut error, &mut ct, &action, NOW, 0);
        assert!(state(&ct).contains(CtState::REL | CtState::RPL | CtState::DNAT), "{:?}", state(&ct));
        assert_eq!(error.data()[14 + header + 8..], sent[14..]);
    }
}

/// An ICMP error from `src` to `dst` about a packet.
fn error_about(inner: &[u8], src: &str, dst: std::net::IpAddr) -> Packet {
    use ovs_dpif::ovs_packet::checksum::{Sum, internet, pseudo_v6};
    use ovs_dpif::ovs_packet::wire::IpProtocol;
    let frame = if dst.is_ipv6() {
        format!("eth / ipv6 {src} > {dst} / icmpv6 1 0 / {}", inner.len())
    } else {
        format!("eth / ipv4 {src} > {dst} / icmp 3 0 / {}", inner.len())
    };
    let mut frame = build::frame(&frame).unwrap();
    let l4 = 14 + if dst.is_ipv6() { 40 } else { 20 };
    frame.truncate(l4 + 8);
    frame.extend(inner);
    frame[l4 + 2..l4 + 4].fill(0);
    let sum = if dst.is_ipv6() {
        let address = |at: usize| frame[at..at + 16].try_into().unwrap();
        let length = (frame.len() - l4) as u32;
        pseudo_v6(address(22), address(38), IpProtocol::ICMPV6, length).and(Sum::of(&frame[l4..])).checksum()
    } else {
        internet(&frame[l4..])
    };
    frame[l4 + 2..l4 + 4].copy_from_slice(&sum.to_be_bytes());
    Packet::detached(&frame).unwrap()
}

#[test]
fn limits_refuse_by_name() {
    let conntrack = Conntrack::new(&ConntrackConfig::default().max_connections(5));
    conntrack.set_limit(1, 2);
    let commit = |zone, port| {
        let mut ct = CtMetadata::default();
        let refused = conntrack.track(&mut udp(1, port), &mut ct, &commit(zone), NOW, 0).refused;
        assert_eq!(state(&ct), CtState::NEW | CtState::TRK);
        refused
    };
    assert_eq!([1, 2, 3].map(|port| commit(1, port)), [None, None, Some(Refusal::ZoneFull)]);
    assert_eq!([1, 2, 3, 4].map(|port| commit(2, port)), [None, None, None, Some(Refusal::Full)]);
    assert_eq!((conntrack.len(), conntrack.limit(1).count, conntrack.limit(2).count), (5, 2, 3));
    let stats = conntrack.stats();
    assert_eq!((stats.created, stats.full, stats.zone_full), (5, 1, 1));
    let mut cursor = CtCursor::default();
    while conntrack.flush(&mut cursor, &CtFilter::of_zone(1)) {}
    assert_eq!((conntrack.len(), conntrack.limit(1).count), (3, 0));
}

#[test]
fn exhausted_ports_refuse_by_name() {
    let tracker = Conntrack::new(&ConntrackConfig::default());
    let address = [10, 9, 0, 1].into();
    let range =
        NatRange { addresses: Some((address, address)), ports: Some((5000, 5002)), ..NatRange::default() };
    let action = CtAction { nat: Some(NatAction::Source(range)), ..commit(1) };
    let mut seen = Vec::new();
    for client in 1..=4 {
        let mut packet = udp(client, 999);
        let tracked = tracker.track(&mut packet, &mut CtMetadata::default(), &action, NOW, 0);
        if client < 4 {
            assert_eq!(tracked.refused, None);
            seen.push(u16::from_be_bytes([packet.data()[34], packet.data()[35]]));
        } else {
            assert_eq!(tracked.refused, Some(Refusal::NatExhausted));
        }
    }
    seen.sort_unstable();
    assert_eq!(seen, [5000, 5001, 5002]);
}

#[test]
fn a_table_that_grows_finds_everything() {
    let tracker = Conntrack::new(&ConntrackConfig::default());
    let keys: Vec<(u8, u16)> =
        (1..=20).flat_map(|client| (1..=500).map(move |port| (client, port))).collect();
    for (client, port) in &keys {
        tracker.track(&mut udp(*client, *port), &mut CtMetadata::default(), &commit(3), NOW, 0);
    }
    assert_eq!(tracker.len() as usize, keys.len());
    for (client, port) in keys {
        let mut ct = CtMetadata::default();
        tracker.track(&mut udp(client, port), &mut ct, &CtAction { zone: 3, ..CtAction::default() }, NOW, 0);
        assert_ne!(ct.connection, 0);
    }
    // They are over after a minute, and go slice by slice.
    let later = NOW + Duration::from_secs(61);
    assert_eq!(count(&tracker, &CtFilter::default(), later), 0);
    let mut gone = 0;
    while !tracker.is_empty() {
        gone += tracker.sweep(later, 100);
    }
    tracker.tidy();
    assert_eq!((gone, tracker.index_size().0), (10_000, 0));
}
