//! Small messages.

use core::fmt::{self, Write};
use core::net::Ipv6Addr;

use super::changes::{eviction_flags, vacancy_levels};
use crate::{
    AsyncConfig, BundleControl, BundleControlKind, BundleFlags, CtFlush, CtTuple, FlowFormat, Hello, Message,
    PacketInFormat, Role, RoleMsg, RoleReason, RoleStatus, TableDesc, TableMod, TableStatus, TlvMap,
    TlvTableCommand, Version,
};

/// The versions that a peer speaks.
pub(super) fn hello(hello: Hello, out: &mut String) -> fmt::Result {
    out.write_str("\n version bitmap: ")?;
    let versions = hello.versions;
    let mut comma = "";
    for version in Version::ALL.into_iter().filter(|version| versions.contains(*version)) {
        write!(out, "{comma}{:#04x}", version.wire())?;
        comma = ", ";
    }
    out.write_char('\n')
}

const fn role_name(role: Role) -> &'static str {
    match role {
        Role::NoChange => "nochange",
        Role::Equal => "equal",
        Role::Primary => "primary",
        Role::Secondary => "secondary",
    }
}

/// A role, asked for or told.
pub(super) fn role(role: RoleMsg, out: &mut String) -> fmt::Result {
    write!(out, " role={}", role_name(role.role))?;
    match role.generation {
        Some(generation) => write!(out, " generation_id={generation}"),
        None => Ok(()),
    }
}

/// A role that has changed.
pub(super) fn role_status(status: RoleStatus, out: &mut String) -> fmt::Result {
    write!(out, " role={}", role_name(status.role))?;
    if let Some(generation) = status.generation {
        write!(out, " generation_id={generation}")?;
    }
    out.write_str(match status.reason {
        RoleReason::PrimaryRequest => " reason=primary_request",
        RoleReason::Config => " reason=configuration_changed",
        RoleReason::Experimenter => " reason=experimenter_data_changed",
    })
}

/// A table's description, in lines of its own.
pub(super) fn table_desc(desc: &TableDesc, out: &mut String) -> fmt::Result {
    let on = |bit: u32| if desc.config & bit != 0 { "on" } else { "off" };
    write!(out, "\n  table {}:\n   eviction={} eviction_flags=", desc.table, on(TableMod::EVICTION))?;
    eviction_flags(desc.eviction, out)?;
    write!(out, "\n   vacancy={}", on(TableMod::VACANCY_EVENTS))?;
    if let Some(vacancy) = desc.vacancy.filter(|_| desc.config & TableMod::VACANCY_EVENTS != 0) {
        vacancy_levels(vacancy, out)?;
        write!(out, " vacancy={}%", vacancy.current)?;
    }
    Ok(())
}

/// A table that has become full, or has room again.
pub(super) fn table_status(status: &TableStatus, out: &mut String) -> fmt::Result {
    let reason = if status.room { "VACANCY_UP" } else { "VACANCY_DOWN" };
    write!(out, " reason={reason}\ntable_desc:-")?;
    table_desc(&status.desc, out)
}

/// Names of the reasons of each kind of message, by number.
const REASONS: [(&str, &[&str]); 6] = [
    ("      PACKET_IN", &["no_match", "action", "invalid_ttl", "action_set", "group", "packet_out"]),
    ("    PORT_STATUS", &["add", "delete", "modify"]),
    ("   FLOW_REMOVED", &["idle", "hard", "delete", "group_delete", "meter_delete", "eviction"]),
    ("    ROLE_STATUS", &["primary_request", "configuration_changed", "experimenter_data_changed"]),
    ("   TABLE_STATUS", &["", "", "", "vacancy_down", "vacancy_up"]),
    (" REQUESTFORWARD", &["group_mod_request", "meter_mod_request"]),
];

/// Which asynchronous messages are sent to whom.
pub(super) fn async_config(config: AsyncConfig, version: Version, out: &mut String) -> fmt::Result {
    // Before 1.4 there are three reasons for a packet-in.
    let known = if version < Version::V14 { 7 } else { u32::MAX };
    let masks = [
        config.packet_in.map(|mask| mask & known),
        config.port_status,
        config.flow_removed,
        config.role_status,
        config.table_status,
        config.requestforward,
    ];
    for (i, who) in ["primary", "secondary"].into_iter().enumerate() {
        write!(out, "\n {who}:\n")?;
        for ((name, reasons), mask) in REASONS.iter().zip(masks) {
            write!(out, " {name}:")?;
            if mask[i] == 0 {
                out.write_str(" (off)\n")?;
                continue;
            }
            for bit in (0..32).filter(|bit| mask[i] >> bit & 1 == 1) {
                match reasons.get(bit).filter(|name| !name.is_empty()) {
                    Some(reason) => write!(out, " {reason}")?,
                    None => write!(out, " {bit}")?,
                }
            }
            out.write_char('\n')?;
        }
    }
    Ok(())
}

/// What a bundle promises.
pub(super) fn bundle_flags(flags: BundleFlags, out: &mut String) -> fmt::Result {
    out.write_str(" flags=")?;
    out.write_str(match (flags.contains(BundleFlags::ATOMIC), flags.contains(BundleFlags::ORDERED)) {
        (true, true) => "atomic ordered",
        (true, false) => "atomic",
        (false, true) => "ordered",
        (false, false) => "0",
    })
}

