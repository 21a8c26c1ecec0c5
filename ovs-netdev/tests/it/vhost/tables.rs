//! Chains in tables of their own, and sides that say at which number they want to be woken.

use ovs_netdev::ovs_packet::Batch;

use super::guest::{
    BUFFERS, ENTRIES, EVENTS, GUEST, Guest, INDIRECT, NEXT, Port, SIZE, TABLES, VERSION_1, WRITE, is_called,
};
use super::refuses;
use crate::conformance::frame;

/// Where tables are.
const TABLE: u64 = 0x8_0000;

/// Address, length, flags, next.
type Entry = (u64, u32, u16, u16);

fn table(guest: &Guest, at: u64, entries: &[Entry]) {
    for (number, (address, len, flags, next)) in (0..).zip(entries) {
        let bytes =
            [&address.to_le_bytes()[..], &len.to_le_bytes(), &flags.to_le_bytes(), &next.to_le_bytes()];
        guest.write(at + 16 * number, &bytes.concat());
    }
}

#[test]
fn tables_hold_chains() {
    let mut port = Port::new();
    let mut guest = Guest::silent(&port).ready(&mut port, VERSION_1 | TABLES);
    let packet = frame(3, 200);
    guest.write(BUFFERS, &[[0; 12].to_vec(), packet.data().to_vec()].concat());
    let at = |from: u64| GUEST + BUFFERS + from;
    // Not in the order in which they stand; what of the table's own descriptor says "written" means nothing.
    let entries = [(at(0), 5, NEXT, 2), (at(25), 187, 0, 0), (at(5), 20, NEXT, 1)];
    table(&guest, TABLE, &entries);
    guest.describe(1, 0, GUEST + TABLE, 48, INDIRECT | WRITE, 0);
    guest.offer(1, 0);
    assert_eq!(port.receive(), [packet.data()]);
    // After descriptors of the ring.
    table(&guest, TABLE, &[(at(5), 20, NEXT, 1), (at(25), 187, 0, 0)]);
    guest.describe(1, 4, at(0), 5, NEXT, 6);
    guest.describe(1, 6, GUEST + TABLE, 32, INDIRECT, 0);
    guest.offer(1, 4);
    assert_eq!(port.receive(), [packet.data()]);
    assert_eq!((guest.used(1), port.errors()), (2, 0));
    // And to the guest.
    table(&guest, TABLE, &[(at(0), 100, WRITE | NEXT, 1), (at(0x1000), 1000, WRITE, 0)]);
    guest.describe(0, 0, GUEST + TABLE, 32, INDIRECT, 0);
    guest.offer(0, 0);
    let mut batch = Batch::new();
    batch.push(frame(4, 300)).unwrap();
    assert_eq!(port.tx.send(&mut batch).packets, 1);
    let parts = [guest.read::<100>(BUFFERS)[12..].to_vec(), guest.read::<212>(BUFFERS + 0x1000).to_vec()];
    assert_eq!(parts.concat(), frame(4, 300).data());
    assert_eq!(guest.read::<8>(0x2004), [0, 0, 0, 0, 56, 1, 0, 0], "312 bytes in chain 0");
}

#[test]
fn bad_tables_are_counted_and_given_back() {
    let mut port = Port::new();
    let mut guest = Guest::silent(&port).ready(&mut port, VERSION_1 | TABLES);
    let good = (GUEST + BUFFERS, 100, 0, 0);
    let part = (GUEST + BUFFERS, 1, NEXT, 0);
    let many: Vec<Entry> = (1..200).map(|next| (GUEST + BUFFERS, 1, NEXT, next)).chain([good]).collect();
    let whole = INDIRECT;
    let bad: [(&str, Entry, &[Entry]); 15] = [
        ("no table", (GUEST + TABLE, 0, whole, 0), &[good]),
        ("half a descriptor", (GUEST + TABLE, 8, whole, 0), &[good]),
        ("one and a half", (GUEST + TABLE, 24, whole, 0), &[good]),
        ("outside of the memory", (GUEST + SIZE, 16, whole, 0), &[good]),
        ("across its end", (GUEST + SIZE - 16, 32, whole, 0), &[good]),
        ("as long as can be", (GUEST + TABLE, 0xffff_fff0, whole, 0), &[good]),
        ("at the end of all addresses", (u64::MAX - 15, 16, whole, 0), &[good]),
        ("a table and more", (GUEST + TABLE, 16, whole | NEXT, 1), &[good]),
        ("a table within a table", (GUEST + TABLE, 16, whole, 0), &[(GUEST + TABLE, 16, whole, 0)]),
        (
            "a table within a chain in a table",
            (GUEST + TABLE, 32, whole, 0),
            &[(GUEST + BUFFERS, 50, NEXT, 1), (GUEST + TABLE, 16, whole, 0)],
        ),
        ("a loop", (GUEST + TABLE, 32, whole, 0), &[(GUEST + BUFFERS, 1, NEXT, 1), part]),
        ("more than the table has", (GUEST + TABLE, 16, whole, 0), &[(GUEST + BUFFERS, 50, NEXT, 1)]),
        ("a piece outside of the memory", (GUEST + TABLE, 16, whole, 0), &[(GUEST + SIZE, 100, 0, 0)]),
        ("to be written", (GUEST + TABLE, 16, whole, 0), &[(GUEST + BUFFERS, 100, WRITE, 0)]),
        ("too many pieces", (GUEST + TABLE, 3200, whole, 0), &many),
    ];
    for (count, (what, (address, len, flags, next), entries)) in (1..).zip(bad) {
        table(&guest, TABLE, entries);
        guest.describe(1, 0, address, len, flags, next);
        refuses(&mut port, &mut guest, count, what);
    }
}

#[test]
fn tables_are_not_taken_unless_both_sides_want_them() {
    let mut port = Port::new();
    let mut guest = Guest::new(&mut port);
    table(&guest, TABLE, &[(GUEST + BUFFERS, 100, 0, 0)]);
    guest.describe(1, 0, GUEST + TABLE, 16, INDIRECT, 0);
    guest.offer(1, 0);
    assert!(port.receive().is_empty());
    assert_eq!(port.errors(), 1);
}

#[test]
fn drivers_are_called_at_the_number_that_they_name() {
    let mut port = Port::new();
    let mut guest = Guest::silent(&port).ready(&mut port, VERSION_1 | EVENTS);
    let call = guest.set_call(1);
    port.poll();
    let name = |guest: &Guest, number: u16| guest.write(0x5004 + 2 * ENTRIES, &number.to_le_bytes());
    let sent = |guest: &mut Guest, port: &mut Port| {
        guest.send(&frame(1, 60));
        assert_eq!(port.receive().len(), 1);
        is_called(&call)
    };
    // The first one, the fourth one, and no other.
    name(&guest, 0);
    assert!(sent(&mut guest, &mut port));
    name(&guest, 3);
    assert_eq!([(); 5].map(|()| sent(&mut guest, &mut port)), [false, false, true, false, false]);
    // What a flag says means nothing now.
    guest.write(0x5000, &[1, 0]);
    name(&guest, 6);
    assert!(sent(&mut guest, &mut port));
    // It is told to kick when something comes, each time that nothing is there.
    let named = |guest: &Guest| u16::from_le_bytes(guest.read(0x6004 + 8 * ENTRIES));
    assert!(port.receive().is_empty());
    assert_eq!(named(&guest), guest.made[1]);
    sent(&mut guest, &mut port);
    assert!(port.receive().is_empty());
    assert_eq!(named(&guest), guest.made[1]);
}
