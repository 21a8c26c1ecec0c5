//! A frontend of which a test decides every byte.

use std::fs::File;
use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::FileExt;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use ovs_netdev::ovs_packet::{Batch, Packet, Pool, PoolConfig};
use ovs_netdev::vhost::{VhostFactory, guard_memory};
use ovs_netdev::{Factory, Netdev, Options, RxQueue, TxQueue};
use rustix::event::{EventfdFlags, eventfd};
use rustix::fs::{MemfdFlags, memfd_create};
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, recvmsg, sendmsg,
};

pub const ENTRIES: u64 = 8;
/// Where the memory is for descriptors, and for addresses of rings.
pub const GUEST: u64 = 0x10_0000;
pub const USER: u64 = 0x7000_0000;
pub const SIZE: u64 = 1 << 20;
/// Where in the memory packets are.
pub const BUFFERS: u64 = 0x1_0000;
// Features of virtio.
pub const MERGEABLE: u64 = 1 << 15;
pub const TABLES: u64 = 1 << 28;
pub const EVENTS: u64 = 1 << 29;
pub const VERSION_1: u64 = 1 << 32;
pub const PACKED: u64 = 1 << 34;

pub const NEXT: u16 = 1;
pub const WRITE: u16 = 2;
pub const INDIRECT: u16 = 4;

/// The port under test.
pub struct Port {
    pub device: Box<dyn Netdev>,
    pub rx: Box<dyn RxQueue>,
    pub tx: Box<dyn TxQueue>,
    pub pool: Pool,
    pub dir: tempfile::TempDir,
}

impl Port {
    pub fn new() -> Self {
        guard_memory().unwrap();
        let dir = tempfile::tempdir().unwrap();
        let mut device = VhostFactory::server(dir.path()).open("p0", &Options::new()).unwrap();
        let (rx, tx) = (device.take_rx_queues().remove(0), device.tx_queue().unwrap());
        Self { device, rx, tx, pool: Pool::new(PoolConfig::default()), dir }
    }

    pub fn poll(&mut self) {
        for _ in 0..3 {
            self.device.poll_changes(Duration::ZERO);
        }
    }

    pub fn receive(&mut self) -> Vec<Vec<u8>> {
        let mut batch = Batch::new();
        self.rx.receive(&mut self.pool, &mut batch).unwrap();
        batch.drain().map(|packet| packet.data().to_vec()).collect()
    }

    pub fn errors(&mut self) -> u64 {
        self.device.statistics().rx_errors.unwrap()
    }

    pub fn detail(&mut self, key: &str) -> Option<String> {
        self.device.status().details.into_iter().find(|(k, _)| k == key).map(|(_, value)| value)
    }
}

/// The frontend: a socket, and memory of which the test writes every byte.
pub struct Guest {
    pub socket: UnixStream,
    pub memory: File,
    /// Chains made available in each ring.
    pub made: [u16; 2],
    /// Where the rings are, if they count otherwise.
    pub bases: [Option<u32>; 2],
}

impl Guest {
    /// Connects and says nothing.
    pub fn silent(port: &Port) -> Self {
        Self::with(port, MemfdFlags::CLOEXEC)
    }

    /// The same, with memory of another kind.
    pub fn with(port: &Port, flags: MemfdFlags) -> Self {
        let socket = UnixStream::connect(port.dir.path().join("p0")).unwrap();
        let memory = File::from(memfd_create("guest", flags).unwrap());
        memory.set_len(SIZE).unwrap();
        Self { socket, memory, made: [0; 2], bases: [None; 2] }
    }

    /// Connects and sets both rings up.
    pub fn new(port: &mut Port) -> Self {
        Self::silent(port).ready(port, VERSION_1)
    }

    pub fn ready(self, port: &mut Port, features: u64) -> Self {
        let mut guest = self;
        guest.begin(features);
        for ring in 0..2 {
            guest.set_up(ring, ENTRIES as u32, USER);
        }
        port.poll();
        assert_eq!(port.detail("n_vrings").as_deref(), Some("2"));
        guest
    }

    /// Says everything but the rings.
    pub fn begin(&mut self, features: u64) {
        self.say(3, &[], &[]);
        self.say(2, &features.to_ne_bytes(), &[]);
        self.say_memory(SIZE);
    }

