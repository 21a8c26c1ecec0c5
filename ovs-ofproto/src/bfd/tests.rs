//! Two sessions on a wire that may lose packets, in virtual time.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{BfdConfig, BfdError, BfdState, BfdStatus, Diagnostic, Session, wire};
use ovs_packet::wire::BfdHeader;

const MS: Duration = Duration::from_millis(1);

type Spoil = fn(&mut BfdHeader);

struct Pair {
    ends: [Session; 2],
    now: Duration,
    /// Which end's packets get lost.
    lossy: [bool; 2],
    sent: [usize; 2],
    /// All packets ever sent, as the other end's interface counts them.
    total: [u64; 2],
    /// Packets that the interfaces received beside those of the sessions.
    traffic: [u64; 2],
}

fn config(pairs: &[(&str, &str)]) -> BfdConfig {
    let map: BTreeMap<String, String> =
        [("enable", "true")].iter().chain(pairs).map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    BfdConfig::from_map(&map).unwrap()
}

impl Pair {
    fn new(first: &[(&str, &str)], second: &[(&str, &str)]) -> Self {
        let now = Duration::from_secs(5);
        let end = |pairs, seed| Session::new(config(pairs), [2, 0, 0, 0, 0, seed as u8], seed, now);
        Self {
            ends: [end(first, 1), end(second, 2)],
            now,
            lossy: [false; 2],
            sent: [0; 2],
            total: [0; 2],
            traffic: [0; 2],
        }
    }

    fn run(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(at) = self.ends.iter().map(Session::next).min().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            for index in 0..2 {
                let received = self.total[1 - index] + self.traffic[index];
                let (frame, _) = self.ends[index].poll(received, self.now);
                let Some(frame) = frame else { continue };
                self.sent[index] += 1;
                self.total[index] += 1;
                if !self.lossy[index] {
                    self.ends[1 - index].receive(&frame, self.now).unwrap();
                }
            }
        }
        self.now = end;
    }

    fn status(&self) -> [BfdStatus; 2] {
        [0, 1].map(|index| self.ends[index].status(self.now))
    }

    fn states(&self) -> [BfdState; 2] {
        self.status().map(|status| status.state)
    }
}

#[test]
fn a_session_comes_up_and_goes_down_when_nothing_is_heard() {
    let mut pair =
        Pair::new(&[("min_tx", "100"), ("min_rx", "100")], &[("min_tx", "300"), ("min_rx", "200")]);
    assert_eq!(pair.states(), [BfdState::Down; 2]);
    pair.run(4000 * MS);
    assert_eq!(pair.states(), [BfdState::Up; 2]);
    assert!(pair.status().iter().all(|status| status.forwarding && status.flaps == 1));
    // Each at the slower of what it likes and the other bears, less jitter: 200 and 300 ms.
    pair.sent = [0; 2];
    pair.run(6000 * MS);
    assert!((30..=40).contains(&pair.sent[0]) && (20..=27).contains(&pair.sent[1]), "{:?}", pair.sent);
    // Packets of the first are lost: the second misses them after three intervals of 200 ms, and tells.
    pair.lossy = [true, false];
    pair.run(350 * MS);
    assert_eq!(pair.states()[1], BfdState::Up);
    pair.run(300 * MS);
    assert_eq!(pair.states()[1], BfdState::Down);
    assert_eq!(pair.status()[1].diagnostic, Diagnostic::TIME_EXPIRED);
    pair.run(1500 * MS);
    assert_ne!(pair.states()[0], BfdState::Up);
    assert_eq!(pair.status()[0].diagnostic, Diagnostic::NEIGHBOR_DOWN);
    pair.lossy = [false; 2];
    pair.run(5000 * MS);
    assert_eq!(pair.states(), [BfdState::Up; 2]);
    assert_eq!(pair.status().map(|status| status.flaps), [3, 3]);
}

