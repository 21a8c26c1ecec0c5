//! Frames made by hand for the tests, and an oracle that checks every checksum in them.

use ovs_packet::checksum::{self, Sum};
use ovs_packet::wire::IpProtocol;

pub const A4: [u8; 4] = [10, 0, 0, 1];
pub const B4: [u8; 4] = [192, 168, 7, 2];
pub const A6: [u8; 16] = [0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
pub const B6: [u8; 16] = [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8];

/// Addresses and type, with the given VLAN ids.
pub fn ethernet(vlans: &[u16], ether_type: u16) -> Vec<u8> {
    let mut frame = vec![2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1];
    for vlan in vlans {
        frame.extend([0x81, 0x00]);
        frame.extend(vlan.to_be_bytes());
    }
    frame.extend(ether_type.to_be_bytes());
    frame
}

/// An IPv4 or IPv6 packet around `l4`, whose checksum at `field` is filled in.
pub fn ip(v6: bool, vlans: &[u16], protocol: u8, mut l4: Vec<u8>, field: Option<usize>) -> Vec<u8> {
    if let Some(field) = field {
        let pseudo = pseudo(v6, protocol, l4.len());
        let pseudo = if protocol == 1 { Sum::default() } else { pseudo };
        let sum = pseudo.and(Sum::of(&l4)).checksum();
        l4[field..field + 2].copy_from_slice(&sum.to_be_bytes());
    }
    let mut frame = ethernet(vlans, if v6 { 0x86dd } else { 0x0800 });
    if v6 {
        frame.extend([0x60, 0, 0, 0]);
        frame.extend((l4.len() as u16).to_be_bytes());
        frame.extend([protocol, 64]);
        frame.extend(A6);
        frame.extend(B6);
    } else {
        let mut header = vec![0x45, 0x10, 0, 0, 0x12, 0x34, 0x40, 0, 64, protocol, 0, 0];
        header[2..4].copy_from_slice(&(20 + l4.len() as u16).to_be_bytes());
        header.extend(A4);
        header.extend(B4);
        let sum = checksum::internet(&header);
        header[10..12].copy_from_slice(&sum.to_be_bytes());
        frame.extend(header);
    }
    frame.extend(l4);
    frame
}

fn pseudo(v6: bool, protocol: u8, len: usize) -> Sum {
    if v6 {
        checksum::pseudo_v6(A6, B6, IpProtocol(protocol), len as u32)
    } else {
        checksum::pseudo_v4(A4, B4, IpProtocol(protocol), len as u16)
    }
}

/// A TCP header (sequence number 1000, given flags) and its payload; the checksum is zero.
pub fn tcp(flags: u8, payload: &[u8]) -> Vec<u8> {
    let mut header = vec![0x30, 0x39, 0, 80, 0, 0, 0x03, 0xe8, 0, 0, 0, 9, 0x80, flags, 1, 0, 0, 0, 0, 0];
    header.extend([1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2]);
    header.extend(payload);
    header
}

/// A UDP header and its payload; the checksum is zero.
pub fn udp(payload: &[u8]) -> Vec<u8> {
    let mut header = vec![0x30, 0x39, 0, 53];
    header.extend((8 + payload.len() as u16).to_be_bytes());
    header.extend([0, 0]);
    header.extend(payload);
    header
}

/// Checks header and L4 checksums of an Ethernet frame by the definition: sums over correct data are all ones.
pub fn assert_checksums(frame: &[u8]) {
    let mut at = 12;
    while frame[at..at + 2] == [0x81, 0x00] {
        at += 4;
    }
    let packet = &frame[at + 2..];
    let (pseudo, protocol, l4) = match frame[at..at + 2] {
        [0x08, 0x00] => {
            assert_eq!(checksum::internet(&packet[..20]), 0, "IPv4 header checksum");
            let total = u16::from_be_bytes([packet[2], packet[3]]) as usize;
            let l4 = &packet[20..total];
            let (src, dst) = (packet[12..16].try_into().unwrap(), packet[16..20].try_into().unwrap());
            (checksum::pseudo_v4(src, dst, IpProtocol(packet[9]), l4.len() as u16), packet[9], l4)
        }
        [0x86, 0xdd] => {
            let l4 = &packet[40..40 + u16::from_be_bytes([packet[4], packet[5]]) as usize];
            let (src, dst) = (packet[8..24].try_into().unwrap(), packet[24..40].try_into().unwrap());
            (checksum::pseudo_v6(src, dst, IpProtocol(packet[6]), l4.len() as u32), packet[6], l4)
        }
        _ => panic!("not IP"),
    };
    match protocol {
        1 => assert_eq!(checksum::internet(l4), 0, "ICMP checksum"),
        6 | 17 | 58 => assert_eq!(pseudo.and(Sum::of(l4)).checksum(), 0, "L4 checksum"),
        132 => {
            let stored = u32::from_le_bytes(l4[8..12].try_into().unwrap());
            assert_eq!(stored, checksum::crc32c(&[&l4[..8], &[0; 4], &l4[12..]]), "SCTP checksum");
        }
        _ => panic!("protocol {protocol}"),
    }
}
