//! The match structure of OpenFlow 1.0 (5.2.3).

use ovs_flow::{Field, Match, VLAN_CFI};

use crate::OfError;
use crate::header::{Put, Reader};

const IN_PORT: u32 = 1 << 0;
const DL_VLAN: u32 = 1 << 1;
const DL_SRC: u32 = 1 << 2;
const DL_DST: u32 = 1 << 3;
const DL_TYPE: u32 = 1 << 4;
const NW_PROTO: u32 = 1 << 5;
const TP_SRC: u32 = 1 << 6;
const TP_DST: u32 = 1 << 7;
const NW_SRC_SHIFT: u32 = 8;
const NW_DST_SHIFT: u32 = 14;
const DL_VLAN_PCP: u32 = 1 << 20;
const NW_TOS: u32 = 1 << 21;
/// `OFP_VLAN_NONE`: packets without a tag.
const VLAN_NONE: u16 = 0xffff;

/// The bits of an address that count, from the number of low bits that do not (32 and more: none counts).
const fn prefix(wild_bits: u32) -> u32 {
    if wild_bits >= 32 { 0 } else { u32::MAX << wild_bits }
}

/// The low bits that do not count; `None` counts as all where the mask is no prefix.
const fn wild_bits(mask: u32) -> u32 {
    if mask == 0 { 32 } else { mask.trailing_zeros() }
}

/// Appends the structure. What it cannot say (registers, IPv6, masks that are no prefixes …) is left out.
pub(crate) fn encode_v10(m: &Match, out: &mut Vec<u8>) {
    let (key, mask) = (&m.key, &m.mask.fields);
    let mut wild = 0;
    let mut unless = |is_set: bool, bit: u32| wild |= if is_set { 0 } else { bit };
    unless(mask.in_port & 0xffff == 0xffff, IN_PORT);
    unless(mask.dl_src == [0xff; 6], DL_SRC);
    unless(mask.dl_dst == [0xff; 6], DL_DST);
    unless(mask.dl_type.get() == 0xffff, DL_TYPE);
    unless(mask.nw_proto == 0xff, NW_PROTO);
    unless(mask.nw_tos & 0xfc == 0xfc, NW_TOS);
    unless(mask.tp_src.get() == 0xffff, TP_SRC);
    unless(mask.tp_dst.get() == 0xffff, TP_DST);
    let (tci, tci_mask) = (key.vlans[0].tci.get(), mask.vlans[0].tci.get());
    let (vlan, pcp) = if tci_mask & VLAN_CFI != 0 && tci & VLAN_CFI == 0 {
        (VLAN_NONE, 0)
    } else {
        unless(tci_mask & 0x0fff == 0x0fff, DL_VLAN);
        unless(tci_mask & 0xe000 == 0xe000, DL_VLAN_PCP);
        (tci & tci_mask & 0x0fff, (tci & tci_mask) >> 13)
    };
    wild |= wild_bits(mask.nw_src.get()) << NW_SRC_SHIFT | wild_bits(mask.nw_dst.get()) << NW_DST_SHIFT;
    let if_set = |bit: u32, value: u16| if wild & bit == 0 { value } else { 0 };
    out.u32(wild);
    out.u16(if_set(IN_PORT, key.in_port as u16));
    out.extend_from_slice(&if wild & DL_SRC == 0 { key.dl_src } else { [0; 6] });
    out.extend_from_slice(&if wild & DL_DST == 0 { key.dl_dst } else { [0; 6] });
    out.u16(if_set(DL_VLAN, vlan));
    out.u8(if_set(DL_VLAN_PCP, pcp) as u8);
    out.u8(0);
    out.u16(if_set(DL_TYPE, key.dl_type.get()));
    out.u8(if_set(NW_TOS, u16::from(key.nw_tos & 0xfc)) as u8);
    out.u8(if_set(NW_PROTO, u16::from(key.nw_proto)) as u8);
    out.zeros(2);
    out.u32(key.nw_src.get());
    out.u32(key.nw_dst.get());
    out.u16(if_set(TP_SRC, key.tp_src.get()));
    out.u16(if_set(TP_DST, key.tp_dst.get()));
}

/// The fixed fields, as they stand.
struct Raw {
    in_port: u16,
    dl_src: [u8; 6],
    dl_dst: [u8; 6],
    vlan: u16,
    pcp: u8,
    dl_type: u16,
    nw_tos: u8,
    nw_proto: u8,
    nw: [u32; 2],
    tp: [u16; 2],
}

