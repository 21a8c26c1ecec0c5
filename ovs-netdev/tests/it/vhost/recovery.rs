//! What is in flight when the switch dies.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::FileExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use ovs_netdev::ovs_packet::{Batch, Packet, Pool, PoolConfig};
use ovs_netdev::vhost::{VhostFactory, guard_memory};
use ovs_netdev::{Factory, Options};
use rustix::fs::{MemfdFlags, memfd_create};

use super::guest::{BUFFERS, ENTRIES, GUEST, Guest, PACKED, Port, SIZE, USER, VERSION_1, WRITE};
use crate::conformance::wait_for;

const GET: u32 = 31;
const SET: u32 = 32;
/// Where the process that is to be killed finds what to do.
const PLACE: &str = "OVST_VHOST_DIR";

/// Size, offset, rings, entries, as a frontend says them.
fn payload(size: u64, offset: u64, rings: u16, entries: u16) -> Vec<u8> {
    let mut bytes = [size.to_ne_bytes(), offset.to_ne_bytes()].concat();
    bytes.extend([rings.to_ne_bytes(), entries.to_ne_bytes()].concat());
    bytes
}

#[test]
fn a_record_is_made_for_those_who_ask() {
    let mut port = Port::new();
    let mut guest = Guest::silent(&port);
    guest.begin(VERSION_1);
    for padding in [0, 4] {
        let asked = [payload(0, 0, 2, ENTRIES as u16), vec![0; padding]].concat();
        guest.say(GET, &asked, &[]);
        port.poll();
        let (told, fds) = guest.hear();
        let size = u64::from_ne_bytes(told[..8].try_into().unwrap());
        assert_eq!(told, [payload(size, 0, 2, ENTRIES as u16), vec![0; padding]].concat());
        let file = File::from(fds.into_iter().next().unwrap());
        assert_eq!(file.metadata().unwrap().len(), size);
        assert!(size >= 2 * (16 + 16 * ENTRIES));
    }
    // What a packed ring has in flight is not recorded.
    guest.say(2, &(VERSION_1 | PACKED).to_ne_bytes(), &[]);
    guest.say(GET, &payload(0, 0, 2, 8), &[]);
    port.poll();
    let (told, fds) = guest.hear();
    assert_eq!((told, fds.len()), (payload(0, 0, 2, 8), 0));
}

