//! Random packets and random matches, from few values so that they meet.

use super::draw::Draw;

const MACS: [&str; 4] = ["50:54:00:00:00:01", "50:54:00:00:00:02", "50:54:01:00:00:03", "ff:ff:ff:ff:ff:ff"];
const IPS: [&str; 5] = ["10.0.0.1", "10.0.0.2", "10.0.1.1", "192.168.7.9", "224.0.0.5"];
const IP6S: [&str; 4] = ["fe80::1", "fe80::2", "2001:db8::7", "ff02::1"];
const PORTS: [&str; 5] = ["80", "81", "8080", "53", "40000"];

/// A packet's key in OpenFlow syntax.
pub fn key(draw: &mut Draw) -> String {
    let mut parts = vec![format!("in_port={}", 1 + draw.below(4))];
    parts.push(format!("dl_src={}", draw.of(&MACS[..3])));
    parts.push(format!("dl_dst={}", draw.of(&MACS)));
    if draw.once_in(4) {
        parts.push(format!("dl_vlan={},dl_vlan_pcp={}", draw.of(&["0", "5", "10", "20"]), draw.below(8)));
    }
    for field in ["reg0", "metadata", "pkt_mark"] {
        if draw.once_in(12) {
            parts.push(format!("{field}={}", draw.below(3)));
        }
    }
    layer3(draw, &mut parts);
    parts.join(",")
}

fn layer3(draw: &mut Draw, parts: &mut Vec<String>) {
    match draw.below(14) {
        0..=6 => {
            let protocol = draw.of(&["tcp", "udp", "sctp", "icmp", "ip,nw_proto=99", "ip,nw_proto=2"]);
            parts.push(format!("{protocol},nw_src={},nw_dst={}", draw.of(&IPS), draw.of(&IPS)));
            ip_tail(draw, protocol, parts);
        }
        7..=9 => {
            let protocol = draw.of(&["tcp6", "udp6", "sctp6", "icmp6", "ipv6,nw_proto=59"]);
            parts.push(format!("{protocol},ipv6_src={},ipv6_dst={}", draw.of(&IP6S), draw.of(&IP6S)));
            if draw.once_in(3) {
                parts.push(format!("ipv6_label={}", draw.below(4)));
            }
            ip_tail(draw, protocol, parts);
        }
        10..=11 => {
            let (spa, tpa) = (draw.of(&IPS), draw.of(&IPS));
            parts.push(format!("arp,arp_op={},arp_spa={spa},arp_tpa={tpa}", 1 + draw.below(2)));
            parts.push(format!("arp_sha={},arp_tha={}", draw.of(&MACS), draw.of(&MACS)));
        }
        12 => {
            let kind = draw.of(&["mpls", "mplsm"]);
            parts.push(format!("{kind},mpls_label={},mpls_bos={}", 16 + draw.below(4), draw.below(2)));
            parts.push(format!("mpls_tc={},mpls_ttl={}", draw.below(8), draw.of(&["0", "1", "2", "64"])));
        }
        _ => parts.push(format!("dl_type={}", draw.of(&["0x1234", "0x88cc", "0x5ff", "0x88b5"]))),
    }
}

fn ip_tail(draw: &mut Draw, protocol: &str, parts: &mut Vec<String>) {
    parts.push(format!("nw_tos={},nw_ecn={}", draw.below(64) * 4, draw.below(4)));
    parts.push(format!("nw_ttl={}", draw.of(&["0", "1", "2", "64", "255"])));
    let later = draw.once_in(12);
    if later {
        parts.push("nw_frag=later".into());
        return;
    }
    if draw.once_in(12) {
        parts.push("nw_frag=first".into());
    }
    match protocol {
        "icmp" => parts.push(format!("icmp_type={},icmp_code={}", draw.of(&["0", "8"]), draw.below(2))),
        "icmp6" => {
            let kind = draw.of(&["128", "135", "136"]);
            parts.push(format!("icmpv6_type={kind},icmpv6_code=0"));
            if kind != "128" {
                parts.push(format!("nd_target={}", draw.of(&IP6S)));
                let address = draw.of(&MACS);
                parts.push(if kind == "135" {
                    format!("nd_sll={address}")
                } else {
                    format!("nd_tll={address}")
                });
            }
        }
        "ip,nw_proto=99" | "ip,nw_proto=2" | "ipv6,nw_proto=59" => {}
        _ => {
            let name = protocol.trim_end_matches('6');
            parts.push(format!("{name}_src={},{name}_dst={}", draw.of(&PORTS), draw.of(&PORTS)));
            if protocol.starts_with("tcp") && draw.once_in(2) {
                parts.push(format!("tcp_flags={}", draw.of(&["syn", "ack", "fin|ack", "rst"])));
            }
        }
    }
}

