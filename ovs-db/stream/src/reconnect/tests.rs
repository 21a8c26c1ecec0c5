use proptest::prelude::*;

use super::*;
use crate::error::OsError;

const fn s(n: u64) -> Duration {
    Duration::from_secs(n)
}

fn refused() -> StreamError {
    StreamError::Connect(OsError::from_raw(111))
}

fn lines(r: &mut Reconnect) -> Vec<String> {
    std::iter::from_fn(|| r.take_notice()).map(|(l, n)| format!("{l:?} {n}")).collect()
}

/// Drives a machine whose every attempt fails at once until `end`; gives the seconds of the attempts.
fn refuse_until(r: &mut Reconnect, end: u64) -> Vec<u64> {
    let mut at = Vec::new();
    for now in (0..=end).map(s) {
        if r.poll(now) == Action::Connect {
            at.push(now.as_secs());
            r.connecting(now);
            r.failed(&refused(), now);
        }
    }
    at
}

#[test]
fn waits_double_up_to_eight_seconds_and_then_are_silent() {
    let mut r = Reconnect::new(ReconnectConfig::default(), s(0));
    assert_eq!(refuse_until(&mut r, 32), [0, 1, 3, 7, 15, 23, 31]);
    let all = lines(&mut r);
    let info: Vec<_> = all.iter().filter_map(|l| l.strip_prefix("Info ")).collect();
    assert_eq!(
        info,
        [
            "connecting...",
            "connection attempt failed (Connection refused)",
            "connecting...",
            "connection attempt failed (Connection refused)",
            "waiting 2 seconds before reconnect",
            "connecting...",
            "connection attempt failed (Connection refused)",
            "waiting 4 seconds before reconnect",
            "connecting...",
            "connection attempt failed (Connection refused)",
            "continuing to reconnect in the background but suppressing further logging",
        ]
    );
}

#[test]
fn a_silent_peer_is_probed_and_then_given_up() {
    let mut r = Reconnect::new(ReconnectConfig::default(), s(0));
    assert_eq!(r.poll(s(0)), Action::Connect);
    r.connecting(s(0));
    r.connected(s(0));
    assert_eq!(r.deadline(), Some(s(5)));
    assert_eq!(r.poll(s(5)), Action::Probe);
    assert_eq!((r.state(), r.poll(s(6))), (State::Idle, Action::None));
    r.received(s(6));
    assert_eq!((r.state(), r.deadline()), (State::Active, Some(s(11))));
    assert_eq!(r.poll(s(11)), Action::Probe);
    assert_eq!(r.poll(s(16)), Action::Disconnect);
    r.dropped_by_us(s(16));
    assert_eq!((r.state(), r.backoff(), r.generation()), (State::Backoff, s(1), 2));
    let last = lines(&mut r).into_iter().rfind(|l| !l.starts_with("Debug")).unwrap();
    assert_eq!(last, "Error no response to inactivity probe after 5 seconds, disconnecting");
}

#[test]
fn a_connection_that_held_resets_the_wait_and_one_that_did_not_keeps_it() {
    let mut r = Reconnect::new(ReconnectConfig::default().probe_interval(None), s(0));
    refuse_until(&mut r, 7);
    assert_eq!(r.backoff(), s(8));
    r.connecting(s(15));
    r.connected(s(15));
    r.failed(&StreamError::Closed, s(16));
    assert_eq!(r.backoff(), s(8));
    r.connecting(s(24));
    r.connected(s(24));
    r.received(s(32));
    r.failed(&StreamError::Closed, s(40));
    assert_eq!(r.backoff(), s(1));
    let said = lines(&mut r);
    let end = ["Info connection closed by peer", "Debug entering BACKOFF"];
    assert!(said.ends_with(&end.map(String::from)), "{said:?}");
}

#[test]
fn an_attempt_times_out_and_force_skips_the_wait() {
    let mut r = Reconnect::new(ReconnectConfig::default(), s(0));
    r.connecting(s(0));
    assert_eq!(r.deadline(), Some(s(1)));
    assert_eq!(r.poll(s(1)), Action::Disconnect);
    r.dropped_by_us(s(1));
    assert_eq!(r.poll(s(1)), Action::None);
    r.force(s(1));
    assert_eq!(r.poll(s(1)), Action::Connect);
    r.disable(s(1));
    assert_eq!((r.poll(s(99)), r.deadline()), (Action::None, None));
    r.enable(s(99));
    assert_eq!(r.poll(s(99)), Action::Connect);
}

proptest! {
    /// Whatever is reported in whatever order, the machine neither panics nor sleeps with work to do.
    #[test]
    fn any_order_of_calls(calls in prop::collection::vec((0u8..10, 0u64..4), 0..60)) {
        let mut r = Reconnect::new(ReconnectConfig::default(), s(0));
        let mut now = s(0);
        for (call, pause) in calls {
            now += s(pause);
            match call {
                0 => r.connecting(now),
                1 => r.connected(now),
                2 => r.received(now),
                3 => r.failed(&refused(), now),
                4 => r.failed(&StreamError::Closed, now),
                5 => r.dropped_by_us(now),
                6 => r.force(now),
                7 => r.disable(now),
                8 => r.enable(now),
                _ => {
                    let action = r.poll(now);
                    if action == Action::None {
                        prop_assert!(r.deadline().is_none_or(|at| at > now));
                    }
                }
            }
            prop_assert!(r.backoff() <= s(8));
        }
    }
}
