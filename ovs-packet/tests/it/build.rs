//! Descriptions make right packets, and wrong ones are told where.

use ovs_packet::build::{BuildError, Builder, Expected, Layer, frame};
use ovs_packet::wire::{
    BfdHeader, EthernetHeader, FieldValue, Header, Ipv4Header, Protocol, TcpHeader, TcpOption, UdpHeader,
    VlanHeader, VxlanHeader, walk,
};
use ovs_packet::{Packet, edit};
use proptest::prelude::*;

use crate::frames::assert_checksums;

#[test]
fn checksums_are_right() {
    for ip in ["ipv4", "ipv4 1.2.3.4 > 5.6.7.8 tos=0x10", "ipv6", "ipv6 fe80::1 > ff02::2 ttl=255"] {
        let icmp = if ip.starts_with("ipv4") { "icmp" } else { "icmpv6 129 0 seq=7" };
        for l4 in ["tcp 1 > 65535 flags=0x12 seq=9", "udp 53 > 53", "sctp 5 > 6", icmp] {
            for payload in ["0", "1", "64", "1400"] {
                let made = frame(&format!("eth / vlan 7 / {ip} / {l4} / {payload}")).unwrap();
                assert_checksums(&made);
            }
        }
    }
}

#[test]
fn bytes_are_as_described() {
    let arp = frame("eth 02:00:00:00:00:01 > ff:ff:ff:ff:ff:ff / arp 10.0.0.1 > 10.0.0.2").unwrap();
    assert_eq!(arp[..22], [255, 255, 255, 255, 255, 255, 2, 0, 0, 0, 0, 1, 8, 6, 0, 1, 8, 0, 6, 4, 0, 1]);
    let mpls = frame("eth / svlan 4 pcp=3 / mpls 16 / mpls 17 ttl=9 / ipv4").unwrap();
    assert_eq!(mpls[12..26], [0x88, 0xa8, 0x60, 4, 0x88, 0x47, 0, 1, 0, 0x40, 0, 1, 0x11, 9]);
    assert_eq!(edit::top_mpls(&Packet::detached(&mpls).unwrap()), Some(16 << 12 | 64));
    assert_eq!(frame("eth type=0x88cc / 3").unwrap()[12..], [0x88, 0xcc, 0, 1, 2]);
    assert_eq!(frame("payload a b / hex 00ff / 2").unwrap(), b"a b\x00\xff\x00\x01");
    assert_eq!(frame("gre key=1 key=2 / 1").unwrap(), frame("gre key=2 / 1").unwrap());
    assert_eq!(frame("ipv4 / svlan").unwrap()[9], 253);
    assert_eq!(frame("rarp").unwrap()[6..8], [0, 3]);
    assert_eq!(frame("eth / rarp").unwrap()[12..14], [0x80, 0x35]);
    assert_eq!(frame("ipv6 / hopopts ra=0 / udp").unwrap()[40..48], [17, 0, 5, 2, 0, 0, 0, 0]);
}

#[test]
fn mistakes_are_found() {
    let bad = |column, expected| Err(BuildError::BadValue { column, expected });
    let unknown = |column, protocol| Err(BuildError::UnknownWord { column, protocol: Some(protocol) });
    assert_eq!(frame("eth / ipx"), Err(BuildError::UnknownLayer { column: 7 }));
    assert_eq!(frame(""), Err(BuildError::UnknownLayer { column: 1 }));
    assert_eq!(frame("eth / vlan 4096"), bad(12, Expected::Number(4095)));
    assert_eq!(frame("eth / ipv4 1.2.3.4 > 1.2.3"), bad(22, Expected::Ipv4));
    assert_eq!(frame("udp 1 > 2 flags=1"), unknown(11, Protocol::Udp));
    assert_eq!(frame("eth / tcp ts=5"), bad(14, Expected::Form("two numbers")));
    assert_eq!(frame("eth src=1:2"), bad(9, Expected::Ethernet));
    assert_eq!(frame("eth / hex 012"), bad(11, Expected::Hex));
    assert_eq!(frame("eth / ipv6 ::1 > ::2 tos=x"), bad(26, Expected::Number(255)));
    assert_eq!(frame("payload é / nothing"), Err(BuildError::UnknownLayer { column: 13 }));
    assert_eq!(
        frame("tcp hex=0000000000000000000000000000000000000000000000000000000000000000000000000000000000"),
        Err(BuildError::TooLong { layer: 0 })
    );
    assert_eq!(frame("eth / snap / 1500"), Err(BuildError::TooLong { layer: 0 }));
    assert_eq!(frame(&"vlan / ".repeat(256)), Err(BuildError::TooMany { column: 256 * 7 + 1 }));
    assert_eq!(frame(&"65535 / ".repeat(200)), Err(BuildError::UnknownLayer { column: 1601 }));
    assert_eq!(
        frame("65535 / ".repeat(200).trim_end_matches(" / ")),
        Err(BuildError::TooLong { layer: 197 })
    );
    assert_eq!(frame("eth / ipv4 / udp / 65535"), Err(BuildError::TooLong { layer: 2 }));
    assert_eq!(frame("eth / 4000000000"), bad(7, Expected::Number(65535)));
    assert_eq!(frame("eth / tcp ts=5").unwrap_err().to_string(), "column 14: expected two numbers");
    assert_eq!(frame("llc zz=5").unwrap_err().to_string(), "column 5: llc has no such word or key");
}

