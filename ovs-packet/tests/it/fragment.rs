//! Fragments, against a reassembler that keeps it simple.

use core::time::Duration;
use std::collections::HashMap;

use ovs_packet::fragment::{
    Accepted, Cut, Family, FragmentError, Origin, Reassembler, ReassemblerConfig, Refusal, fragment,
};
use ovs_packet::{Offload, Packet, Pool, PoolConfig};
use proptest::prelude::*;

use crate::frames::{A6, B6, assert_checksums, ethernet, ip, udp};

const NOW: Duration = Duration::from_secs(1000);

fn pool() -> Pool {
    Pool::new(PoolConfig::default())
}

/// Any sizes: the tests choose their own.
fn any_size() -> ReassemblerConfig {
    ReassemblerConfig::default().least(0, 0)
}

fn frame(v6: bool, payload: usize) -> Vec<u8> {
    let bytes: Vec<u8> = (0..payload).map(|i| (i * 31 + i / 256) as u8).collect();
    let mut frame = ip(v6, &[7], 17, udp(&bytes), Some(6));
    if !v6 {
        // Without "do not fragment".
        frame[24] = 0;
        let sum =
            ovs_packet::checksum::update(u16::from_be_bytes([frame[28], frame[29]]), &[0x40, 0], &[0, 0]);
        frame[28..30].copy_from_slice(&sum.to_be_bytes());
    }
    frame
}

fn cut(frame: &[u8], cut: Cut<'_>, pool: &mut Pool) -> Result<Vec<Packet>, FragmentError> {
    let mut parts = Vec::new();
    let packet = pool.packet_from(frame).unwrap();
    let count = fragment(packet, cut, 0x1234_5678, pool, &mut |part| parts.push(part))?;
    assert_eq!(count, parts.len());
    Ok(parts)
}

#[test]
fn what_is_cut_is_made_whole_and_cut_again_as_it_came() {
    let mut pool = pool();
    for (v6, mtu) in [(false, 1500), (true, 1500), (false, 68), (true, 1280), (false, 1281), (true, 9000)] {
        let frame = frame(v6, if mtu == 68 { 2000 } else { 20_000 });
        assert_checksums(&frame);
        let parts = cut(&frame, Cut::Mtu(mtu), &mut pool).unwrap();
        assert!(parts.iter().all(|part| part.len() - 18 <= mtu));
        let bytes: Vec<Vec<u8>> = parts.iter().map(|part| part.data().to_vec()).collect();
        for reversed in [false, true] {
            let mut parts: Vec<Packet> = bytes.iter().map(|part| pool.packet_from(part).unwrap()).collect();
            if reversed {
                parts.reverse();
            }
            let mut reassembler = Reassembler::new(any_size());
            let mut whole = None;
            for part in parts {
                if let Accepted::Whole(packet, pieces) =
                    reassembler.accept(Origin::default(), part, NOW, &mut pool)
                {
                    whole = Some((packet, pieces));
                }
            }
            let (packet, pieces) = whole.unwrap();
            assert_eq!(packet.data(), frame);
            let again = cut(packet.data(), Cut::Pieces(&pieces), &mut pool).unwrap();
            let again: Vec<&[u8]> = again.iter().map(Packet::data).collect();
            assert_eq!(again, bytes);
            assert_eq!((reassembler.held(), reassembler.held_bytes(), reassembler.datagrams()), (0, 0, 0));
        }
    }
    assert_eq!(pool.frames_out(), 0);
}

#[test]
fn a_whole_that_grew_or_shrank_is_cut_at_the_same_places() {
    let mut pool = pool();
    let parts = cut(&frame(true, 3000), Cut::Mtu(1280), &mut pool).unwrap();
    let mut reassembler = Reassembler::new(any_size());
    let mut pieces = None;
    for part in parts {
        if let Accepted::Whole(_, found) = reassembler.accept(Origin::default(), part, NOW, &mut pool) {
            pieces = Some(found);
        }
    }
    let pieces = pieces.unwrap();
    assert_eq!(pieces.sizes(), [1232, 1232, 544]);
    let mut sizes = |payload: usize| -> Vec<usize> {
        let parts = cut(&frame(true, payload), Cut::Pieces(&pieces), &mut pool).unwrap();
        parts.iter().map(|part| part.len() - 18 - 48).collect()
    };
    assert_eq!(sizes(3600), [1232, 1232, 1144]);
    assert_eq!(sizes(5000), [1232, 1232, 1232, 1232, 80]);
    assert_eq!(sizes(2000), [1232, 776]);
    assert_eq!(sizes(100), [108]);
}

