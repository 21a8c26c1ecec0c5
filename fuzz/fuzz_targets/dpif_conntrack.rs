//! The connection tracker: any sequence of packets and commands, with what must hold after each.
//!
//! Each step is a byte that says what is done, one for zone and settings, one for the packet's length, and the packet's bytes
//! behind its Ethernet header. Most packets get right lengths and count as verified, so that they get far in.
#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use ovs_dpif::conntrack::{
    Conntrack, ConntrackConfig, CtAction, CtCursor, CtFilter, Helper, NatAction, NatRange, NatSelect,
};
use ovs_dpif::ovs_flow::{CtMetadata, CtState};
use ovs_packet::{Offload, Packet};

fuzz_target!(|data: &[u8]| {
    let tracker = Conntrack::new(&ConntrackConfig::default().max_connections(50));
    let mut now = Duration::from_secs(1);
    let mut last = None;
    let mut rest = data;
    while let [choice, settings, length, more @ ..] = rest {
        let (bytes, more) = more.split_at(more.len().min(usize::from(*length)));
        rest = more;
        match choice % 16 {
            0 => now += Duration::from_secs(u64::from(*settings)),
            1 => drop(tracker.sweep(now, u32::from(*settings))),
            2 => flush(&tracker, &CtFilter::of_zone(u16::from(settings % 3))),
            // What came out goes back in, as the answer's direction or once more.
            3 => {
                if let Some((packet, ct)) = &mut last {
                    tracker.track(packet, ct, &action(*settings), now, u32::from(*settings));
                }
            }
            _ => {
                let Ok(mut packet) = Packet::detached(&frame(*choice, &announcing(*choice, bytes))) else { return };
                if choice & 0x20 == 0 {
                    packet.facts_mut().offload = Offload::CSUM_VALID;
                }
                let mut ct = CtMetadata::default();
                tracker.track(&mut packet, &mut ct, &action(*settings), now, u32::from(*settings));
                let state = CtState::from_bits_retain(ct.state);
                assert!(state.contains(CtState::TRK));
                assert!(!state.contains(CtState::INV | CtState::NEW) && !state.contains(CtState::EST | CtState::NEW));
                assert_eq!(ct.zone, action(*settings).zone);
                last = Some((packet, ct));
            }
        }
    }
    let mut counts = [0; 4];
    for (zone, count) in counts.iter_mut().enumerate() {
        let filter = CtFilter { zone: (zone < 3).then_some(zone as u16), ..CtFilter::default() };
        let mut cursor = CtCursor::default();
        while tracker.dump(&mut cursor, &filter, now, &mut |_| *count += 1) {}
    }
    assert_eq!(counts[..3].iter().sum::<u32>(), counts[3]);
    tracker.sweep(now, u32::MAX);
    assert!(tracker.len() == counts[3] && tracker.len() <= 50);
    flush(&tracker, &CtFilter::default());
    tracker.tidy();
    assert_eq!((tracker.len(), tracker.index_size().0), (0, 0));
});

fn flush(tracker: &Conntrack, filter: &CtFilter) {
    let mut cursor = CtCursor::default();
    while tracker.flush(&mut cursor, filter) {}
}

fn action(settings: u8) -> CtAction {
    let nat = NatRange {
        addresses: Some(([10, 0, 0, 1].into(), [10, 0, 0, 1 + (settings >> 6)].into())),
        ports: (settings & 32 != 0).then_some((1, 3)),
        select: if settings & 64 == 0 { NatSelect::Hash } else { NatSelect::Random },
        persistent: settings & 128 != 0,
    };
    CtAction {
        commit: settings & 4 != 0,
        force: settings & 12 == 12,
        zone: u16::from(settings % 3),
        nat: match settings >> 4 & 3 {
            0 => None,
            1 => Some(NatAction::Existing),
            2 => Some(NatAction::Source(nat)),
            _ => Some(NatAction::Destination(nat)),
        },
        helper: match settings / 3 % 4 {
            0 | 1 => Some(Helper::Ftp),
            2 => Some(Helper::Tftp),
            _ => None,
        },
        ..CtAction::default()
    }
}

/// A frame whose lengths are right, unless the choice is otherwise.
fn frame(choice: u8, bytes: &[u8]) -> Vec<u8> {
    let v6 = choice & 0x40 != 0;
    let mut frame = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2];
    frame.extend(if v6 { [0x86, 0xdd] } else { [8, 0] });
    frame.extend(bytes);
    if choice & 0x80 == 0 && v6 && bytes.len() >= 40 {
        frame[14] = 0x60;
        frame[18..20].copy_from_slice(&(bytes.len() as u16 - 40).to_be_bytes());
        frame[20] = [6, 17, 58, 132][usize::from(bytes[6] & 3)];
    } else if choice & 0x80 == 0 && !v6 && bytes.len() >= 20 {
        frame[14] = 0x45;
        frame[16..18].copy_from_slice(&(bytes.len() as u16).to_be_bytes());
        (frame[20], frame[21]) = (0, 0);
        frame[23] = [6, 17, 1, 132][usize::from(bytes[9] & 3)];
        frame[24..26].fill(0);
        let sum = ovs_packet::checksum::internet(&frame[14..34]).to_be_bytes();
        frame[24..26].copy_from_slice(&sum);
    }
    frame
}

/// A packet's bytes, with an announcement behind them that may name its source.
fn announcing(choice: u8, bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    if choice & 0x50 != 0x10 || bytes.len() < 40 {
        return bytes;
    }
    bytes[32] = 5 << 4 | bytes[32] & 0x0f;
    let [a, b, c, d] = [bytes[12], bytes[13], bytes[14], bytes[15]];
    let port = u16::from(bytes[6]) * 256 + u16::from(bytes[7]);
    let line = match bytes[4] % 5 {
        0 => format!("PORT {a},{b},{c},{d},{},{}\r\n", bytes[6], bytes[7]),
        1 => format!("227 Passive ({a},{b},{c},{d},{},{}).\r\n", bytes[6], bytes[7]),
        2 => format!("EPRT |1|{a}.{b}.{c}.{d}|{port}|\r\n"),
        3 => format!("229 Passive (|||{port}|)\r\n"),
        _ => String::new(),
    };
    bytes.extend(line.bytes());
    bytes
}
