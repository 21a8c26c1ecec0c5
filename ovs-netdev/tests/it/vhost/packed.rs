//! Packed rings.

use ovs_netdev::ovs_packet::Batch;

use super::guest::{
    BUFFERS, EVENTS, GUEST, Guest, INDIRECT, MERGEABLE, NEXT, PACKED, Port, SIZE, TABLES, USER, VERSION_1,
    WRITE, is_called,
};
use crate::conformance::{frame, wait_for};

const AVAILABLE: u16 = 1 << 7;
const USED: u16 = 1 << 15;
/// Not a power of two, which packed rings need not have.
const ENTRIES: u16 = 7;
/// Where tables are.
const TABLE: u64 = 0x8_0000;

/// Address, length, flags.
type Entry = (u64, u32, u16);

/// What the driver knows of one ring.
struct Driver {
    ring: u64,
    next: u16,
    wrap: bool,
    seen: u16,
    seen_wrap: bool,
}

impl Driver {
    fn new(ring: u64) -> Self {
        Self { ring, next: 0, wrap: true, seen: 0, seen_wrap: true }
    }

    /// Makes a chain available, its first descriptor last.
    fn offer(&mut self, guest: &Guest, id: u16, entries: &[Entry]) {
        let mut all = Vec::new();
        for (address, len, flags) in entries {
            let flags = flags | if self.wrap { AVAILABLE } else { USED };
            let bytes =
                [&address.to_le_bytes()[..], &len.to_le_bytes(), &id.to_le_bytes(), &flags.to_le_bytes()];
            all.push((0x4000 * self.ring + 16 * u64::from(self.next), bytes.concat()));
            (self.next, self.wrap) =
                if self.next + 1 == ENTRIES { (0, !self.wrap) } else { (self.next + 1, self.wrap) };
        }
        for (at, bytes) in all.iter().rev() {
            guest.write(*at, bytes);
        }
    }

    /// A packet in so many pieces.
    fn send(&mut self, guest: &Guest, id: u16, packet: &[u8], pieces: u32) {
        guest.write(BUFFERS, &[&[0; 12], packet].concat());
        let len = (12 + packet.len() as u32) / pieces;
        let entries: Vec<Entry> = (0..pieces)
            .map(|n| {
                let at = GUEST + BUFFERS + u64::from(n * len);
                if n + 1 < pieces { (at, len, NEXT) } else { (at, 12 + packet.len() as u32 - n * len, 0) }
            })
            .collect();
        self.offer(guest, id, &entries);
    }

    /// The next chain that came back, which took so many entries: its number and the bytes that were written.
    fn used(&mut self, guest: &Guest, slots: u16) -> Option<(u16, u32)> {
        let bytes: [u8; 16] = guest.read(0x4000 * self.ring + 16 * u64::from(self.seen));
        let flags = u16::from_le_bytes([bytes[14], bytes[15]]);
        if (flags & AVAILABLE != 0) != self.seen_wrap || (flags & USED != 0) != self.seen_wrap {
            return None;
        }
        self.seen += slots;
        if self.seen >= ENTRIES {
            (self.seen, self.seen_wrap) = (self.seen - ENTRIES, !self.seen_wrap);
        }
        let len = u32::from_le_bytes([bytes[8], bytes[9], bytes[10], bytes[11]]);
        assert_eq!(flags & WRITE != 0, len > 0);
        Some((u16::from_le_bytes([bytes[12], bytes[13]]), len))
    }
}

fn both(features: u64) -> (Port, Guest, [Driver; 2]) {
    let mut port = Port::new();
    let mut guest = Guest::silent(&port);
    guest.begin(VERSION_1 | PACKED | features);
    set_up(&mut port, &mut guest, [Some(0x8000); 2]);
    (port, guest, [Driver::new(0), Driver::new(1)])
}

fn set_up(port: &mut Port, guest: &mut Guest, bases: [Option<u32>; 2]) {
    guest.bases = bases;
    for ring in 0..2 {
        guest.set_up(ring, ENTRIES.into(), USER);
    }
    port.poll();
    assert_eq!(port.detail("n_vrings").as_deref(), Some("2"));
}

