//! Views over known packets and over anything.

use ovs_packet::build::{self, Layer as Described};
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
    let options: Vec<_> = tcp.options().map(|option| option.unwrap().to_vec().len()).collect();
    assert_eq!(options, [10]);
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
    let names: Vec<_> =
        walk(Protocol::Ethernet, &frame).map(|layer| layer.unwrap().protocol.name()).collect();
    assert_eq!(names, ["eth", "ipv6", "ipv6opts", "srh", "frag", "udp"]);
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
fn errors_in_lists_say_where() {
    let mut frame = build::frame("tcp mss=1460 ws=7 opt=254:0102").unwrap();
    let options = |frame: &[u8]| TcpView::new_checked(frame).unwrap().options().collect::<Vec<_>>().len();
    assert_eq!(options(&frame), 3);
    frame[25] = 1; // window scale claims one byte
    let errors: Vec<_> =
        TcpView::new_checked(&frame[..]).unwrap().options().filter_map(Result::err).collect();
    assert_eq!(errors, [ListError { offset: 24, error: WireError::BadLength { claimed: 1, least: 2 } }]);
    frame[25] = 40;
    let error = Protocol::Tcp.check_lists(&frame).unwrap_err();
    assert_eq!(error.to_string(), "list item at offset 24: header truncated: 40 bytes needed, 8 there");
    // A count that promises more than there is.
    let mut report = build::frame("igmpreport record=4,224.1.1.1 record=3,224.1.1.2,10.0.0.1").unwrap();
    report[7] = 3;
    let report = IgmpReportView::new_checked(&report[..]).unwrap();
    let records: Vec<_> = report.records().collect();
    assert_eq!(records.len(), 3);
    assert_eq!(records[2], Err(ListError { offset: 28, error: WireError::Truncated { needed: 1, len: 0 } }));
    let error =
        walk(Protocol::Ethernet, &build::frame("eth / ipv4").unwrap()[..20]).last().unwrap().unwrap_err();
    assert_eq!(error.to_string(), "ipv4 header at offset 14: header truncated: 20 bytes needed, 6 there");
}

#[test]
fn gre_in_all_forms() {
    let gre = build::frame("gre csum=1 key=5 seq=6 / hex 0102").unwrap();
    let view = GreView::new_checked(&gre[..]).unwrap();
    assert_eq!(
        (view.key(), view.sequence(), view.header_len(), view.checksum_ok()),
        (Some(5), Some(6), 16, true)
    );
    assert_eq!(view.acknowledgment(), None);
    let routed = build::frame("gre route=0x0800:0a000001 route=0x0800:0a000002 / 3").unwrap();
    let view = GreView::new_checked(&routed[..]).unwrap();
    let routes: Vec<_> = view.routes().map(|route| route.unwrap().data.to_vec()).collect();
    assert_eq!(routes, [[10, 0, 0, 1], [10, 0, 0, 2]]);
    assert_eq!((view.payload(), view.routing_offset(), view.checksum()), (&[0, 1, 2][..], Some(0), None));
    let pptp = build::frame("gre version=1 key=0x00030007 seq=1 ack=2 protocol=0x880b / 3").unwrap();
    let view = GreView::new_checked(&pptp[..]).unwrap();
    assert_eq!((view.key(), view.acknowledgment(), view.payload().len()), (Some(0x0003_0007), Some(2), 3));
}

#[test]
fn tunnels_tell_what_is_within() {
    let names = |text: &str| {
        let frame = build::frame(text).unwrap();
        let names = walk(Protocol::Ethernet, &frame).map(|layer| layer.unwrap().protocol.name());
        names.collect::<Vec<_>>().join(" ")
    };
    for text in [
        "eth / ipv4 / udp / vxlan 7 / eth / ipv4 / tcp",
        "eth / ipv6 / udp / geneve 7 opt=0x102:3:01020304 / eth / arp",
        "eth / ipv4 / gre seq=1 / erspan2 9 / eth / ipv4 / udp",
        "eth / ipv4 / gre seq=1 / erspan3 9 platform=0102030405060708 / eth",
        "eth / ipv4 / udp / gtpu 7 ext=0x85:0009 / ipv4 / udp",
        "eth / ipv4 / udp / lisp 7 / ipv6 / tcp",
        "eth / nsh 7 255 / eth / ipv4",
        "eth / mpls 5 / mpls 6 / ipv6 / sctp",
        "eth / vlan 5 / llc / stp / 3",
        "eth / snap / arp",
        "eth / ipv6 / ah / esp / 9",
    ] {
        let wanted = text.split(" / ").map(|layer| layer.split(' ').next().unwrap());
        let wanted: Vec<_> = wanted.filter(|name| name.parse::<u8>().is_err()).collect();
        assert_eq!(names(text), wanted.join(" "));
    }
    assert_eq!(names("eth / ipv4 / udp / vxlangpe 7 / nsh 5 / ipv6"), "eth ipv4 udp vxlan nsh ipv6");
    assert_eq!(names("eth / ipv4 / gre protocol=0x88be / eth / arp"), "eth ipv4 gre eth arp");
    assert_eq!(names("eth / llc / rstp / mstp hex=00112233"), "eth llc stp mstp");
}

