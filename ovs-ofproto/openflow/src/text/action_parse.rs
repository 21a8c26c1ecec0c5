//! Parsing actions.

use ovs_flow::text::{PortNames, parse_of_port, tokens};
use ovs_flow::{Field, OfPort, TableId, VlanId};

use super::ParseError;
use super::action_values::{
    bytes, check_writable, ipv4, mac, number, port, subfield, u8, u16, u32, u64, writable, wrong,
};
use super::choose::{parse_bundle, parse_multipath};
use super::conntrack::{parse_ct, parse_nat};
use super::encap::{parse_decap, parse_encap, parse_sample};
use super::learn::parse_learn;
use crate::action::{Action, Mod, NO_BUFFER, SetField, SetForm, SetOption, ToController};
use crate::message::PacketInReason;

/// Actions and instructions as `actions=` has them; `drop` alone is the empty list.
pub fn parse_actions(text: &str, ports: &impl PortNames) -> Result<Vec<Action>, ParseError> {
    let actions = parse_list(text, ports, Scope { depth: 0, in_set: false })?;
    crate::action::check_nesting(&actions).map_err(ParseError::Misplaced)?;
    Ok(actions)
}

/// Where a list stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scope {
    /// In how many others.
    depth: u8,
    /// Whether in an action set.
    in_set: bool,
}

impl Scope {
    /// One deeper, inside of an action of this name.
    pub(super) fn deeper(self, name: &'static str) -> Result<Self, ParseError> {
        const MAX_DEPTH: u8 = 100;
        if self.depth >= MAX_DEPTH {
            return Err(ParseError::TooDeep(name));
        }
        Ok(Self { depth: self.depth + 1, ..self })
    }
}

pub(super) fn parse_list(
    text: &str,
    ports: &impl PortNames,
    nested: Scope,
) -> Result<Vec<Action>, ParseError> {
    let mut actions = Vec::new();
    let mut dropped = false;
    for item in items(text)? {
        if dropped {
            return Err(ParseError::DropNotAlone);
        }
        if item.eq_ignore_ascii_case("drop") {
            if !actions.is_empty() {
                return Err(ParseError::DropNotAlone);
            }
            dropped = true;
            continue;
        }
        let (name, argument) = split(item);
        actions.push(parse_one(name, argument, ports, nested)?);
    }
    Ok(actions)
}

/// The items of a list that commas or white space separate outside of parentheses and brackets.
pub(super) fn items(text: &str) -> Result<Vec<&str>, ParseError> {
    let mut items = Vec::new();
    let (mut start, mut depth) = (0, 0_u32);
    for (i, c) in text.char_indices() {
        match c {
            '(' | '[' => depth += 1,
            ')' | ']' => depth = depth.saturating_sub(1),
            ',' | ' ' | '\t' | '\r' | '\n' if depth == 0 => {
                items.push(&text[start..i]);
                start = i + 1;
            }
            _ => {}
        }
    }
    items.push(&text[start..]);
    if depth > 0 {
        let name = split(items.last().copied().unwrap_or_default()).0.to_owned();
        return Err(ParseError::Unclosed { name });
    }
    items.retain(|item| !item.is_empty());
    Ok(items)
}

/// An action's name and its argument: `name`, `name:argument`, `name=argument`, `name(argument)`.
pub(super) fn split(item: &str) -> (&str, &str) {
    let Some(at) = item.find([':', '=', '(']) else { return (item, "") };
    let argument = &item[at + 1..];
    let argument =
        if item.as_bytes()[at] == b'(' { argument.strip_suffix(')').unwrap_or(argument) } else { argument };
    (&item[..at], argument)
}

