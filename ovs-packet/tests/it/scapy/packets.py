"""Builds random packets with scapy: packets.py SEED COUNT PCAP FIELDS.

PCAP gets the packets, FIELDS one line for each: its layers, outermost first, separated by '|'; a layer is a protocol's
name and field=value pairs in our names. Values are decimal numbers, or bytes as hexadecimal digits behind an x.
"""

import ipaddress
import logging
import random
import sys

logging.getLogger("scapy").setLevel(logging.ERROR)

from scapy.all import (
    ARP, Dot1AD, Dot1Q, Dot3, Ether, GRE, ICMP, IP, IPv6, LLC, Raw, SCTP, SNAP, STP, TCP, UDP, VXLAN, RawPcapWriter, conf,
)
from scapy.contrib.bfd import BFD
from scapy.contrib.erspan import ERSPAN_II, ERSPAN_III
from scapy.contrib.geneve import GENEVE
from scapy.contrib.gtp import GTP_U_Header
from scapy.contrib.igmp import IGMP
from scapy.contrib.igmpv3 import IGMPv3, IGMPv3gr, IGMPv3mq, IGMPv3mr
from scapy.contrib.lacp import LACP, SlowProtocol
from scapy.contrib.lldp import (
    LLDPDU, LLDPDUChassisID, LLDPDUEndOfLLDPDU, LLDPDUPortID, LLDPDUSystemName, LLDPDUTimeToLive,
)
from scapy.contrib.mpls import MPLS
from scapy.contrib.nsh import NSH
from scapy.layers.inet6 import (
    HBHOptUnknown, ICMPv6EchoReply, ICMPv6EchoRequest, ICMPv6MLDMultAddrRec, ICMPv6MLQuery2, ICMPv6MLReport,
    ICMPv6MLReport2, ICMPv6ND_NA, ICMPv6ND_NS, ICMPv6ND_RA, ICMPv6ND_Redirect, ICMPv6ND_RS,
    ICMPv6NDOptDstLLAddr, ICMPv6NDOptMTU, ICMPv6NDOptPrefixInfo, ICMPv6NDOptSrcLLAddr, ICMPv6PacketTooBig,
    IPv6ExtHdrDestOpt, IPv6ExtHdrFragment, IPv6ExtHdrHopByHop, IPv6ExtHdrSegmentRouting, RouterAlert,
)

conf.verb = 0