#[test]
fn packets_pass_round_after_round() {
    let (mut port, guest, [mut to, mut from]) = both(MERGEABLE);
    for n in 0..60_u16 {
        let (packet, pieces) = (frame(n.into(), 200 + usize::from(n)), 1 + u32::from(n) % 3);
        from.send(&guest, 1000 + n, packet.data(), pieces);
        assert_eq!(port.receive(), [packet.data()], "{n}");
        assert_eq!(from.used(&guest, pieces as u16), Some((1000 + n, 0)), "{n}");
        assert_eq!(from.used(&guest, 1), None);
        // To the guest: a packet of 312 bytes with its header, in buffers of 128 bytes in one or two pieces.
        let at = |n: u64| GUEST + BUFFERS + 0x1000 + 0x100 * n;
        to.offer(&guest, 7, &[(at(0), 128, WRITE)]);
        to.offer(&guest, n, &[(at(1), 100, WRITE | NEXT), (at(2), 28, WRITE)]);
        let mut batch = Batch::new();
        batch.push(frame(9, 300)).unwrap();
        assert_eq!(port.tx.send(&mut batch).full, 1, "two buffers are not enough");
        assert_eq!(to.used(&guest, 1), None);
        to.offer(&guest, 9, &[(at(3), 128, WRITE)]);
        batch.push(frame(n.into(), 300)).unwrap();
        assert_eq!(port.tx.send(&mut batch).packets, 1);
        assert_eq!(to.used(&guest, 1), Some((7, 128)));
        assert_eq!(to.used(&guest, 2), Some((n, 128)));
        assert_eq!(to.used(&guest, 1), Some((9, 56)));
        let pieces = [(0, 128), (1, 100), (2, 28), (3, 56)];
        let got =
            pieces.map(|(n, len)| guest.read::<128>(BUFFERS + 0x1000 + 0x100 * n)[..len].to_vec()).concat();
        assert_eq!((&got[10..12], &got[12..]), (&[3, 0][..], frame(n.into(), 300).data()));
    }
    assert_eq!(port.errors(), 0);
}

#[test]
fn tables_hold_chains() {
    let (mut port, guest, [mut to, mut from]) = both(TABLES);
    let packet = frame(1, 100);
    let table = |guest: &Guest, entries: &[Entry]| {
        for (number, (address, len, flags)) in (0..).zip(entries) {
            let bytes = [&address.to_le_bytes()[..], &len.to_le_bytes(), &[0; 2], &flags.to_le_bytes()];
            guest.write(TABLE + 16 * number, &bytes.concat());
        }
    };
    guest.write(BUFFERS, &[&[0; 12], packet.data()].concat());
    // One after the other, whatever else is said of them.
    table(&guest, &[(GUEST + BUFFERS, 30, NEXT), (GUEST + BUFFERS + 30, 82, NEXT)]);
    from.offer(&guest, 5, &[(GUEST + TABLE, 32, INDIRECT)]);
    assert_eq!(port.receive(), [packet.data()]);
    assert_eq!(from.used(&guest, 1), Some((5, 0)));
    table(&guest, &[(GUEST + BUFFERS + 0x1000, 50, WRITE), (GUEST + BUFFERS + 0x2000, 500, WRITE)]);
    to.offer(&guest, 6, &[(GUEST + TABLE, 32, INDIRECT)]);
    let mut batch = Batch::new();
    batch.push(frame(2, 100)).unwrap();
    assert_eq!(port.tx.send(&mut batch).packets, 1);
    assert_eq!(to.used(&guest, 1), Some((6, 112)));
    let parts =
        [guest.read::<50>(BUFFERS + 0x1000)[12..].to_vec(), guest.read::<62>(BUFFERS + 0x2000).to_vec()];
    assert_eq!(parts.concat(), frame(2, 100).data());
}

#[test]
fn bad_chains_are_counted_and_given_back() {
    let (mut port, guest, [_, mut from]) = both(TABLES);
    let (good, table) = ((GUEST + BUFFERS, 100, 0), GUEST + TABLE);
    let bad: [(&str, &[Entry], Entry); 12] = [
        ("outside of the memory", &[(GUEST + SIZE, 100, 0)], good),
        ("a second piece outside of it", &[(GUEST + BUFFERS, 50, NEXT), (u64::MAX, 100, 0)], good),
        ("a first piece outside of it", &[(0, 50, NEXT), (GUEST + BUFFERS, 50, NEXT), good], good),
        ("to be written", &[(GUEST + BUFFERS, 100, WRITE)], good),
        ("shorter than a header", &[(GUEST + BUFFERS, 5, 0)], good),
        ("no table", &[(table, 0, INDIRECT)], good),
        ("one and a half descriptors", &[(table, 24, INDIRECT)], good),
        ("a table outside of the memory", &[(GUEST + SIZE - 16, 32, INDIRECT)], good),
        ("a table as long as can be", &[(table, 0xffff_fff0, INDIRECT)], good),
        ("a table and more", &[(table, 16, INDIRECT | NEXT), good], good),
        ("a table at a chain's end", &[(GUEST + BUFFERS, 50, NEXT), (table, 16, INDIRECT)], good),
        ("a table within a table", &[(table, 16, INDIRECT)], (table, 16, INDIRECT)),
    ];
    for (count, (what, entries, (address, len, flags))) in (1..).zip(bad) {
        let bytes = [&address.to_le_bytes()[..], &len.to_le_bytes(), &[0; 2], &flags.to_le_bytes()];
        guest.write(TABLE, &bytes.concat());
        from.offer(&guest, 0xfff0, entries);
        assert!(port.receive().is_empty(), "{what}");
        assert_eq!(
            (port.errors(), from.used(&guest, entries.len() as u16)),
            (count, Some((0xfff0, 0))),
            "{what}"
        );
        from.send(&guest, 3, frame(1, 60).data(), 1);
        assert_eq!(port.receive(), [frame(1, 60).data()], "after {what}");
        assert_eq!(from.used(&guest, 1), Some((3, 0)));
    }
}

