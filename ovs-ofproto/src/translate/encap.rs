//! Headers around packets: `encap`, `decap`, `dec_nsh_ttl`.

use ovs_dpif::{NshMetadata, SlowPath};
use ovs_flow::{FlowKey, U16, U32};
use ovs_openflow::action::{Encap, EncapProperty, PacketType};

use super::TranslateError;
use super::context::Context;
use super::mpls;
use crate::trace::{NodeKind, Tracer};

/// Namespace of packet types that are Ethernet types.
pub(super) const ETHERTYPES: u32 = 1 << 16;
pub(super) const NSH: u32 = ETHERTYPES | 0x894f;
/// Next protocols (RFC 8300 section 2.2), with the packet types that they are.
const NEXT: [(u8, u32); 4] = [(1, ETHERTYPES | 0x0800), (2, ETHERTYPES | 0x86dd), (3, 0), (4, NSH)];
/// An Ethernet frame as a protocol (transparent Ethernet bridging).
const BRIDGING: u16 = 0x6558;
/// A service index that nothing has decremented yet; the path is 0.
const FRESH_PATH: u32 = 255;
const FRESH_TTL: u8 = 63;

/// A packet type as a key has it.
fn key_type(kind: PacketType) -> u32 {
    u32::from(kind.namespace) << 16 | u32::from(kind.number)
}