/// Reads the structure. Fields that make no sense beside the others (ports of a packet that is no IP) are
/// taken out, as the original does.
pub(crate) fn decode_v10(r: &mut Reader<'_>) -> Result<Match, OfError> {
    let wild = r.u32()?;
    let raw = read(r)?;
    let mut m = Match::default();
    let mut set = |bit: u32, field: Field, value: u128| {
        if wild & bit == 0 {
            field.set_match(&mut m, value);
        }
    };
    let mac = |a: [u8; 6]| a.iter().fold(0_u128, |n, b| n << 8 | u128::from(*b));
    set(IN_PORT, Field::IN_PORT, u128::from(raw.in_port));
    set(DL_SRC, Field::ETH_SRC, mac(raw.dl_src));
    set(DL_DST, Field::ETH_DST, mac(raw.dl_dst));
    set(DL_TYPE, Field::ETH_TYPE, u128::from(raw.dl_type));
    decode_vlan(wild, &raw, &mut m);
    decode_network(wild, &raw, &mut m);
    Ok(m)
}

fn read(r: &mut Reader<'_>) -> Result<Raw, OfError> {
    let in_port = r.u16()?;
    let (dl_src, dl_dst) = (r.array()?, r.array()?);
    let (vlan, pcp) = (r.u16()?, r.u8()?);
    r.skip(1)?;
    let dl_type = r.u16()?;
    let (nw_tos, nw_proto) = (r.u8()?, r.u8()?);
    r.skip(2)?;
    let nw = [r.u32()?, r.u32()?];
    let tp = [r.u16()?, r.u16()?];
    Ok(Raw { in_port, dl_src, dl_dst, vlan, pcp, dl_type, nw_tos, nw_proto, nw, tp })
}

/// One tag's identifier and priority; either asks for a tag, "none" for its absence.
fn decode_vlan(wild: u32, raw: &Raw, m: &mut Match) {
    let (mut tci, mut mask) = (0, 0);
    if wild & DL_VLAN == 0 && raw.vlan == VLAN_NONE {
        mask = 0xffff;
    } else {
        if wild & DL_VLAN == 0 {
            tci |= raw.vlan & 0x0fff | VLAN_CFI;
            mask |= 0x0fff | VLAN_CFI;
        }
        if wild & DL_VLAN_PCP == 0 {
            tci |= u16::from(raw.pcp & 7) << 13 | VLAN_CFI;
            mask |= 0xe000 | VLAN_CFI;
        }
    }
    m.key.vlans[0].tci.set(tci);
    m.mask.fields.vlans[0].tci.set(mask);
}

/// What lies behind the Ethernet type, where the type has it.
fn decode_network(wild: u32, raw: &Raw, m: &mut Match) {
    let addresses = |m: &mut Match, fields: [Field; 2]| {
        for (i, shift) in [NW_SRC_SHIFT, NW_DST_SHIFT].into_iter().enumerate() {
            let mask = prefix(wild >> shift & 0x3f);
            // The mask is a prefix, and address fields take any mask.
            let _ = fields[i].set_masked(m, u128::from(raw.nw[i]), u128::from(mask));
        }
    };
    if wild & DL_TYPE != 0 {
        return;
    }
    match raw.dl_type {
        0x0800 => addresses(m, [Field::IP_SRC, Field::IP_DST]),
        0x0806 | 0x8035 => {
            addresses(m, [Field::ARP_SPA, Field::ARP_TPA]);
            if wild & NW_PROTO == 0 {
                Field::ARP_OP.set_match(m, u128::from(raw.nw_proto));
            }
            return;
        }
        0x86dd => {}
        _ => return,
    }
    if wild & NW_TOS == 0 {
        Field::IP_TOS.set_match(m, u128::from(raw.nw_tos & 0xfc));
    }
    if wild & NW_PROTO != 0 {
        return;
    }
    Field::IP_PROTO.set_match(m, u128::from(raw.nw_proto));
    let ports = match (raw.nw_proto, raw.dl_type) {
        (6, _) => [Field::TCP_SRC, Field::TCP_DST],
        (17, _) => [Field::UDP_SRC, Field::UDP_DST],
        (132, _) => [Field::SCTP_SRC, Field::SCTP_DST],
        (1, 0x0800) => [Field::ICMP_TYPE, Field::ICMP_CODE],
        (58, 0x86dd) => [Field::ICMPV6_TYPE, Field::ICMPV6_CODE],
        _ => return,
    };
    for (i, bit) in [TP_SRC, TP_DST].into_iter().enumerate() {
        if wild & bit == 0 {
            ports[i].set_match(m, u128::from(raw.tp[i]));
        }
    }
}
