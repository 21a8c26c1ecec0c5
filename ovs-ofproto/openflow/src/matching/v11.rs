//! The match structure of OpenFlow 1.1 (A.2.3): 1.0's with masks for addresses and metadata, and MPLS.

use ovs_flow::{Field, Match, VLAN_CFI};

use crate::OfError;
use crate::header::{Put, Reader};

/// Type and length of the structure (`OFPMT_STANDARD`).
pub(super) const TYPE_STANDARD: u16 = 0;
const LENGTH: u16 = 88;

const IN_PORT: u32 = 1 << 0;
const DL_VLAN: u32 = 1 << 1;
const DL_VLAN_PCP: u32 = 1 << 2;
const DL_TYPE: u32 = 1 << 3;
const NW_TOS: u32 = 1 << 4;
const NW_PROTO: u32 = 1 << 5;
const TP_SRC: u32 = 1 << 6;
const TP_DST: u32 = 1 << 7;
const MPLS_LABEL: u32 = 1 << 8;
const MPLS_TC: u32 = 1 << 9;
/// `OFPVID_ANY`: packets with a tag, whichever.
const VLAN_ANY: u16 = 0xfffe;
/// `OFPVID_NONE`: packets without a tag.
const VLAN_NONE: u16 = 0xffff;

/// Appends the structure. What it cannot say is left out.
pub(crate) fn encode_v11(m: &Match, out: &mut Vec<u8>) {
    let (key, mask) = (&m.key, &m.mask.fields);
    let (mut wild, mut raw) = (0, Vec::with_capacity(64));
    let mut value = |is_set: bool, bit: u32, value: u32| {
        if is_set {
            value
        } else {
            wild |= bit;
            0
        }
    };
    let in_port = value(mask.in_port & 0xffff == 0xffff, IN_PORT, m.key.of_port().to_u32());
    let (tci, tci_mask) = (key.vlans[0].tci.get(), mask.vlans[0].tci.get());
    let (vlan, pcp) = match (tci_mask & VLAN_CFI != 0, tci & VLAN_CFI != 0) {
        (true, false) => (Some(VLAN_NONE), None),
        (true, true) if tci_mask.trailing_zeros() >= 12 => {
            (Some(VLAN_ANY), (tci_mask & 0xe000 == 0xe000).then_some(tci >> 13))
        }
        _ => (
            (tci_mask & 0x0fff == 0x0fff).then_some(tci & 0x0fff),
            (tci_mask & 0xe000 == 0xe000).then_some(tci >> 13),
        ),
    };
    let vlan = value(vlan.is_some(), DL_VLAN, vlan.unwrap_or_default().into());
    let pcp = value(pcp.is_some(), DL_VLAN_PCP, pcp.unwrap_or_default().into());
    let dl_type = value(mask.dl_type.get() == 0xffff, DL_TYPE, key.dl_type.get().into());
    let tos = value(mask.nw_tos & 0xfc == 0xfc, NW_TOS, u32::from(key.nw_tos & 0xfc));
    let proto = value(mask.nw_proto == 0xff, NW_PROTO, key.nw_proto.into());
    let tp_src = value(mask.tp_src.get() == 0xffff, TP_SRC, key.tp_src.get().into());
    let tp_dst = value(mask.tp_dst.get() == 0xffff, TP_DST, key.tp_dst.get().into());
    let mpls = |field: Field| (field.get_match(m).0 as u32, field.get_match(m).1 == field.full());
    let ((label, has_label), (tc, has_tc)) = (mpls(Field::MPLS_LABEL), mpls(Field::MPLS_TC));
    let label = value(has_label, MPLS_LABEL, label);
    let tc = value(has_tc, MPLS_TC, tc);
    for (address, mask) in [(key.dl_src, mask.dl_src), (key.dl_dst, mask.dl_dst)] {
        raw.extend_from_slice(&address);
        raw.extend(mask.map(|byte| !byte));
    }
    raw.u16(vlan as u16);
    raw.extend_from_slice(&[pcp as u8, 0]);
    raw.u16(dl_type as u16);
    raw.extend_from_slice(&[tos as u8, proto as u8]);
    for (address, mask) in [(key.nw_src, mask.nw_src), (key.nw_dst, mask.nw_dst)] {
        raw.u32(address.get());
        raw.u32(!mask.get());
    }
    raw.u16(tp_src as u16);
    raw.u16(tp_dst as u16);
    raw.u32(label);
    raw.u8(tc as u8);
    raw.zeros(3);
    let (metadata, metadata_mask) = Field::METADATA.get_match(m);
    raw.u64(metadata as u64);
    raw.u64(!(metadata_mask as u64));
    out.u16(TYPE_STANDARD);
    out.u16(LENGTH);
    out.u32(in_port);
    out.u32(wild);
    out.extend_from_slice(&raw);
}

/// The fixed fields that are read in one go.
struct Raw {
    wild: u32,
    dl_type: u16,
    nw_tos: u8,
    nw_proto: u8,
    nw: [(u32, u32); 2],
    tp: [u16; 2],
}

