//! ICMP echo, as much as a demonstration needs (RFC 792).

use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::{Duration, Instant};

use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketType, ipproto, sockopt};

/// Sends `count` echo requests, each after the answer to the one before, and returns a line for each.
pub fn ping(to: Ipv4Addr, count: u16) -> io::Result<String> {
    let socket = rustix::net::socket(AddressFamily::INET, SocketType::RAW, Some(ipproto::ICMP))?;
    let mut lines = Vec::new();
    for sequence in 1..=count {
        let begun = Instant::now();
        rustix::net::sendto(&socket, &request(sequence), SendFlags::empty(), &SocketAddrV4::new(to, 0))?;
        let deadline = begun + Duration::from_secs(2);
        lines.push(if await_reply(&socket, sequence, deadline)? {
            format!("reply from {to}: seq={sequence} time={:.3} ms", begun.elapsed().as_secs_f64() * 1e3)
        } else {
            return Err(io::Error::new(io::ErrorKind::TimedOut, format!("no answer to ping {sequence}")));
        });
    }
    Ok(lines.join("\n"))
}

/// Waits for the reply to `sequence`; what else arrives is passed over.
fn await_reply(socket: &impl std::os::fd::AsFd, sequence: u16, deadline: Instant) -> io::Result<bool> {
    let mut buffer = [0_u8; 2048];
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(false);
        }
        sockopt::set_socket_timeout(socket, sockopt::Timeout::Recv, Some(left))?;
        let length = match rustix::net::recv(socket, &mut buffer[..], RecvFlags::empty()) {
            Ok((_, length)) => length,
            Err(rustix::io::Errno::AGAIN) => return Ok(false),
            Err(rustix::io::Errno::INTR) => continue,
            Err(error) => return Err(error.into()),
        };
        // A raw socket gives the IPv4 header too; its length is in 32-bit words.
        let header = usize::from(buffer[0] & 0x0f) * 4;
        let reply = buffer.get(header..length).unwrap_or_default();
        if reply.first() == Some(&0) && reply.get(6..8) == Some(&sequence.to_be_bytes()[..]) {
            return Ok(true);
        }
    }
}

/// An echo request with 56 bytes of payload.
fn request(sequence: u16) -> Vec<u8> {
    let mut message = vec![8, 0, 0, 0, 0x6f, 0x76];
    message.extend_from_slice(&sequence.to_be_bytes());
    message.extend(0..56_u8);
    let checksum = ovs_packet::checksum::internet(&message);
    message[2..4].copy_from_slice(&checksum.to_be_bytes());
    message
}