#[test]
fn a_ring_without_sense_rests_until_it_is_set_up_again() {
    let (mut port, mut guest, [_, mut from]) = both(0);
    // A chain that goes round and round.
    from.offer(&guest, 1, &[(GUEST + BUFFERS, 10, NEXT); ENTRIES as usize]);
    assert!(port.receive().is_empty() && port.errors() > 0);
    from = Driver::new(1);
    from.send(&guest, 2, frame(1, 60).data(), 1);
    assert!(port.receive().is_empty(), "it stays so");
    guest.say_ring(11, 1, 0);
    guest.write(0x4000, &[0; 16 * ENTRIES as usize]);
    set_up(&mut port, &mut guest, [Some(0x8000); 2]);
    from = Driver::new(1);
    from.send(&guest, 2, frame(2, 60).data(), 1);
    assert_eq!(port.receive(), [frame(2, 60).data()]);
    // Positions beyond the ring's end end the connection.
    drop(guest);
    for base in [0x8007, 0x8007_8000] {
        let end = |port: &mut Port| {
            wait_for("the end", || {
                port.poll();
                (port.detail("status").as_deref() == Some("disconnected")).then_some(())
            });
        };
        end(&mut port);
        let mut guest = Guest::silent(&port);
        port.poll();
        guest.begin(VERSION_1 | PACKED);
        guest.bases = [Some(base); 2];
        guest.set_up(1, ENTRIES.into(), USER);
        end(&mut port);
        assert_eq!(port.detail("last_end").as_deref(), Some("a ring that cannot be used"));
    }
}

#[test]
fn a_ring_goes_on_where_it_was() {
    let (mut port, mut guest, [_, mut from]) = both(0);
    for short in [false, true, false] {
        for n in 0..9 {
            from.send(&guest, n, frame(n.into(), 80).data(), 1);
            assert_eq!(port.receive(), [frame(n.into(), 80).data()]);
            assert_eq!(from.used(&guest, 1), Some((n, 0)));
        }
        guest.say_ring(11, 1, 0);
        port.poll();
        let base = guest.hear().0;
        let base = u32::from_ne_bytes(base[4..].try_into().unwrap());
        let wanted = u32::from(from.next) | u32::from(from.wrap) << 15;
        assert_eq!(base, wanted | wanted << 16);
        // Some frontends give one position for both.
        let base = if short { base & 0xffff } else { base };
        guest.bases = [Some(0x8000), Some(base)];
        guest.set_up(1, ENTRIES.into(), USER);
        port.poll();
    }
}

#[test]
fn drivers_are_called_at_the_place_that_they_name() {
    let (mut port, mut guest, [_, mut from]) = both(EVENTS);
    let call = guest.set_call(1);
    port.poll();
    let want = |guest: &Guest, place: u16, how: u16| {
        guest.write(0x5000, &[place.to_le_bytes(), how.to_le_bytes()].concat());
    };
    let mut sent = |guest: &Guest, port: &mut Port| {
        from.send(guest, 1, frame(1, 60).data(), 1);
        assert_eq!(port.receive().len(), 1);
        assert!(from.used(guest, 1).is_some());
        is_called(&call)
    };
    want(&guest, 0, 0);
    assert!(sent(&guest, &mut port));
    want(&guest, 0, 1);
    assert!(!sent(&guest, &mut port));
    // The fifth entry of this round; two have come.
    want(&guest, 4 | 0x8000, 2);
    assert_eq!([(); 4].map(|()| sent(&guest, &mut port)), [false, false, true, false]);
    // The second one of the next.
    want(&guest, 1, 2);
    assert_eq!([(); 4].map(|()| sent(&guest, &mut port)), [false, false, true, false]);
    // It is told to kick at the next entry.
    assert!(port.receive().is_empty());
    assert_eq!(guest.read::<4>(0x6000), [3, 0, 2, 0]);
}
