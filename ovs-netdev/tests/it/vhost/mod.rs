//! vhost-user ports with a frontend that may mean harm.

mod guest;
mod packed;
mod recovery;
mod tables;

use std::io::Write;
use std::os::unix::fs::FileExt;

use guest::{
    BUFFERS, ENTRIES, EVENTS, GUEST, Guest, INDIRECT, MERGEABLE, NEXT, PACKED, Port, SIZE, TABLES, USER,
    VERSION_1, WRITE,
};
use ovs_netdev::ovs_packet::Batch;
use proptest::prelude::*;
use rustix::fs::MemfdFlags;

use crate::conformance::{frame, wait_for};

#[test]
fn memory_that_goes_away_ends_its_connection_and_nothing_else() {
    let mut port = Port::new();
    let mut guest = Guest::new(&mut port);
    guest.send(&frame(1, 100));
    assert_eq!(port.receive().len(), 1);
    guest.memory.set_len(0).unwrap();
    assert!(port.receive().is_empty());
    let mut batch = Batch::new();
    batch.push(frame(2, 100)).unwrap();
    assert_eq!(port.tx.send(&mut batch).packets, 0);
    port.poll();
    assert_eq!(port.detail("status").as_deref(), Some("disconnected"));
    assert_eq!(port.detail("last_end").as_deref(), Some("memory was taken away"));
    let mut next = Guest::new(&mut port);
    next.send(&frame(3, 100));
    assert_eq!(port.receive(), [frame(3, 100).data()]);
}

#[test]
fn memory_that_can_be_sealed_stays() {
    let mut port = Port::new();
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let mut guest = Guest::with(&port, flags).ready(&mut port, VERSION_1);
    assert!(guest.memory.set_len(0).is_err());
    guest.send(&frame(1, 100));
    assert_eq!(port.receive(), [frame(1, 100).data()]);
}

#[test]
fn packets_pass_in_pieces() {
    let mut port = Port::new();
    let mut guest = Guest::new(&mut port);
    let packet = frame(3, 200);
    // The header's end lies within the second piece.
    guest.write(BUFFERS, &[[0; 12].to_vec(), packet.data().to_vec()].concat());
    for (number, (at, len, flags)) in [(0, 5, NEXT), (5, 20, NEXT), (25, 187, 0)].into_iter().enumerate() {
        guest.describe(1, number as u64, GUEST + BUFFERS + at, len, flags, number as u16 + 1);
    }
    guest.offer(1, 0);
    assert_eq!(port.receive(), [packet.data()]);
    assert_eq!(guest.used(1), 1);
    // And to the guest, into two pieces.
    guest.describe(0, 0, GUEST + BUFFERS, 100, NEXT | WRITE, 1);
    guest.describe(0, 1, GUEST + BUFFERS + 0x1000, 1000, WRITE, 0);
    guest.offer(0, 0);
    let mut batch = Batch::new();
    batch.push(frame(4, 300)).unwrap();
    batch.push(frame(5, 300)).unwrap();
    let sent = port.tx.send(&mut batch);
    assert_eq!((sent.packets, sent.full), (1, 1), "there is one buffer");
    let mut bytes = vec![0; 0x1000 + 212];
    guest.memory.read_exact_at(&mut bytes, BUFFERS).unwrap();
    assert_eq!([&bytes[12..100], &bytes[0x1000..0x1000 + 212]].concat(), frame(4, 300).data());
    assert_eq!(guest.used(0), 1);
}

/// Offers descriptor 0, which must be counted as wrong, for the `count`th time, and come back; what comes next is taken.
fn refuses(port: &mut Port, guest: &mut Guest, count: u64, what: &str) {
    guest.offer(1, 0);
    assert!(port.receive().is_empty(), "{what}");
    assert_eq!(port.errors(), count, "{what}");
    assert_eq!(u64::from(guest.used(1)), 2 * count - 1, "{what}");
    guest.send(&frame(1, 60));
    assert_eq!(port.receive(), [frame(1, 60).data()], "after {what}");
}

#[test]
fn bad_chains_are_counted_and_given_back() {
    let mut port = Port::new();
    let mut guest = Guest::new(&mut port);
    let bad = [
        ("outside of the memory", GUEST + SIZE, 100, 0, 0),
        ("below it", 0, 100, 0, 0),
        ("beyond its end", GUEST + SIZE - 50, 100, 0, 0),
        ("as long as can be", GUEST + BUFFERS, u32::MAX, 0, 0),
        ("at the end of all addresses", u64::MAX, 100, 0, 0),
        ("a loop", GUEST + BUFFERS, 100, NEXT, 0),
        ("another descriptor that is not there", GUEST + BUFFERS, 100, NEXT, 999),
        ("to be written", GUEST + BUFFERS, 100, WRITE, 0),
        ("indirect", GUEST + BUFFERS, 96, INDIRECT, 0),
        ("shorter than a header", GUEST + BUFFERS, 5, 0, 0),
        ("no more than a header", GUEST + BUFFERS, 12, 0, 0),
    ];
    for (count, (what, address, len, flags, next)) in (1..).zip(bad) {
        guest.describe(1, 0, address, len, flags, next);
        refuses(&mut port, &mut guest, count, what);
    }
    // A header that asks for what cannot be done.
    for header in [
        [1, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0],
        [0, 1, 0, 0, 0, 0, 0, 0, 0, 0],
        [0, 77, 0, 0, 0, 0, 0, 0, 0, 0],
    ] {
        let before = port.errors();
        guest.write(BUFFERS, &header);
        guest.describe(1, 0, GUEST + BUFFERS, 112, 0, 0);
        guest.offer(1, 0);
        assert!(port.receive().is_empty());
        assert_eq!(port.errors(), before + 1, "{header:?}");
    }
}