# Scapy's layer: our protocol, and our field for each of scapy's that is compared.
LAYERS = {
    Ether: ("eth", {"src": "src", "dst": "dst", "type": "ether_type"}),
    Dot3: ("eth", {"src": "src", "dst": "dst", "len": "ether_type"}),
    Dot1Q: ("vlan", {"prio": "pcp", "id": "dei", "vlan": "vid", "type": "ether_type"}),
    Dot1AD: ("vlan", {"prio": "pcp", "id": "dei", "vlan": "vid", "type": "ether_type"}),
    MPLS: ("mpls", {"label": "label", "cos": "traffic_class", "s": "is_bottom", "ttl": "ttl"}),
    ARP: ("arp", {
        "hwtype": "hardware", "ptype": "protocol", "hwlen": "hardware_len", "plen": "protocol_len", "op": "operation",
        "hwsrc": "sender_ether", "psrc": "sender_ip", "hwdst": "target_ether", "pdst": "target_ip"}),
    IP: ("ipv4", {
        "version": "version", "ihl": "ihl", "tos": "tos", "len": "total_len", "id": "id", "frag": "offset_units",
        "ttl": "ttl", "proto": "protocol", "chksum": "checksum", "src": "src", "dst": "dst"}),
    IPv6: ("ipv6", {
        "version": "version", "tc": "traffic_class", "fl": "flow_label", "plen": "payload_len", "nh": "next_header",
        "hlim": "hop_limit", "src": "src", "dst": "dst"}),
    IPv6ExtHdrHopByHop: ("ipv6opts", {"nh": "next_header", "len": "ext_len"}),
    IPv6ExtHdrDestOpt: ("ipv6opts", {"nh": "next_header", "len": "ext_len"}),
    IPv6ExtHdrFragment: ("frag", {"nh": "next_header", "offset": "offset_units", "m": "more_fragments", "id": "id"}),
    IPv6ExtHdrSegmentRouting: ("srh", {
        "nh": "next_header", "len": "ext_len", "type": "kind", "segleft": "segments_left", "lastentry": "last_entry",
        "tag": "tag"}),
    TCP: ("tcp", {
        "sport": "src_port", "dport": "dst_port", "seq": "sequence", "ack": "acknowledgment", "dataofs": "data_offset",
        "window": "window", "chksum": "checksum", "urgptr": "urgent"}),
    UDP: ("udp", {"sport": "src_port", "dport": "dst_port", "len": "length", "chksum": "checksum"}),
    SCTP: ("sctp", {"sport": "src_port", "dport": "dst_port", "tag": "tag"}),
    ICMP: ("icmp", {"type": "kind", "code": "code", "chksum": "checksum", "id": "echo_id", "seq": "echo_sequence"}),
    ICMPv6EchoRequest: ("icmpv6", {
        "type": "kind", "code": "code", "cksum": "checksum", "id": "echo_id", "seq": "echo_sequence"}),
    ICMPv6EchoReply: ("icmpv6", {
        "type": "kind", "code": "code", "cksum": "checksum", "id": "echo_id", "seq": "echo_sequence"}),
    ICMPv6PacketTooBig: ("icmpv6", {"type": "kind", "code": "code", "cksum": "checksum", "mtu": "specific"}),
    ICMPv6ND_RS: ("rs", {"type": "kind", "cksum": "checksum"}),
    ICMPv6ND_RA: ("ra", {
        "type": "kind", "cksum": "checksum", "chlim": "hop_limit", "M": "managed", "O": "other", "prf": "preference",
        "routerlifetime": "router_lifetime", "reachabletime": "reachable_time", "retranstimer": "retransmit_timer"}),
    ICMPv6ND_NS: ("nd", {"type": "kind", "cksum": "checksum", "tgt": "target"}),
    ICMPv6ND_NA: ("nd", {
        "type": "kind", "cksum": "checksum", "R": "router", "S": "solicited", "O": "override_cached", "tgt": "target"}),
    ICMPv6ND_Redirect: ("redirect", {"type": "kind", "cksum": "checksum", "tgt": "target", "dst": "destination"}),
    ICMPv6MLReport: ("mld", {"type": "kind", "cksum": "checksum", "mrd": "max_response", "mladdr": "group"}),
    ICMPv6MLQuery2: ("mldquery", {
        "type": "kind", "cksum": "checksum", "mrd": "max_response", "mladdr": "group", "S": "suppress",
        "QRV": "robustness", "QQIC": "interval_code", "sources_number": "source_count"}),
    ICMPv6MLReport2: ("mldreport", {"type": "kind", "cksum": "checksum", "records_number": "record_count"}),
    IGMP: ("igmp", {"type": "kind", "mrcode": "max_response", "chksum": "checksum", "gaddr": "group"}),
    VXLAN: ("vxlan", {"vni": "vni"}),
    GENEVE: ("geneve", {
        "version": "version", "optionlen": "option_words", "oam": "is_control", "critical": "is_critical",
        "proto": "protocol", "vni": "vni"}),
    GRE: ("gre", {
        "chksum_present": "has_checksum", "key_present": "has_key", "seqnum_present": "has_sequence",
        "version": "version", "proto": "protocol"}),
    ERSPAN_II: ("erspan2", {
        "ver": "version", "vlan": "vlan", "cos": "cos", "en": "encapsulation", "t": "truncated",
        "session_id": "session", "index": "index"}),
    ERSPAN_III: ("erspan3", {
        "ver": "version", "vlan": "vlan", "cos": "cos", "bso": "damaged", "t": "truncated", "session_id": "session",
        "timestamp": "timestamp", "sgt_other": "security_group", "ft": "frame_type", "hw": "hardware_id",
        "d": "direction", "gra": "granularity", "o": "has_platform"}),
    GTP_U_Header: ("gtpu", {
        "version": "version", "PT": "is_gtp", "E": "has_extensions", "S": "has_sequence", "PN": "has_npdu",
        "gtp_type": "message", "length": "length", "teid": "teid"}),
    NSH: ("nsh", {
        "ver": "version", "oam": "is_oam", "ttl": "ttl", "length": "length", "mdtype": "md_type",
        "nextproto": "next_protocol", "spi": "spi", "si": "service_index"}),
    BFD: ("bfd", {
        "version": "version", "diag": "diagnostic", "sta": "state", "detect_mult": "multiplier", "len": "length",
        "my_discriminator": "my_discriminator", "your_discriminator": "your_discriminator",
        "min_tx_interval": "desired_min_tx", "min_rx_interval": "required_min_rx",
        "echo_rx_interval": "required_min_echo_rx"}),
    LACP: ("lacp", {
        "actor_system_priority": "actor_system_priority", "actor_system": "actor_system", "actor_key": "actor_key",
        "actor_port_priority": "actor_port_priority", "actor_port_number": "actor_port", "actor_state": "actor_state",
        "partner_system_priority": "partner_system_priority", "partner_system": "partner_system",
        "partner_key": "partner_key", "partner_port_priority": "partner_port_priority",
        "partner_port_number": "partner_port", "partner_state": "partner_state",
        "collector_max_delay": "collector_max_delay"}),
    STP: ("stp", {
        "proto": "protocol", "version": "version", "bpdutype": "kind", "bpduflags": "flags", "rootid": "root_priority",
        "rootmac": "root_address", "pathcost": "root_path_cost", "bridgeid": "bridge_priority",
        "bridgemac": "bridge_address", "portid": "port"}),
    LLC: ("llc", {"dsap": "dsap", "ssap": "ssap", "ctrl": "control"}),
    SNAP: ("snap", {"code": "ether_type"}),
}