#[test]
fn given_fields_are_kept() {
    let made =
        frame("eth / ipv4 ihl=6 total_len=9 checksum=0x1234 proto=6 / udp length=3 checksum=7 / 4").unwrap();
    assert_eq!((made[14], &made[16..18], made[23], &made[24..26]), (0x46, &[0, 9][..], 6, &[0x12, 0x34][..]));
    assert_eq!(made[38..42], [0, 3, 0, 7]);
    let exactly = Builder::new().layer(Layer::exactly(&UdpHeader { length: 1, ..UdpHeader::default() }));
    assert_eq!(exactly.payload(b"x").build().unwrap(), [0, 0, 0, 0, 0, 1, 0, 0, b'x']);
}

#[test]
fn values_and_text_make_the_same() {
    let text = "eth 00:00:00:00:00:00 > 00:00:00:00:00:00 / vlan 5 / ipv4 0.0.0.0 > 0.0.0.0 ttl=9 / tcp 0 > 80 flags=0 window=0 mss=1460 / payload hello";
    let typed = Builder::new()
        .layer(Layer::of(&EthernetHeader::default()))
        .layer(Layer::new(Protocol::Vlan).set("vid", FieldValue::Number(5)).unwrap())
        .layer(Layer::of(&Ipv4Header { version_ihl: 0x45, ttl: 9, ..Ipv4Header::default() }))
        .layer(
            Layer::of(&TcpHeader { dst_port: 80, ..TcpHeader::default() })
                .item(&TcpOption::MaxSegmentSize(1460)),
        )
        .payload(b"hello");
    assert_eq!(typed.build(), frame(text));
    assert_eq!(typed.layers().len(), 5);
    assert!(Layer::new(Protocol::Vlan).set("vid", FieldValue::Number(4096)).is_none());
    assert!(Layer::new(Protocol::Vlan).set("label", FieldValue::Number(1)).is_none());
}

/// The value of a header in a packet, as the builder sees it and the walk reads it.
fn survives<H: Header + std::fmt::Debug + PartialEq>(header: &H, parse: impl Fn(&[u8]) -> H) {
    let frame = Builder::new().layer(Layer::exactly(header)).payload(&[0; 40]).build().unwrap();
    assert_eq!(&parse(&frame), header);
}

#[test]
fn all_layers_have_names_that_build() {
    for protocol in Protocol::ALL {
        let made = frame(protocol.name()).unwrap();
        let layer = walk(*protocol, &made).next().unwrap().unwrap();
        assert_eq!(layer.protocol, *protocol);
        assert_eq!(layer.header.len(), made.len() - layer.payload.len());
        protocol.check_lists(&made).unwrap();
    }
}

proptest! {
    #[test]
    fn any_text(text in "(eth|vlan|mpls|arp|ipv4|ipv6|tcp|udp|icmp|[0-9]{1,6}|[a-z]*)( / (eth|vlan|ipv4|ipv6|udp|[a-z0-9.:=> ]{0,20})){0,6}") {
        let _ = frame(&text);
    }

    #[test]
    fn any_values(a in any::<u32>(), b in any::<u16>(), mac in any::<[u8; 6]>()) {
        let eth = EthernetHeader { dst: mac, src: mac, ether_type: ovs_packet::wire::EtherType(b | 0x800) };
        survives(&eth, |bytes| EthernetHeader::from_bytes(bytes.first_chunk().unwrap()));
        let vlan = VlanHeader { tci: b, ether_type: ovs_packet::wire::EtherType(b) };
        survives(&vlan, |bytes| VlanHeader::from_bytes(bytes.first_chunk().unwrap()));
        let mut vxlan = VxlanHeader::default();
        vxlan.set_vni(a >> 8);
        survives(&vxlan, |bytes| VxlanHeader::from_bytes(bytes.first_chunk().unwrap()));
        let bfd = BfdHeader { my_discriminator: a, length: 24, ..BfdHeader::default() };
        survives(&bfd, |bytes| BfdHeader::from_bytes(bytes.first_chunk().unwrap()));
    }

    /// Any field of any protocol, given as text, is what the packet has.
    #[test]
    fn any_field(protocol in prop::sample::select(Protocol::ALL), index in any::<prop::sample::Index>(), value in any::<u64>()) {
        let fields = protocol.fields();
        if fields.is_empty() { return Ok(()); }
        let field = fields[index.index(fields.len())];
        let (text, value) = match field.max() {
            Some(max) => ((value & max).to_string(), value & max),
            None => return Ok(()),
        };
        let made = frame(&format!("{} {}={text} / 40", protocol.name(), field.name)).unwrap();
        prop_assert_eq!(field.get(&made), Some(FieldValue::Number(value)));
    }
}