#[test]
fn a_ring_without_sense_rests_until_it_is_set_up_again() {
    let mut port = Port::new();
    let mut guest = Guest::new(&mut port);
    for jump in [true, false] {
        if jump {
            guest.made[1] = guest.made[1].wrapping_add(1000);
            guest.offer(1, 0);
        } else {
            guest.offer(1, ENTRIES as u16);
        }
        let before = port.errors();
        assert!(port.receive().is_empty() && port.errors() > before);
        guest.send(&frame(1, 60));
        assert!(port.receive().is_empty(), "it stays so");
        // GET_VRING_BASE stops it.
        guest.say_ring(11, 1, 0);
        guest.set_up(1, ENTRIES as u32, USER);
        port.poll();
        guest.send(&frame(2, 60));
        assert_eq!(port.receive(), [frame(2, 60).data()]);
    }
}

#[test]
fn a_frontend_that_makes_no_sense_is_left() {
    type Nonsense = fn(&mut Guest);
    let mut port = Port::new();
    let nonsense: [Nonsense; 9] = [
        |guest| guest.socket.write_all(&[0xff; 12]).unwrap(),
        |guest| guest.socket.write_all(&[1, 0, 0, 0, 1, 0, 0, 0, 0xff, 0xff, 0xff, 0]).unwrap(),
        |guest| guest.say(9, &[0; 12], &[]),
        |guest| guest.say_ring(8, 99, 8),
        |guest| guest.say(5, &[1_u64.to_ne_bytes(); 5].concat(), &[]),
        |guest| guest.say(5, &[0xff; 40], &[]),
        |guest| guest.say_memory(2 * SIZE),
        |guest| {
            guest.say_memory(SIZE);
            guest.set_up(0, 7, USER);
        },
        |guest| {
            guest.say_memory(SIZE);
            guest.set_up(0, 8, USER + SIZE - 0x1000);
        },
    ];
    for (which, say) in nonsense.into_iter().enumerate() {
        let mut guest = Guest::silent(&port);
        port.poll();
        assert_eq!(port.detail("status").as_deref(), Some("connected"), "{which}");
        say(&mut guest);
        wait_for("the end", || {
            port.poll();
            (port.detail("status").as_deref() == Some("disconnected")).then_some(())
        });
        assert!(port.detail("last_end").is_some_and(|reason| !reason.contains("closed")), "{which}");
    }
    // The next one is welcome.
    let mut guest = Guest::new(&mut port);
    guest.send(&frame(1, 60));
    assert_eq!(port.receive(), [frame(1, 60).data()]);
    drop(guest);
    wait_for("the end", || {
        port.poll();
        (!port.device.status().link_up).then_some(())
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_memory_and_no_message_does_harm(
        writes in proptest::collection::vec((0..0x7000_u64, any::<[u8; 8]>()), 1..200),
        messages in proptest::collection::vec((0..42_u32, proptest::collection::vec(any::<u8>(), 0..80)), 0..10),
        small in any::<bool>(),
        packed in any::<bool>(),
    ) {
        let mut port = Port::new();
        let features = if packed { VERSION_1 | MERGEABLE | TABLES | EVENTS | PACKED } else { VERSION_1 | MERGEABLE | TABLES | EVENTS };
        let mut guest = Guest::silent(&port).ready(&mut port, features);
        for (n, (at, bytes)) in writes.into_iter().enumerate() {
            guest.write(at, &bytes);
            if small {
                // An index that makes sense, so that the descriptors are looked at.
                guest.write(0x5002, &(n as u16).to_le_bytes());
                guest.write(0x1002, &(n as u16).to_le_bytes());
            }
            port.receive();
            let mut batch = Batch::new();
            batch.push(frame(n, 60 + n)).unwrap();
            let sent = port.tx.send(&mut batch);
            prop_assert_eq!(sent.packets + sent.full + sent.refused + sent.down, 1);
        }
        for (request, payload) in messages {
            if port.detail("status").as_deref() == Some("connected") {
                guest.say(request, &payload, &[]);
            }
            port.poll();
            port.receive();
        }
    }
}