#[test]
fn coded_times_are_decoded() {
    // What tshark says of the same codes.
    let query = build::frame("mldquery ff02::9 max_response=47848 interval_code=246").unwrap();
    let view = MldQueryView::new_checked(&query[..]).unwrap();
    assert_eq!((view.response_time(), view.query_interval()), (440_832, 22_528));
    let query = build::frame("igmpquery 224.1.1.1 max_response=100 interval_code=0x80").unwrap();
    let view = IgmpQueryView::new_checked(&query[..]).unwrap();
    assert_eq!((view.response_time(), view.query_interval()), (100, 128));
}

#[test]
fn checksums_fill_and_check() {
    let mut frame = build::frame("eth / ipv6 / sctp chunk=0:0102 ").unwrap();
    let mut sctp = SctpView::new_checked(frame.split_off(54)).unwrap();
    assert!(sctp.checksum_ok());
    sctp.set_tag(5);
    assert!(!sctp.checksum_ok());
    sctp.fill_checksum();
    assert!(sctp.checksum_ok());
    let frame = build::frame("ipv4 / tcp / 5").unwrap();
    let ip = Ipv4View::new_checked(&frame[..]).unwrap();
    let mut tcp = TcpView::new_checked(ip.payload().to_vec()).unwrap();
    assert!(tcp.checksum_ok(ip.pseudo()));
    tcp.set_window(9);
    assert!(!tcp.checksum_ok(ip.pseudo()));
    tcp.fill_checksum(ip.pseudo());
    assert!(tcp.checksum_ok(ip.pseudo()));
    let frame = build::frame("ipv6 / udp / 5").unwrap();
    let ip = Ipv6View::new_checked(&frame[..]).unwrap();
    let pseudo = ip.pseudo(IpProtocol::UDP, ip.payload().len());
    let mut udp = UdpView::new_checked(ip.payload().to_vec()).unwrap();
    assert!(udp.checksum_ok(pseudo));
    udp.set_src_port(9);
    udp.fill_checksum(pseudo);
    assert!(udp.checksum_ok(pseudo));
}

/// What every view promises on any bytes: no panic, and parsed values that write back the same bytes.
macro_rules! check_view {
    ($bytes:expr, $($view:ident $header:ident),+ $(,)?) => { $(
        if let Ok(mut view) = $view::new_checked($bytes.clone()) {
            let header = $header::parse(&view);
            prop_assert_eq!(&view.header()[..$header::LEN], &header.to_bytes()[..]);
            prop_assert_eq!($header::from_bytes(&header.to_bytes()), header);
            let header_len = view.header_len();
            prop_assert!(header_len + view.payload().len() <= $bytes.len());
            prop_assert_eq!(view.header().len(), $header::LEN + view.variable().len());
            let extent = $header::PROTOCOL.extent(&$bytes).unwrap();
            prop_assert_eq!((extent.header, extent.end - extent.header), (header_len, view.payload().len()));
            header.emit(&mut view);
            prop_assert_eq!(view.into_inner(), $bytes.clone());
        } else {
            prop_assert!($header::PROTOCOL.extent(&$bytes).is_err());
        }
    )+ };
}

