# Asks for an address as a machine that boots does, and prints what is offered: interface.
import random, sys
from scapy.all import BOOTP, DHCP, IP, UDP, Ether, conf, get_if_hwaddr, get_if_raw_hwaddr, srp1

interface = sys.argv[1]
conf.checkIPaddr = False
_, raw = get_if_raw_hwaddr(interface)
number = random.getrandbits(32)


def ask(options):
    packet = (
        Ether(src=get_if_hwaddr(interface), dst="ff:ff:ff:ff:ff:ff")
        / IP(src="0.0.0.0", dst="255.255.255.255")
        / UDP(sport=68, dport=67)
        / BOOTP(chaddr=raw, xid=number, flags=0x8000)
        / DHCP(options=options + ["end"])
    )
    answer = srp1(packet, iface=interface, timeout=3, retry=3, verbose=False)
    assert answer is not None and answer[BOOTP].xid == number
    found = dict(o[:2] for o in answer[DHCP].options if isinstance(o, tuple))
    return answer[BOOTP].yiaddr, found


address, offer = ask([("message-type", "discover"), ("param_req_list", [1, 3, 6, 51])])
assert offer["message-type"] == 2, offer
leased, ack = ask([("message-type", "request"), ("requested_addr", address), ("server_id", offer["server_id"])])
assert ack["message-type"] == 5, ack
print(leased, ack["router"], ack["subnet_mask"], ack["lease_time"])
