//! ARP for IPv4 over Ethernet (RFC 826), and RARP (RFC 903), which looks the same.
//!
//! ```text
//! ├ hardware 2 ┼ protocol 2 ┼ lengths 1+1 ┼ operation 2 ┤
//! ├ sender: Ethernet 6, IPv4 4 ┼ target: Ethernet 6, IPv4 4 ┤
//! ```

use super::super::EtherType;
use super::super::field::{fixed, to_the_end, view};

view! {
    /// An ARP header with Ethernet and IPv4 addresses. Whether it has these, [`is_ether_ipv4`](ArpView::is_ether_ipv4)
    /// tells.
    view ArpView, value ArpHeader, 28 bytes, header fixed::<28>, end to_the_end;
    /// Hardware type; 1 is Ethernet.
    hardware set_hardware: u16 = 0;
    /// Protocol type.
    protocol set_protocol: EtherType = 2;
    /// Bytes of a hardware address.
    hardware_len set_hardware_len: u8 = 4;
    /// Bytes of a protocol address.
    protocol_len set_protocol_len: u8 = 5;
    /// Operation: 1 request, 2 reply; 3 and 4 the same of RARP (RFC 903).
    operation set_operation: u16 = 6;
    /// Sender's Ethernet address.
    sender_ether set_sender_ether: [u8; 6] = 8;
    /// Sender's IPv4 address.
    sender_ip set_sender_ip: [u8; 4] = 14;
    /// Target's Ethernet address.
    target_ether set_target_ether: [u8; 6] = 18;
    /// Target's IPv4 address.
    target_ip set_target_ip: [u8; 4] = 24;
}

impl<T: AsRef<[u8]>> ArpView<T> {
    /// True if the addresses are Ethernet and IPv4, so that the address fields mean something.
    pub fn is_ether_ipv4(&self) -> bool {
        let lengths = (self.hardware_len(), self.protocol_len());
        (self.hardware(), self.protocol(), lengths) == (1, EtherType::IPV4, (6, 4))
    }
}
