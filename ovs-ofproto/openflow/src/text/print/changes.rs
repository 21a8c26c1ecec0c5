//! Changes of groups, meters and tables, and messages around them.

use core::fmt::{self, Write};

use ovs_flow::TableId;
use ovs_flow::text::PortNames;

use super::Context;
use crate::text::{GroupDisplay, MeterDisplay};
use crate::{
    BundleAdd, ErrorCode, ErrorMsg, GroupMod, GroupModCommand, Message, MeterMod, MeterModCommand, OfError,
    TableMod, Vacancy, Version,
};

/// A change of a meter; its bands stand in lines of their own.
pub(super) fn meter_mod(change: &MeterMod, out: &mut String) -> fmt::Result {
    out.write_str(match change.command {
        MeterModCommand::Add => " ADD ",
        MeterModCommand::Modify => " MOD ",
        MeterModCommand::Delete => " DEL ",
    })?;
    write!(out, "{}", MeterDisplay(&change.config))
}

/// What decides about evictions.
pub(super) fn eviction_flags(flags: Option<u32>, out: &mut String) -> fmt::Result {
    let Some(flags) = flags else { return out.write_str("(default)") };
    let mut separator = "";
    for (bit, name) in [(1, "OTHER"), (2, "IMPORTANCE"), (4, "LIFETIME")] {
        if flags & bit != 0 {
            write!(out, "{separator}{name}")?;
            separator = "|";
        }
    }
    match flags & !7 {
        0 if flags == 0 => out.write_char('0'),
        0 => Ok(()),
        rest => write!(out, "{separator}{rest:#x}"),
    }
}

/// When a table tells how full it is.
pub(super) fn vacancy_levels(vacancy: Vacancy, out: &mut String) -> fmt::Result {
    write!(out, " vacancy_down={}% vacancy_up={}%", vacancy.down, vacancy.up)
}

impl<P: PortNames> Context<'_, P> {
    pub(super) fn group_mod(&self, change: &GroupMod, out: &mut String) -> fmt::Result {
        out.write_str(match change.command {
            GroupModCommand::Add => "\n ADD ",
            GroupModCommand::Modify => "\n MOD ",
            GroupModCommand::Delete => "\n DEL ",
            GroupModCommand::InsertBucket => "\n INSERT_BUCKET ",
            GroupModCommand::RemoveBucket => "\n REMOVE_BUCKET ",
            GroupModCommand::AddOrModify => "\n ADD_OR_MOD ",
        })?;
        write!(out, "{}", GroupDisplay::of_change(change, self.ports))
    }

    pub(super) fn table_mod(&self, change: TableMod, out: &mut String) -> fmt::Result {
        if change.table == TableId::ALL {
            out.write_str(" table_id: ALL_TABLES")?;
        } else {
            write!(out, " table_id={}", change.table)?;
        }
        if self.version < Version::V13 {
            let miss = ["controller", "continue", "drop"].get(change.config as usize & 3);
            write!(out, ", flow_miss_config={}", miss.unwrap_or(&"unknown"))?;
        }
        if self.version >= Version::V14 {
            let on = |bit: u32| if change.config & bit != 0 { "on" } else { "off" };
            write!(out, ", eviction={}", on(TableMod::EVICTION))?;
            write!(out, ", vacancy={}", on(TableMod::VACANCY_EVENTS))?;
            if let Some(vacancy) = change.vacancy {
                vacancy_levels(vacancy, out)?;
            }
        }
        Ok(())
    }

    /// What a forwarded request asks for.
    pub(super) fn request_forward(&self, message: &Message, out: &mut String) -> fmt::Result {
        match message {
            Message::GroupMod(change) => {
                out.write_str(" reason=group_mod")?;
                self.group_mod(change, out)
            }
            Message::MeterMod(change) => {
                out.write_str(" reason=meter_mod")?;
                meter_mod(change, out)
            }
            other => write!(out, " reason={}", other.name()),
        }
    }

    pub(super) fn bundle_add(&self, add: &BundleAdd, out: &mut String) -> fmt::Result {
        write!(out, "\n bundle_id={:#x}", add.id)?;
        super::small::bundle_flags(add.flags, out)?;
        out.write_char('\n')?;
        match add.message.encode(self.version, add.xid) {
            Ok(bytes) => super::write_message(&bytes, self.ports, out),
            Err(error) => write!(out, "({error})"),
        }
    }

    /// What was wrong, and with which message.
    pub(super) fn error(&self, error: &ErrorMsg, out: &mut String) -> fmt::Result {
        match error.error {
            ErrorCode::Known(known) => writeln!(out, " {}", known.name())?,
            ErrorCode::Unknown(kind, code) => writeln!(out, " ***unknown error type {kind} code {code}***")?,
        }
        let is_text = matches!(error.error, ErrorCode::Known(OfError::HfcIncompatible | OfError::HfcEperm));
        if is_text {
            return writeln!(out, "{}", String::from_utf8_lossy(&error.data));
        }
        if error.data.len() < 8 {
            return super::write_hex_dump(&error.data, out);
        }
        let quoted = usize::from(u16::from_be_bytes([error.data[2], error.data[3]]));
        if quoted == error.data.len() {
            super::write_message(&error.data, self.ports, out)
        } else {
            writeln!(out, "(***truncated to {} bytes from {quoted}***)", error.data.len())?;
            super::write_hex_dump(&error.data, out)
        }
    }
}
