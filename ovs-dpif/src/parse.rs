//! From a packet to its flow key.

use ovs_flow::{FlowKey, Metadata, SparseKey, U16, U32};
use ovs_packet::Packet;

/// Parses `packet`, notes where its layers begin, and fills `key`.
pub(crate) fn extract(packet: &mut Packet, metadata: &Metadata, key: &mut SparseKey) {
    let mut flow = FlowKey::default();
    flow.in_port = metadata.in_port.0;
    flow.recirc_id = metadata.recirc_id;
    flow.dp_hash = metadata.dp_hash;
    flow.skb_priority = metadata.priority;
    flow.pkt_mark = metadata.mark;
    let data = packet.data();
    if let Some(header) = data.get(..14) {
        flow.dl_dst.copy_from_slice(&header[..6]);
        flow.dl_src.copy_from_slice(&header[6..12]);
        let mut at = 12;
        if let [0x81, 0, a, b] = data[at..].get(..4).unwrap_or_default() {
            flow.vlans[0].tpid = U16::new(0x8100);
            flow.vlans[0].tci = U16::from_bytes([*a | 0x10, *b]);
            at += 4;
        }
        if let Some(kind) = data.get(at..at + 2) {
            flow.dl_type = U16::from_bytes([kind[0], kind[1]]);
        }
        if flow.dl_type.get() == 0x800
            && let Some(ip) = data.get(at + 2..at + 22)
        {
            flow.nw_src = U32::from_bytes([ip[12], ip[13], ip[14], ip[15]]);
            flow.nw_dst = U32::from_bytes([ip[16], ip[17], ip[18], ip[19]]);
            flow.nw_proto = ip[9];
        }
    }
    *key = SparseKey::from(&flow);
}