#[test]
fn only_copied_options_follow_and_extension_headers_stay_in_front() {
    let mut pool = pool();
    // Router alert (copied), record route (not copied), end.
    let options = [148, 4, 0, 0, 7, 7, 4, 0, 0, 0, 0, 0];
    let mut frame = ethernet(&[], 0x0800);
    let total = 20 + 12 + 2000u16;
    frame.extend([0x48, 0]);
    frame.extend(total.to_be_bytes());
    frame.extend([0, 9, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
    frame.extend(options);
    frame.extend(vec![0x5a; 2000]);
    let parts = cut(&frame, Cut::Mtu(1500), &mut pool).unwrap();
    assert_eq!((parts[0].data()[14], parts[1].data()[14]), (0x48, 0x46));
    assert_eq!(parts[1].data()[34..38], options[..4]);

    let mut frame = ethernet(&[], 0x86dd);
    frame.extend([0x60, 0, 0, 0]);
    frame.extend((16 + 2000u16).to_be_bytes());
    frame.extend([0, 64]);
    frame.extend(A6);
    frame.extend(B6);
    frame.extend([43, 0, 5, 2, 0, 0, 1, 0]);
    frame.extend([60, 0, 253, 0, 0, 0, 0, 0]);
    frame.extend(vec![0; 2000]);
    let parts = cut(&frame, Cut::Mtu(1280), &mut pool).unwrap();
    for part in &parts {
        assert_eq!(part.data()[54], 43);
        assert_eq!(part.data()[62..64], [44, 0]);
        assert_eq!(part.data()[70], 60);
    }
}

#[test]
fn what_must_not_be_cut_is_not() {
    let mut pool = pool();
    let mut fixed = frame(false, 3000);
    fixed[24] |= 0x40;
    assert_eq!(
        cut(&fixed, Cut::Mtu(1500), &mut pool).unwrap_err(),
        FragmentError::DontFragment { mtu: 1500 }
    );
    assert_eq!(cut(&fixed, Cut::Mtu(9000), &mut pool).unwrap().len(), 1);
    assert_eq!(cut(&ethernet(&[], 0x0806), Cut::Mtu(9), &mut pool).unwrap_err(), FragmentError::NotIp);
    assert_eq!(cut(&fixed[..40], Cut::Mtu(20), &mut pool).unwrap_err(), FragmentError::Malformed);
    let six = frame(true, 3000);
    assert_eq!(cut(&six, Cut::Mtu(55), &mut pool).unwrap_err(), FragmentError::MtuTooSmall { mtu: 55 });
    let part = cut(&six, Cut::Mtu(1500), &mut pool).unwrap().swap_remove(0);
    let again = fragment(part, Cut::Mtu(1280), 1, &mut pool, &mut |_| ());
    assert_eq!(again.unwrap_err(), FragmentError::DontFragment { mtu: 1280 });
    let mut whole = pool.packet_from(&six).unwrap();
    whole.facts_mut().offload = Offload::USO;
    let unsegmented = fragment(whole, Cut::Mtu(1280), 1, &mut pool, &mut |_| ());
    assert_eq!(unsegmented.unwrap_err(), FragmentError::Unsegmented);
}

#[test]
fn limits_are_kept_and_named() {
    let mut pool = pool();
    let send = |reassembler: &mut Reassembler, pool: &mut Pool, id: u16, from: u32| {
        let part = v4(id, 0, true, &[0; 64]);
        let origin = Origin { zone: 0, port: from };
        match reassembler.accept(origin, pool.packet_from(&part).unwrap(), NOW, pool) {
            Accepted::Held => None,
            Accepted::Refused(_, why) => Some(why),
            other => panic!("{other:?}"),
        }
    };
    let mut reassembler = Reassembler::new(any_size().datagrams(3).fragments_per_port(2).bytes(300));
    assert_eq!(send(&mut reassembler, &mut pool, 1, 1), None);
    assert_eq!(send(&mut reassembler, &mut pool, 2, 1), None);
    assert_eq!(send(&mut reassembler, &mut pool, 3, 1), Some(Refusal::TooManyFromPort));
    assert_eq!(send(&mut reassembler, &mut pool, 3, 2), None);
    assert_eq!(send(&mut reassembler, &mut pool, 4, 2), Some(Refusal::TooManyDatagrams));
    reassembler = Reassembler::new(any_size().fragments(1));
    assert_eq!(send(&mut reassembler, &mut pool, 1, 1), None);
    assert_eq!(send(&mut reassembler, &mut pool, 2, 1), Some(Refusal::TooManyFragments));
    reassembler = Reassembler::new(any_size().bytes(100));
    assert_eq!(send(&mut reassembler, &mut pool, 1, 1), None);
    assert_eq!(send(&mut reassembler, &mut pool, 2, 1), Some(Refusal::TooManyBytes));
    assert_eq!(reassembler.stats(Family::V4).refused(Refusal::TooManyBytes), 1);
    drop(reassembler);
    assert_eq!(pool.frames_out(), 0);
}

/// An IPv4 fragment over Ethernet.
fn v4(id: u16, offset: u16, more: bool, payload: &[u8]) -> Vec<u8> {
    let mut frame = ethernet(&[], 0x0800);
    frame.extend([0x45, 0]);
    frame.extend((20 + payload.len() as u16).to_be_bytes());
    frame.extend(id.to_be_bytes());
    frame.extend(((offset / 8) | (u16::from(more) << 13)).to_be_bytes());
    frame.extend([64, 253, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
    frame.extend(payload);
    frame
}

/// An IPv6 fragment over Ethernet.
fn v6(id: u32, offset: u16, more: bool, payload: &[u8]) -> Vec<u8> {
    let mut frame = ethernet(&[], 0x86dd);
    frame.extend([0x60, 0, 0, 0]);
    frame.extend((8 + payload.len() as u16).to_be_bytes());
    frame.extend([44, 64]);
    frame.extend(A6);
    frame.extend(B6);
    frame.extend([253, 0]);
    frame.extend((offset & !7 | u16::from(more)).to_be_bytes());
    frame.extend(id.to_be_bytes());
    frame.extend(payload);
    frame
}

#[test]
fn time_runs_out() {
    let mut pool = pool();
    let mut reassembler = Reassembler::new(any_size());
    for (at, part) in
        [(0, v6(1, 0, true, &[1; 8])), (5, v4(1, 0, true, &[2; 8])), (9, v6(1, 64, false, &[3; 8]))]
    {
        let packet = pool.packet_from(&part).unwrap();
        let now = Duration::from_secs(at);
        assert!(matches!(reassembler.accept(Origin::default(), packet, now, &mut pool), Accepted::Held));
    }
    assert_eq!(reassembler.next_deadline(), Some(Duration::from_secs(20)));
    let mut expired = Vec::new();
    assert_eq!(reassembler.expire(Duration::from_secs(19), &mut |packet| expired.push(packet)), 0);
    assert_eq!(reassembler.expire(Duration::from_secs(20), &mut |packet| expired.push(packet)), 1);
    assert_eq!(reassembler.expire(Duration::from_mins(1), &mut |packet| expired.push(packet)), 2);
    assert_eq!(expired.iter().map(|packet| packet.data()[packet.len() - 1]).collect::<Vec<_>>(), [2, 1, 3]);
    assert_eq!((reassembler.stats(Family::V4).expired, reassembler.stats(Family::V6).expired), (1, 2));
    assert_eq!((reassembler.next_deadline(), reassembler.held()), (None, 0));
}

#[test]
fn odd_fragments_are_refused_by_name() {
    let mut pool = pool();
    let mut reassembler = Reassembler::new(ReassemblerConfig::default().least(100, 100));
    let mut why = |part: Vec<u8>| match reassembler.accept(
        Origin::default(),
        pool.packet_from(&part).unwrap(),
        NOW,
        &mut pool,
    ) {
        Accepted::Refused(_, why) => Some(why),
        _ => None,
    };
    assert_eq!(why(v4(1, 0, true, &[0; 72])), Some(Refusal::TooSmall));
    assert_eq!(why(v4(1, 0, true, &[0; 81])), Some(Refusal::Unaligned));
    assert_eq!(why(v4(1, 8, false, &[])), Some(Refusal::Empty));
    assert_eq!(why(v4(1, 65_528, false, &[0; 8])), Some(Refusal::TooLong));
    assert_eq!(why(v6(1, 65_528, false, &[0; 8])), Some(Refusal::TooLong));
    assert_eq!(why(v4(1, 0, true, &[0; 80])[..60].to_vec()), Some(Refusal::Malformed));
    assert_eq!(why(v6(1, 0, true, &[0; 80])[..70].to_vec()), Some(Refusal::Malformed));
    // An atomic fragment, with siblings of the same name waiting, is by itself.
    assert_eq!(why(v6(1, 0, true, &[0; 80])), None);
    assert_eq!(why(v6(1, 0, false, &[0; 4])), None);
    assert_eq!(reassembler.stats(Family::V6).atomic, 1);
    assert_eq!(Refusal::ALL.iter().map(|why| reassembler.stats(Family::V4).refused(*why)).sum::<u64>(), 5);
}

#[test]
fn congestion_marks_spread_or_condemn() {
    let mut pool = pool();
    let mut send = |reassembler: &mut Reassembler, offset, more, tos| {
        let mut part = v4(1, offset, more, &[0; 8]);
        part[15] = tos;
        reassembler.accept(Origin::default(), pool.packet_from(&part).unwrap(), NOW, &mut pool)
    };
    let mut reassembler = Reassembler::new(any_size());
    assert!(matches!(send(&mut reassembler, 0, true, 2), Accepted::Held));
    let Accepted::Whole(whole, _) = send(&mut reassembler, 8, false, 3) else { panic!("it is whole") };
    assert_eq!(whole.data()[15], 3);
    assert!(matches!(send(&mut reassembler, 0, true, 0), Accepted::Held));
    assert!(matches!(send(&mut reassembler, 8, false, 3), Accepted::Refused(_, Refusal::Congestion)));
    assert!(matches!(send(&mut reassembler, 8, false, 0), Accepted::Refused(_, Refusal::Condemned)));
}

/// What the oracle knows of a datagram: every fragment that was kept, as it came.
#[derive(Default)]
struct Naive {
    kept: Vec<(usize, bool, Vec<u8>)>,
    condemned: bool,
}

#[derive(Debug, PartialEq)]
enum Verdict {
    Held,
    Refused(Refusal),
    Whole(Vec<u8>),
}

impl Naive {
    /// The rules by comparing with everything that was kept, byte by byte.
    fn accept(&mut self, offset: usize, more: bool, payload: &[u8]) -> Verdict {
        if payload.is_empty() {
            return Verdict::Refused(Refusal::Empty);
        }
        if more && !payload.len().is_multiple_of(8) {
            return Verdict::Refused(Refusal::Unaligned);
        }
        if self.condemned {
            return Verdict::Refused(Refusal::Condemned);
        }
        let new = (offset, more, payload.to_vec());
        if self.kept.contains(&new) {
            return Verdict::Refused(Refusal::Duplicate);
        }
        let range = |part: &(usize, bool, Vec<u8>)| part.0..part.0 + part.2.len();
        let overlaps = self.kept.iter().any(|old| range(old).any(|byte| range(&new).contains(&byte)));
        let all = || self.kept.iter().chain([&new]);
        let ends: Vec<usize> = all().filter(|part| !part.1).map(|part| range(part).end).collect();
        let beyond = ends.iter().any(|end| all().any(|part| range(part).end > *end));
        if overlaps || beyond || ends.len() > 1 {
            self.condemned = true;
            self.kept.clear();
            return Verdict::Refused(Refusal::Overlap);
        }
        self.kept.push(new);
        let mut sorted = self.kept.clone();
        sorted.sort();
        let bytes: Vec<u8> = sorted.iter().flat_map(|part| part.2.clone()).collect();
        if ends == [bytes.len()] {
            self.kept.clear();
            return Verdict::Whole(bytes);
        }
        Verdict::Held
    }
}

/// A fragment in small: identification, offset in units, length in bytes, more, what it is filled with.
fn lying() -> impl Strategy<Value = (bool, u8, u16, usize, bool, u8)> {
    let len = prop_oneof![4 => Just(8usize), 4 => Just(16), 1 => 0usize..24];
    (
        any::<bool>(),
        0u8..2,
        0u16..6,
        len,
        prop::bool::weighted(0.7),
        prop_oneof![9 => Just(0u8), 1 => Just(1)],
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn it_does_what_the_simple_one_does(parts in prop::collection::vec(lying(), 1..40)) {
        let mut pool = pool();
        let mut reassembler = Reassembler::new(any_size());
        let mut naive: HashMap<(bool, u8), Naive> = HashMap::new();
        for (six, id, offset, len, more, fill) in parts {
            let at = offset * 8;
            if at == 0 && !more {
                continue; // not a fragment
            }
            let payload: Vec<u8> = (0..len).map(|i| (at as usize + i) as u8 ^ fill).collect();
            let bytes = if six { v6(u32::from(id), at, more, &payload) } else { v4(u16::from(id), at, more, &payload) };
            let expected = naive.entry((six, id)).or_default().accept(usize::from(at), more, &payload);
            let packet = pool.packet_from(&bytes).unwrap();
            let got = match reassembler.accept(Origin::default(), packet, NOW, &mut pool) {
                Accepted::Held => Verdict::Held,
                Accepted::Refused(_, why) => Verdict::Refused(why),
                Accepted::Whole(packet, _) => Verdict::Whole(packet.data()[if six { 54 } else { 34 }..].to_vec()),
                Accepted::NotAFragment(_) => panic!("it is a fragment"),
            };
            prop_assert_eq!(got, expected);
            let held: usize = naive.values().map(|datagram| datagram.kept.len()).sum();
            prop_assert_eq!(reassembler.held(), held);
            for family in [Family::V4, Family::V6] {
                let s = reassembler.stats(family);
                let held = naive.iter().filter(|((six, _), _)| *six == (family == Family::V6));
                let held: usize = held.map(|(_, datagram)| datagram.kept.len()).sum();
                prop_assert_eq!(s.accepted, s.completed + s.expired + s.purged + s.condemned + held as u64);
            }
        }
        let held = reassembler.held();
        prop_assert_eq!(reassembler.purge(&mut |_| ()), held);
        prop_assert_eq!((reassembler.held(), reassembler.held_bytes(), reassembler.datagrams()), (0, 0, 0));
        drop(reassembler);
        prop_assert_eq!(pool.frames_out(), 0);
    }

    #[test]
    fn any_order_and_copies_give_the_same_whole(
        six: bool, payload in 1usize..6000, mtu in 100usize..2000, order in prop::collection::vec(any::<prop::sample::Index>(), 200),
    ) {
        let mut pool = pool();
        let frame = frame(six, payload);
        let parts = cut(&frame, Cut::Mtu(mtu), &mut pool).unwrap();
        prop_assume!(parts.len() > 1 && parts.len() <= 64);
        let mut left: Vec<usize> = (0..parts.len()).collect();
        let mut reassembler = Reassembler::new(any_size());
        let mut whole = None;
        for pick in order {
            if left.is_empty() {
                break;
            }
            // Now and then one that was there already, as long as the datagram is not whole.
            let copy = pick.index(7) == 0 && left.len() < parts.len();
            let at = if copy { *(0..parts.len()).filter(|i| !left.contains(i)).collect::<Vec<_>>().first().unwrap() } else { left.swap_remove(pick.index(left.len())) };
            match reassembler.accept(Origin::default(), parts[at].try_clone_into(&mut pool).unwrap(), NOW, &mut pool) {
                Accepted::Whole(packet, _) => whole = Some(packet),
                Accepted::Refused(_, Refusal::Duplicate) => prop_assert!(copy),
                Accepted::Held => prop_assert!(!copy),
                other => panic!("{other:?}"),
            }
        }
        prop_assert!(left.is_empty());
        let whole = whole.unwrap();
        prop_assert_eq!(whole.data(), frame);
    }
}
