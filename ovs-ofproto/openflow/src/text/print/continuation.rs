//! What is left to do with a paused packet.

use std::fmt::{self, Write};

use ovs_flow::text::PortNames;

use super::Context;
use crate::text::ActionsDisplay;
use crate::{Action, Continuation, ContinuationStep};

impl<P: PortNames> Context<'_, P> {
    pub(super) fn continuation(&self, bytes: &[u8], out: &mut String) -> fmt::Result {
        let Ok(rest) = Continuation::decode(bytes, self.version) else {
            return writeln!(out, " continuation of {} bytes", bytes.len());
        };
        let list = |actions: &[Action]| ActionsDisplay::with_ports(actions, self.ports).to_string();
        writeln!(out, " continuation.bridge={}", uuid(rest.bridge))?;
        if !rest.stack.is_empty() {
            out.write_str(" continuation.stack=(top)")?;
            for value in &rest.stack {
                let value = value.iter().fold(0_u128, |all, byte| all << 8 | u128::from(*byte));
                if value == 0 { out.write_str(" 0")? } else { write!(out, " {value:#x}")? }
            }
            out.write_str(" (bottom)\n")?;
        }
        if rest.mirrors != 0 {
            writeln!(out, " continuation.mirrors={:#x}", rest.mirrors)?;
        }
        if rest.conntracked {
            out.write_str(" continuation.conntracked=true\n")?;
        }
        if !rest.steps.is_empty() {
            let begins = matches!(rest.steps.first(), Some(ContinuationStep::Action(_)));
            let begin = begins.then(|| "unroll_xlate(table=0, cookie=0)".to_owned());
            let steps = rest.steps.iter().map(|step| match step {
                ContinuationStep::From { table, cookie } => {
                    format!("unroll_xlate(table={}, cookie={cookie})", table.0)
                }
                ContinuationStep::Action(action) => list(std::slice::from_ref(action)),
            });
            let texts: Vec<String> = begin.into_iter().chain(steps).collect();
            writeln!(out, " continuation.actions={}", texts.join(","))?;
        }
        if !rest.action_set.is_empty() {
            writeln!(out, " continuation.action_set={}", list(&rest.action_set))?;
        }
        writeln!(out, " continuation.odp_port={}", rest.dp_port)
    }
}

/// As Open vSwitch prints it: four numbers of 32 bits, each with its least significant byte first.
fn uuid(bytes: [u8; 16]) -> String {
    let turned = bytes.chunks(4).flat_map(|word| word.iter().rev());
    let digits = format!("{:032x}", turned.fold(0_u128, |all, byte| all << 8 | u128::from(*byte)));
    let parts = [0..8, 8..12, 12..16, 16..20, 20..32].map(|range| digits.get(range).unwrap_or_default());
    parts.join("-")
}

#[cfg(test)]
mod tests {
    #[test]
    fn words_are_turned_around() {
        let bytes =
            [0x2d, 0x36, 0xa8, 0x24, 0x44, 0x40, 0x0a, 0xd5, 0x8c, 0xed, 0x75, 0xb9, 0x1f, 0xe9, 0x65, 0xf4];
        assert_eq!(super::uuid(bytes), "24a8362d-d50a-4044-b975-ed8cf465e91f");
    }
}