# Layers that are parts of one of ours, or the payload of one.
PARTS = (SlowProtocol, LLDPDU)


def mac():
    return ":".join("%02x" % random.randrange(256) for _ in range(6))


def ip4():
    return str(ipaddress.IPv4Address(random.getrandbits(32)))


def ip6():
    return str(ipaddress.IPv6Address(random.getrandbits(128)))


def bits(n):
    return random.getrandbits(n)


def payload():
    return Raw(bytes(bits(8) for _ in range(random.randrange(40))))


def port():
    # Not one of those that announce a tunnel.
    return random.choice([random.randrange(10000, 20000), 80, 443])


def tcp():
    options = random.sample(
        [("MSS", bits(16)), ("WScale", bits(4)), ("SAckOK", b""), ("Timestamp", (bits(32), bits(32))), ("NOP", None)],
        random.randrange(4))
    return TCP(sport=port(), dport=port(), seq=bits(32), ack=bits(32), flags=bits(9), window=bits(16),
               urgptr=bits(16), options=options) / payload()


def transport(six):
    choices = [
        tcp,
        lambda: UDP(sport=port(), dport=port()) / payload(),
        lambda: SCTP(sport=port(), dport=port(), tag=bits(32)),
    ]
    choices += [icmp6, discovery, mld] if six else [icmp4, igmp, tunnel, tunnel, tunnel]
    return random.choice(choices)()


def icmp4():
    return ICMP(type=random.choice([0, 8]), code=0, id=bits(16), seq=bits(16)) / payload()


def igmp():
    kind = random.randrange(3)
    if kind == 0:
        return IGMP(type=random.choice([0x12, 0x16, 0x17]), mrcode=bits(8), gaddr=ip4())
    if kind == 1:
        sources = [ip4() for _ in range(random.randrange(4))]
        return IGMPv3(type=0x11, mrcode=bits(7)) / IGMPv3mq(
            gaddr=ip4(), qrv=bits(3), s=bits(1), qqic=bits(7), srcaddrs=sources)
    records = [IGMPv3gr(rtype=random.randrange(1, 7), maddr=ip4(), srcaddrs=[ip4() for _ in range(random.randrange(3))])
               for _ in range(random.randrange(3))]
    return IGMPv3(type=0x22) / IGMPv3mr(records=records)


def icmp6():
    return random.choice([
        lambda: ICMPv6EchoRequest(id=bits(16), seq=bits(16), data=b"abc"),
        lambda: ICMPv6EchoReply(id=bits(16), seq=bits(16), data=b""),
        lambda: ICMPv6PacketTooBig(mtu=bits(32)) / payload(),
    ])()


def discovery():
    options = random.choice([
        lambda: ICMPv6NDOptSrcLLAddr(lladdr=mac()),
        lambda: ICMPv6NDOptDstLLAddr(lladdr=mac()) / ICMPv6NDOptMTU(mtu=bits(32)),
        lambda: ICMPv6NDOptPrefixInfo(prefix=ip6(), prefixlen=bits(7), validlifetime=bits(32)),
    ])()
    return random.choice([
        lambda: ICMPv6ND_RS(),
        lambda: ICMPv6ND_RA(chlim=bits(8), M=bits(1), O=bits(1), prf=bits(2), routerlifetime=bits(16),
                            reachabletime=bits(32), retranstimer=bits(32)),
        lambda: ICMPv6ND_NS(tgt=ip6()),
        lambda: ICMPv6ND_NA(tgt=ip6(), R=bits(1), S=bits(1), O=bits(1)),
        lambda: ICMPv6ND_Redirect(tgt=ip6(), dst=ip6()),
    ])() / options


