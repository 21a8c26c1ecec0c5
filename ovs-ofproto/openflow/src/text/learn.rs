//! `learn(…)`.

use core::fmt::{self, Write};

use ovs_flow::text::{PortNames, tokens};
use ovs_flow::{Field, Subfield, TableId, Wide};

use super::ParseError;
use super::action_values::{subfield, u8, u16, u32, u64, wide_number, writable, wrong};
use crate::FlowMod;
use crate::action::{Action, Learn, LearnDst, LearnFlags, LearnSpec, LearnSrc};

const NAME: &str = "learn";

/// The argument of `learn`.
pub(super) fn parse_learn(arg: &str, ports: &impl PortNames) -> Result<Action, ParseError> {
    let mut learn = Learn::default();
    for token in tokens(arg) {
        let value = token.value;
        match token.name {
            "table" => {
                learn.table = TableId(u8(NAME, value)?);
                if learn.table == TableId::ALL {
                    return Err(wrong(NAME, value, "a table from 0 to 254"));
                }
            }
            "priority" => learn.priority = u16(NAME, value)?,
            "idle_timeout" => learn.idle_timeout = u16(NAME, value)?,
            "hard_timeout" => learn.hard_timeout = u16(NAME, value)?,
            "fin_idle_timeout" => learn.fin_idle_timeout = u16(NAME, value)?,
            "fin_hard_timeout" => learn.fin_hard_timeout = u16(NAME, value)?,
            "cookie" => learn.cookie = u64(NAME, value)?,
            "send_flow_rem" => learn.flags |= LearnFlags::SEND_FLOW_REM,
            "delete_learned" => learn.flags |= LearnFlags::DELETE_LEARNED,
            "limit" => learn.limit = u32(NAME, value)?,
            "result_dst" => {
                let dst = writable(NAME, value)?;
                if dst.width() != 1 {
                    return Err(wrong(NAME, value, "one bit"));
                }
                learn.result_dst = Some(dst);
            }
            "load" => learn.specs.push(parse_load(value)?),
            "output" => {
                let src = subfield(NAME, value)?;
                learn.specs.push(LearnSpec {
                    bits: src.width(),
                    src: LearnSrc::Field(src),
                    dst: LearnDst::Output,
                });
            }
            name => learn.specs.push(parse_match(name, value, ports)?),
        }
    }
    Ok(Action::Learn(Box::new(learn)))
}

/// `VALUE->DST` or `SRC->DST`.
fn parse_load(text: &str) -> Result<LearnSpec, ParseError> {
    let (src, dst) = text.split_once("->").ok_or_else(|| wrong(NAME, text, "of the form A->B"))?;
    let dst = writable(NAME, dst)?;
    let src = if src.starts_with(|c: char| c.is_ascii_digit()) {
        LearnSrc::Value(value_of(src, dst)?)
    } else {
        LearnSrc::Field(as_wide(src, dst)?)
    };
    Ok(LearnSpec { bits: dst.width(), src, dst: LearnDst::Load(dst) })
}

/// A number that the bits of `dst` can hold.
fn value_of(text: &str, dst: Subfield) -> Result<Wide, ParseError> {
    let value = wide_number(NAME, text)?;
    if value.bit_len() > dst.width() {
        return Err(wrong(NAME, text, "a number that fits the bits"));
    }
    Ok(value)
}

/// A subfield as wide as `dst`.
fn as_wide(text: &str, dst: Subfield) -> Result<Subfield, ParseError> {
    let src = subfield(NAME, text)?;
    if src.width() == dst.width() {
        Ok(src)
    } else {
        Err(wrong(NAME, text, "as many bits as it is copied to"))
    }
}

/// `FIELD=VALUE`, `FIELD=SRC` or `FIELD`, which is matched on what the packet has in it.
fn parse_match(name: &str, text: &str, ports: &impl PortNames) -> Result<LearnSpec, ParseError> {
    let dst = subfield(NAME, name)?;
    let src = if text.is_empty() {
        LearnSrc::Field(dst)
    } else if let Ok((value, mask)) = dst.field().parse_wide(text, ports)
        && dst == Subfield::whole(dst.field())
        && (mask.low() & dst.field().full() == dst.field().full() || mask == Wide::MAX)
    {
        LearnSrc::Value(value)
    } else if text.starts_with(|c: char| c.is_ascii_digit()) {
        LearnSrc::Value(value_of(text, dst)?)
    } else {
        LearnSrc::Field(as_wide(text, dst)?)
    };
    Ok(LearnSpec { bits: dst.width(), src, dst: LearnDst::Match(dst) })
}

/// Prints `learn(…)`.
pub(super) fn write_learn(learn: &Learn, ports: &impl PortNames, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, "learn(table={}", learn.table)?;
    for (name, value) in [
        ("idle_timeout", learn.idle_timeout),
        ("hard_timeout", learn.hard_timeout),
        ("fin_idle_timeout", learn.fin_idle_timeout),
        ("fin_hard_timeout", learn.fin_hard_timeout),
    ] {
        if value != 0 {
            write!(f, ",{name}={value}")?;
        }
    }
    if learn.priority != FlowMod::DEFAULT_PRIORITY {
        write!(f, ",priority={}", learn.priority)?;
    }
    if learn.flags.contains(LearnFlags::SEND_FLOW_REM) {
        f.write_str(",send_flow_rem")?;
    }
    if learn.flags.contains(LearnFlags::DELETE_LEARNED) {
        f.write_str(",delete_learned")?;
    }
    if learn.cookie != 0 {
        write!(f, ",cookie={:#x}", learn.cookie)?;
    }
    if learn.limit != 0 {
        write!(f, ",limit={}", learn.limit)?;
    }
    if let Some(dst) = learn.result_dst {
        write!(f, ",result_dst={dst}")?;
    }
    for spec in &learn.specs {
        f.write_char(',')?;
        write_spec(spec, ports, f)?;
    }
    f.write_char(')')
}

fn write_spec(spec: &LearnSpec, ports: &impl PortNames, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match (spec.src, spec.dst) {
        (LearnSrc::Value(value), LearnDst::Match(dst)) if dst == Subfield::whole(dst.field()) => {
            let field: Field = dst.field();
            match field.option() {
                Some(_) => write!(f, "{field}={value}"),
                None => write!(f, "{field}={}", field.text(value.low(), field.full(), ports)),
            }
        }
        (LearnSrc::Value(value), LearnDst::Match(dst)) => write!(f, "{dst}={value:#x}"),
        (LearnSrc::Field(src), LearnDst::Match(dst)) if src == dst => write!(f, "{dst}"),
        (LearnSrc::Field(src), LearnDst::Match(dst)) => write!(f, "{dst}={src}"),
        (LearnSrc::Value(value), LearnDst::Load(dst)) => write!(f, "load:{value:#x}->{dst}"),
        (LearnSrc::Field(src), LearnDst::Load(dst)) => write!(f, "load:{src}->{dst}"),
        (LearnSrc::Field(src), LearnDst::Output) => write!(f, "output:{src}"),
        (LearnSrc::Value(value), LearnDst::Output) => write!(f, "output:{value:#x}"),
    }
}