/// All views but those of records.
macro_rules! check_views {
    ($bytes:expr) => {
        check_view!(
            $bytes, EthernetView EthernetHeader, VlanView VlanHeader, LlcView LlcHeader, SnapView SnapHeader,
            MplsView MplsHeader, ArpView ArpHeader, Ipv4View Ipv4Header, Ipv6View Ipv6Header,
            Ipv6OptionsView Ipv6OptionsHeader, RoutingView RoutingHeader, SegmentRoutingView SegmentRoutingHeader,
            FragmentView FragmentHeader, AuthenticationView AuthenticationHeader, EspView EspHeader,
            MobilityView MobilityHeader, TcpView TcpHeader, UdpView UdpHeader, SctpView SctpHeader,
            IcmpView IcmpHeader, Icmpv6View Icmpv6Header, RouterSolicitView RouterSolicitHeader,
            RouterAdvertView RouterAdvertHeader, NeighborView NeighborHeader, RedirectView RedirectHeader,
            MldView MldHeader, MldQueryView MldQueryHeader, MldReportView MldReportHeader, IgmpView IgmpHeader,
            IgmpQueryView IgmpQueryHeader, IgmpReportView IgmpReportHeader, NshView NshHeader,
            VxlanView VxlanHeader, GeneveView GeneveHeader, GreView GreHeader, Erspan2View Erspan2Header,
            Erspan3View Erspan3Header, GtpuView GtpuHeader, LispView LispHeader, BfdView BfdHeader,
            CfmView CfmHeader, CcmView CcmHeader, LoopbackView LoopbackHeader, LinktraceView LinktraceHeader,
            LinktraceReplyView LinktraceReplyHeader, LacpView LacpHeader, MarkerView MarkerHeader,
            BpduView BpduHeader, BridgeUnitView BridgeUnitHeader, MultipleTreeView MultipleTreeHeader,
            LldpView LldpHeader,
        )
    };
}

/// What an item says survives being written and read again.
fn items_survive<'a, I: Item<'a> + std::fmt::Debug + PartialEq>(
    bytes: &'a [u8],
) -> Result<(), TestCaseError> {
    let mut count = 0;
    for item in Items::<I>::new(bytes, 0) {
        let Ok(item) = item else { break };
        // Leaked, so that what is read again has the same lifetime and can be compared.
        let again = I::read(item.to_vec().leak()).unwrap().unwrap().0;
        prop_assert_eq!(&item, &again);
        count += 1;
    }
    prop_assert!(count <= bytes.len());
    Ok(())
}

/// Bytes that often look like a list: small numbers are types and lengths.
fn list_like() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![3 => 0u8..12, 1 => any::<u8>()];
    prop::collection::vec(byte, 0..160)
}

/// A packet of any protocol whose header has any bytes, and lengths that are often right.
fn a_packet() -> impl Strategy<Value = (Protocol, Vec<u8>)> {
    let protocol = prop::sample::select(Protocol::ALL);
    let fields = prop::collection::vec((any::<prop::sample::Index>(), any::<u64>()), 0..4);
    (protocol, fields, list_like(), prop::collection::vec(any::<u8>(), 0..60)).prop_map(
        |(protocol, fields, tail, payload)| {
            let mut layer = Described::new(protocol);
            for (index, value) in fields {
                let Some(info) = protocol.fields().get(index.index(protocol.fields().len().max(1))) else {
                    continue;
                };
                if let Some(max) = info.max() {
                    layer = layer.set(info.name, FieldValue::Number(value & max)).unwrap();
                }
            }
            let layer = layer.item(&Raw(tail.clone()));
            // Where the tail is longer than its length field can say, it is taken for the whole.
            let frame = build::Builder::new().layer(layer).payload(&payload).build().unwrap_or(tail);
            (protocol, frame)
        },
    )
}

/// Bytes as an item.
struct Raw(Vec<u8>);

impl Item<'_> for Raw {
    fn read(bytes: &[u8]) -> Result<Option<(Self, usize)>, WireError> {
        Ok(Some((Self(bytes.to_vec()), bytes.len())))
    }

    fn put(&self, out: &mut Vec<u8>) {
        out.extend(&self.0);
    }
}

fn look_at_everything(protocol: Protocol, bytes: &[u8]) {
    let _ = protocol.check_lists(bytes);
    if let Ok(extent) = protocol.extent(bytes) {
        assert!(protocol.len() <= extent.header && extent.header <= extent.end && extent.end <= bytes.len());
        for field in protocol.fields() {
            assert!(field.get(bytes).is_some());
        }
    }
    assert!(walk(protocol, bytes).count() <= MAX_LAYERS);
    let _ = IcmpMessage::parse(bytes);
    let _ = Icmpv6Message::parse(bytes);
}

