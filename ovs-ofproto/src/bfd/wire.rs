//! Control packets in frames: Ethernet, IPv4, UDP (RFC 5881).

use ovs_packet::build::{Builder, Layer};
use ovs_packet::wire::{
    BfdHeader, BfdView, EtherType, EthernetHeader, EthernetView, IpProtocol, Ipv4Header, Ipv4View, UdpHeader,
    UdpView,
};

use super::{BfdConfig, BfdError, PORT};

/// Smallest source port (RFC 5881 section 4).
const FIRST_SOURCE_PORT: u16 = 49152;

/// A frame around a control packet.
pub(super) fn frame(config: &BfdConfig, mac: [u8; 6], source_port: u16, header: &BfdHeader) -> Vec<u8> {
    let source = config.local_src_mac.map_or(mac, |mac| mac.0);
    let builder = Builder::new()
        .layer(Layer::of(&EthernetHeader {
            src: source,
            dst: config.remote_dst_mac.0,
            ..EthernetHeader::default()
        }))
        .layer(Layer::of(&Ipv4Header {
            version_ihl: 0x45,
            ttl: 255,
            // Low delay: what routers do not hold back.
            tos: 0xc0,
            fragment: 0x4000,
            src: config.src.octets(),
            dst: config.dst.octets(),
            ..Ipv4Header::default()
        }))
        .layer(Layer::of(&UdpHeader {
            src_port: source_port | FIRST_SOURCE_PORT,
            dst_port: PORT,
            ..UdpHeader::default()
        }))
        .layer(Layer::of(header));
    builder.build().unwrap_or_default()
}

/// The control packet in a frame.
///
/// # Errors
///
/// What is wrong with it (RFC 5880 section 6.8.6).
pub(super) fn parse(frame: &[u8]) -> Result<BfdHeader, BfdError> {
    let ethernet = EthernetView::new_checked(frame).map_err(|_| BfdError::Truncated)?;
    if ethernet.ether_type() != EtherType::IPV4 {
        return Err(BfdError::NotControl);
    }
    let ip = Ipv4View::new_checked(ethernet.payload()).map_err(|_| BfdError::Truncated)?;
    if ip.protocol() != IpProtocol::UDP {
        return Err(BfdError::NotControl);
    }
    if ip.ttl() != 255 {
        return Err(BfdError::Hops);
    }
    let udp = UdpView::new_checked(ip.payload()).map_err(|_| BfdError::Truncated)?;
    if udp.dst_port() != PORT {
        return Err(BfdError::NotControl);
    }
    let view = BfdView::new_checked(udp.payload()).map_err(|_| BfdError::Truncated)?;
    Ok(BfdHeader::parse(&view))
}
