//! Groups, as `ovs-ofctl add-group` takes and `dump-groups` prints them.

use core::fmt::{self, Display, Write};

use ovs_flow::field::ValueError;
use ovs_flow::text::{NoNames, PortNames, tokens};
use ovs_flow::{Field, OfPort};

use super::action_parse::{items, split};
use super::action_values::{port, u16, u32, u64, wrong};
use super::{ActionsDisplay, ParseError, parse_actions};
use crate::{Bucket, GroupDesc, GroupMod, GroupModCommand, GroupType, Selection};

/// One change of a group: `group_id=1,type=select,bucket=weight:5,output:1,bucket=output:2`. What stands behind a
/// `bucket=` is of that bucket up to the next one.
pub fn parse_group_mod(
    command: GroupModCommand,
    text: &str,
    ports: &impl PortNames,
) -> Result<GroupMod, ParseError> {
    let mut group = GroupMod::new(command, GroupMod::ALL);
    let (mut kind, mut id) = (None, None);
    let mut buckets: Vec<Vec<&str>> = Vec::new();
    for item in items(text)? {
        if let Some(first) = item.strip_prefix("bucket=").or_else(|| item.strip_prefix("buckets=")) {
            buckets.push(vec![first]);
        } else if let Some(bucket) = buckets.last_mut() {
            bucket.push(item);
        } else {
            let (name, value) = split(item);
            match name {
                "group_id" => id = Some(parse_id(value)?),
                "type" => kind = Some(parse_type(value)?),
                _ => parse_key(name, value, &mut group, ports)?,
            }
        }
    }
    let needs_type =
        matches!(command, GroupModCommand::Add | GroupModCommand::Modify | GroupModCommand::AddOrModify);
    group.kind = match kind {
        Some(kind) => kind,
        None if needs_type => return Err(ParseError::NoGroupType),
        None => GroupType::All,
    };
    group.group = match id {
        Some(id) => id,
        None if command == GroupModCommand::Delete => GroupMod::ALL,
        None => return Err(ParseError::NoGroupId),
    };
    for bucket in buckets {
        group.buckets.push(parse_bucket(&bucket, group.kind, ports)?);
    }
    Ok(group)
}

/// The groups of a file, one a line, to be added unless the line begins with another command; `#` begins a comment.
pub fn parse_group_mods(text: &str, ports: &impl PortNames) -> Result<Vec<GroupMod>, ParseError> {
    let mut groups = Vec::new();
    for (i, line) in text.lines().enumerate() {
        let line = line.split('#').next().unwrap_or_default().trim();
        if line.is_empty() {
            continue;
        }
        let (word, rest) = line.split_once([' ', '\t']).unwrap_or((line, ""));
        let command = match word {
            "add" => Some(GroupModCommand::Add),
            "modify" => Some(GroupModCommand::Modify),
            "add_or_mod" => Some(GroupModCommand::AddOrModify),
            "delete" => Some(GroupModCommand::Delete),
            "insert_bucket" => Some(GroupModCommand::InsertBucket),
            "remove_bucket" => Some(GroupModCommand::RemoveBucket),
            _ => None,
        };
        let (command, rest) = command.map_or((GroupModCommand::Add, line), |command| (command, rest));
        let group = parse_group_mod(command, rest, ports)
            .map_err(|error| ParseError::Line { line: i + 1, source: Box::new(error) })?;
        groups.push(group);
    }
    Ok(groups)
}

fn parse_id(text: &str) -> Result<u32, ParseError> {
    if text.eq_ignore_ascii_case("all") {
        return Ok(GroupMod::ALL);
    }
    match u32("group_id", text)? {
        id if id <= GroupMod::MAX => Ok(id),
        _ => Err(wrong("group_id", text, "a group from 0 to 4294967040, or \"all\"")),
    }
}

fn parse_type(text: &str) -> Result<GroupType, ParseError> {
    if text == "fast_failover" {
        return Ok(GroupType::FastFailover);
    }
    GroupType::ALL
        .into_iter()
        .find(|kind| kind.name() == text)
        .ok_or_else(|| wrong("type", text, "all, select, indirect, ff or fast_failover"))
}

fn parse_key(
    name: &str,
    value: &str,
    group: &mut GroupMod,
    ports: &impl PortNames,
) -> Result<(), ParseError> {
    match name {
        "command_bucket_id" => {
            group.command_bucket = match value {
                "first" => GroupMod::BUCKET_FIRST,
                "last" => GroupMod::BUCKET_LAST,
                "all" => GroupMod::BUCKET_ALL,
                number => u32(name, number)?,
            };
        }
        "selection_method" => {
            if value.len() > 15 {
                return Err(wrong(name, value, "a name of at most 15 bytes"));
            }
            value.clone_into(&mut group.selection.method);
        }
        "selection_method_param" => group.selection.param = u64(name, value)?,
        "fields" => group.selection.fields = parse_fields(value, ports)?,
        other => {
            let expected = "group_id, type, bucket, command_bucket_id, selection_method, selection_method_param or fields";
            return Err(wrong("group", other, expected));
        }
    }
    Ok(())
}