/// A rule's match.
pub fn matching(draw: &mut Draw) -> String {
    let mut parts: Vec<String> = Vec::new();
    if draw.once_in(3) {
        parts.push(format!("in_port={}", 1 + draw.below(4)));
    }
    if draw.once_in(5) {
        parts.push(format!(
            "dl_src={}",
            draw.of(&["50:54:00:00:00:01", "50:54:00:00:00:00/ff:ff:ff:00:00:00"])
        ));
    }
    if draw.once_in(5) {
        parts.push(format!(
            "dl_dst={}",
            draw.of(&["50:54:00:00:00:02", "01:00:00:00:00:00/01:00:00:00:00:00"])
        ));
    }
    if draw.once_in(6) {
        parts.push(
            draw.of(&["dl_vlan=5", "vlan_tci=0x1000/0x1000", "vlan_tci=0", "dl_vlan=10,dl_vlan_pcp=3"])
                .into(),
        );
    }
    if draw.once_in(6) {
        parts.push(
            draw.of(&["reg0=1", "reg0=0/3", "reg1=5", "metadata=1", "metadata=0/2", "pkt_mark=1/1"]).into(),
        );
    }
    match draw.below(12) {
        0..=3 => {
            let protocol = draw.of(&["tcp", "udp", "sctp", "icmp", "ip", "ip"]);
            parts.push(protocol.into());
            ip_match(draw, protocol, parts.as_mut());
        }
        4..=5 => {
            let protocol = draw.of(&["tcp6", "udp6", "icmp6", "ipv6"]);
            parts.push(protocol.into());
            if draw.once_in(3) {
                parts.push(format!("ipv6_src={}", draw.of(&["fe80::/64", "fe80::1", "2001:db8::/32"])));
            }
            if draw.once_in(3) {
                parts.push(format!("ipv6_dst={}", draw.of(&["fe80::/64", "fe80::2", "ff00::/8"])));
            }
        }
        6 => parts
            .push(draw.of(&["arp", "arp,arp_op=1", "arp,arp_spa=10.0.0.0/8", "arp,arp_tpa=10.0.0.1"]).into()),
        7 => parts.push(draw.of(&["mpls", "mpls,mpls_label=17", "mplsm", "mpls,mpls_bos=1"]).into()),
        8 => parts.push("dl_type=0x1234".into()),
        _ => {}
    }
    parts.join(",")
}

fn ip_match(draw: &mut Draw, protocol: &str, parts: &mut Vec<String>) {
    if draw.once_in(3) {
        parts.push(format!(
            "nw_src={}",
            draw.of(&["10.0.0.0/8", "10.0.0.1", "10.0.0.0/24", "192.168.0.0/16"])
        ));
    }
    if draw.once_in(3) {
        parts.push(format!("nw_dst={}", draw.of(&["10.0.0.0/8", "10.0.0.2", "10.0.1.0/24", "224.0.0.0/4"])));
    }
    if draw.once_in(6) {
        parts.push(draw.of(&["nw_tos=32", "nw_ttl=64", "nw_ecn=1", "nw_frag=no", "nw_frag=first"]).into());
    }
    if matches!(protocol, "tcp" | "udp" | "sctp") {
        if draw.once_in(2) {
            parts.push(format!("tp_dst={}", draw.of(&["80", "53", "0x50/0xfff0"])));
        }
        if draw.once_in(3) {
            parts.push(format!("tp_src={}", draw.of(&["80", "40000"])));
        }
        if protocol == "tcp" && draw.once_in(4) {
            parts.push("tcp_flags=+syn-ack".into());
        }
    }
}
