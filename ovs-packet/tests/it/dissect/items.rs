//! Options, TLVs and records: what tshark says of each.

use std::collections::BTreeSet;

use ovs_packet::build;

use super::tshark;

/// A description, a field of tshark's, and its values in the packet's order.
const ITEMS: &[(&str, &str, &str)] = &[
    ("eth / ipv4 / tcp flags=2 mss=1460 ws=7", "tcp.options.mss_val", "1460"),
    ("eth / ipv4 / tcp flags=2 mss=1460 ws=7", "tcp.options.wscale.shift", "7"),
    ("eth / ipv4 / tcp sackok=1 ts=77:88", "tcp.options.timestamp.tsval", "77"),
    ("eth / ipv4 / tcp sackok=1 ts=77:88", "tcp.options.timestamp.tsecr", "88"),
    ("eth / ipv4 / tcp sack=100-200,300-400", "tcp.options.sack_le", "100;300"),
    ("eth / ipv4 / tcp sack=100-200,300-400", "tcp.options.sack_re", "200;400"),
    ("eth / ipv4 ra=5 / udp", "ip.opt.ra", "5"),
    ("eth / ipv4 opt=0x44:0500000000010000 / udp", "ip.opt.type", "68;0"),
    ("eth / ipv6 / hopopts ra=3 / udp", "ipv6.opt.router_alert", "3"),
    ("eth / ipv6 / srh seg=fd00::5 seg=fd00::6 / udp", "ipv6.routing.srh.addr", "fd00::5;fd00::6"),
    ("eth / ipv4 / sctp chunk=11: chunk=10:0102", "sctp.chunk_type", "11;10"),
    ("eth / ipv4 / sctp chunk=11: chunk=10:0102", "sctp.chunk_length", "4;6"),
    ("eth / ipv6 / rs slla=02:00:00:00:00:09", "icmpv6.opt.src_linkaddr", "02:00:00:00:00:09"),
    ("eth / ipv6 / na tlla=02:00:00:00:00:0a", "icmpv6.opt.linkaddr", "02:00:00:00:00:0a"),
    ("eth / ipv6 / ra prefix=fd01::-64 mtu=1400 rdnss=fd00::53", "icmpv6.opt.prefix", "fd01::"),
    ("eth / ipv6 / ra prefix=fd01::-64 mtu=1400 rdnss=fd00::53", "icmpv6.opt.prefix.length", "64"),
    ("eth / ipv6 / ra prefix=fd01::-64 mtu=1400 rdnss=fd00::53", "icmpv6.opt.prefix.valid_lifetime", "86400"),
    ("eth / ipv6 / ra prefix=fd01::-64 mtu=1400 rdnss=fd00::53", "icmpv6.opt.mtu", "1400"),
    ("eth / ipv6 / ra prefix=fd01::-64 mtu=1400 rdnss=fd00::53", "icmpv6.opt.rdnss", "fd00::53"),
    ("eth / ipv6 / ra prefix=fd01::-64 mtu=1400 rdnss=fd00::53", "icmpv6.opt.type", "3;5;25"),
    (
        "eth / ipv6 / mldquery ff02::9 source=fd00::7 source=fd00::8",
        "icmpv6.mld.source_address",
        "fd00::7;fd00::8",
    ),
    (
        "eth / ipv6 / mldreport record=4,ff02::9 record=3,ff02::8,fd00::1",
        "icmpv6.mldr.mar.record_type",
        "4;3",
    ),
    (
        "eth / ipv6 / mldreport record=4,ff02::9 record=3,ff02::8,fd00::1",
        "icmpv6.mldr.mar.multicast_address",
        "ff02::9;ff02::8",
    ),
    (
        "eth / ipv6 / mldreport record=4,ff02::9 record=3,ff02::8,fd00::1",
        "icmpv6.mldr.mar.source_address",
        "fd00::1",
    ),
    ("eth / ipv4 / igmpquery 224.1.1.1 source=10.0.0.8 source=10.0.0.9", "igmp.saddr", "10.0.0.8;10.0.0.9"),
    ("eth / ipv4 / igmpreport record=4,224.1.1.1 record=3,224.1.1.2,10.0.0.1", "igmp.record_type", "4;3"),
    (
        "eth / ipv4 / igmpreport record=4,224.1.1.1 record=3,224.1.1.2,10.0.0.1",
        "igmp.maddr",
        "224.1.1.1;224.1.1.2",
    ),
    ("eth / ipv4 / icmp 13 0 / hex 000000070000000800000009", "icmp.originate_timestamp", "7"),
    ("eth / nsh 5 255 tlv=0x0103:5:010203 tlv=0x0104:6:0a / eth / arp", "nsh.metadataclass", "259;260"),
    ("eth / nsh 5 255 tlv=0x0103:5:010203 tlv=0x0104:6:0a / eth / arp", "nsh.metadatatype", "5;6"),
    ("eth / nsh 5 255 tlv=0x0103:5:010203 tlv=0x0104:6:0a / eth / arp", "nsh.metadatalen", "0x03;0x01"),
    (
        "eth / nsh 5 255 context=0102030405060708090a0b0c0d0e0f10 / eth / arp",
        "nsh.contextheader",
        "01020304;05060708;090a0b0c;0d0e0f10",
    ),
    (
        "eth / ipv4 / udp / geneve 7 opt=0x102:3:01020304 opt=0x103:4: / eth / arp",
        "geneve.option.class",
        "0x0102;0x0103",
    ),
    (
        "eth / ipv4 / udp / geneve 7 opt=0x102:3:01020304 opt=0x103:4: / eth / arp",
        "geneve.option.type",
        "0x03;0x04",
    ),
    (
        "eth / ipv4 / udp / geneve 7 opt=0x102:3:01020304 opt=0x103:4: / eth / arp",
        "geneve.option.length",
        "12;8;4",
    ),
    ("eth / ipv4 / gre csum=1 key=77 seq=5 / eth / arp", "gre.key", "0x0000004d"),
    ("eth / ipv4 / gre csum=1 key=77 seq=5 / eth / arp", "gre.sequence_number", "5"),
    ("eth / ipv4 / gre csum=1 key=77 seq=5 / eth / arp", "gre.checksum.status", "1"),
    ("eth / ipv4 / gre version=1 key=0x00030007 seq=1 ack=2 protocol=0x880b / 3", "gre.ack_number", "2"),
    ("eth / ipv4 / gre version=1 key=0x00030007 seq=1 ack=2 protocol=0x880b / 3", "gre.key.call_id", "7"),
    ("eth / ipv4 / gre route=0x0800:0a000001 / ipv4 / udp", "gre.routing.information", "0a000001"),
    (
        "eth / ipv4 / gre protocol=0x88be / eth 02:00:00:00:00:03 > 02:00:00:00:00:04 / arp",
        "eth.src",
        "02:00:00:00:00:01;02:00:00:00:00:03",
    ),
    ("eth / ipv4 / gre seq=1 / erspan3 9 platform=0c00000000000007 / eth / arp", "erspan.platid", "3"),
    ("eth / ipv4 / udp / gtpu 7 seq=9 npdu=3 / ipv4 / udp", "gtp.seq_number", "0x0009"),
    ("eth / ipv4 / udp / gtpu 7 seq=9 npdu=3 / ipv4 / udp", "gtp.npdu_number", "0x03"),
    (
        "eth / ipv4 / udp / gtpu 7 ext=0x85:0009 / ipv4 10.9.9.9 > 10.8.8.8 / udp",
        "ip.src",
        "10.0.0.1;10.9.9.9",
    ),
    ("eth / ipv4 / udp / bfd 1 > 2 auth=1:05736563726574", "bfd.auth.type", "1"),
    ("eth / ipv4 / udp / bfd 1 > 2 auth=1:05736563726574", "bfd.auth.key", "5"),
    ("eth / ipv4 / udp / bfd 1 > 2 auth=1:05736563726574", "bfd.auth.password", "secret"),
    ("eth / ccm 5 tlv=2:02 tlv=4:01", "cfm.tlv.type", "2;4;0"),
    ("eth / ccm 5 tlv=2:02 tlv=4:01", "cfm.tlv.port.status.value", "2"),
    ("eth / ccm 5 tlv=2:02 tlv=4:01", "cfm.tlv.port.interface.value", "1"),
    ("eth / lbm 5 tlv=3:01020304", "cfm.tlv.data.value", "01020304"),
    ("eth / llc / rstp / mstp / hex 7c80050200000000090000000700801014", "mstp.msti.root_cost", "7"),
    (
        "eth / lldp chassis=4:020000000001 port=7:3131 ttl=120 name=sw1 description=us caps=0x14",
        "lldp.tlv.type",
        "1;2;3;5;6;7;0",
    ),
    (
        "eth / lldp chassis=4:020000000001 port=7:3131 ttl=120 name=sw1 description=us caps=0x14",
        "lldp.chassis.id.mac",
        "02:00:00:00:00:01",
    ),
    (
        "eth / lldp chassis=4:020000000001 port=7:3131 ttl=120 name=sw1 description=us caps=0x14",
        "lldp.port.id",
        "11",
    ),
    (
        "eth / lldp chassis=4:020000000001 port=7:3131 ttl=120 name=sw1 description=us caps=0x14",
        "lldp.time_to_live",
        "120",
    ),
    (
        "eth / lldp chassis=4:020000000001 port=7:3131 ttl=120 name=sw1 description=us caps=0x14",
        "lldp.tlv.system.name",
        "sw1",
    ),
    (
        "eth / lldp chassis=4:020000000001 port=7:3131 ttl=120 name=sw1 description=us caps=0x14",
        "lldp.tlv.system_cap",
        "0x0014",
    ),
    // Checksums that cover what stands around them.
    ("eth / ipv6 / srh seg=fd00::5 seg=fd00::6 / tcp / 5", "tcp.checksum.status", "1"),
    ("eth / ipv6 / hopopts ra=0 / mldreport record=4,ff02::9", "icmpv6.checksum.status", "1"),
    ("eth / ipv4 / igmpreport record=4,224.1.1.1", "igmp.checksum.status", "1"),
    ("eth / ipv4 / icmp 3 1 / ipv4 / udp", "icmp.checksum.status", "1"),
    ("eth / ipv6 / dstopts opt=30:01 / udp / 7", "udp.checksum.status", "1"),
];

#[test]
fn tshark_reads_every_item() {
    let names: BTreeSet<&str> = ITEMS.iter().map(|(_, field, _)| *field).collect();
    let names: Vec<&str> = names.into_iter().collect();
    let frames: Vec<Vec<u8>> = ITEMS.iter().map(|(text, ..)| build::frame(text).unwrap()).collect();
    let Some(answers) = tshark(&frames, &names) else { return };
    let mut wrong = Vec::new();
    for ((text, field, wanted), answer) in ITEMS.iter().zip(&answers) {
        let told = answer[names.binary_search(field).unwrap()].join(";");
        if told != *wanted {
            wrong.push(format!("{text}\n  {field} is {told}, not {wanted}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
