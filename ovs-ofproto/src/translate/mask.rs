//! What every mask has, and what none may have.

use ovs_flow::{FlowKey, FlowMask, TunnelFlags, U16, U32, VLAN_CFI, VlanTag};

use crate::snapshot::Snapshot;

fn is_ip(key: &FlowKey) -> bool {
    matches!(key.ethertype(), 0x0800 | 0x86dd)
}

/// Adds the fields that are always looked at: recirculation, port, packet type, Ethernet type, fragment kind.
pub(super) fn begin(key: &FlowKey, mask: &mut FlowMask) {
    let fields = &mut mask.fields;
    fields.recirc_id = u32::MAX;
    fields.in_port = u32::MAX;
    fields.packet_type = U32::new(u32::MAX);
    if key.is_ethernet() {
        fields.dl_type = U16::new(u16::MAX);
    }
    if is_ip(key) {
        fields.nw_frag = 3;
    }
    if key.tunnel.is_present() {
        let tunnel = &mut fields.tunnel;
        tunnel.id.set(u64::MAX);
        if key.tunnel.dst.get() == 0 {
            (tunnel.ipv6_src, tunnel.ipv6_dst) = ([0xff; 16], [0xff; 16]);
        } else {
            tunnel.src.set(u32::MAX);
            tunnel.dst.set(u32::MAX);
        }
        tunnel.flags = (TunnelFlags::DONT_FRAGMENT | TunnelFlags::CSUM | TunnelFlags::KEY).bits();
        tunnel.tos = 0xff;
    }
}

/// Takes out the pipeline's own fields.
pub(super) fn forget_pipeline(mask: &mut FlowMask) {
    let fields = &mut mask.fields;
    fields.metadata.set(0);
    fields.regs = Default::default();
    fields.actset_output = 0;
    fields.conj_id = 0;
}

/// Takes out what is not in the packet: the pipeline's own fields, and headers that only actions put on.
/// `last` is the key after all actions: as in the original, it is what has to be ICMP, or a later fragment, for the bits
/// that these have not to go.
pub(super) fn finish(key: &FlowKey, last: &FlowKey, mask: &mut FlowMask) {
    forget_pipeline(mask);
    let fields = &mut mask.fields;
    if !key.is_ethernet() {
        (fields.dl_src, fields.dl_dst) = ([0; 6], [0; 6]);
        fields.dl_type.set(0);
    }
    if is_ip(last) && matches!(last.nw_proto, 1 | 58) {
        fields.tp_src.set(fields.tp_src.get() & 0xff);
        fields.tp_dst.set(fields.tp_dst.get() & 0xff);
    }
    if last.nw_frag & 2 != 0 {
        fields.tp_src.set(0);
        fields.tp_dst.set(0);
    }
    if !key.tunnel.is_present() {
        fields.tunnel = ovs_flow::TunnelKey::default();
    }
    if !matches!(key.dl_type.get(), 0x8847 | 0x8848) {
        fields.mpls_lse = Default::default();
    }
    for (tag, own) in fields.vlans.iter_mut().zip(key.vlans) {
        if own.tci.get() & VLAN_CFI == 0 {
            *tag = VlanTag::default();
        } else if tag.tci.get() != 0 {
            tag.tci.set(tag.tci.get() | VLAN_CFI);
        }
    }
}

/// The bits of a flow label (RFC 8200 section 3); its word in a key has more.
const LABEL: u32 = 0xf_ffff;

/// Traces tell whether a whole flow label is in the mask because a rule has it, or because actions read or wrote it last:
/// for the former the original has the whole word in the mask. Returns what is known of it before a lookup.
pub(super) fn begin_lookup(mask: &mut FlowMask) -> U32 {
    std::mem::take(&mut mask.fields.ipv6_label)
}

/// The end of the lookup that began with `before`.
pub(super) fn end_lookup(mask: &mut FlowMask, before: U32) {
    let label = &mut mask.fields.ipv6_label;
    let found = if label.get() == LABEL { u32::MAX } else { label.get() };
    label.set(found | before.get());
}

/// An action has read or written bits of the flow label.
pub(super) fn touch_label(mask: &mut FlowMask) {
    let label = &mut mask.fields.ipv6_label;
    label.set(label.get() & LABEL);
}

/// Whether the whole flow label is in the mask, and not by a rule's match.
pub(crate) fn is_label_touched(mask: &FlowMask) -> bool {
    mask.fields.ipv6_label.get() == LABEL
}

/// The mask of the megaflow that is installed for a packet whose translation looked at `mask`.
pub(crate) fn installed(snapshot: &Snapshot, key: &FlowKey, mut mask: FlowMask) -> FlowMask {
    if snapshot.world.exact_megaflows {
        mask.merge(&FlowMask::for_packet(key));
        // That has what only traces tell, too.
        forget_pipeline(&mut mask);
    }
    for_datapath(&mut mask);
    mask
}

/// Makes the mask one that a datapath can hold: the presence of a tag cannot be wildcarded there, so the
/// outermost tag is exact unless some of it is in the mask.
pub(crate) fn for_datapath(mask: &mut FlowMask) {
    let tag = &mut mask.fields.vlans[0];
    if tag.tci.get() == 0 {
        tag.tci.set(u16::MAX);
    }
    touch_label(mask);
}
