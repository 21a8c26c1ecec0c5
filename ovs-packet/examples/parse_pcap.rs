//! Prints one line for each packet of a pcap file: `parse_pcap FILE`; without a file, of three made-up packets.

#![allow(clippy::print_stdout, reason = "a program")]

use std::error::Error;
use std::fmt::Write;

use ovs_packet::pcap::{FileHeader, Reader, record_header};
use ovs_packet::wire::{
    ArpView, EtherType, EthernetView, IpProtocol, Ipv4View, Ipv6View, TcpView, UdpView, VlanView, WireError,
};

fn main() -> Result<(), Box<dyn Error>> {
    let file = match std::env::args().nth(1) {
        Some(path) => std::fs::read(path)?,
        None => made_up(),
    };
    for record in Reader::new(&file)? {
        let record = record?;
        let seconds = record.timestamp as f64 / 1e9;
        println!("{seconds:.6} {} bytes: {}", record.original_len, describe(record.data));
    }
    Ok(())
}

/// One line about a frame, as far as it can be understood.
fn describe(frame: &[u8]) -> String {
    let mut line = String::new();
    match ethernet(frame, &mut line) {
        Ok(()) => line,
        Err(error) => format!("{line} [{error}]"),
    }
}

fn ethernet(frame: &[u8], line: &mut String) -> Result<(), WireError> {
    let ethernet = EthernetView::new_checked(frame)?;
    let (mut ether_type, mut rest) = (ethernet.ether_type(), ethernet.payload());
    while ether_type.is_vlan() {
        let tag = VlanView::new_checked(rest)?;
        let _ = write!(line, "vlan {} ", tag.vid());
        (ether_type, rest) = (tag.ether_type(), &rest[VlanView::<&[u8]>::LEN..]);
    }
    match ether_type {
        EtherType::IPV4 => {
            let ip = Ipv4View::new_checked(rest)?;
            let _ = write!(line, "{:?} > {:?} ttl {} ", ip.src(), ip.dst(), ip.ttl());
            transport(ip.protocol(), ip.payload(), line)
        }
        EtherType::IPV6 => {
            let ip = Ipv6View::new_checked(rest)?;
            let _ = write!(line, "{:x?} > {:x?} ", ip.src(), ip.dst());
            match ip.extensions().upper() {
                Some((protocol, payload)) => transport(protocol, payload, line),
                None => Ok(()),
            }
        }
        EtherType::ARP => {
            let arp = ArpView::new_checked(rest)?;
            let _ = write!(line, "arp {} {:?} > {:?}", arp.operation(), arp.sender_ip(), arp.target_ip());
            Ok(())
        }
        EtherType(other) => {
            let _ = write!(line, "type {other:#06x}");
            Ok(())
        }
    }
}

fn transport(protocol: IpProtocol, payload: &[u8], line: &mut String) -> Result<(), WireError> {
    let _ = match protocol {
        IpProtocol::TCP => {
            let tcp = TcpView::new_checked(payload)?;
            write!(line, "tcp {} > {} {:?}", tcp.src_port(), tcp.dst_port(), tcp.flags())
        }
        IpProtocol::UDP => {
            let udp = UdpView::new_checked(payload)?;
            write!(line, "udp {} > {} length {}", udp.src_port(), udp.dst_port(), udp.length())
        }
        IpProtocol(other) => write!(line, "protocol {other}"),
    };
    Ok(())
}

/// An ARP request, a tagged UDP datagram and a frame that is cut off.
fn made_up() -> Vec<u8> {
    let arp = b"\xff\xff\xff\xff\xff\xff\x02\0\0\0\0\x01\x08\x06\0\x01\x08\0\x06\x04\0\x01\x02\0\0\0\0\x01\x0a\0\0\x01\0\0\0\0\0\0\x0a\0\0\x02";
    let udp = b"\x02\0\0\0\0\x02\x02\0\0\0\0\x01\x81\0\0\x07\x08\0\x45\0\0\x1c\0\0\0\0\x40\x11\0\0\x0a\0\0\x01\x0a\0\0\x02\0\x35\0\x35\0\x08\0\0";
    let mut file = FileHeader::ethernet().to_bytes().to_vec();
    for (i, packet) in [&arp[..], &udp[..], &udp[..30]].into_iter().enumerate() {
        file.extend(record_header(i as u64 * 1_000_000, packet.len() as u32, packet.len() as u32));
        file.extend(packet);
    }
    file
}
