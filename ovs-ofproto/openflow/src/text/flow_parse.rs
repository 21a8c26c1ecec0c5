//! Parsing flows as `ovs-ofctl add-flow` and its siblings take them.

use ovs_flow::text::{MatchError, PortNames, Token, parse_field, parse_protocol, tokens};
use ovs_flow::{Field, Match, TableId};

use super::action_values::{number, port, u16, u32, u64, wrong};
use super::{ParseError, parse_actions};
use crate::{FlowMod, FlowModCommand, FlowModFlags};

/// One flow. `actions=` comes last and is missing for deletions alone; keys beside fields are `table`, `priority`,
/// `cookie` (with mask: what is changed or deleted), the timeouts, `importance`, `out_port`, `out_group` and flags.
/// Without `table` the message names none ([`TableId::ALL`]).
pub fn parse_flow_mod(
    command: FlowModCommand,
    text: &str,
    ports: &impl PortNames,
) -> Result<FlowMod, ParseError> {
    let (head, actions) = split_actions(text);
    let mut flow = FlowMod::new(command, Match::default());
    flow.table = TableId::ALL;
    let is_add = command == FlowModCommand::Add;
    let deletes = matches!(command, FlowModCommand::Delete | FlowModCommand::DeleteStrict);
    flow.new_cookie = if is_add || deletes { 0 } else { u64::MAX };
    for token in tokens(head) {
        parse_key(&token, &mut flow, ports)?;
    }
    if let Some(field) = flow.matching.unspeakable() {
        return Err(MatchError::Unspeakable { field, column: 0 }.into());
    }
    match (actions, deletes) {
        (Some(text), false) => flow.actions = parse_actions(text, ports)?,
        (None, false) => return Err(ParseError::NoActions),
        (Some(_), true) => return Err(ParseError::ActionsOfDeletion),
        (None, true) => {}
    }
    // A change that finds nothing adds, with a cookie of zero if none is given.
    if !is_add && !deletes && flow.cookie_mask == 0 && flow.new_cookie == u64::MAX {
        flow.new_cookie = 0;
    }
    Ok(flow)
}

/// The flows of a file, one a line, to be added unless the line begins with another command (`delete …`,
/// `modify_strict …`); `#` begins a comment.
pub fn parse_flow_mods(text: &str, ports: &impl PortNames) -> Result<Vec<FlowMod>, ParseError> {
    let mut flows = Vec::new();
    for (i, line) in text.lines().enumerate() {
        let line = line.split('#').next().unwrap_or_default().trim();
        if line.is_empty() {
            continue;
        }
        let (command, rest) = split_command(line);
        let flow = parse_flow_mod(command, rest, ports)
            .map_err(|error| ParseError::Line { line: i + 1, source: Box::new(error) })?;
        flows.push(flow);
    }
    Ok(flows)
}

fn split_command(line: &str) -> (FlowModCommand, &str) {
    let (word, rest) = line.split_once([' ', '\t']).unwrap_or((line, ""));
    let command = match word {
        "add" => FlowModCommand::Add,
        "modify" => FlowModCommand::Modify,
        "modify_strict" => FlowModCommand::ModifyStrict,
        "delete" => FlowModCommand::Delete,
        "delete_strict" => FlowModCommand::DeleteStrict,
        _ => return (FlowModCommand::Add, line),
    };
    (command, rest)
}

/// What stands before and after `actions=`.
fn split_actions(text: &str) -> (&str, Option<&str>) {
    for key in ["actions=", "action="] {
        if let Some(at) = text.find(key) {
            return (&text[..at], Some(&text[at + key.len()..]));
        }
    }
    (text, None)
}

fn parse_key(token: &Token<'_>, flow: &mut FlowMod, ports: &impl PortNames) -> Result<(), ParseError> {
    let Token { name, value, .. } = *token;
    match name {
        "table" => flow.table = TableId(number(name, value, 255, "a table from 0 to 255")? as u8),
        "priority" => flow.priority = u16(name, value)?,
        "idle_timeout" => flow.idle_timeout = u16(name, value)?,
        "hard_timeout" => flow.hard_timeout = u16(name, value)?,
        "importance" => flow.importance = u16(name, value)?,
        "out_port" => flow.out_port = port(name, value, ports)?,
        "out_group" => flow.out_group = u32(name, value)?,
        "cookie" => parse_cookie(name, value, flow)?,
        "send_flow_rem" => flow.flags |= FlowModFlags::SEND_FLOW_REM,
        "check_overlap" => flow.flags |= FlowModFlags::CHECK_OVERLAP,
        "reset_counts" => flow.flags |= FlowModFlags::RESET_COUNTS,
        "no_packet_counts" => flow.flags |= FlowModFlags::NO_PKT_COUNTS,
        "no_byte_counts" => flow.flags |= FlowModFlags::NO_BYT_COUNTS,
        // What a dump says of a flow beside what made it.
        "duration" | "n_packets" | "n_bytes" | "idle_age" | "hard_age" => {}
        _ if parse_protocol(name, &mut flow.matching) => {}
        _ => {
            // Options of tunnels can be asked for as such.
            let option = Field::by_name(name).is_some_and(|field| field.option().is_some());
            if value.is_empty() && token.delimiter.is_none() && !option {
                return Err(wrong(name, "", "a key, a protocol or FIELD=VALUE"));
            }
            parse_field(name, value, &mut flow.matching, ports)?;
        }
    }
    Ok(())
}

fn parse_cookie(name: &str, value: &str, flow: &mut FlowMod) -> Result<(), ParseError> {
    if let Some((cookie, mask)) = value.split_once('/') {
        if flow.command == FlowModCommand::Add {
            return Err(wrong(name, value, "a cookie without mask: an added flow only has one"));
        }
        flow.cookie_mask = if mask == "-1" { u64::MAX } else { u64(name, mask)? };
        flow.cookie = u64(name, cookie)? & flow.cookie_mask;
        return Ok(());
    }
    if matches!(flow.command, FlowModCommand::Delete | FlowModCommand::DeleteStrict) {
        return Err(wrong(name, value, "a cookie with mask: a deletion sets none"));
    }
    flow.new_cookie = u64(name, value)?;
    flow.modify_cookie = flow.command != FlowModCommand::Add;
    Ok(())
}
