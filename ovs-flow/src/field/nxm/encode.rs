//! Writing entries.

use alloc::vec::Vec;

use super::super::facts::{Header, OfVersion};
use super::super::numbers::{eth, ip, nd};
use super::super::rows::Field;
use super::COOKIE;
use crate::{MAX_OPTION, Match, OptionMatch, REGISTERS, TunnelKey, VLAN_CFI, Wide};

/// Appends a field's header: 4 bytes, or 8 for experimenters'.
pub fn put_header(header: &Header, size: usize, masked: bool, out: &mut Vec<u8>) {
    let experimenter = header.class == 0xffff;
    let length = if masked { 2 * size } else { size } + if experimenter { 4 } else { 0 };
    out.extend(header.class.to_be_bytes());
    out.extend([header.number << 1 | u8::from(masked), length as u8]);
    if experimenter {
        out.extend(header.experimenter.to_be_bytes());
    }
}

/// Appends one field: header, value and, unless it is all ones, mask. Nothing if the mask is zero or the field has no
/// number.
pub fn put_entry(field: Field, value: u128, mask: u128, version: OfVersion, out: &mut Vec<u8>) {
    let full = field.full();
    if field.option().is_some() && mask != 0 {
        let (value, mask) = (Wide::from(value), (mask != full).then_some(Wide::from(mask)));
        let size = OptionMatch::len_of(&(value | mask.unwrap_or_default()));
        put_option(field, size, &value, mask.as_ref(), version, out);
        return;
    }
    let Some(header) = field.header(version).filter(|_| mask & full != 0) else { return };
    let size = usize::from(field.facts().size);
    let flags = field == Field::CT_STATE || field == Field::TUN_FLAGS;
    // Not all flags of these two are defined, so that a match on those that are is never one on all.
    let masked = mask & full != full || flags;
    put_header(header, size, masked, out);
    out.extend(&value.to_be_bytes()[16 - size..]);
    if masked {
        out.extend(&(mask & full).to_be_bytes()[16 - size..]);
    }
}

/// Appends a tunnel option of so many bytes, at most 124, and its mask.
pub fn put_option(
    field: Field,
    size: usize,
    value: &Wide,
    mask: Option<&Wide>,
    version: OfVersion,
    out: &mut Vec<u8>,
) {
    let Some(header) = field.header(version) else { return };
    let size = size.min(MAX_OPTION);
    put_header(header, size, mask.is_some(), out);
    for number in [Some(value), mask].into_iter().flatten() {
        out.extend_from_slice(&number.to_be_bytes()[Wide::BYTES - size..]);
    }
}

/// Appends a match as entries without padding, prerequisites before what needs them. `version` decides between the
/// numbers of a field: [`OfVersion::Extension`] is NXM. `cookie` is a value and a mask for Nicira's flow messages.
pub fn encode_match(m: &Match, version: OfVersion, cookie: Option<(u64, u64)>, out: &mut Vec<u8>) {
    let mut writer = Writer { m, version, out };
    writer.metadata();
    writer.ethernet();
    writer.network();
    writer.tunnel();
    writer.all(&NSH);
    writer.registers();
    writer.connection();
    if let Some((value, mask)) = cookie.filter(|(_, mask)| *mask != 0) {
        writer.cookie(value, mask);
    }
}

const NSH: [Field; 10] = [
    Field::NSH_FLAGS,
    Field::NSH_TTL,
    Field::NSH_MDTYPE,
    Field::NSH_NP,
    Field::NSH_SPI,
    Field::NSH_SI,
    Field::NSH_C1,
    Field::NSH_C2,
    Field::NSH_C3,
    Field::NSH_C4,
];

struct Writer<'a> {
    m: &'a Match,
    version: OfVersion,
    out: &'a mut Vec<u8>,
}