def mld():
    kind = random.randrange(3)
    if kind == 0:
        return ICMPv6MLReport(mrd=bits(16), mladdr=ip6())
    if kind == 1:
        sources = [ip6() for _ in range(random.randrange(3))]
        return ICMPv6MLQuery2(mrd=bits(15), mladdr=ip6(), S=bits(1), QRV=bits(3), QQIC=bits(7), sources=sources)
    records = [ICMPv6MLDMultAddrRec(rtype=random.randrange(1, 7), dst=ip6(), sources=[ip6()])
               for _ in range(random.randrange(3))]
    return ICMPv6MLReport2(records=records)


def tunnel():
    inner = Ether(src=mac(), dst=mac()) / ARP(psrc=ip4(), pdst=ip4(), hwsrc=mac(), hwdst=mac(), op=bits(16))
    return random.choice([
        lambda: UDP(sport=port(), dport=4789) / VXLAN(vni=bits(24), flags="Instance") / inner,
        lambda: UDP(sport=port(), dport=6081) / GENEVE(vni=bits(24), oam=bits(1), critical=bits(1), proto=0x6558) / inner,
        lambda: UDP(sport=port(), dport=3784) / BFD(
            diag=bits(5), sta=bits(2), detect_mult=bits(8), my_discriminator=bits(32), your_discriminator=bits(32),
            min_tx_interval=bits(32), min_rx_interval=bits(32), echo_rx_interval=bits(32)),
        lambda: UDP(sport=2152, dport=2152) / GTP_U_Header(teid=bits(32), gtp_type=255) / IP(src=ip4(), dst=ip4()) / icmp4(),
        lambda: GRE(proto=0x6558, key_present=1, key=bits(32)) / inner,
        lambda: GRE(proto=0x6558, chksum_present=1, seqnum_present=1, sequence_number=bits(32)) / inner,
        lambda: GRE(proto=0x88BE, seqnum_present=1, sequence_number=bits(32)) / ERSPAN_II(
            vlan=bits(12), cos=bits(3), en=bits(2), t=bits(1), session_id=bits(10), index=bits(20)) / inner,
        lambda: GRE(proto=0x22EB, seqnum_present=1, sequence_number=bits(32)) / ERSPAN_III(
            vlan=bits(12), cos=bits(3), bso=bits(2), t=bits(1), session_id=bits(10), timestamp=bits(32),
            sgt_other=bits(16), p=1, ft=0, hw=bits(6), d=bits(1), gra=bits(2), o=0) / inner,
    ])()


def network():
    if random.random() < 0.5:
        inner = transport(False)
        # Scapy takes only packets for the link itself for IGMP.
        ttl = 1 if isinstance(inner, (IGMP, IGMPv3)) else bits(8)
        return IP(src=ip4(), dst=ip4(), tos=bits(8), id=bits(16), ttl=ttl, flags=random.choice([0, 2])) / inner
    packet = IPv6(src=ip6(), dst=ip6(), tc=bits(8), fl=bits(20), hlim=bits(8))
    if random.random() < 0.3:
        packet /= IPv6ExtHdrHopByHop(options=[RouterAlert(value=bits(16))])
    if random.random() < 0.2:
        packet /= IPv6ExtHdrDestOpt(options=[HBHOptUnknown(otype=30, optdata=b"abc")])
    if random.random() < 0.2:
        addresses = [ip6() for _ in range(random.randrange(1, 4))]
        packet /= IPv6ExtHdrSegmentRouting(addresses=addresses, segleft=0, tag=bits(16))
    if random.random() < 0.2:
        return packet / IPv6ExtHdrFragment(offset=0, m=1, id=bits(32)) / UDP(sport=port(), dport=port()) / payload()
    return packet / transport(True)


def lldp():
    return (LLDPDUChassisID(subtype=4, id=mac()) / LLDPDUPortID(subtype=7, id=b"p1") / LLDPDUTimeToLive(ttl=bits(16))
            / LLDPDUSystemName(system_name=b"sw") / LLDPDUEndOfLLDPDU())


