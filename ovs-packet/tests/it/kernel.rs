//! Segments as the kernel makes them: the same super-packet through a veth pair that cannot offload, and through
//! [`edit::finish`].

use std::fmt::Write;
use std::fs::File;
use std::path::Path;
use std::process::{Command, Output};

use ovs_packet::{Offload, Packet, Pool, PoolConfig, edit};

use crate::frames::{ip, tcp, udp};

/// Sends super-packets with their virtio-net headers into one end of a veth pair, and prints what comes out of the
/// other, in hexadecimal, one a line. What the kernel itself has to say meanwhile has other source addresses.
const SCRIPT: &str = r"
import socket, sys, time
SOL_PACKET, PACKET_VNET_HDR = 263, 15
sink = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
sink.setsockopt(socket.SOL_SOCKET, 33, 8 << 20)
sink.bind(('ovsb', 0))
sink.settimeout(3)
source = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
source.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
source.bind(('ovsa', 0))
for line in sys.stdin:
    packet, count = line.split()
    source.send(bytes.fromhex(packet))
    while int(count) > 0:
        data = sink.recv(65535)
        if data[6:12] == bytes([2, 0, 0, 0, 0, 1]):
            print(data.hex())
            count = int(count) - 1
";

/// A namespace with a veth pair without offloads, under the machine-wide lock of such tests.
struct Namespace {
    name: String,
    _lock: File,
}

impl Namespace {
    fn new() -> Option<Self> {
        let root = Command::new("id").arg("-u").output().is_ok_and(|id| id.stdout == b"0\n");
        let tools = ["ip", "ethtool", "python3"].into_iter().all(|tool| {
            std::env::var_os("PATH").is_some_and(|path| {
                std::env::split_paths(&path)
                    .chain([Path::new("/sbin").into()])
                    .any(|dir| dir.join(tool).exists())
            })
        });
        if !root || !tools {
            eprintln!("SKIPPED kernel: needs root, iproute2, ethtool and python3");
            assert!(std::env::var_os("CI").is_none(), "tests may not be skipped under CI");
            return None;
        }
        let lock = File::create(std::env::temp_dir().join("ovs-namespace-tests.lock")).unwrap();
        lock.lock().unwrap();
        let namespace = Self { name: format!("ovst-{}-packet", std::process::id()), _lock: lock };
        run(Command::new("ip").args(["netns", "add", &namespace.name]));
        let setup = "ip link add ovsa type veth peer name ovsb && \
             ethtool -K ovsa tso off gso off tx off sg off tx-udp-segmentation off >/dev/null 2>&1; \
             sysctl -qw net.ipv6.conf.all.disable_ipv6=1; \
             ip link set ovsa mtu 1500 up && ip link set ovsb up";
        run(namespace.command("sh").args(["-c", setup]));
        Some(namespace)
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.name, program]);
        command
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let _ = Command::new("ip").args(["netns", "del", &self.name]).output();
    }
}

fn run(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

/// Super-packets whose L4 checksum is partial, with the kernel's number for their kind of segmentation.
fn super_packets() -> Vec<(Packet, u8)> {
    let mut packets = Vec::new();
    for v6 in [false, true] {
        let tso = if v6 { (Offload::TSO6, 4) } else { (Offload::TSO4, 1) };
        let bytes: Vec<u8> = (0..9000u32).map(|i| (i * 13) as u8).collect();
        for len in [1401, 2800, 9000] {
            // ACK, PSH, FIN and CWR, so that every rule of flags is met.
            for flags in [0x10, 0x99] {
                packets.push((super_packet(v6, 6, &tcp(flags, &bytes[..len]), 16, tso.0), tso.1));
            }
            packets.push((super_packet(v6, 17, &udp(&bytes[..len]), 6, Offload::USO), 5));
        }
    }
    packets
}

fn super_packet(v6: bool, protocol: u8, l4: &[u8], field: u16, offload: Offload) -> Packet {
    let mut frame = ip(v6, &[], protocol, l4.to_vec(), Some(usize::from(field)));
    let start = frame.len() - l4.len();
    // The pseudo header's sum is what is left of the full checksum without the bytes.
    let at = start + usize::from(field);
    let full = u16::from_be_bytes([frame[at], frame[at + 1]]);
    let sum = ovs_packet::checksum::Sum::of(l4);
    let pseudo = ovs_packet::checksum::Sum::word(!full).without(sum);
    frame[at..at + 2].copy_from_slice(&pseudo.value().to_be_bytes());
    let mut packet = Packet::detached(&frame).unwrap();
    let facts = packet.facts_mut();
    facts.offload = offload | Offload::NEEDS_L4_CSUM;
    (facts.csum_start, facts.csum_offset) = (start as u16, field);
    facts.segment_size = 1400;
    packet
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in bytes {
        write!(text, "{byte:02x}").unwrap();
    }
    text
}

#[test]
fn segments_are_the_kernels_to_the_byte() {
    let Some(namespace) = Namespace::new() else { return };
    let mut pool = Pool::new(PoolConfig::default());
    let (mut input, mut ours) = (String::new(), Vec::new());
    for (packet, kind) in super_packets() {
        let facts = *packet.facts();
        let l4 = if kind == 5 { 8 } else { 32 };
        let mut header = vec![1, kind];
        for number in [facts.csum_start + l4, facts.segment_size, facts.csum_start, facts.csum_offset] {
            header.extend(number.to_ne_bytes());
        }
        let sent = hex(&[&header[..], packet.data()].concat());
        let before = ours.len();
        edit::finish(packet, Offload::empty(), &mut pool, &mut |segment| ours.push(hex(segment.data())))
            .unwrap();
        writeln!(input, "{sent} {}", ours.len() - before).unwrap();
    }
    let path = std::env::temp_dir().join(format!("ovs-packet-kernel-{}", std::process::id()));
    std::fs::write(&path, input).unwrap();
    let mut command = namespace.command("python3");
    command.args(["-c", SCRIPT]).stdin(File::open(&path).unwrap());
    let _ = std::fs::remove_file(&path);
    let output = run(&mut command);
    let theirs: Vec<&str> = std::str::from_utf8(&output.stdout).unwrap().lines().collect();
    assert_eq!(theirs.len(), ours.len());
    for (ours, theirs) in ours.iter().zip(theirs) {
        assert_eq!(ours, theirs);
    }
}