impl Writer<'_> {
    fn put(&mut self, field: Field) {
        // Most fields of most matches are not constrained.
        if field.facts().place.is_clear(&self.m.mask.fields) {
            return;
        }
        let (value, mask) = field.get_match(self.m);
        put_entry(field, value & wire_mask(field, mask), mask, self.version, self.out);
    }

    fn all(&mut self, fields: &[Field]) {
        for field in fields {
            self.put(*field);
        }
    }

    fn is_oxm(&self) -> bool {
        self.version > OfVersion::Extension
    }

    fn metadata(&mut self) {
        let mask = &self.m.mask.fields;
        let unsaid = mask.dl_src == [0; 6]
            && mask.dl_dst == [0; 6]
            && mask.dl_type.get() == 0
            && mask.vlans[0].tci.get() == 0;
        // That packets are Ethernet goes without saying where an Ethernet field is matched on.
        if self.m.key.packet_type.get() != 0 || unsaid {
            self.put(Field::PACKET_TYPE);
        }
        self.all(&[Field::DP_HASH, Field::RECIRC_ID, Field::CONJ_ID]);
        self.put(if self.is_oxm() { Field::IN_PORT_OXM } else { Field::IN_PORT });
        self.put(Field::ACTSET_OUTPUT);
    }

    fn ethernet(&mut self) {
        self.all(&[Field::ETH_SRC, Field::ETH_DST, Field::ETH_TYPE]);
        if self.is_oxm() {
            let mask = self.m.mask.fields.vlans[0].tci.get();
            let vid = self.m.key.vlans[0].tci.get() & (VLAN_CFI | 0x0fff);
            let vid_mask = mask & (VLAN_CFI | 0x0fff);
            put_entry(Field::VLAN_VID, vid.into(), vid_mask.into(), self.version, self.out);
            if vid != 0 && mask >> 13 != 0 {
                // OXM matches the priority as a whole.
                let (pcp, _) = Field::VLAN_PCP.get_match(self.m);
                put_entry(Field::VLAN_PCP, pcp, u128::MAX, self.version, self.out);
            }
        } else {
            self.put(Field::VLAN_TCI);
        }
        if matches!(self.m.key.ethertype(), eth::MPLS | eth::MPLS_MCAST) {
            self.all(&[Field::MPLS_TC, Field::MPLS_BOS, Field::MPLS_TTL, Field::MPLS_LABEL]);
        }
    }

    fn network(&mut self) {
        match self.m.key.ethertype() {
            eth::IPV4 => {
                self.all(&[Field::IP_SRC, Field::IP_DST]);
                self.ip(false);
            }
            eth::IPV6 => {
                self.all(&[Field::IPV6_SRC, Field::IPV6_DST]);
                self.ip(true);
            }
            eth::ARP | eth::RARP => {
                self.all(&[Field::ARP_OP, Field::ARP_SPA, Field::ARP_TPA, Field::ARP_SHA, Field::ARP_THA]);
            }
            _ => {}
        }
    }

    fn ip(&mut self, v6: bool) {
        self.put(Field::IP_FRAG);
        self.put(if self.is_oxm() { Field::IP_DSCP } else { Field::IP_TOS });
        self.all(&[Field::IP_ECN, Field::IP_TTL, Field::IPV6_LABEL, Field::IP_PROTO]);
        if self.m.mask.fields.nw_proto == 0 {
            return;
        }
        match self.m.key.nw_proto {
            ip::TCP => self.all(&[Field::TCP_SRC, Field::TCP_DST, Field::TCP_FLAGS]),
            ip::UDP => self.all(&[Field::UDP_SRC, Field::UDP_DST]),
            ip::SCTP => self.all(&[Field::SCTP_SRC, Field::SCTP_DST]),
            ip::ICMP if !v6 => self.icmp(Field::ICMP_TYPE, Field::ICMP_CODE),
            ip::ICMPV6 if v6 => {
                self.icmp(Field::ICMPV6_TYPE, Field::ICMPV6_CODE);
                self.nd();
            }
            _ => {}
        }
    }

    /// Type and code have eight bits in a place of sixteen, and no masks.
    fn icmp(&mut self, kind: Field, code: Field) {
        for field in [kind, code] {
            let (value, mask) = field.get_match(self.m);
            if mask != 0 {
                put_entry(field, value & 0xff, u128::MAX, self.version, self.out);
            }
        }
    }

    fn nd(&mut self) {
        let kind = self.m.key.tp_src.get();
        if !matches!(kind, nd::SOLICIT | nd::ADVERT) || self.m.key.tp_dst.get() != 0 {
            return;
        }
        self.all(&[Field::ND_RESERVED, Field::ND_TARGET, Field::ND_OPTIONS_TYPE]);
        self.put(if kind == nd::SOLICIT { Field::ND_SLL } else { Field::ND_TLL });
    }

    fn tunnel(&mut self) {
        self.all(&[
            Field::TUN_ID,
            Field::TUN_SRC,
            Field::TUN_DST,
            Field::TUN_IPV6_SRC,
            Field::TUN_IPV6_DST,
            Field::TUN_FLAGS,
            Field::TUN_GBP_ID,
            Field::TUN_GBP_FLAGS,
        ]);
        if self.m.mask.fields.tunnel == TunnelKey::default() {
            return;
        }
        for option in self.m.options() {
            if let Some(field) = Field::tun_metadata(option.index) {
                // That the option is there at all is said by a mask without bits.
                let mask = (!option.is_exact()).then_some(option.mask);
                put_option(field, option.len, &option.value, mask.as_ref(), self.version, self.out);
            }
        }
        self.all(&[
            Field::TUN_ERSPAN_IDX,
            Field::TUN_ERSPAN_VER,
            Field::TUN_ERSPAN_DIR,
            Field::TUN_ERSPAN_HWID,
            Field::TUN_GTPU_FLAGS,
            Field::TUN_GTPU_MSGTYPE,
        ]);
    }

    /// OpenFlow 1.5 has registers in pairs.
    fn registers(&mut self) {
        if self.m.mask.fields.regs == [0; REGISTERS] {
            return;
        }
        if self.version < OfVersion::V15 {
            for field in (0..REGISTERS).filter_map(Field::reg) {
                self.put(field);
            }
        } else {
            for field in (0..REGISTERS / 2).filter_map(Field::xreg) {
                self.put(field);
            }
        }
    }

    fn connection(&mut self) {
        self.all(&[
            Field::PKT_MARK,
            Field::CT_STATE,
            Field::CT_ZONE,
            Field::CT_MARK,
            Field::CT_LABEL,
            Field::CT_NW_SRC,
            Field::CT_IPV6_SRC,
            Field::CT_NW_DST,
            Field::CT_IPV6_DST,
        ]);
        // Without a protocol the ports mean nothing, and protocol zero is none.
        if self.m.key.ct_nw_proto != 0 {
            self.all(&[Field::CT_NW_PROTO, Field::CT_TP_SRC, Field::CT_TP_DST]);
        }
        self.put(Field::METADATA);
    }

    fn cookie(&mut self, value: u64, mask: u64) {
        let masked = mask != u64::MAX;
        let (class, number) = COOKIE;
        let since = OfVersion::Extension;
        put_header(
            &Header {
                name: "NXM_NX_COOKIE",
                class,
                number,
                experimenter: 0,
                since,
                ovs: (1, 8),
                provisional: false,
            },
            8,
            masked,
            self.out,
        );
        self.out.extend((value & mask).to_be_bytes());
        if masked {
            self.out.extend(mask.to_be_bytes());
        }
    }
}

/// Ports above 16 bits have bits beyond the mask as it lies in the key.
fn wire_mask(field: Field, mask: u128) -> u128 {
    if mask == field.full() { u128::MAX } else { mask }
}