fn parse_one(name: &str, arg: &str, ports: &impl PortNames, scope: Scope) -> Result<Action, ParseError> {
    Ok(match name.to_ascii_lowercase().as_str() {
        "output" => parse_output(name, arg, ports)?,
        "controller" => parse_controller(name, arg)?,
        "enqueue" => {
            let (to, queue) = arg.split_once([':', ',']).ok_or_else(|| wrong(name, arg, "PORT:QUEUE"))?;
            Action::Enqueue { port: port(name, to, ports)?, queue: u32(name, queue)? }
        }
        "group" => Action::Group(u32(name, arg)?),
        "set_queue" => Action::SetQueue(u32(name, arg)?),
        "pop_queue" => Action::PopQueue,
        "set_field" => parse_set_field(name, arg, ports)?,
        "load" => {
            let (value, dst) = arrow(name, arg)?;
            let dst = writable(name, dst)?;
            let max = if dst.width() >= 64 { u64::MAX } else { (1 << dst.width()) - 1 };
            Action::load(dst, number(name, value, max, "a number that fits the bits")?)
        }
        "move" => {
            let (src, dst) = arrow(name, arg)?;
            let (src, dst) = (subfield(name, src)?, writable(name, dst)?);
            if src.width() != dst.width() {
                return Err(wrong(name, arg, "two subfields of one width"));
            }
            Action::Move { src, dst }
        }
        "resubmit" => parse_resubmit(name, arg, ports)?,
        "note" => {
            // On the wire a note fills up with zeros to whole eight bytes, six of them beside the first header.
            let mut note = bytes(name, arg)?;
            let padded = (note.len().max(6) + 2).next_multiple_of(8) - 2;
            note.resize(padded, 0);
            Action::Note(note)
        }
        "exit" => Action::Exit,
        "push" => Action::StackPush(subfield(name, arg)?),
        "pop" => Action::StackPop(writable(name, arg)?),
        "fin_timeout" => parse_fin_timeout(name, arg)?,
        "dec_ttl" if arg.is_empty() => Action::DecTtl(vec![0]),
        "dec_ttl" => Action::DecTtl(
            arg.split([',', ' '])
                .filter(|t| !t.is_empty())
                .map(|t| u16(name, t))
                .collect::<Result<_, _>>()?,
        ),
        "set_tunnel" => Action::SetTunnel { id: u64(name, arg)?, wide: false },
        "set_tunnel64" => Action::SetTunnel { id: u64(name, arg)?, wide: true },
        "meter" => Action::Meter(u32(name, arg)?),
        "clear_actions" => Action::ClearActions,
        "write_actions" if scope.in_set => return Err(ParseError::Nested("write_actions")),
        "write_actions" => {
            let scope = Scope { in_set: true, ..scope.deeper("write_actions")? };
            Action::WriteActions(parse_list(arg, ports, scope)?)
        }
        "write_metadata" => {
            let (value, mask) = arg.split_once('/').unwrap_or((arg, "0xffffffffffffffff"));
            Action::WriteMetadata { value: u64(name, value)?, mask: u64(name, mask)? }
        }
        "goto_table" => Action::GotoTable(TableId(number(name, arg, 254, "a table from 0 to 254")? as u8)),
        "ct" => parse_ct(arg, ports, scope)?,
        "clone" => Action::Clone(parse_list(arg, ports, scope.deeper("clone")?)?),
        _ => return parse_extension(name, arg, ports),
    })
}

/// More actions of Open vSwitch.
fn parse_extension(name: &str, arg: &str, ports: &impl PortNames) -> Result<Action, ParseError> {
    Ok(match name.to_ascii_lowercase().as_str() {
        "ct_clear" => Action::CtClear,
        "nat" => Action::Nat(Box::new(parse_nat(arg)?)),
        "learn" => parse_learn(arg, ports)?,
        "bundle" => parse_bundle(false, arg, ports)?,
        "bundle_load" => parse_bundle(true, arg, ports)?,
        "multipath" => parse_multipath(arg)?,
        "conjunction" => parse_conjunction(name, arg)?,
        "sample" => parse_sample(arg, ports)?,
        "encap" => parse_encap(arg)?,
        "decap" => parse_decap(arg)?,
        "dec_nsh_ttl" => Action::DecNshTtl,
        "check_pkt_larger" => {
            let bad = || wrong(name, arg, "of the form (BYTES)->BIT");
            let (len, dst) = arg.split_once(")->").ok_or_else(bad)?;
            let dst = writable(name, dst)?;
            if dst.width() != 1 {
                return Err(bad());
            }
            Action::CheckPktLarger { len: u16(name, len)?, dst }
        }
        "delete_field" => {
            let field = subfield(name, arg)?.field();
            if !field.name().starts_with("tun_metadata") {
                return Err(wrong(name, arg, "a tunnel option (tun_metadata0 to tun_metadata63)"));
            }
            Action::DeleteField(field)
        }
        _ => return parse_rewrite(name, arg, ports),
    })
}

/// `ID, K/N`.
fn parse_conjunction(name: &str, arg: &str) -> Result<Action, ParseError> {
    let bad = || wrong(name, arg, "ID,K/N with N from 2 to 64 and K from 1 to N");
    let (id, clauses) = arg.split_once(',').ok_or_else(bad)?;
    let (k, n) = clauses.split_once('/').ok_or_else(bad)?;
    let (k, n) = (u8(name, k)?, u8(name, n)?);
    if !(2..=64).contains(&n) || k < 1 || k > n {
        return Err(bad());
    }
    Ok(Action::Conjunction { id: u32(name, id)?, clause: k - 1, n_clauses: n })
}

