//! vhost-user ports with a frontend that may mean harm.

use std::fs::File;
use std::io::{IoSlice, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::FileExt;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use ovs_netdev::ovs_packet::{Batch, Packet, Pool, PoolConfig};
use ovs_netdev::vhost::{VhostFactory, guard_memory};
use ovs_netdev::{Factory, Netdev, Options, RxQueue, TxQueue};
use proptest::prelude::*;
use rustix::fs::{MemfdFlags, memfd_create};
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};

use crate::conformance::{frame, wait_for};

const ENTRIES: u64 = 8;
/// Where the memory is for descriptors, and for addresses of rings.
const GUEST: u64 = 0x10_0000;
const USER: u64 = 0x7000_0000;
const SIZE: u64 = 1 << 20;
/// Where in the memory packets are.
const BUFFERS: u64 = 0x1_0000;
const VERSION_1: u64 = 1 << 32;

const NEXT: u16 = 1;
const WRITE: u16 = 2;
const INDIRECT: u16 = 4;

/// The port under test.
struct Port {
    device: Box<dyn Netdev>,
    rx: Box<dyn RxQueue>,
    tx: Box<dyn TxQueue>,
    pool: Pool,
    dir: tempfile::TempDir,
}

impl Port {
    fn new() -> Self {
        guard_memory().unwrap();
        let dir = tempfile::tempdir().unwrap();
        let mut device = VhostFactory::server(dir.path()).open("p0", &Options::new()).unwrap();
        let (rx, tx) = (device.take_rx_queues().remove(0), device.tx_queue().unwrap());
        Self { device, rx, tx, pool: Pool::new(PoolConfig::default()), dir }
    }

    fn poll(&mut self) {
        for _ in 0..3 {
            self.device.poll_changes(Duration::ZERO);
        }
    }

    fn receive(&mut self) -> Vec<Vec<u8>> {
        let mut batch = Batch::new();
        self.rx.receive(&mut self.pool, &mut batch).unwrap();
        batch.drain().map(|packet| packet.data().to_vec()).collect()
    }

    fn errors(&mut self) -> u64 {
        self.device.statistics().rx_errors.unwrap()
    }

    fn detail(&mut self, key: &str) -> Option<String> {
        self.device.status().details.into_iter().find(|(k, _)| k == key).map(|(_, value)| value)
    }
}

/// The frontend: a socket, and memory of which the test writes every byte.
struct Guest {
    socket: UnixStream,
    memory: File,
    /// Chains made available in each ring.
    made: [u16; 2],
}

impl Guest {
    /// Connects and says nothing.
    fn silent(port: &Port) -> Self {
        Self::with(port, MemfdFlags::CLOEXEC)
    }

    /// The same, with memory of another kind.
    fn with(port: &Port, flags: MemfdFlags) -> Self {
        let socket = UnixStream::connect(port.dir.path().join("p0")).unwrap();
        let memory = File::from(memfd_create("guest", flags).unwrap());
        memory.set_len(SIZE).unwrap();
        Self { socket, memory, made: [0; 2] }
    }

    /// Connects and sets both rings up.
    fn new(port: &mut Port) -> Self {
        Self::silent(port).ready(port)
    }

    fn ready(self, port: &mut Port) -> Self {
        let mut guest = self;
        guest.say(3, &[], &[]);
        guest.say(2, &VERSION_1.to_ne_bytes(), &[]);
        guest.say_memory(SIZE);
        for ring in 0..2 {
            guest.set_up(ring, ENTRIES as u32, USER);
        }
        port.poll();
        assert_eq!(port.detail("n_vrings").as_deref(), Some("2"));
        guest
    }

    fn say(&mut self, request: u32, payload: &[u8], fds: &[BorrowedFd<'_>]) {
        let mut bytes: Vec<u8> =
            [request, 1, payload.len() as u32].iter().flat_map(|number| number.to_ne_bytes()).collect();
        bytes.extend(payload);
        let mut space = [std::mem::MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(8))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        assert!(fds.is_empty() || control.push(SendAncillaryMessage::ScmRights(fds)));
        sendmsg(&self.socket, &[IoSlice::new(&bytes)], &mut control, SendFlags::empty()).unwrap();
    }

    fn say_memory(&mut self, size: u64) {
        let numbers = [1, GUEST, size, USER, 0];
        let payload: Vec<u8> = numbers.iter().flat_map(|number| number.to_ne_bytes()).collect();
        let memory = self.memory.try_clone().unwrap();
        self.say(5, &payload, &[memory.as_fd()]);
    }

    fn say_ring(&mut self, request: u32, ring: u32, value: u32) {
        self.say(request, &[ring.to_ne_bytes(), value.to_ne_bytes()].concat(), &[]);
    }

    /// Number, base, addresses from `user` on, and a kick that never comes.
    fn set_up(&mut self, ring: u32, entries: u32, user: u64) {
        self.say_ring(8, ring, entries);
        self.say_ring(10, ring, u32::from(self.made[ring as usize]));
        let at = user + 0x4000 * u64::from(ring);
        let mut payload = [ring.to_ne_bytes(), [0; 4]].concat();
        for address in [at, at + 0x2000, at + 0x1000, 0] {
            payload.extend(address.to_ne_bytes());
        }
        self.say(9, &payload, &[]);
        self.say(12, &(u64::from(ring) | 0x100).to_ne_bytes(), &[]);
    }

    fn write(&self, at: u64, bytes: &[u8]) {
        self.memory.write_all_at(bytes, at).unwrap();
    }

    fn describe(&self, ring: u64, number: u64, address: u64, len: u32, flags: u16, next: u16) {
        let bytes =
            [&address.to_le_bytes()[..], &len.to_le_bytes(), &flags.to_le_bytes(), &next.to_le_bytes()];
        self.write(0x4000 * ring + 16 * number, &bytes.concat());
    }

    /// Makes the chain that begins at `head` available.
    fn offer(&mut self, ring: usize, head: u16) {
        let at = 0x4000 * ring as u64 + 0x1000;
        self.write(at + 4 + 2 * (u64::from(self.made[ring]) % ENTRIES), &head.to_le_bytes());
        self.made[ring] = self.made[ring].wrapping_add(1);
        self.write(at + 2, &self.made[ring].to_le_bytes());
    }

    /// Chains that came back, as the ring's number says.
    fn used(&self, ring: u64) -> u16 {
        let mut bytes = [0; 2];
        self.memory.read_exact_at(&mut bytes, 0x4000 * ring + 0x2002).unwrap();
        u16::from_le_bytes(bytes)
    }

    /// Sends a packet as it should be.
    fn send(&mut self, packet: &Packet) {
        self.write(BUFFERS, &[0; 12]);
        self.write(BUFFERS + 12, packet.data());
        self.describe(1, 0, GUEST + BUFFERS, 12 + packet.len() as u32, 0, 0);
        self.offer(1, 0);
    }
}

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
    let mut guest = Guest::with(&port, flags).ready(&mut port);
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
        guest.offer(1, 0);
        assert!(port.receive().is_empty(), "{what}");
        assert_eq!(port.errors(), count, "{what}");
        assert_eq!(u64::from(guest.used(1)), 2 * count - 1, "{what}");
        guest.send(&frame(1, 60));
        assert_eq!(port.receive(), [frame(1, 60).data()], "after {what}");
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
    ) {
        let mut port = Port::new();
        let mut guest = Guest::new(&mut port);
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
