//! Views, lists and messages over any bytes. The first byte chooses the protocol.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ovs_packet::checksum::Sum;
use ovs_packet::wire::export::ipfix::IpfixView;
use ovs_packet::wire::export::netflow::{NetflowHeader, NetflowView};
use ovs_packet::wire::*;

fuzz_target!(|data: &[u8]| {
    let Some((&first, bytes)) = data.split_first() else { return };
    let choice = usize::from(first) % (Protocol::ALL.len() + 3);
    match Protocol::ALL.get(choice) {
        Some(protocol) => layers(*protocol, bytes),
        None if choice == Protocol::ALL.len() => messages(bytes),
        None if choice == Protocol::ALL.len() + 1 => export(bytes),
        None => views(bytes),
    }
});

/// Walks from a protocol on; each layer lies within the packet, and its lists within it.
fn layers(protocol: Protocol, bytes: &[u8]) {
    let mut count = 0;
    for layer in walk(protocol, bytes).map_while(Result::ok) {
        count += 1;
        assert!(layer.offset + layer.header.len() + layer.payload.len() <= bytes.len());
        assert!(layer.protocol.len() <= layer.header.len());
        if let Ok(items) = layer.protocol.check_lists(layer.bytes(bytes)) {
            assert!(items <= bytes.len());
        }
        let mut header = layer.header.to_vec();
        for field in layer.protocol.fields() {
            let value = field.get(layer.header).expect("the header is whole");
            assert!(field.set(&mut header, value));
        }
        assert_eq!(header, layer.header);
    }
    assert!(count <= MAX_LAYERS);
}

fn messages(bytes: &[u8]) {
    if let Ok(message) = IcmpMessage::parse(bytes) {
        assert_eq!(IcmpMessage::parse(&message.to_vec()), Ok(message));
    }
    if let Ok(message) = Icmpv6Message::parse(bytes) {
        assert_eq!(Icmpv6Message::parse(&message.to_vec(Sum::default())), Ok(message));
    }
    items::<NeighborOption<'_>>(bytes);
    items::<LldpTlv<'_>>(bytes);
    items::<CfmTlv<'_>>(bytes);
    items::<TcpOption<'_>>(bytes);
    items::<Ipv6Option<'_>>(bytes);
    items::<MldRecord<'_>>(bytes);
}

/// Items that are read and written are as long as they were, or shorter: padding goes.
fn items<'a, I: Item<'a>>(bytes: &'a [u8]) {
    let written: usize =
        Items::<I>::new(bytes, 0).map_while(Result::ok).map(|item| item.to_vec().len()).sum();
    assert!(written <= bytes.len() + 7);
}

fn export(bytes: &[u8]) {
    if let Ok(view) = NetflowView::new_checked(bytes) {
        assert_eq!(NetflowHeader::parse(&view).to_bytes(), bytes[..24]);
        assert!(view.records().count() <= bytes.len() / 48 + 1);
    }
    if let Ok(view) = IpfixView::new_checked(bytes) {
        assert!(view.sets().count() <= bytes.len() / 4 + 1);
    }
}

/// What is parsed and written again is the same bytes.
macro_rules! view {
    ($bytes:expr, $($view:ident $header:ident),*) => { $(
        if let Ok(mut view) = $view::new_checked($bytes.to_vec()) {
            let header = $header::parse(&view);
            assert_eq!(&$bytes[..$header::LEN], &header.to_bytes()[..]);
            let payload = view.payload().to_vec();
            header.emit(&mut view);
            assert_eq!(view.payload(), payload);
            view.payload_mut().fill(0xff);
            assert_eq!($header::parse(&view), header);
        }
    )* };
}

fn views(bytes: &[u8]) {
    view!(
        bytes, EthernetView EthernetHeader, VlanView VlanHeader, LlcView LlcHeader, SnapView SnapHeader, MplsView MplsHeader,
        ArpView ArpHeader, Ipv4View Ipv4Header, Ipv6View Ipv6Header, FragmentView FragmentHeader, RoutingView RoutingHeader,
        TcpView TcpHeader, UdpView UdpHeader, SctpView SctpHeader, IcmpView IcmpHeader, NeighborView NeighborHeader,
        IgmpView IgmpHeader, VxlanView VxlanHeader, GeneveView GeneveHeader, GreView GreHeader, GtpuView GtpuHeader,
        NshView NshHeader, Erspan3View Erspan3Header, BfdView BfdHeader, CcmView CcmHeader, LldpView LldpHeader,
        BridgeUnitView BridgeUnitHeader, LispView LispHeader
    );
    if let Ok(view) = Ipv6View::new_checked(bytes) {
        assert!(view.extensions().count() <= 16);
        let _ = view.extensions().upper();
    }
    let _ = MplsStack::new(bytes).payload();
}
