//! Views over known packets and over anything.

use ovs_packet::wire::*;
use proptest::prelude::*;

use crate::frames::{A6, B6, ethernet, ip, tcp, udp};

#[test]
fn a_tagged_tcp_segment() {
    let frame = ip(false, &[100, 200], 6, tcp(0x12, b"data"), Some(16));
    let ethernet = EthernetView::new_checked(&frame[..]).unwrap();
    assert_eq!((ethernet.dst(), ethernet.ether_type()), ([2, 0, 0, 0, 0, 2], EtherType::VLAN));
    let outer = VlanView::new_checked(ethernet.payload()).unwrap();
    let inner = VlanView::new_checked(outer.payload()).unwrap();
    assert_eq!((outer.vid(), inner.vid(), inner.pcp(), inner.dei()), (100, 200, 0, false));
    let ip = Ipv4View::new_checked(inner.payload()).unwrap();
    assert!(ip.checksum_ok() && ip.dont_fragment() && !ip.more_fragments());
    assert_eq!((ip.version(), ip.dscp(), ip.ecn(), ip.options().count()), (4, 4, 0, 0));
    let tcp = TcpView::new_checked(ip.payload()).unwrap();
    assert_eq!(
        (tcp.dst_port(), tcp.flags(), tcp.payload()),
        (80, TcpFlags::SYN | TcpFlags::ACK, &b"data"[..])
    );
    let options: Vec<_> = tcp.options().map(|option| (option.kind, option.data.len())).collect();
    assert_eq!(options, [(8, 8)]);
}

#[test]
fn extension_headers_are_walked() {
    let mut frame = ethernet(&[], 0x86dd);
    frame.extend([0x60, 0, 0, 0, 0, 33, 0, 64]);
    frame.extend(A6);
    frame.extend(B6);
    frame.extend([43, 0, 1, 4, 0, 0, 0, 0]); // hop by hop
    frame.extend([44, 0, 4, 1, 0, 0, 0, 0]); // routing, one segment left
    frame.extend([17, 0, 0, 1, 0, 0, 0, 9]); // first fragment
    frame.extend(udp(b"x"));
    let ip = Ipv6View::new_checked(&frame[14..]).unwrap();
    let kinds: Vec<_> = ip.extensions().map(|extension| extension.kind.0).collect();
    assert_eq!(kinds, [0, 43, 44]);
    let (protocol, rest) = ip.extensions().upper().unwrap();
    assert_eq!((protocol, UdpView::new_checked(rest).unwrap().payload()), (IpProtocol::UDP, &b"x"[..]));
}

#[test]
fn refusals_are_specific() {
    assert_eq!(UdpView::new_checked(&[0; 7][..]).unwrap_err(), WireError::Truncated { needed: 8, len: 7 });
    let mut header = [0; 20];
    header[0] = 0x44;
    assert_eq!(
        Ipv4View::new_checked(&header[..]).unwrap_err(),
        WireError::BadLength { claimed: 16, least: 20 }
    );
    header[0] = 0x46;
    assert_eq!(Ipv4View::new_checked(&header[..]).unwrap_err(), WireError::Truncated { needed: 24, len: 20 });
}

#[test]
fn tunnels() {
    let vxlan = VxlanHeader { flags: 0x0800_0000, vni_reserved: 77 << 8 }.to_bytes();
    assert_eq!(VxlanView::new_checked(&vxlan[..]).unwrap().vni(), 77);
    let gre = [0xa0, 0, 0x65, 0x58, 1, 2, 0, 0, 0, 0, 0, 5];
    let view = GreView::new_checked(&gre[..]).unwrap();
    assert_eq!((view.key(), view.protocol(), view.header_len()), (Some(5), EtherType::TEB, 12));
    let geneve = [1, 0, 0x65, 0x58, 0, 0, 9, 0, 0xff, 0xff, 1, 0];
    let view = GeneveView::new_checked(&geneve[..]).unwrap();
    assert_eq!((view.vni(), view.options().len()), (9, 4));
}

/// What every view promises on any bytes: no panic, and parsed values that write back the same bytes.
macro_rules! check_view {
    ($bytes:expr, $view:ident, $header:ident) => {
        if let Ok(mut view) = $view::new_checked($bytes.clone()) {
            let header = $header::parse(&view);
            prop_assert_eq!(
                &view.header()[..view.header_len().min($view::<Vec<u8>>::LEN)],
                &header.to_bytes()[..]
            );
            prop_assert!(view.header_len() + view.payload().len() <= $bytes.len());
            header.emit(&mut view);
            view.payload_mut().fill(0xff);
            prop_assert_eq!($header::parse(&view), header);
        }
    };
}

proptest! {
    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
        check_view!(bytes, EthernetView, EthernetHeader);
        check_view!(bytes, VlanView, VlanHeader);
        check_view!(bytes, LlcView, LlcHeader);
        check_view!(bytes, SnapView, SnapHeader);
        check_view!(bytes, MplsView, MplsHeader);
        check_view!(bytes, ArpView, ArpHeader);
        check_view!(bytes, Ipv4View, Ipv4Header);
        check_view!(bytes, Ipv6View, Ipv6Header);
        check_view!(bytes, FragmentView, FragmentHeader);
        check_view!(bytes, RoutingView, RoutingHeader);
        check_view!(bytes, TcpView, TcpHeader);
        check_view!(bytes, UdpView, UdpHeader);
        check_view!(bytes, SctpView, SctpHeader);
        check_view!(bytes, IcmpView, IcmpHeader);
        check_view!(bytes, NeighborView, NeighborHeader);
        check_view!(bytes, IgmpView, IgmpHeader);
        check_view!(bytes, VxlanView, VxlanHeader);
        check_view!(bytes, GeneveView, GeneveHeader);
        check_view!(bytes, GreView, GreHeader);
    }

    #[test]
    fn any_options(bytes in prop::collection::vec(any::<u8>(), 0..200), len in 5u8..16) {
        let mut bytes = bytes;
        if let Some(first) = bytes.first_mut() { *first = 0x40 | len; }
        if let Some(word) = bytes.get_mut(12) { *word = len << 4; }
        if let Ok(view) = Ipv4View::new_checked(&bytes[..]) { prop_assert!(view.options().count() <= 40); }
        if let Ok(view) = TcpView::new_checked(&bytes[..]) { prop_assert!(view.options().count() <= 40); }
        if let Ok(view) = SctpView::new_checked(&bytes[..]) { prop_assert!(view.chunks().count() <= 50); }
        if let Ok(view) = NeighborView::new_checked(&bytes[..]) { prop_assert!(view.options().count() <= 25); }
        if let Ok(mut view) = Ipv6View::new_checked(bytes.clone()) {
            view.set_payload_len(u16::MAX);
            for first in [0, 43, 44, 51, 60, 135] {
                view.set_next_header(IpProtocol(first));
                prop_assert!(view.extensions().count() <= 16);
                let _ = view.extensions().upper();
            }
        }
        if let Ok(view) = GreView::new_checked(&bytes[..]) { let _ = view.key(); }
    }
}