/// Actions that write headers under names of their own, and ports that stand for their output.
fn parse_rewrite(name: &str, arg: &str, ports: &impl PortNames) -> Result<Action, ParseError> {
    let lower = name.to_ascii_lowercase();
    Ok(match lower.as_str() {
        "mod_vlan_vid" | "set_vlan_vid" => {
            let n = number(name, arg, 0xfff, "a VLAN from 0 to 4095")? as u16;
            Action::SetVlanVid { vid: VlanId::from_tci(n), push: lower.starts_with("mod") }
        }
        "mod_vlan_pcp" | "set_vlan_pcp" => {
            let pcp = number(name, arg, 7, "a priority from 0 to 7")? as u8;
            Action::SetVlanPcp { pcp, push: lower.starts_with("mod") }
        }
        "strip_vlan" | "pop_vlan" => Action::PopVlan { strip: lower == "strip_vlan" },
        "push_vlan" => match u16(name, arg)? {
            kind @ (0x8100 | 0x88a8) => Action::PushVlan(kind),
            _ => return Err(wrong(name, arg, "0x8100 or 0x88a8")),
        },
        "push_mpls" => match u16(name, arg)? {
            kind @ (0x8847 | 0x8848) => Action::PushMpls(kind),
            _ => return Err(wrong(name, arg, "0x8847 or 0x8848")),
        },
        "pop_mpls" => Action::PopMpls(u16(name, arg)?),
        "set_mpls_label" => Action::SetMplsLabel(number(name, arg, 0xf_ffff, "a label of 20 bits")? as u32),
        "set_mpls_tc" => Action::SetMplsTc(number(name, arg, 7, "a number from 0 to 7")? as u8),
        "set_mpls_ttl" => Action::SetMplsTtl(u8(name, arg)?),
        "dec_mpls_ttl" => Action::DecMplsTtl,
        "mod_dl_src" => Action::Mod(Mod::EthSrc(mac(name, arg, ports)?)),
        "mod_dl_dst" => Action::Mod(Mod::EthDst(mac(name, arg, ports)?)),
        "mod_nw_src" => Action::Mod(Mod::Ipv4Src(ipv4(name, arg)?)),
        "mod_nw_dst" => Action::Mod(Mod::Ipv4Dst(ipv4(name, arg)?)),
        "mod_nw_tos" => match u8(name, arg)? {
            tos if tos.trailing_zeros() >= 2 => Action::Mod(Mod::Tos(tos)),
            _ => return Err(wrong(name, arg, "a type of service whose two low bits are zero")),
        },
        "mod_nw_ecn" => Action::Mod(Mod::Ecn(number(name, arg, 3, "a number from 0 to 3")? as u8)),
        "mod_nw_ttl" => Action::Mod(Mod::Ttl(u8(name, arg)?)),
        "mod_tp_src" => Action::Mod(Mod::TpSrc(u16(name, arg)?)),
        "mod_tp_dst" => Action::Mod(Mod::TpDst(u16(name, arg)?)),
        _ if arg.is_empty() => match parse_of_port(name, ports) {
            Some(OfPort::CONTROLLER) => return parse_controller(name, ""),
            Some(port) => Action::Output { port, max_len: 0 },
            None => return Err(ParseError::UnknownAction(name.to_owned())),
        },
        _ => return Err(ParseError::UnknownAction(name.to_owned())),
    })
}

/// `VALUE->PLACE`.
fn arrow<'a>(name: &str, arg: &'a str) -> Result<(&'a str, &'a str), ParseError> {
    arg.split_once("->").ok_or_else(|| wrong(name, arg, "of the form A->B"))
}

fn parse_output(name: &str, arg: &str, ports: &impl PortNames) -> Result<Action, ParseError> {
    if arg.contains('=') {
        return parse_truncated(name, arg, ports);
    }
    let is_port = parse_of_port(arg.trim(), ports).is_some();
    if arg.contains('[') || !is_port && subfield(name, arg).is_ok() {
        return Ok(Action::OutputReg { src: subfield(name, arg)?, max_len: NO_BUFFER });
    }
    let port = port(name, arg, ports)?;
    let max_len = if port == OfPort::CONTROLLER { NO_BUFFER } else { 0 };
    Ok(Action::Output { port, max_len })
}

