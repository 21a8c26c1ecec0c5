//! Descriptions make right packets, and wrong ones are told where.

use ovs_packet::build::{BuildError, frame};
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
}

#[test]
fn mistakes_are_found() {
    assert_eq!(frame("eth / ipx"), Err(BuildError::UnknownLayer { layer: 1 }));
    assert_eq!(frame(""), Err(BuildError::UnknownLayer { layer: 0 }));
    assert_eq!(frame("eth / vlan 4096"), Err(BuildError::BadWord { layer: 1, word: 1 }));
    assert_eq!(frame("eth / ipv4 1.2.3.4 > 1.2.3"), Err(BuildError::BadWord { layer: 1, word: 3 }));
    assert_eq!(frame("udp 1 > 2 flags=1"), Err(BuildError::BadWord { layer: 0, word: 4 }));
    assert_eq!(frame("eth / ipv4 / udp / 65535"), Err(BuildError::TooLong { layer: 2 }));
    assert_eq!(frame("eth / 4000000000"), Err(BuildError::TooLong { layer: 1 }));
}

proptest! {
    #[test]
    fn any_text(text in "(eth|vlan|mpls|arp|ipv4|ipv6|tcp|udp|icmp|[0-9]{1,6}|[a-z]*)( / (eth|vlan|ipv4|ipv6|udp|[a-z0-9.:=> ]{0,20})){0,6}") {
        let _ = frame(&text);
    }
}
