//! Forwarding detection: a session that is told of any frames at any times holds what RFC 5880 asks of it, and what it sends
//! is read by another one.
//!
//! Each step is a byte that says what is done, one that says how long after the one before, and for frames one of length and
//! bytes: a whole frame, or a control packet in right headers.
#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use ovs_ofproto::bfd::{BfdConfig, BfdState, PORT, Session};

const MAC: [u8; 6] = [2, 0, 0, 0, 0, 1];

fuzz_target!(|data: &[u8]| {
    let Some((settings, mut rest)) = data.split_first() else { return };
    let mut now = Duration::from_secs(1);
    let mut own = Session::new(config(*settings), MAC, 1, now);
    let mut peer = Session::new(BfdConfig::default(), [2, 0, 0, 0, 0, 2], 2, now);
    while let [choice, wait, more @ ..] = rest {
        rest = more;
        now += Duration::from_millis(u64::from(*wait) * 8);
        let before = own.status(now);
        match choice % 8 {
            0 => own.configure(config(*wait), MAC, now),
            1 => drop(own.force([None, Some(true), Some(false)][usize::from(*wait) % 3], now)),
            2 => exchange(&mut own, &mut peer, now),
            3 => exchange(&mut peer, &mut own, now),
            form => {
                let [length, bytes @ ..] = rest else { return };
                let (bytes, left) = bytes.split_at(bytes.len().min(usize::from(*length)));
                rest = left;
                let frame =
                    if form == 4 { bytes.to_vec() } else { around(bytes, own.discriminator(), form == 5) };
                if own.receive(&frame, now).is_err() {
                    let after = own.status(now);
                    assert_eq!((before.state, before.remote_state), (after.state, after.remote_state));
                }
            }
        }
        let status = own.status(now);
        assert!(status.state != BfdState::Up || status.remote_state != BfdState::AdminDown);
    }
});

fn config(settings: u8) -> BfdConfig {
    let mut config = BfdConfig::default();
    config.forwarding_if_rx = settings & 1 != 0;
    config.cpath_down = settings & 2 != 0;
    config.decay_min_rx = (settings & 4 != 0).then_some(Duration::from_secs(3));
    config.multiplier = 1 + (settings >> 4);
    config.min_tx = Duration::from_millis(u64::from(settings & 8) * 100 + 20);
    config
}

/// What one sends the other one takes.
fn exchange(from: &mut Session, to: &mut Session, now: Duration) {
    if let (Some(frame), _) = from.poll(now.as_secs(), now) {
        // One of another session, or one that has been forgotten, does not take it.
        let _ = to.receive(&frame, now);
    }
    assert!(from.next() > now || from.poll(now.as_secs(), now).0.is_none());
}

/// A control packet in headers that are right; with `own` its discriminator is this end's.
fn around(bytes: &[u8], discriminator: u32, own: bool) -> Vec<u8> {
    let mut control = bytes.to_vec();
    if control.len() >= 24 {
        (control[0], control[3]) = (0x20 | control[0] & 0x1f, control.len().min(255) as u8);
        if own {
            control[8..12].copy_from_slice(&discriminator.to_be_bytes());
        }
    }
    let len = control.len() as u16;
    let mut frame = vec![0x00, 0x23, 0x20, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x08, 0x00, 0x45, 0xc0];
    frame.extend((28 + len).to_be_bytes());
    frame.extend([0, 0, 0x40, 0, 255, 17, 0, 0, 169, 254, 1, 1, 169, 254, 1, 0, 0xc0, 0x00]);
    frame.extend(PORT.to_be_bytes());
    frame.extend((8 + len).to_be_bytes());
    frame.extend([0, 0]);
    frame.extend(control);
    frame
}
