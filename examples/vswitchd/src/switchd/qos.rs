//! What the database says of quality of service: rows of `QoS` and `Queue`, and the policing of interfaces.

use ovs_dpif::Policing;
use ovs_netdev::Qos;
use ovs_ofproto::QosConfig;

use super::rows::{Row, Rows};

/// The quality of service that a port's row refers to; a row without a type is none.
pub fn config(rows: &dyn Rows, port: &Row<'_>) -> Option<QosConfig> {
    let row = port.references("qos").find_map(|uuid| rows.get("QoS", uuid))?;
    let kind = Some(row.string("type")).filter(|kind| !kind.is_empty())?;
    let mut qos = Qos::new(kind).options(row.map("other_config"));
    let mut marks = Vec::new();
    for (number, uuid) in row.numbered_references("queues") {
        let (Ok(number), Some(queue)) = (u32::try_from(number), rows.get("Queue", uuid)) else { continue };
        marks.extend(queue.integer("dscp").and_then(|dscp| Some((number, u8::try_from(dscp).ok()?))));
        qos = qos.queue(number, queue.map("other_config"));
    }
    Some(marks.into_iter().fold(QosConfig::new(qos), |config, (queue, dscp)| config.dscp(queue, dscp)))
}

/// How much an interface may receive. What is beyond any rate that there is, is no limit to speak of.
pub fn policing(interface: &Row<'_>) -> Policing {
    let number = |column: &str| {
        let value = interface.integer(column).unwrap_or(0).max(0);
        u32::try_from(value).unwrap_or(u32::MAX)
    };
    Policing::default()
        .kilobits(number("ingress_policing_rate"), number("ingress_policing_burst"))
        .kilopackets(number("ingress_policing_kpkts_rate"), number("ingress_policing_kpkts_burst"))
}
