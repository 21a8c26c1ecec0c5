//! Requests to forget connections (`NXT_CT_FLUSH_ZONE`, `NXT_CT_FLUSH`).

use std::net::{IpAddr, Ipv6Addr};

use ovs_dpif::Masked;
use ovs_dpif::conntrack::{CtCursor, CtFilter, TupleFilter};
use ovs_openflow::{CtFlush, CtTuple, OfError};

use super::connection::ConnId;
use crate::switch::Switch;

/// ICMP and ICMPv6.
const ICMP: [u8; 2] = [1, 58];

impl Switch {
    /// Forgets all connections of a zone.
    pub(super) fn serve_ct_flush_zone(&mut self, id: ConnId, zone: u16) -> Result<(), OfError> {
        self.must_write(id)?;
        self.forget_connections(&CtFilter::of_zone(zone))
    }

    /// Forgets the connections that fit.
    pub(super) fn serve_ct_flush(&mut self, id: ConnId, which: &CtFlush) -> Result<(), OfError> {
        self.must_write(id)?;
        self.forget_connections(&CtFilter {
            zone: which.zone,
            orig: tuple(&which.original, which.ip_proto),
            reply: tuple(&which.reply, 0),
            mark: which.mark.map(|(mark, mask)| Masked::new(mark, mask)),
            label: which.labels.map(|(label, mask)| Masked::new(label.to_be_bytes(), mask.to_be_bytes())),
        })
    }

    fn forget_connections(&mut self, filter: &CtFilter) -> Result<(), OfError> {
        let conntrack = self.dpif().conntrack().ok_or(OfError::BrcBadType)?;
        let mut cursor = CtCursor::default();
        while conntrack.flush(&mut cursor, filter) {}
        Ok(())
    }
}

fn tuple(wanted: &CtTuple, proto: u8) -> TupleFilter {
    TupleFilter {
        ipv6: None,
        proto: Some(proto).filter(|proto| *proto != 0),
        src: wanted.src.map(address),
        dst: wanted.dst.map(address),
        // An ICMP query has its identifier there.
        src_port: if ICMP.contains(&proto) { wanted.icmp_id } else { wanted.src_port },
        dst_port: wanted.dst_port,
        icmp_type: wanted.icmp_type,
        icmp_code: wanted.icmp_code,
    }
}

fn address(of: Ipv6Addr) -> IpAddr {
    of.to_ipv4_mapped().map_or(IpAddr::V6(of), IpAddr::V4)
}
