//! Connections: negotiation, pieces of messages, lies.

use ovs_openflow::connection::{Connection, Event, Failure, SendError};
use ovs_openflow::{ErrorCode, Message, OfError, SUPPORTED, Version, VersionSet};

fn pipe(from: &mut Connection, to: &mut Connection) {
    to.feed(from.output());
    let n = from.waiting();
    from.sent(n);
}

#[test]
fn the_newest_common_version_is_taken() {
    let mut a = Connection::new(SUPPORTED);
    let mut b = Connection::new(VersionSet::NONE.with(Version::V10).with(Version::V13));
    pipe(&mut a, &mut b);
    pipe(&mut b, &mut a);
    assert_eq!(a.next(), Some(Event::Negotiated(Version::V13)));
    assert_eq!(b.next(), Some(Event::Negotiated(Version::V13)));
}

#[test]
fn without_a_common_version_both_fail() {
    let mut a = Connection::new(VersionSet::NONE.with(Version::V10));
    let mut b = Connection::new(VersionSet::NONE.with(Version::V13));
    pipe(&mut a, &mut b);
    pipe(&mut b, &mut a);
    assert!(matches!(a.next(), Some(Event::Failed(Failure::NoCommonVersion { .. }))));
    // The refusal can be read by whoever it is for.
    pipe(&mut a, &mut b);
    let answer = b.next();
    assert!(
        matches!(
            answer,
            Some(Event::Failed(
                Failure::NoCommonVersion { .. }
                    | Failure::Refused(ErrorCode::Known(OfError::HfcIncompatible))
            ))
        ),
        "{answer:?}"
    );
}

fn open() -> (Connection, Connection) {
    let (mut a, mut b) = (Connection::new(SUPPORTED), Connection::new(SUPPORTED));
    pipe(&mut a, &mut b);
    pipe(&mut b, &mut a);
    assert!(a.next().is_some() && b.next().is_some());
    (a, b)
}

#[test]
fn a_message_may_come_byte_by_byte() {
    let (mut a, mut b) = open();
    a.send(3, &Message::FeaturesRequest).expect("room");
    a.send(4, &Message::BarrierRequest).expect("room");
    let bytes = a.output().to_vec();
    let mut events = Vec::new();
    for byte in bytes {
        b.feed(&[byte]);
        events.extend(std::iter::from_fn(|| b.next()));
    }
    assert_eq!(
        events,
        [Event::Message(3, Message::FeaturesRequest), Event::Message(4, Message::BarrierRequest)]
    );
}

#[test]
fn echoes_are_answered_inside() {
    let (mut a, mut b) = open();
    a.send(5, &Message::EchoRequest(vec![1, 2, 3])).expect("room");
    pipe(&mut a, &mut b);
    assert_eq!(b.next(), None);
    pipe(&mut b, &mut a);
    assert_eq!(a.next(), Some(Event::Message(5, Message::EchoReply(vec![1, 2, 3]))));
}

#[test]
fn a_wrong_message_is_answered_and_the_next_is_read() {
    let (mut a, mut b) = open();
    let unknown = [6, 99, 0, 8, 0, 0, 0, 7];
    a.send_bytes(&unknown).expect("room");
    a.send(8, &Message::BarrierRequest).expect("room");
    pipe(&mut a, &mut b);
    assert!(matches!(b.next(), Some(Event::Rejected(r)) if r.error == OfError::BrcBadType));
    assert_eq!(b.next(), Some(Event::Message(8, Message::BarrierRequest)));
    pipe(&mut b, &mut a);
    let Some(Event::Message(7, Message::Error(error))) = a.next() else { panic!("an error") };
    assert_eq!((error.error, &error.data[..]), (ErrorCode::Known(OfError::BrcBadType), &unknown[..]));
}

#[test]
fn a_length_below_the_header_ends_it() {
    let (_, mut b) = open();
    b.feed(&[5, 2, 0, 7, 0, 0, 0, 1]);
    assert_eq!(b.next(), Some(Event::Failed(Failure::BadLength(7))));
    b.feed(&[0; 1000]);
    assert_eq!(b.next(), None);
}

#[test]
fn output_is_bounded() {
    let (mut a, _) = open();
    a = a.with_limit(100);
    let big = Message::EchoRequest(vec![0; 200]);
    assert_eq!(a.send(1, &big), Err(SendError::Full { limit: 100 }));
    assert_eq!(a.send(1, &Message::BarrierRequest), Ok(()));
}