proptest! {
    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..150)) {
        check_views!(bytes);
        for protocol in Protocol::ALL {
            look_at_everything(*protocol, &bytes);
        }
    }

    #[test]
    fn any_packet_cut_at_each_byte((protocol, packet) in a_packet(), at in any::<prop::sample::Index>(), to in any::<u8>()) {
        check_views!(packet);
        for len in 0..=packet.len() {
            look_at_everything(protocol, &packet[..len]);
        }
        let mut mutated = packet.clone();
        if !mutated.is_empty() {
            let at = at.index(mutated.len());
            mutated[at] = to;
        }
        for protocol in Protocol::ALL {
            look_at_everything(*protocol, &mutated);
        }
    }

    #[test]
    fn any_item(bytes in list_like()) {
        items_survive::<TcpOption<'_>>(&bytes)?;
        items_survive::<Ipv4Option<'_>>(&bytes)?;
        items_survive::<Ipv6Option<'_>>(&bytes)?;
        items_survive::<SegmentTlv<'_>>(&bytes)?;
        items_survive::<NeighborOption<'_>>(&bytes)?;
        items_survive::<MldRecord<'_>>(&bytes)?;
        items_survive::<IgmpRecord<'_>>(&bytes)?;
        items_survive::<SctpChunk<'_>>(&bytes)?;
        items_survive::<NshTlv<'_>>(&bytes)?;
        items_survive::<GeneveOption<'_>>(&bytes)?;
        items_survive::<GreRoute<'_>>(&bytes)?;
        items_survive::<BfdAuthentication<'_>>(&bytes)?;
        items_survive::<CfmTlv<'_>>(&bytes)?;
        items_survive::<LldpTlv<'_>>(&bytes)?;
        items_survive::<MplsHeader>(&bytes)?;
        items_survive::<TreeInstance>(&bytes)?;
        items_survive::<export::ipfix::IpfixSet<'_>>(&bytes)?;
        items_survive::<export::ipfix::InformationElement>(&bytes)?;
        items_survive::<export::netflow::NetflowRecord>(&bytes)?;
    }

    #[test]
    fn any_message(mut bytes in prop::collection::vec(any::<u8>(), 8..60), kind in 0u8..20, code in 0u8..2) {
        (bytes[0], bytes[1]) = (kind, code);
        let message = IcmpMessage::parse(&bytes).unwrap();
        let written = message.to_vec();
        prop_assert_eq!(IcmpMessage::parse(&written).unwrap(), message);
        prop_assert!(IcmpView::new_checked(&written[..]).unwrap().checksum_ok());
        for kind in [kind, kind | 0x80] {
            bytes[0] = kind;
            let message = Icmpv6Message::parse(&bytes).unwrap();
            let written = message.to_vec(ovs_packet::checksum::Sum::word(5));
            prop_assert_eq!(written.len(), message.len());
            prop_assert_eq!(Icmpv6Message::parse(&written).unwrap(), message);
            prop_assert!(Icmpv6View::new_checked(&written[..]).unwrap().checksum_ok(ovs_packet::checksum::Sum::word(5)));
        }
    }

    #[test]
    fn fields_by_name_are_fields_by_method(value in any::<u32>(), bytes in any::<[u8; 20]>()) {
        let mut view = Ipv4View::new_checked({ let mut bytes = bytes.to_vec(); bytes[0] = 0x45; bytes }).unwrap();
        view.set_offset_units(value as u16);
        view.set_more_fragments(value & 1 == 1);
        let number = |name: &str| match Protocol::Ipv4.field(name).unwrap().get(view.header()).unwrap() {
            FieldValue::Number(number) => number,
            FieldValue::Bytes(_) => u64::MAX,
        };
        prop_assert_eq!(number("offset_units"), u64::from(view.offset_units()));
        prop_assert_eq!(number("offset_units"), u64::from(value & 0x1fff));
        prop_assert_eq!(number("more_fragments"), u64::from(view.more_fragments()));
        prop_assert_eq!(number("ttl"), u64::from(view.ttl()));
        let header = Ipv4Header::parse(&view);
        prop_assert_eq!((header.offset_units(), header.dscp(), header.ecn()), (view.offset_units(), view.dscp(), view.ecn()));
    }
}