    pub fn say(&mut self, request: u32, payload: &[u8], fds: &[BorrowedFd<'_>]) {
        let mut bytes: Vec<u8> =
            [request, 1, payload.len() as u32].iter().flat_map(|number| number.to_ne_bytes()).collect();
        bytes.extend(payload);
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(8))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        assert!(fds.is_empty() || control.push(SendAncillaryMessage::ScmRights(fds)));
        sendmsg(&self.socket, &[IoSlice::new(&bytes)], &mut control, SendFlags::empty()).unwrap();
    }

    /// The answer to what was said.
    pub fn hear(&self) -> (Vec<u8>, Vec<OwnedFd>) {
        let mut bytes = vec![0; 200];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(8))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let parts = &mut [IoSliceMut::new(&mut bytes)];
        let got = recvmsg(&self.socket, parts, &mut control, RecvFlags::CMSG_CLOEXEC).unwrap().bytes;
        let mut fds = Vec::new();
        for message in control.drain() {
            if let RecvAncillaryMessage::ScmRights(more) = message {
                fds.extend(more);
            }
        }
        (bytes[12..got].to_vec(), fds)
    }

    /// Gives a ring a way to call, which the test reads.
    pub fn set_call(&mut self, ring: u64) -> File {
        let fd = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK).unwrap();
        let copy = fd.try_clone().unwrap();
        self.say(13, &ring.to_ne_bytes(), &[copy.as_fd()]);
        File::from(fd)
    }

    pub fn say_memory(&mut self, size: u64) {
        let numbers = [1, GUEST, size, USER, 0];
        let payload: Vec<u8> = numbers.iter().flat_map(|number| number.to_ne_bytes()).collect();
        let memory = self.memory.try_clone().unwrap();
        self.say(5, &payload, &[memory.as_fd()]);
    }

    pub fn say_ring(&mut self, request: u32, ring: u32, value: u32) {
        self.say(request, &[ring.to_ne_bytes(), value.to_ne_bytes()].concat(), &[]);
    }

    /// Number, base, addresses from `user` on, and a kick that never comes.
    pub fn set_up(&mut self, ring: u32, entries: u32, user: u64) {
        self.say_ring(8, ring, entries);
        self.say_ring(10, ring, self.bases[ring as usize].unwrap_or(u32::from(self.made[ring as usize])));
        let at = user + 0x4000 * u64::from(ring);
        let mut payload = [ring.to_ne_bytes(), [0; 4]].concat();
        for address in [at, at + 0x2000, at + 0x1000, 0] {
            payload.extend(address.to_ne_bytes());
        }
        self.say(9, &payload, &[]);
        self.say(12, &(u64::from(ring) | 0x100).to_ne_bytes(), &[]);
    }

    pub fn read<const N: usize>(&self, at: u64) -> [u8; N] {
        let mut bytes = [0; N];
        self.memory.read_exact_at(&mut bytes, at).unwrap();
        bytes
    }

    pub fn write(&self, at: u64, bytes: &[u8]) {
        self.memory.write_all_at(bytes, at).unwrap();
    }

    pub fn describe(&self, ring: u64, number: u64, address: u64, len: u32, flags: u16, next: u16) {
        let bytes =
            [&address.to_le_bytes()[..], &len.to_le_bytes(), &flags.to_le_bytes(), &next.to_le_bytes()];
        self.write(0x4000 * ring + 16 * number, &bytes.concat());
    }

    /// Makes the chain that begins at `head` available.
    pub fn offer(&mut self, ring: usize, head: u16) {
        let at = 0x4000 * ring as u64 + 0x1000;
        self.write(at + 4 + 2 * (u64::from(self.made[ring]) % ENTRIES), &head.to_le_bytes());
        self.made[ring] = self.made[ring].wrapping_add(1);
        self.write(at + 2, &self.made[ring].to_le_bytes());
    }

    /// Chains that came back, as the ring's number says.
    pub fn used(&self, ring: u64) -> u16 {
        u16::from_le_bytes(self.read(0x4000 * ring + 0x2002))
    }

    /// Sends a packet as it should be.
    pub fn send(&mut self, packet: &Packet) {
        self.write(BUFFERS, &[0; 12]);
        self.write(BUFFERS + 12, packet.data());
        self.describe(1, 0, GUEST + BUFFERS, 12 + packet.len() as u32, 0, 0);
        self.offer(1, 0);
    }
}

/// Whether somebody was called since the last time.
pub fn is_called(call: &File) -> bool {
    rustix::io::read(call, &mut [0; 8]).is_ok()
}