/// Reads the structure, whose type and length have been seen to be its own.
pub(crate) fn decode_v11(r: &mut Reader<'_>, m: &mut Match) -> Result<(), OfError> {
    r.skip(2)?;
    if r.u16()? != LENGTH {
        return Err(OfError::BmcBadLen);
    }
    let in_port = r.u32()?;
    let wild = r.u32()?;
    if wild & IN_PORT == 0 {
        let port = ovs_flow::OfPort::from_u32(in_port).ok_or(OfError::BmcBadValue)?;
        Field::IN_PORT.set_match(m, port.0.into());
    }
    for field in [Field::ETH_SRC, Field::ETH_DST] {
        let number = |a: [u8; 6]| a.iter().fold(0_u128, |n, b| n << 8 | u128::from(*b));
        let (value, mask) = (number(r.array()?), number(r.array::<6>()?.map(|byte| !byte)));
        let _ = field.set_masked(m, value, mask);
    }
    let (vlan, pcp) = (r.u16()?, r.u8()?);
    decode_vlan(wild, vlan, pcp, m)?;
    r.skip(1)?;
    let dl_type = r.u16()?;
    if wild & DL_TYPE == 0 {
        Field::ETH_TYPE.set_match(m, dl_type.into());
    }
    let (nw_tos, nw_proto) = (r.u8()?, r.u8()?);
    let nw = [(r.u32()?, !r.u32()?), (r.u32()?, !r.u32()?)];
    let tp = [r.u16()?, r.u16()?];
    let dl_type = if wild & DL_TYPE == 0 { dl_type } else { 0 };
    decode_network(&Raw { wild, dl_type, nw_tos, nw_proto, nw, tp }, m)?;
    let (label, tc) = (r.u32()?, r.u8()?);
    r.skip(3)?;
    if matches!(dl_type, 0x8847 | 0x8848) {
        if wild & MPLS_LABEL == 0 {
            Field::MPLS_LABEL.set_match(m, u128::from(label & 0xf_ffff));
        }
        if wild & MPLS_TC == 0 {
            Field::MPLS_TC.set_match(m, u128::from(tc & 7));
        }
    }
    let (metadata, mask) = (r.u64()?, !r.u64()?);
    let _ = Field::METADATA.set_masked(m, metadata.into(), mask.into());
    Ok(())
}

fn decode_vlan(wild: u32, vlan: u16, pcp: u8, m: &mut Match) -> Result<(), OfError> {
    let (mut tci, mut mask) = (0, 0);
    if wild & DL_VLAN == 0 {
        match vlan {
            VLAN_NONE => mask = 0xffff,
            VLAN_ANY => (tci, mask) = (VLAN_CFI, VLAN_CFI),
            0..=0x0fff => (tci, mask) = (vlan | VLAN_CFI, 0x0fff | VLAN_CFI),
            _ => return Err(OfError::BmcBadValue),
        }
    }
    if wild & (DL_VLAN | DL_VLAN_PCP) == 0 && vlan != VLAN_NONE {
        if pcp > 7 {
            return Err(OfError::BmcBadValue);
        }
        tci |= u16::from(pcp) << 13;
        mask |= 0xe000;
    }
    m.key.vlans[0].tci.set(tci);
    m.mask.fields.vlans[0].tci.set(mask);
    Ok(())
}

/// What lies behind the Ethernet type. Fields that the type does not have are refused, as the original does.
fn decode_network(raw: &Raw, m: &mut Match) -> Result<(), OfError> {
    let addresses = match raw.dl_type {
        0x0800 => Some([Field::IP_SRC, Field::IP_DST]),
        0x0806 | 0x8035 => Some([Field::ARP_SPA, Field::ARP_TPA]),
        _ => None,
    };
    if let Some(fields) = addresses {
        for (field, (value, mask)) in fields.into_iter().zip(raw.nw) {
            let _ = field.set_masked(m, value.into(), mask.into());
        }
    }
    if addresses.is_some() && raw.dl_type != 0x0800 {
        if raw.wild & NW_PROTO == 0 {
            Field::ARP_OP.set_match(m, raw.nw_proto.into());
        }
        return Ok(());
    }
    if !matches!(raw.dl_type, 0x0800 | 0x86dd) {
        return Ok(());
    }
    if raw.wild & NW_TOS == 0 {
        if raw.nw_tos & 3 != 0 {
            return Err(OfError::BmcBadValue);
        }
        Field::IP_DSCP.set_match(m, u128::from(raw.nw_tos >> 2));
    }
    if raw.wild & NW_PROTO != 0 {
        return Ok(());
    }
    Field::IP_PROTO.set_match(m, raw.nw_proto.into());
    let fields = match (raw.nw_proto, raw.dl_type) {
        (6, _) => [Field::TCP_SRC, Field::TCP_DST],
        (17, _) => [Field::UDP_SRC, Field::UDP_DST],
        (132, _) => [Field::SCTP_SRC, Field::SCTP_DST],
        (1, 0x0800) => [Field::ICMP_TYPE, Field::ICMP_CODE],
        (58, 0x86dd) => [Field::ICMPV6_TYPE, Field::ICMPV6_CODE],
        _ if raw.wild & TP_SRC == 0 || raw.wild & TP_DST == 0 => return Err(OfError::BmcBadField),
        _ => return Ok(()),
    };
    for (i, bit) in [TP_SRC, TP_DST].into_iter().enumerate() {
        if raw.wild & bit == 0 {
            if raw.tp[i] > 0xff && matches!(raw.nw_proto, 1 | 58) {
                return Err(OfError::BmcBadField);
            }
            fields[i].set_match(m, raw.tp[i].into());
        }
    }
    Ok(())
}
