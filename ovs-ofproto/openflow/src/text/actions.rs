//! Printing actions.

use core::fmt::{self, Display, Write};

use ovs_flow::text::{NoNames, PortNames};
use ovs_flow::{OfPort, Subfield, TableId, Wide};

use super::{choose, conntrack, encap, learn};
use crate::action::{Action, Mod, NO_BUFFER, SetField, SetForm, SetOption, ToController, segments};
use crate::message::PacketInReason;

/// A list of actions as the tools print it; `drop` if it is empty.
#[derive(Clone, Copy, Debug)]
pub struct ActionsDisplay<'a, P = NoNames> {
    actions: &'a [Action],
    ports: &'a P,
}

impl<'a> ActionsDisplay<'a> {
    /// With numbers of ports.
    pub fn new(actions: &'a [Action]) -> Self {
        Self { actions, ports: &NoNames }
    }
}

impl<'a, P: PortNames> ActionsDisplay<'a, P> {
    /// With names of ports.
    pub fn with_ports(actions: &'a [Action], ports: &'a P) -> Self {
        Self { actions, ports }
    }

    fn port(&self, port: OfPort, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.ports.write_of_port(port, f)
    }

    fn action(&self, action: &Action, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match action {
            Action::Output { port, max_len } => self.output(*port, *max_len, f),
            Action::OutputReg { src, .. } => write!(f, "output:{src}"),
            Action::Controller(to) => controller(to, f),
            Action::Enqueue { port, queue } => {
                f.write_str("enqueue:")?;
                self.port(*port, f)?;
                write!(f, ":{queue}")
            }
            Action::SetField(set) => self.set_field(set, f),
            Action::SetOption(set) => set_option(set, f),
            Action::Mod(change) => modification(*change, f),
            Action::Move { src, dst } => write!(f, "move:{src}->{dst}"),
            Action::SetVlanVid { vid, push } => {
                write!(f, "{}_vlan_vid:{vid}", if *push { "mod" } else { "set" })
            }
            Action::SetVlanPcp { pcp, push } => {
                write!(f, "{}_vlan_pcp:{pcp}", if *push { "mod" } else { "set" })
            }
            Action::DecTtl(ids) if ids[..] != [0] => {
                f.write_str("dec_ttl(")?;
                list(ids, f)?;
                f.write_char(')')
            }
            Action::Resubmit { in_port, table, ct } => self.resubmit(*in_port, *table, *ct, f),
            Action::OutputTruncated { port, max_len } => {
                f.write_str("output(port=")?;
                self.port(*port, f)?;
                write!(f, ",max_len={max_len})")
            }
            Action::Bundle(bundle) => choose::write_bundle(bundle, self.ports, f),
            Action::Ct(ct) => conntrack::write_ct(ct, self.ports, f),
            Action::Learn(learn) => learn::write_learn(learn, self.ports, f),
            Action::Sample(sample) => encap::write_sample(sample, self.ports, f),
            Action::Clone(list) => {
                f.write_str("clone(")?;
                self.list(list, f)?;
                f.write_char(')')
            }
            Action::Note(bytes) => {
                f.write_str("note:")?;
                dotted(bytes, f)
            }
            Action::WriteActions(set) => {
                write!(f, "write_actions({})", ActionsDisplay { actions: set, ports: self.ports })
            }
            other => simple(other, f),
        }
    }

    fn output(&self, port: OfPort, max_len: u16, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if port.0 < OfPort::MAX.0 {
            f.write_str("output:")?;
            return self.port(port, f);
        }
        self.port(port, f)?;
        if port == OfPort::CONTROLLER { write!(f, ":{max_len}") } else { Ok(()) }
    }

    fn set_field(&self, set: &SetField, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if set.form == SetForm::Field {
            let value = set.field.text(set.value, set.mask, self.ports);
            return write!(f, "set_field:{value}->{}", set.field);
        }
        loads(segments(set), f)
    }