impl<T: Tracer> Context<'_, T> {
    /// `encap`.
    pub(super) fn encap(&mut self, encap: &Encap) {
        self.commit();
        match encap.packet_type {
            PacketType::ETHERNET => self.encap_ethernet(),
            PacketType::NSH => self.encap_nsh(&encap.properties),
            PacketType::MPLS | PacketType::MPLS_MULTICAST => self.encap_mpls(encap.packet_type),
            _ => self.refuse_type(|| "unknown header to put on".into()),
        }
        if self.error.is_none() {
            self.pending_encap = true;
        }
    }

    fn refuse_type(&mut self, text: impl FnOnce() -> String) {
        self.report(NodeKind::Action, text);
        self.error.get_or_insert(TranslateError::UnsupportedPacketType);
    }

    fn encap_ethernet(&mut self) {
        self.mask.fields.packet_type = U32::new(u32::MAX);
        let kind = self.flow.packet_type.get();
        if kind >> 16 != 1 {
            let text =
                || "Dropping packet as encap(ethernet) is not supported for packet type ethernet.".into();
            self.refuse_type(text);
            return;
        }
        self.flow.packet_type = U32::new(0);
        (self.flow.dl_src, self.flow.dl_dst) = ([0; 6], [0; 6]);
        self.flow.dl_type = U16::new(kind as u16);
    }

    fn encap_nsh(&mut self, properties: &[EncapProperty]) {
        let kind = self.flow.packet_type.get();
        let Some((np, _)) = NEXT.iter().find(|(_, known)| *known == kind) else {
            let text = || {
                format!(
                    "Dropping packet as encap(nsh) is not supported for packet type ({},{:#x})",
                    kind >> 16,
                    kind & 0xffff
                )
            };
            self.refuse_type(text);
            return;
        };
        self.mask.fields.packet_type = U32::new(u32::MAX);
        let (mdtype, options) = nsh_properties(properties);
        clear_headers(&mut self.flow);
        self.flow.packet_type = U32::new(NSH);
        self.flow.dl_type = U16::new(NSH as u16);
        self.flow.nsh.ttl = FRESH_TTL;
        self.flow.nsh.np = *np;
        self.flow.nsh.mdtype = mdtype;
        self.flow.nsh.path_hdr = U32::new(FRESH_PATH);
        self.nsh_options = options;
    }

    fn encap_mpls(&mut self, kind: PacketType) {
        let n = mpls::count(&self.flow, Some(&mut self.mask));
        if n >= ovs_flow::MAX_MPLS {
            self.error.get_or_insert(TranslateError::TooManyLabels);
            return;
        }
        if !self.snapshot.world.features.add_mpls {
            self.go_slow(SlowPath::Action);
        }
        self.flow.packet_type = U32::new(key_type(kind));
        mpls::push(&mut self.flow, n, kind.number, Some(&mut self.mask), false);
    }

    /// `decap`; the packet is looked at anew where that takes off more than an Ethernet header.
    pub(super) fn decap(&mut self, to: PacketType) {
        // What was done to what is inside comes before what is around it is taken off.
        self.commit();
        let kind = self.flow.packet_type.get();
        if kind == 0 {
            self.decap_ethernet();
        } else if kind == NSH {
            self.decap_nsh();
        } else if kind >> 16 == 1 && mpls::is_mpls(kind as u16) {
            self.decap_mpls(to);
        } else {
            let text = || {
                format!(
                    "Dropping packet as the decap() does not support packet type ({},{:#x})",
                    kind >> 16,
                    kind & 0xffff
                )
            };
            self.refuse_type(text);
        }
    }

    fn decap_ethernet(&mut self) {
        if super::vlan::count(&self.flow.vlans) > 0 {
            let text = || "Dropping packet, cannot decap Ethernet if VLAN is present.".into();
            self.refuse_type(text);
            return;
        }
        self.flow.packet_type = U32::new(ETHERTYPES | u32::from(self.flow.dl_type.get()));
        self.mask.fields.dl_type = U16::new(u16::MAX);
    }

    fn decap_nsh(&mut self) {
        let np = self.flow.nsh.np;
        let Some((_, kind)) = NEXT.iter().find(|(known, _)| *known == np) else {
            let text = || format!("Dropping packet as NSH next protocol {np} is not supported.");
            self.refuse_type(text);
            return;
        };
        self.flow.packet_type = U32::new(*kind);
        self.mask.fields.nsh.np = 0xff;
        self.pending_decap = true;
        self.freeze();
    }

    fn decap_mpls(&mut self, to: PacketType) {
        self.flow.packet_type = U32::new(key_type(to));
        let ethertype = if to.number == 0 { BRIDGING } else { to.number };
        let n = mpls::count(&self.flow, Some(&mut self.mask));
        if !mpls::pop(&mut self.flow, n, ethertype, Some(&mut self.mask)) {
            self.error.get_or_insert(TranslateError::TooManyLabels);
            return;
        }
        self.pending_decap = true;
        if n == 1 {
            self.freeze();
        }
    }

    /// `dec_nsh_ttl`: `false` if the time to live has run out; a controller gets the packet then.
    pub(super) fn dec_nsh_ttl(&mut self) -> bool {
        let of_nsh = self.flow.packet_type.get() == NSH || self.flow.dl_type.get() == NSH as u16;
        if !of_nsh {
            return true;
        }
        self.mask.fields.nsh.ttl = 0xff;
        if self.flow.nsh.ttl > 1 {
            self.flow.nsh.ttl -= 1;
            return true;
        }
        self.punt_invalid_ttl(0);
        self.warn(|| "NSH decrement TTL exception".into());
        false
    }
}

/// The kind of metadata and its options, padded to words.
fn nsh_properties(properties: &[EncapProperty]) -> (u8, Option<NshMetadata>) {
    let (mut mdtype, mut options) = (1, Vec::new());
    for property in properties {
        match property {
            EncapProperty::NshMdType(kind) => mdtype = *kind,
            EncapProperty::NshTlv { class, kind, value } => {
                options.extend(class.to_be_bytes());
                options.extend([*kind, value.len() as u8]);
                options.extend(value);
                options.resize(options.len().next_multiple_of(4), 0);
            }
        }
    }
    let fits = mdtype == 2 && options.len() <= 244;
    (mdtype, fits.then(|| NshMetadata::Options(options.into())))
}

/// All that is of a packet's headers.
fn clear_headers(flow: &mut FlowKey) {
    flow.words_mut()[ovs_flow::STAGE_ENDS[0]..].fill(0);
}