def link():
    ether = Ether(src=mac(), dst=mac())
    kind = random.randrange(12)
    if kind == 0:
        return ether / ARP(psrc=ip4(), pdst=ip4(), hwsrc=mac(), hwdst=mac(), op=bits(16))
    if kind == 1:
        stack = MPLS(label=random.randrange(16, 1 << 20), cos=bits(3), s=0, ttl=bits(8))
        return ether / stack / MPLS(label=random.randrange(16, 1 << 20), cos=bits(3), s=1, ttl=bits(8)) / network()
    if kind == 2:
        return Ether(src=mac(), dst="01:80:c2:00:00:02") / SlowProtocol() / LACP(
            actor_system_priority=bits(16), actor_system=mac(), actor_key=bits(16), actor_port_priority=bits(16),
            actor_port_number=bits(16), actor_state=bits(8), partner_system_priority=bits(16), partner_system=mac(),
            partner_key=bits(16), partner_port_priority=bits(16), partner_port_number=bits(16), partner_state=bits(8),
            collector_max_delay=bits(16))
    if kind == 3:
        unit = STP(bpduflags=bits(8), rootid=bits(16), rootmac=mac(), pathcost=bits(32), bridgeid=bits(16),
                   bridgemac=mac(), portid=bits(16))
        return Ether(src=mac(), dst=mac(), type=38) / LLC(dsap=0x42, ssap=0x42, ctrl=3) / unit
    if kind == 4:
        return ether / NSH(ttl=bits(6), oam=bits(1), mdtype=1, nextproto=3, spi=bits(24), si=bits(8),
                           context_header=bytes(16)) / Ether(src=mac(), dst=mac()) / network()
    if kind == 5:
        body = IP(src=ip4(), dst=ip4()) / icmp4()
        return Ether(src=mac(), dst=mac(), type=8 + len(body)) / LLC() / SNAP(code=0x800) / body
    if kind == 6:
        return ether / lldp()
    if kind == 7:
        return ether / Dot1AD(prio=bits(3), id=bits(1), vlan=bits(12)) / Dot1Q(
            prio=bits(3), id=bits(1), vlan=bits(12)) / network()
    if kind == 8:
        return ether / Dot1Q(prio=bits(3), id=bits(1), vlan=bits(12)) / network()
    return ether / network()


def text(value):
    if isinstance(value, bytes):
        return "x" + value.hex()
    if isinstance(value, str):
        try:
            return "x" + ipaddress.ip_address(value).packed.hex()
        except ValueError:
            return "x" + value.replace(":", "")
    return str(int(value))


def layer_text(layer):
    """A layer's line, or None where ours do not go on."""
    kind = type(layer)
    if kind is LLC and isinstance(layer.payload, SNAP):
        return ""
    if kind is IGMPv3:
        body = layer.payload
        pairs = [("kind", layer.type), ("checksum", layer.chksum)]
        if isinstance(body, IGMPv3mq):
            pairs += [("max_response", layer.mrcode), ("group", body.gaddr), ("suppress", body.s),
                      ("robustness", body.qrv), ("interval_code", body.qqic), ("source_count", body.numsrc)]
            return "igmpquery " + " ".join("%s=%s" % (name, text(value)) for name, value in pairs)
        pairs += [("record_count", body.numgrp)]
        return "igmpreport " + " ".join("%s=%s" % (name, text(value)) for name, value in pairs)
    if kind is LLDPDUChassisID:
        return "lldp"
    if kind in PARTS:
        return ""
    if kind not in LAYERS:
        return None
    name, fields = LAYERS[kind]
    if name == "icmp" and layer.type not in (0, 8):
        return None
    pairs = [(ours, getattr(layer, theirs)) for theirs, ours in fields.items()]
    return name + " " + " ".join("%s=%s" % (ours, text(value)) for ours, value in pairs if value is not None)


def line(packet):
    layers = []
    layer = packet
    while layer:
        told = layer_text(layer)
        if told is None:
            break
        if told:
            layers.append(told)
        layer = layer.payload
    return "|".join(layers)


def main():
    random.seed(int(sys.argv[1]))
    writer = RawPcapWriter(sys.argv[3], linktype=1)
    writer.write_header(None)
    with open(sys.argv[4], "w") as fields:
        for _ in range(int(sys.argv[2])):
            data = bytes(link())
            writer.write_packet(data)
            # Read again, so that what scapy computed on building is there.
            fields.write(line(Ether(data)) + "\n")
    writer.close()


main()