/// `port=PORT,max_len=BYTES`.
fn parse_truncated(name: &str, arg: &str, ports: &impl PortNames) -> Result<Action, ParseError> {
    let (mut to, mut bytes) = (None, None);
    for token in tokens(arg) {
        match token.name {
            "port" => to = Some(port(name, token.value, ports)?),
            "max_len" => bytes = Some(u32(name, token.value)?),
            other => return Err(wrong(name, other, "port or max_len")),
        }
    }
    let (Some(port), Some(max_len)) = (to, bytes) else {
        return Err(wrong(name, arg, "port=PORT,max_len=BYTES"));
    };
    if port.0 >= OfPort::MAX.0 && !matches!(port, OfPort::LOCAL | OfPort::IN_PORT) {
        return Err(wrong(name, arg, "an ordinary port, LOCAL or IN_PORT"));
    }
    if max_len < 14 {
        return Err(wrong(name, arg, "of at least 14 bytes, an Ethernet header"));
    }
    Ok(Action::OutputTruncated { port, max_len })
}

fn parse_controller(name: &str, arg: &str) -> Result<Action, ParseError> {
    let mut to = ToController::default();
    if arg.bytes().all(|b| b.is_ascii_digit()) {
        to.max_len = if arg.is_empty() { NO_BUFFER } else { u16(name, arg)? };
    } else {
        for token in tokens(arg) {
            match token.name {
                "max_len" => to.max_len = u16(name, token.value)?,
                "id" => to.controller_id = u16(name, token.value)?,
                "reason" => {
                    to.reason = PacketInReason::by_name(token.value).ok_or_else(|| {
                        wrong(name, token.value, "a reason (no_match, action, invalid_ttl …)")
                    })?;
                }
                "userdata" => to.userdata = bytes(name, token.value)?,
                "pause" => to.pause = true,
                "meter_id" => to.meter = u32(name, token.value)?,
                other => return Err(wrong(name, other, "max_len, id, reason, userdata, pause or meter_id")),
            }
        }
    }
    let plain = ToController { max_len: to.max_len, ..ToController::default() };
    Ok(if to == plain {
        Action::Output { port: OfPort::CONTROLLER, max_len: to.max_len }
    } else {
        Action::Controller(Box::new(to))
    })
}

fn parse_set_field(name: &str, arg: &str, ports: &impl PortNames) -> Result<Action, ParseError> {
    let (value, place) = arrow(name, arg)?;
    let place = place.trim();
    let field = Field::by_name(place)
        .or_else(|| Field::by_wire_name(place))
        .ok_or_else(|| wrong(name, place, "the name of a field"))?;
    check_writable(name, field)?;
    let wrong = |source| ParseError::Value { name: name.to_owned(), source };
    if field.option().is_some() {
        let (value, mask) = field.parse_wide(value.trim(), ports).map_err(wrong)?;
        return Ok(Action::SetOption(Box::new(SetOption::masked(field, value, mask))));
    }
    let (value, mask) = field.parse(value.trim(), ports).map_err(wrong)?;
    let mask = mask & field.full();
    Ok(Action::SetField(SetField { form: SetForm::Field, field, value: value & mask, mask }))
}

fn parse_resubmit(name: &str, arg: &str, ports: &impl PortNames) -> Result<Action, ParseError> {
    let mut parts = arg.split(',').map(str::trim);
    let in_port = match parts.next() {
        Some(text) if !text.is_empty() => port(name, text, ports)?,
        _ => OfPort::IN_PORT,
    };
    let table = match parts.next() {
        Some(text) if !text.is_empty() => TableId(u8(name, text)?),
        _ => TableId::ALL,
    };
    let ct = match parts.next() {
        None => false,
        Some(text) if text.eq_ignore_ascii_case("ct") => true,
        Some(_) => return Err(wrong(name, arg, "PORT or (PORT,TABLE[,ct])")),
    };
    if parts.next().is_some() {
        return Err(wrong(name, arg, "PORT or (PORT,TABLE[,ct])"));
    }
    if in_port == OfPort::IN_PORT && table == TableId::ALL && !ct {
        return Err(wrong(name, arg, "a port or a table, at least one of the two"));
    }
    Ok(Action::Resubmit { in_port, table, ct })
}

fn parse_fin_timeout(name: &str, arg: &str) -> Result<Action, ParseError> {
    let (mut idle, mut hard) = (0, 0);
    for token in tokens(arg) {
        match token.name {
            "idle_timeout" => idle = u16(name, token.value)?,
            "hard_timeout" => hard = u16(name, token.value)?,
            other => return Err(wrong(name, other, "idle_timeout or hard_timeout")),
        }
    }
    Ok(Action::FinTimeout { idle, hard })
}