#[test]
fn records_without_sense_end_the_connection() {
    type Nonsense = (&'static str, fn(&mut Guest, &OwnedFd));
    let nonsense: [Nonsense; 9] = [
        ("no rings", |guest, _| guest.say(GET, &payload(0, 0, 0, 8), &[])),
        ("no entries", |guest, _| guest.say(GET, &payload(0, 0, 2, 0), &[])),
        ("too many entries", |guest, _| guest.say(GET, &payload(0, 0, 2, 32_769), &[])),
        ("too many rings", |guest, _| guest.say(GET, &payload(0, 0, 3, 8), &[])),
        ("no descriptor", |guest, _| guest.say(SET, &payload(4096, 0, 2, 8), &[])),
        ("too little", |guest, fd| guest.say(SET, &payload(200, 0, 2, 8), &[fd.as_fd()])),
        ("more than there is", |guest, fd| guest.say(SET, &payload(1 << 40, 0, 2, 8), &[fd.as_fd()])),
        ("elsewhere", |guest, fd| guest.say(SET, &payload(4096, u64::MAX - 100, 2, 8), &[fd.as_fd()])),
        ("of another version", |guest, fd| {
            File::from(fd.try_clone().unwrap()).write_all_at(&[7], 8).unwrap();
            guest.say(SET, &payload(4096, 0, 2, 8), &[fd.as_fd()]);
            guest.set_up(0, 8, USER);
        }),
    ];
    let mut port = Port::new();
    for (what, say) in nonsense {
        let mut guest = Guest::silent(&port);
        guest.begin(VERSION_1);
        port.poll();
        assert_eq!(port.detail("status").as_deref(), Some("connected"), "{what}");
        let fd = memfd_create("record", MemfdFlags::CLOEXEC).unwrap();
        File::from(fd.try_clone().unwrap()).set_len(4096).unwrap();
        say(&mut guest, &fd);
        wait_for("the end", || {
            port.poll();
            (port.detail("status").as_deref() == Some("disconnected")).then_some(())
        });
        assert!(port.detail("last_end").is_some_and(|reason| !reason.contains("closed")), "{what}");
    }
}

#[test]
fn a_record_that_goes_away_ends_its_connection() {
    let mut port = Port::new();
    let mut guest = Guest::silent(&port);
    guest.begin(VERSION_1);
    let record = File::from(memfd_create("record", MemfdFlags::CLOEXEC).unwrap());
    record.set_len(4096).unwrap();
    guest.say(SET, &payload(4096, 0, 2, 8), &[record.as_fd()]);
    for ring in 0..2 {
        guest.set_up(ring, 8, USER);
    }
    port.poll();
    guest.send(&crate::conformance::frame(1, 60));
    assert_eq!(port.receive().len(), 1);
    record.set_len(0).unwrap();
    guest.send(&crate::conformance::frame(2, 60));
    port.receive();
    port.poll();
    assert_eq!(port.detail("last_end").as_deref(), Some("memory was taken away"));
}

/// What the killed process does: it takes packets, writes their numbers down, and sends each number on.
#[test]
#[ignore = "a process of its own, for the test below"]
fn a_switch_that_will_be_killed() {
    let Some(dir) = std::env::var_os(PLACE) else { return };
    let dir = Path::new(&dir);
    guard_memory().unwrap();
    let socket = dir.join("socket").to_string_lossy().into_owned();
    let options = Options::from([("vhost-server-path".to_owned(), socket)]);
    let mut device = VhostFactory::client().open("p0", &options).unwrap();
    let (mut rx, mut tx) = (device.take_rx_queues().remove(0), device.tx_queue().unwrap());
    let mut log = OpenOptions::new().append(true).create(true).open(dir.join("taken")).unwrap();
    let (mut pool, mut batch, began) = (Pool::new(PoolConfig::default()), Batch::new(), Instant::now());
    loop {
        device.poll_changes(began.elapsed());
        rx.receive(&mut pool, &mut batch).unwrap();
        let numbers: Vec<u8> = batch.drain().flat_map(|packet| packet.data()[14..18].to_vec()).collect();
        log.write_all(&numbers).unwrap();
        for number in numbers.chunks(4) {
            batch.push(Packet::detached(&[&[2; 14], number, &[0; 46]].concat()).unwrap()).unwrap();
        }
        tx.send(&mut batch);
    }
}

/// Such a process, which ends with this.
struct Switch(Child);

impl Drop for Switch {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// One ring of an honest driver: each chain is one descriptor with a buffer of its own.
struct Ring {
    number: usize,
    out: BTreeSet<u16>,
    free: Vec<u16>,
    seen: u16,
}

impl Ring {
    fn new(number: usize) -> Self {
        Self { number, out: BTreeSet::new(), free: (0..ENTRIES as u16).collect(), seen: 0 }
    }

    fn buffer(&self, head: u16) -> u64 {
        BUFFERS
            + if self.number == 1 { 0xf000 } else { 0x800 } * u64::from(head)
            + if self.number == 1 { 0 } else { 0xc_0000 }
    }

    /// Heads that have come back, each of which the device must have had.
    fn collect(&mut self, guest: &Guest) -> Vec<u16> {
        let mut heads = Vec::new();
        while self.seen != guest.used(self.number as u64) {
            let at = 0x4000 * self.number as u64 + 0x2004 + 8 * (u64::from(self.seen) % ENTRIES);
            let head = u16::from_le_bytes(guest.read(at));
            assert!(
                self.out.remove(&head),
                "ring {}: chain {head} came back once more than it was given",
                self.number
            );
            self.free.push(head);
            self.seen = self.seen.wrapping_add(1);
            heads.push(head);
        }
        heads
    }

    fn offer(&mut self, guest: &mut Guest, len: u32) -> u16 {
        let head = self.free.remove(0);
        let flags = if self.number == 1 { 0 } else { WRITE };
        guest.describe(self.number as u64, head.into(), GUEST + self.buffer(head), len, flags, 0);
        guest.offer(self.number, head);
        self.out.insert(head);
        head
    }
}

/// The frontend, which outlives its switches.
struct Frontend {
    listener: UnixListener,
    dir: tempfile::TempDir,
    guest: Guest,
    record: Option<(Vec<u8>, OwnedFd)>,
    to: Ring,
    from: Ring,
    sent: u32,
    echoed: Vec<u32>,
    /// Buffers that came back with them.
    filled: BTreeSet<u16>,
}

impl Frontend {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(dir.path().join("socket")).unwrap();
        let memory =
            File::from(memfd_create("guest", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING).unwrap());
        memory.set_len(SIZE).unwrap();
        // Nobody yet.
        let socket = UnixStream::pair().unwrap().0;
        let guest = Guest { socket, memory, made: [0; 2], bases: [None; 2] };
        let (to, from) = (Ring::new(0), Ring::new(1));
        Self {
            listener,
            dir,
            guest,
            record: None,
            to,
            from,
            sent: 0,
            echoed: Vec::new(),
            filled: BTreeSet::new(),
        }
    }

    /// A switch that has both rings.
    fn start(&mut self) -> Switch {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args([
            "--exact",
            "vhost::recovery::a_switch_that_will_be_killed",
            "--ignored",
            "--nocapture",
        ]);
        command.env(PLACE, self.dir.path()).stdout(Stdio::null()).stderr(Stdio::null());
        let switch = Switch(command.spawn().unwrap());
        self.guest.socket = self.listener.accept().unwrap().0;
        self.guest.begin(VERSION_1);
        if self.record.is_none() {
            self.guest.say(GET, &payload(0, 0, 2, ENTRIES as u16), &[]);
            let (told, mut fds) = self.guest.hear();
            self.record = Some((told, fds.remove(0)));
        }
        let (told, fd) = self.record.as_ref().unwrap();
        self.guest.say(SET, told, &[fd.as_fd()]);
        // How far the switch that has died was, nobody knows.
        self.guest.bases = [Some(0); 2];
        for ring in 0..2 {
            self.guest.set_up(ring, ENTRIES as u32, USER);
        }
        switch
    }

    /// Sends what there is room for, and takes what comes.
    fn turn(&mut self, more: bool) {
        self.from.collect(&self.guest);
        while more && !self.from.free.is_empty() {
            let head = self.from.free[0];
            let mut frame = vec![2; 12 + 14];
            frame[..12].fill(0);
            frame.extend(self.sent.to_ne_bytes());
            self.guest.write(self.from.buffer(head), &frame);
            self.from.offer(&mut self.guest, 60_000);
            self.sent += 1;
        }
        for head in self.to.collect(&self.guest) {
            let number = self.guest.read(self.to.buffer(head) + 12 + 14);
            self.filled.insert(head);
            self.echoed.push(u32::from_ne_bytes(number));
        }
        while !self.to.free.is_empty() {
            self.to.offer(&mut self.guest, 0x800);
        }
    }

    /// How many chains the record says are in flight in the ring that the switch reads.
    fn in_flight(&self) -> usize {
        let (told, fd) = self.record.as_ref().unwrap();
        let size = u64::from_ne_bytes(told[..8].try_into().unwrap());
        let mut bytes = vec![0; size as usize];
        File::from(fd.try_clone().unwrap()).read_exact_at(&mut bytes, 0).unwrap();
        let second = &bytes[size as usize / 2..];
        (0..ENTRIES as usize).filter(|n| second[16 + 16 * n] == 1).count()
    }
}

#[test]
fn a_switch_that_is_killed_leaves_its_work_to_the_next() {
    let mut frontend = Frontend::new();
    let (mut kills, mut between) = (0, 0);
    // Until it was several times in the midst of its work.
    while between < 3 {
        assert!(kills < 100, "it is never in the midst of its work");
        let switch = frontend.start();
        // It always has work, and dies after more or less of it, between any two of its steps.
        let (before, enough) = (frontend.from.seen, 20 + 37 * kills as u16 % 50);
        let limit = Instant::now() + Duration::from_secs(20);
        while frontend.from.seen.wrapping_sub(before) < enough {
            assert!(Instant::now() < limit, "it does not work");
            frontend.turn(true);
        }
        // Every other time it is in the midst of it for certain, unless it is quicker than its end.
        while kills % 2 == 0 && frontend.in_flight() == 0 {
            assert!(Instant::now() < limit, "it is never in the midst of its work");
            frontend.turn(true);
        }
        drop(switch);
        kills += 1;
        between += usize::from(frontend.in_flight() > 0);
    }
    let switch = frontend.start();
    frontend.filled.clear();
    wait_for("every buffer", || {
        frontend.turn(true);
        (frontend.filled.len() == ENTRIES as usize).then_some(())
    });
    wait_for("all chains", || {
        frontend.turn(false);
        frontend.from.out.is_empty().then_some(())
    });
    drop(switch);
    // Each number comes at most once, in order. Those are missing that the switch had taken out of the ring, and given back, when it
    // was killed before it wrote them down: as many as the ring has, each time. (Of echoes it drops those for which it has no buffer.)
    let taken = std::fs::read(frontend.dir.path().join("taken")).unwrap();
    let taken: Vec<u32> =
        taken.chunks(4).map(|number| u32::from_ne_bytes(number.try_into().unwrap())).collect();
    for numbers in [&taken, &frontend.echoed] {
        assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
    }
    let missing = frontend.sent as usize - taken.len();
    assert!(missing <= (kills + 1) * ENTRIES as usize, "{missing} of {} with {kills} kills", frontend.sent);
}