    /// Actions with commas between them; nothing if there are none.
    fn list(&self, list: &[Action], f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, action) in list.iter().enumerate() {
            if i > 0 {
                f.write_char(',')?;
            }
            self.action(action, f)?;
        }
        Ok(())
    }

    fn resubmit(&self, in_port: OfPort, table: TableId, ct: bool, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if in_port != OfPort::IN_PORT && table == TableId::ALL && !ct {
            f.write_str("resubmit:")?;
            return self.port(in_port, f);
        }
        f.write_str("resubmit(")?;
        if in_port != OfPort::IN_PORT {
            self.port(in_port, f)?;
        }
        f.write_char(',')?;
        if table != TableId::ALL {
            write!(f, "{table}")?;
        }
        f.write_str(if ct { ",ct)" } else { ")" })
    }
}

fn set_option(set: &SetOption, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if set.form == SetForm::Load {
        return loads(set.segments(), f);
    }
    match set.mask {
        Wide::MAX => write!(f, "set_field:{}->{}", set.value, set.field),
        // As of every field.
        Wide::ZERO => write!(f, "set_field:ANY->{}", set.field),
        mask => write!(f, "set_field:{}/{mask}->{}", set.value, set.field),
    }
}

/// One `load` for each run of bits.
fn loads(runs: impl Iterator<Item = (Subfield, u64)>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for (i, (dst, value)) in runs.enumerate() {
        if i > 0 {
            f.write_char(',')?;
        }
        match value {
            0 => write!(f, "load:0->{dst}")?,
            value => write!(f, "load:{value:#x}->{dst}")?,
        }
    }
    Ok(())
}

impl<P: PortNames> Display for ActionsDisplay<'_, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.actions.is_empty() {
            return f.write_str("drop");
        }
        self.list(self.actions, f)
    }
}

impl Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        ActionsDisplay::new(core::slice::from_ref(self)).fmt(f)
    }
}

/// Actions whose text depends on nothing else.
fn simple(action: &Action, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match action {
        Action::Group(group) => write!(f, "group:{group}"),
        Action::SetQueue(queue) => write!(f, "set_queue:{queue}"),
        Action::PopQueue => f.write_str("pop_queue"),
        Action::PopVlan { strip } => f.write_str(if *strip { "strip_vlan" } else { "pop_vlan" }),
        Action::PushVlan(kind) => write!(f, "push_vlan:{kind:#06x}"),
        Action::PushMpls(kind) => write!(f, "push_mpls:{kind:#06x}"),
        Action::PopMpls(kind) => write!(f, "pop_mpls:{kind:#06x}"),
        Action::SetMplsLabel(label) => write!(f, "set_mpls_label({label})"),
        Action::SetMplsTc(tc) => write!(f, "set_mpls_tc({tc})"),
        Action::SetMplsTtl(ttl) => write!(f, "set_mpls_ttl({ttl})"),
        Action::DecMplsTtl => f.write_str("dec_mpls_ttl"),
        Action::DecTtl(_) => f.write_str("dec_ttl"),
        Action::SetTunnel { id, wide } => {
            let name = if *wide || *id > u64::from(u32::MAX) { "set_tunnel64" } else { "set_tunnel" };
            hex(name, *id, f)
        }
        Action::StackPush(sub) => write!(f, "push:{sub}"),
        Action::StackPop(sub) => write!(f, "pop:{sub}"),
        Action::Exit => f.write_str("exit"),
        Action::FinTimeout { idle, hard } => fin_timeout(*idle, *hard, f),
        Action::Meter(meter) => write!(f, "meter:{meter}"),
        Action::ClearActions => f.write_str("clear_actions"),
        Action::WriteMetadata { value, mask } => {
            hex("write_metadata", *value, f)?;
            if *mask == u64::MAX { Ok(()) } else { write!(f, "/{mask:#x}") }
        }
        Action::GotoTable(table) => write!(f, "goto_table:{table}"),
        Action::Multipath(multipath) => choose::write_multipath(multipath, f),
        Action::Nat(nat) => conntrack::write_nat(nat, f),
        Action::CtClear => f.write_str("ct_clear"),
        Action::Conjunction { id, clause, n_clauses } => {
            write!(f, "conjunction({id},{}/{n_clauses})", u16::from(*clause) + 1)
        }
        Action::Encap(encap) => encap::write_encap(encap, f),
        Action::Decap(packet_type) => encap::write_decap(*packet_type, f),
        Action::DecNshTtl => f.write_str("dec_nsh_ttl"),
        Action::CheckPktLarger { len, dst } => write!(f, "check_pkt_larger({len})->{dst}"),
        Action::DeleteField(field) => write!(f, "delete_field:{field}"),
        // Everything else has been printed by the caller.
        _ => Ok(()),
    }
}