/// What becomes of a bundle.
pub(super) fn bundle_control(control: BundleControl, out: &mut String) -> fmt::Result {
    let kind = match control.kind {
        BundleControlKind::OpenRequest => "OPEN_REQUEST",
        BundleControlKind::OpenReply => "OPEN_REPLY",
        BundleControlKind::CloseRequest => "CLOSE_REQUEST",
        BundleControlKind::CloseReply => "CLOSE_REPLY",
        BundleControlKind::CommitRequest => "COMMIT_REQUEST",
        BundleControlKind::CommitReply => "COMMIT_REPLY",
        BundleControlKind::DiscardRequest => "DISCARD_REQUEST",
        BundleControlKind::DiscardReply => "DISCARD_REPLY",
    };
    write!(out, "\n bundle_id={:#x} type={kind}", control.id)?;
    bundle_flags(control.flags, out)
}

/// Messages of Open vSwitch's extensions, and those without a body.
pub(super) fn extension(message: &Message, out: &mut String) -> fmt::Result {
    match message {
        Message::SetFlowFormat(FlowFormat::Nxm) => out.write_str(" format=nxm"),
        Message::SetFlowFormat(FlowFormat::OpenFlow10) => out.write_str(" format=openflow10"),
        Message::FlowModTableId(on) => write!(out, " {}", if *on { "enable" } else { "disable" }),
        Message::SetPacketInFormat(format) => out.write_str(match format {
            PacketInFormat::Standard => " format=standard",
            PacketInFormat::Nxt => " format=nxt_packet_in",
            PacketInFormat::Nxt2 => " format=nxt_packet_in2",
        }),
        Message::SetControllerId(id) => write!(out, " id={id}"),
        Message::FlowMonitorCancel(id) => write!(out, " id={id}"),
        Message::CtFlushZone(zone) => write!(out, " zone_id={zone}"),
        Message::CtFlush(which) => ct_flush(which, out),
        Message::TlvTableMod(change) => {
            match change.command {
                TlvTableCommand::Add => out.write_str("\n ADD mapping table:\n")?,
                TlvTableCommand::Delete => out.write_str("\n DEL mapping table:\n")?,
                TlvTableCommand::Clear => return out.write_str("\n CLEAR"),
            }
            tlv_maps(&change.maps, out)
        }
        Message::TlvTableReply(table) => {
            let used: u32 = table.maps.iter().map(|map| u32::from(map.len)).sum();
            let (space, fields) = (table.max_option_space, table.max_fields);
            write!(out, "\n max option space={space} max fields={fields}\n")?;
            write!(out, " allocated option space={used}\n\n mapping table:\n")?;
            tlv_maps(&table.maps, out)
        }
        _ => Ok(()),
    }
}

fn tlv_maps(maps: &[TlvMap], out: &mut String) -> fmt::Result {
    out.write_str("  class  type  length  match field\n ------  ----  ------  --------------")?;
    for map in maps {
        let kind = if map.kind == 0 { "0".to_owned() } else { format!("{:#x}", map.kind) };
        let class = if map.class == 0 { "0".to_owned() } else { format!("{:#x}", map.class) };
        write!(out, "\n {class:>6}  {kind:>4}  {:6}  tun_metadata{}", map.len, map.index)?;
    }
    Ok(())
}

/// An address as the tools print it: the family is that of both, by the one that is there.
fn address(address: Option<Ipv6Addr>, out: &mut String) -> fmt::Result {
    match address.unwrap_or(Ipv6Addr::UNSPECIFIED) {
        mapped if mapped.to_ipv4_mapped().is_some() => {
            mapped.to_ipv4_mapped().map_or(Ok(()), |ip| write!(out, "{ip}"))
        }
        ip => write!(out, "{ip}"),
    }
}

fn ct_tuple(tuple: &CtTuple, proto: u8, with_proto: bool, v4: bool, out: &mut String) -> fmt::Result {
    let family = if v4 { "nw" } else { "ipv6" };
    write!(out, " 'ct_{family}_src=")?;
    address(tuple.src, out)?;
    write!(out, ",ct_{family}_dst=")?;
    address(tuple.dst, out)?;
    if matches!(proto, 1 | 58) {
        write!(
            out,
            ",icmp_id={},icmp_type={},icmp_code={}",
            tuple.icmp_id.unwrap_or_default(),
            tuple.icmp_type.unwrap_or_default(),
            tuple.icmp_code.unwrap_or_default()
        )?;
    } else {
        let (src, dst) = (tuple.src_port.unwrap_or_default(), tuple.dst_port.unwrap_or_default());
        write!(out, ",ct_tp_src={src},ct_tp_dst={dst}")?;
    }
    if with_proto {
        write!(out, ",ct_nw_proto={proto}")?;
    }
    out.write_char('\'')
}

fn ct_flush(which: &CtFlush, out: &mut String) -> fmt::Result {
    if let Some(zone) = which.zone {
        write!(out, " zone={zone}")?;
    }
    if let Some((mark, mask)) = which.mark {
        write!(out, " mark={mark:#x}/{mask:#x}")?;
    }
    if let Some((labels, mask)) = which.labels {
        write!(out, " labels={labels:#x}/{mask:#x}")?;
    }
    let all = [which.original.src, which.original.dst, which.reply.src, which.reply.dst];
    let v4 = all.into_iter().flatten().any(|ip| ip.to_ipv4_mapped().is_some());
    ct_tuple(&which.original, which.ip_proto, true, v4, out)?;
    ct_tuple(&which.reply, which.ip_proto, false, v4, out)
}
