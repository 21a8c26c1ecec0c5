//! The names of messages.

use core::fmt::{self, Write};

use crate::error::{NX_VENDOR, ONF_VENDOR};
use crate::header::Reader;
use crate::message::StatsKind;
use crate::{OfError, Version};

/// A message's name: where it is from, what it is, and for statistics which side.
#[derive(Clone, Copy)]
pub(super) struct Title {
    prefix: &'static str,
    name: &'static str,
    side: &'static str,
}

/// Appends the name, the version unless it is 1.0, and the transaction.
pub(super) fn write(title: Title, version: Version, xid: u32, out: &mut String) -> fmt::Result {
    write!(out, "{}_{}{}", title.prefix, title.name, title.side)?;
    if version != Version::V10 {
        write!(out, " (OF1.{})", version.wire() - 1)?;
    }
    write!(out, " (xid={xid:#x}):")
}

/// The name of a message that has a header; nothing if it has none in its version.
pub(super) fn of_bytes(version: Version, bytes: &[u8]) -> Option<Title> {
    let kind = *bytes.get(1)?;
    let body = bytes.get(8..)?;
    if kind == 4 {
        return of_vendor(body);
    }
    let [request, reply] = if version == Version::V10 { [16, 17] } else { [18, 19] };
    if kind == request || kind == reply {
        let side = if kind == request { " request" } else { " reply" };
        return of_stats(version, body, side);
    }
    let name = of_type(version, kind)?;
    Some(Title { prefix: "OFPT", name, side: "" })
}

/// Types that all versions number alike, and those that 1.0 and the later ones number apart.
fn of_type(version: Version, kind: u8) -> Option<&'static str> {
    const COMMON: [&str; 15] = [
        "HELLO",
        "ERROR",
        "ECHO_REQUEST",
        "ECHO_REPLY",
        "",
        "FEATURES_REQUEST",
        "FEATURES_REPLY",
        "GET_CONFIG_REQUEST",
        "GET_CONFIG_REPLY",
        "SET_CONFIG",
        "PACKET_IN",
        "FLOW_REMOVED",
        "PORT_STATUS",
        "PACKET_OUT",
        "FLOW_MOD",
    ];
    const V10: [&str; 7] = [
        "PORT_MOD",
        "",
        "",
        "BARRIER_REQUEST",
        "BARRIER_REPLY",
        "QUEUE_GET_CONFIG_REQUEST",
        "QUEUE_GET_CONFIG_REPLY",
    ];
    const LATER: [&str; 20] = [
        "GROUP_MOD",
        "PORT_MOD",
        "TABLE_MOD",
        "",
        "",
        "BARRIER_REQUEST",
        "BARRIER_REPLY",
        "QUEUE_GET_CONFIG_REQUEST",
        "QUEUE_GET_CONFIG_REPLY",
        "ROLE_REQUEST",
        "ROLE_REPLY",
        "GET_ASYNC_REQUEST",
        "GET_ASYNC_REPLY",
        "SET_ASYNC",
        "METER_MOD",
        "ROLE_STATUS",
        "TABLE_STATUS",
        "REQUESTFORWARD",
        "BUNDLE_CONTROL",
        "BUNDLE_ADD_MESSAGE",
    ];
    let kind = usize::from(kind);
    let later: &[&str] = if version == Version::V10 { &V10 } else { &LATER };
    let name = COMMON.get(kind).or_else(|| later.get(kind.checked_sub(COMMON.len())?))?;
    (!name.is_empty()).then_some(*name)
}

fn of_vendor(body: &[u8]) -> Option<Title> {
    let mut r = Reader::new(body, OfError::BrcBadLen);
    let (vendor, subtype) = (r.u32().ok()?, r.u32().ok()?);
    let (prefix, name) = match vendor {
        NX_VENDOR => ("NXT", of_nx(subtype)?),
        ONF_VENDOR => ("ONFT", of_onf(subtype)?),
        _ => return None,
    };
    Some(Title { prefix, name, side: "" })
}

fn of_nx(subtype: u32) -> Option<&'static str> {
    Some(match subtype {
        10 => "ROLE_REQUEST",
        11 => "ROLE_REPLY",
        12 => "SET_FLOW_FORMAT",
        13 => "FLOW_MOD",
        14 => "FLOW_REMOVED",
        15 => "FLOW_MOD_TABLE_ID",
        16 => "SET_PACKET_IN_FORMAT",
        17 => "PACKET_IN",
        18 => "FLOW_AGE",
        19 => "SET_ASYNC_CONFIG",
        20 => "SET_CONTROLLER_ID",
        21 => "FLOW_MONITOR_CANCEL",
        22 => "FLOW_MONITOR_PAUSED",
        23 => "FLOW_MONITOR_RESUMED",
        24 => "TLV_TABLE_MOD",
        25 => "TLV_TABLE_REQUEST",
        26 => "TLV_TABLE_REPLY",
        27 => "SET_ASYNC_CONFIG2",
        28 => "RESUME",
        29 => "CT_FLUSH_ZONE",
        30 => "PACKET_IN2",
        31 => "GROUP_MOD",
        32 => "CT_FLUSH",
        _ => return None,
    })
}

fn of_onf(subtype: u32) -> Option<&'static str> {
    Some(match subtype {
        1870 => "FLOW_MONITOR_CANCEL",
        1871 => "FLOW_MONITOR_PAUSED",
        1872 => "FLOW_MONITOR_RESUMED",
        1911 => "ROLE_STATUS",
        2300 => "BUNDLE_CONTROL",
        2301 => "BUNDLE_ADD_MESSAGE",
        2350 => "REQUESTFORWARD",
        _ => return None,
    })
}

fn of_stats(version: Version, body: &[u8], side: &'static str) -> Option<Title> {
    let mut r = Reader::new(body, OfError::BrcBadLen);
    let (kind, _) = StatsKind::decode(version, &mut r).ok()?;
    if !kind.is_of(version) {
        return None;
    }
    let prefix = match kind {
        StatsKind::Std(_) => "OFPST",
        StatsKind::Nx(_) => "NXST",
        StatsKind::Onf(_) => "ONFST",
    };
    let name = match kind.twin() {
        StatsKind::DESC => "DESC",
        StatsKind::FLOW | StatsKind::NX_FLOW => "FLOW",
        StatsKind::AGGREGATE | StatsKind::NX_AGGREGATE => "AGGREGATE",
        StatsKind::TABLE => "TABLE",
        StatsKind::PORT => "PORT",
        StatsKind::QUEUE => "QUEUE",
        StatsKind::GROUP => "GROUP",
        StatsKind::GROUP_DESC => "GROUP_DESC",
        StatsKind::GROUP_FEATURES => "GROUP_FEATURES",
        StatsKind::METER => "METER",
        StatsKind::METER_CONFIG => "METER_CONFIG",
        StatsKind::METER_FEATURES => "METER_FEATURES",
        StatsKind::TABLE_FEATURES => "TABLE_FEATURES",
        StatsKind::PORT_DESC => "PORT_DESC",
        StatsKind::TABLE_DESC => "TABLE_DESC",
        StatsKind::QUEUE_DESC => "QUEUE_DESC",
        StatsKind::FLOW_MONITOR => "FLOW_MONITOR",
        StatsKind::NX_IPFIX_BRIDGE => "IPFIX_BRIDGE",
        StatsKind::NX_IPFIX_FLOW => "IPFIX_FLOW",
        _ => return None,
    };
    Some(Title { prefix, name, side })
}
