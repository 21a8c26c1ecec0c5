//! A vhost-user port whose frontend does anything: writes into the shared memory between any two steps of the rings, says
//! any message, takes the memory away. Nothing may end the process, and what is sent is accounted for.
#![no_main]

use std::fs::File;
use std::io::IoSlice;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::FileExt;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use ovs_netdev::ovs_packet::{Batch, Packet, Pool, PoolConfig};
use ovs_netdev::vhost::{VhostFactory, guard_memory};
use ovs_netdev::{Factory, Options};
use rustix::fs::{MemfdFlags, memfd_create};
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};

const SIZE: u64 = 1 << 16;
const GUEST: u64 = 0x10_0000;
const USER: u64 = 0x7000_0000;

struct Frontend {
    socket: UnixStream,
    memory: File,
}

impl Frontend {
    /// Connects and sets up two rings of eight entries, at 0 and 0x4000: descriptors, available at 0x1000, used at 0x2000.
    /// `choice` decides what kind of rings these are, and whether what is in flight is recorded in the same memory.
    fn new(path: &std::path::Path, choice: u8) -> Option<Self> {
        let memory = File::from(memfd_create("guest", MemfdFlags::CLOEXEC).ok()?);
        memory.set_len(SIZE).ok()?;
        let frontend = Self { socket: UnixStream::connect(path).ok()?, memory };
        frontend.say(3, &[], &[])?;
        let packed = choice & 1 != 0;
        let features = 1_u64 << 32 | 1 << 15 | u64::from(choice >> 2 & 3) << 28 | u64::from(packed) << 34;
        frontend.say(2, &features.to_ne_bytes(), &[])?;
        let numbers = [1, GUEST, SIZE, USER, 0];
        let payload: Vec<u8> = numbers.iter().flat_map(|number| number.to_ne_bytes()).collect();
        frontend.say(5, &payload, &[frontend.memory.as_fd()])?;
        if choice & 2 != 0 {
            let record = [&0x1000_u64.to_ne_bytes()[..], &0x8000_u64.to_ne_bytes(), &[2, 0, 8, 0]].concat();
            frontend.say(32, &record, &[frontend.memory.as_fd()])?;
        }
        for ring in 0..2_u32 {
            frontend.say(8, &[ring.to_ne_bytes(), 8_u32.to_ne_bytes()].concat(), &[])?;
            frontend.say(10, &[ring, u32::from(packed) << 15].map(u32::to_ne_bytes).concat(), &[])?;
            let at = USER + 0x4000 * u64::from(ring);
            let addresses = [at, at + 0x2000, at + 0x1000, 0].map(u64::to_ne_bytes).concat();
            frontend.say(9, &[&ring.to_ne_bytes()[..], &[0; 4], &addresses].concat(), &[])?;
            frontend.say(12, &(u64::from(ring) | 0x100).to_ne_bytes(), &[])?;
        }
        Some(frontend)
    }

    fn say(&self, request: u32, payload: &[u8], fds: &[BorrowedFd<'_>]) -> Option<()> {
        let head = [request, 1, payload.len() as u32].map(u32::to_ne_bytes).concat();
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        if !fds.is_empty() {
            control.push(SendAncillaryMessage::ScmRights(fds));
        }
        let bytes = [&head, payload].concat();
        let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
        sendmsg(&self.socket, &[IoSlice::new(&bytes)], &mut control, flags).ok().map(drop)
    }
}

fuzz_target!(|data: &[u8]| {
    let dir = std::env::temp_dir().join(format!("netdev-vhost-fuzz-{}", std::process::id()));
    if guard_memory().is_err() || std::fs::create_dir_all(&dir).is_err() {
        return;
    }
    let Ok(mut device) = VhostFactory::server(&dir).open("p0", &Options::new()) else { return };
    let (Some(mut rx), Ok(mut tx)) = (device.take_rx_queues().pop(), device.tx_queue()) else { return };
    let Some((choice, data)) = data.split_first() else { return };
    let Some(frontend) = Frontend::new(&dir.join("p0"), *choice) else { return };
    let mut pool = Pool::new(PoolConfig::default().small_limit(64).large_limit(4));
    let mut batch = Batch::new();
    for _ in 0..3 {
        device.poll_changes(Duration::ZERO);
    }
    for step in data.chunks(11) {
        let &[kind, low, high, ref bytes @ ..] = step else { break };
        let at = u64::from(u16::from_le_bytes([low, high]));
        match kind % 8 {
            // Behind the end of the file nothing is written, or it would grow.
            0..4 if at + bytes.len() as u64 <= frontend.memory.metadata().map_or(0, |m| m.len()) => {
                let _ = frontend.memory.write_all_at(bytes, at);
            }
            4 => {
                let _ = frontend.say(u32::from(low) % 64, bytes, &[]);
                device.poll_changes(Duration::ZERO);
            }
            5 => {
                let _ = frontend.memory.set_len(at.next_multiple_of(4096) % SIZE);
            }
            6 => {
                let length = 60 + at as usize % 1440;
                let packets = batch.push(Packet::detached(&vec![low; length]).unwrap()).map_or(0, |()| 1);
                let sent = tx.send(&mut batch);
                assert_eq!(sent.packets + sent.full + sent.refused + sent.down, packets);
                batch.clear();
            }
            _ => {
                let _ = rx.receive(&mut pool, &mut batch);
                batch.clear();
            }
        }
    }
});