/// `ip_src,tcp_src=0xff`: fields with the bits that count, all without any.
fn parse_fields(text: &str, ports: &impl PortNames) -> Result<Vec<(Field, u128)>, ParseError> {
    let mut fields = Vec::new();
    for token in tokens(text) {
        let field = Field::by_name(token.name)
            .or_else(|| Field::by_wire_name(token.name))
            .ok_or_else(|| wrong("fields", token.name, "the name of a field"))?;
        let bits = if token.value.is_empty() {
            field.full()
        } else {
            let parsed: Result<(u128, u128), ValueError> = field.parse(token.value, ports);
            parsed.map_err(|source| ParseError::Value { name: "fields".into(), source })?.0
        };
        fields.push((field, bits));
    }
    Ok(fields)
}

fn parse_bucket(parts: &[&str], kind: GroupType, ports: &impl PortNames) -> Result<Bucket, ParseError> {
    let mut bucket = Bucket::new(Vec::new());
    bucket.weight = u16::from(kind == GroupType::Select);
    let mut actions: Vec<&str> = Vec::new();
    for part in parts.iter().filter(|part| !part.is_empty()) {
        let (name, value) = split(part);
        match name {
            "weight" => {
                bucket.weight = u16(name, value)?;
                if bucket.weight != 0 && kind != GroupType::Select {
                    return Err(ParseError::WeightOutsideSelect);
                }
            }
            "watch_port" => bucket.watch_port = port(name, value, ports)?,
            "watch_group" if value.eq_ignore_ascii_case("any") => {}
            "watch_group" => bucket.watch_group = parse_id(value)?,
            "bucket_id" => match u32(name, value)? {
                id if id <= Bucket::MAX_ID => bucket.id = Some(id),
                _ => return Err(wrong(name, value, "a bucket from 0 to 4294967040")),
            },
            "action" | "actions" if part.as_bytes().get(name.len()) == Some(&b'=') => actions.push(value),
            _ => actions.push(part),
        }
    }
    bucket.actions = parse_actions(&actions.join(","), ports)?;
    Ok(bucket)
}

/// A group as the tools print it: `group_id=1,type=all,bucket=actions=output:1`.
#[derive(Clone, Copy, Debug)]
pub struct GroupDisplay<'a, P = NoNames> {
    group: u32,
    kind: Option<GroupType>,
    command_bucket: Option<u32>,
    buckets: &'a [Bucket],
    selection: &'a Selection,
    ports: &'a P,
}

impl<'a, P> GroupDisplay<'a, P> {
    /// What a group is.
    pub fn of_desc(group: &'a GroupDesc, ports: &'a P) -> Self {
        let GroupDesc { group, kind, ref buckets, ref selection } = *group;
        Self { group, kind: Some(kind), command_bucket: None, buckets, selection, ports }
    }

    /// What a change says of its group. Changes of buckets name no type.
    pub fn of_change(change: &'a GroupMod, ports: &'a P) -> Self {
        let of_buckets =
            matches!(change.command, GroupModCommand::InsertBucket | GroupModCommand::RemoveBucket);
        Self {
            group: change.group,
            kind: (!of_buckets).then_some(change.kind),
            command_bucket: of_buckets.then_some(change.command_bucket),
            buckets: &change.buckets,
            selection: &change.selection,
            ports,
        }
    }
}

impl<P: PortNames> GroupDisplay<'_, P> {
    fn selection(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.selection.method.is_empty() {
            return Ok(());
        }
        write!(f, ",selection_method={}", self.selection.method)?;
        if self.selection.param != 0 {
            write!(f, ",selection_method_param={}", self.selection.param)?;
        }
        match &self.selection.fields[..] {
            [] => Ok(()),
            [(field, bits)] if *bits == field.full() => write!(f, ",fields={field}"),
            fields => {
                f.write_str(",fields(")?;
                for (i, (field, bits)) in fields.iter().enumerate() {
                    write!(f, "{}{field}", if i > 0 { "," } else { "" })?;
                    if *bits != field.full() {
                        write!(f, "={}", field.text(*bits, field.full(), self.ports))?;
                    }
                }
                f.write_char(')')
            }
        }
    }

    fn bucket(&self, bucket: &Bucket, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(",bucket=")?;
        if let Some(id) = bucket.id {
            write!(f, "bucket_id:{id},")?;
        }
        // One is what the buckets of a select group have by default.
        if bucket.weight != u16::from(self.kind == Some(GroupType::Select)) {
            write!(f, "weight:{},", bucket.weight)?;
        }
        if bucket.watch_port != OfPort::NONE {
            f.write_str("watch_port:")?;
            self.ports.write_of_port(bucket.watch_port, f)?;
            f.write_char(',')?;
        }
        if bucket.watch_group != GroupMod::ANY {
            write!(f, "watch_group:{},", bucket.watch_group)?;
        }
        write!(f, "actions={}", ActionsDisplay::with_ports(&bucket.actions, self.ports))
    }
}

impl<P: PortNames> Display for GroupDisplay<'_, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.command_bucket {
            Some(GroupMod::BUCKET_FIRST) => f.write_str("command_bucket_id:first,")?,
            Some(GroupMod::BUCKET_LAST) => f.write_str("command_bucket_id:last,")?,
            Some(GroupMod::BUCKET_ALL) => f.write_str("command_bucket_id:all,")?,
            Some(id) => write!(f, "command_bucket_id:{id},")?,
            None => {}
        }
        write!(f, "group_id={}", self.group)?;
        if let Some(kind) = self.kind {
            write!(f, ",type={}", kind.name())?;
        }
        self.selection(f)?;
        self.buckets.iter().try_for_each(|bucket| self.bucket(bucket, f))
    }
}