/// `name:0x…`, zero without prefix.
fn hex(name: &str, value: u64, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if value == 0 { write!(f, "{name}:0") } else { write!(f, "{name}:{value:#x}") }
}

fn list(numbers: &[u16], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for (i, n) in numbers.iter().enumerate() {
        write!(f, "{}{n}", if i > 0 { "," } else { "" })?;
    }
    Ok(())
}

/// `0a.0b.0c`.
fn dotted(bytes: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for (i, byte) in bytes.iter().enumerate() {
        write!(f, "{}{byte:02x}", if i > 0 { "." } else { "" })?;
    }
    Ok(())
}

fn fin_timeout(idle: u16, hard: u16, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str("fin_timeout(")?;
    if idle != 0 {
        write!(f, "idle_timeout={idle}{}", if hard != 0 { "," } else { "" })?;
    }
    if hard != 0 {
        write!(f, "hard_timeout={hard}")?;
    }
    f.write_char(')')
}

fn controller(to: &ToController, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let plain = to.reason == PacketInReason::Action
        && to.controller_id == 0
        && to.userdata.is_empty()
        && !to.pause
        && to.meter == 0;
    if plain {
        return write!(f, "CONTROLLER:{}", to.max_len);
    }
    f.write_str("controller(")?;
    let mut comma = "";
    if to.reason != PacketInReason::Action {
        write!(f, "reason={}", to.reason.name())?;
        comma = ",";
    }
    if to.max_len != NO_BUFFER {
        write!(f, "{comma}max_len={}", to.max_len)?;
        comma = ",";
    }
    if to.controller_id != 0 {
        write!(f, "{comma}id={}", to.controller_id)?;
        comma = ",";
    }
    if !to.userdata.is_empty() {
        write!(f, "{comma}userdata=")?;
        dotted(&to.userdata, f)?;
        comma = ",";
    }
    if to.pause {
        write!(f, "{comma}pause")?;
        comma = ",";
    }
    if to.meter != 0 {
        write!(f, "{comma}meter_id={}", to.meter)?;
    }
    f.write_char(')')
}

fn modification(change: Mod, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mac = |name: &str, mac: [u8; 6], f: &mut fmt::Formatter<'_>| {
        write!(f, "{name}:")?;
        mac.iter().enumerate().try_for_each(|(i, b)| write!(f, "{}{b:02x}", if i > 0 { ":" } else { "" }))
    };
    match change {
        Mod::EthSrc(a) => mac("mod_dl_src", a, f),
        Mod::EthDst(a) => mac("mod_dl_dst", a, f),
        Mod::Ipv4Src(ip) => write!(f, "mod_nw_src:{}", core::net::Ipv4Addr::from(ip)),
        Mod::Ipv4Dst(ip) => write!(f, "mod_nw_dst:{}", core::net::Ipv4Addr::from(ip)),
        Mod::Tos(tos) => write!(f, "mod_nw_tos:{tos}"),
        Mod::Ecn(ecn) => write!(f, "mod_nw_ecn:{ecn}"),
        Mod::Ttl(ttl) => write!(f, "mod_nw_ttl:{ttl}"),
        Mod::TpSrc(port) => write!(f, "mod_tp_src:{port}"),
        Mod::TpDst(port) => write!(f, "mod_tp_dst:{port}"),
    }
}