#[test]
fn new_intervals_are_polled_for_and_confirmed() {
    let mut pair = Pair::new(&[("min_rx", "100")], &[("min_rx", "100")]);
    pair.run(4000 * MS);
    let slower = config(&[("min_rx", "1000")]);
    pair.ends[0].configure(slower, [2, 0, 0, 0, 0, 1], pair.now);
    let (frame, _) = loop {
        pair.now += 10 * MS;
        let polled = pair.ends[0].poll(0, pair.now);
        if polled.0.is_some() {
            break polled;
        }
    };
    let header = wire::parse(&frame.unwrap()).unwrap();
    assert!(header.poll() && header.required_min_rx == 1_000_000);
    pair.run(1000 * MS);
    pair.sent = [0; 2];
    pair.run(10_000 * MS);
    assert!((10..=14).contains(&pair.sent[1]), "{:?}", pair.sent);
    assert_eq!(pair.states(), [BfdState::Up; 2]);
}

#[test]
fn a_path_behind_an_end_is_told() {
    let mut pair = Pair::new(&[], &[("cpath_down", "true")]);
    pair.run(5000 * MS);
    let [first, second] = pair.status();
    assert_eq!((first.state, first.forwarding), (BfdState::Up, false));
    assert_eq!(first.remote_diagnostic, Diagnostic::CONCATENATED_PATH_DOWN);
    assert!(second.forwarding, "the other way is open");
    pair.ends[1].configure(config(&[]), [0; 6], pair.now);
    pair.run(3000 * MS);
    assert!(pair.status()[0].forwarding);
}

#[test]
fn an_idle_session_is_quieter_until_there_is_traffic() {
    let idle = [("min_rx", "100"), ("min_tx", "100"), ("decay_min_rx", "1000")];
    let mut pair = Pair::new(&idle, &[("min_rx", "100"), ("min_tx", "100")]);
    pair.run(15_000 * MS);
    pair.sent = [0; 2];
    pair.run(10_000 * MS);
    assert!(pair.sent[1] < 40, "{:?}", pair.sent);
    for _ in 0..20 {
        pair.traffic[0] += 1000;
        pair.run(500 * MS);
    }
    pair.sent = [0; 2];
    for _ in 0..20 {
        pair.traffic[0] += 1000;
        pair.run(500 * MS);
    }
    assert!(pair.sent[1] > 80, "{:?}", pair.sent);
    assert_eq!(pair.states(), [BfdState::Up; 2]);
}

#[test]
fn what_is_no_packet_of_the_session_changes_nothing() {
    let mut pair = Pair::new(&[], &[]);
    pair.run(4000 * MS);
    let before = pair.status();
    let config = BfdConfig::default();
    let mut good = BfdHeader {
        multiplier: 3,
        length: 24,
        my_discriminator: 9,
        your_discriminator: pair.ends[0].discriminator(),
        ..BfdHeader::default()
    };
    good.set_version(1);
    let cases: [(Spoil, BfdError); 7] = [
        (|h| h.set_version(2), BfdError::Version),
        (|h| h.multiplier = 0, BfdError::Multiplier),
        (|h| h.set_multipoint(true), BfdError::Multipoint),
        (|h| h.my_discriminator = 0, BfdError::NoDiscriminator),
        (|h| h.your_discriminator ^= 1 << 9, BfdError::Discriminator),
        (|h| h.set_has_authentication(true), BfdError::Authentication),
        (
            |h| {
                h.your_discriminator = 0;
                h.set_state(3);
            },
            BfdError::NoRemoteDiscriminator,
        ),
    ];
    for (spoil, error) in cases {
        let mut header = good;
        spoil(&mut header);
        let frame = wire::frame(&config, [2; 6], 7, &header);
        assert_eq!(pair.ends[0].receive(&frame, pair.now), Err(error));
        assert_eq!(pair.status(), before, "{error}");
    }
    let frame = wire::frame(&config, [2; 6], 7, &good);
    for end in 0..frame.len() {
        assert!(pair.ends[0].receive(&frame[..end], pair.now).is_err());
    }
    let mut routed = frame.clone();
    routed[14 + 8] = 254;
    assert_eq!(pair.ends[0].receive(&routed, pair.now), Err(BfdError::Hops));
    assert!(pair.ends[0].receive(&frame, pair.now).is_ok());
}

#[test]
fn the_operator_has_the_last_word() {
    let mut pair = Pair::new(&[], &[]);
    pair.run(4000 * MS);
    assert!(pair.ends[0].force(Some(false), pair.now));
    assert!(!pair.status()[0].forwarding);
    assert!(pair.ends[0].force(None, pair.now));
    assert!(pair.status()[0].forwarding);
}
