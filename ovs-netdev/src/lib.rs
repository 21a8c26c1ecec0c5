//! Network devices behind one pair of traits: AF_PACKET, TAP, dummy, pcap.
