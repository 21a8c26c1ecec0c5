//! Label stacks (RFC 3032): `push_mpls`, `pop_mpls`, `dec_mpls_ttl`, and fields of the outermost entry.

use ovs_flow::{Field, FlowKey, FlowMask, MAX_MPLS, STAGE_ENDS, U16, U32};
use ovs_openflow::Action;

use super::TranslateError;
use super::context::Context;
use crate::trace::Tracer;

const BOTTOM: u32 = 1 << 8;
const TTL: u32 = 0xff;
const TC: u32 = 7 << 9;
const LABEL: u32 = 0xffff_f000;
/// RFC 3032 section 2.1.
const EXPLICIT_NULL_V6: u32 = 2;
const DEFAULT_TTL: u32 = 64;

/// Whether an Ethernet type says that labels follow.
pub(super) fn is_mpls(ethertype: u16) -> bool {
    matches!(ethertype, 0x8847 | 0x8848)
}

/// How many entries there are, as far as they are known.
pub(super) fn count(flow: &FlowKey, mut mask: Option<&mut FlowMask>) -> usize {
    if !is_mpls(flow.dl_type.get()) {
        return 0;
    }
    let mut known = 0;
    for (n, entry) in flow.mpls_lse.iter().take(MAX_MPLS).enumerate() {
        if let Some(mask) = &mut mask {
            let looked_at = &mut mask.fields.mpls_lse[n];
            looked_at.set(looked_at.get() | BOTTOM);
        }
        if entry.get() & BOTTOM != 0 {
            return n + 1;
        }
        known += usize::from(entry.get() != 0);
    }
    known
}

/// Puts an entry on the `n` that are there: of the values that the outermost one or the IP header has.
pub(super) fn push(
    flow: &mut FlowKey,
    n: usize,
    ethertype: u16,
    mut mask: Option<&mut FlowMask>,
    forget_rest: bool,
) {
    if n > 0 {
        if let Some(mask) = &mut mask {
            mask.fields.mpls_lse[..n].fill(U32::new(u32::MAX));
        }
        flow.mpls_lse[..MAX_MPLS].rotate_right(1);
        flow.mpls_lse[0] = U32::new(flow.mpls_lse[1].get() & !BOTTOM);
    } else {
        let entry = first_entry(flow, mask);
        if forget_rest {
            flow.words_mut()[STAGE_ENDS[1]..].fill(0);
            flow.dp_hash = 0;
        }
        flow.mpls_lse = Default::default();
        flow.mpls_lse[0] = U32::new(entry);
    }
    flow.dl_type = U16::new(ethertype);
}

fn first_entry(flow: &FlowKey, mask: Option<&mut FlowMask>) -> u32 {
    let (mut tc, mut ttl) = (0, DEFAULT_TTL);
    let ethertype = flow.ethertype();
    if matches!(ethertype, 0x0800 | 0x86dd) {
        tc = u32::from(flow.nw_tos >> 2) << 9 & TC;
        if flow.nw_ttl != 0 {
            ttl = u32::from(flow.nw_ttl);
        }
        if let Some(mask) = mask {
            mask.fields.nw_tos |= 0xfc;
            mask.fields.nw_ttl = 0xff;
        }
    }
    let label = if flow.dl_type.get() == 0x86dd { EXPLICIT_NULL_V6 } else { 0 };
    label << 12 | tc | BOTTOM | ttl
}

/// Takes the outermost of `n` entries off; `false` if what would be left is not known.
pub(super) fn pop(flow: &mut FlowKey, n: usize, ethertype: u16, mut mask: Option<&mut FlowMask>) -> bool {
    if n == 0 {
        return false;
    }
    if n == MAX_MPLS {
        if let Some(mask) = &mut mask {
            let looked_at = &mut mask.fields.mpls_lse[n - 1];
            looked_at.set(looked_at.get() | BOTTOM);
        }
        if flow.mpls_lse[n - 1].get() & BOTTOM == 0 {
            return false;
        }
    }
    if let Some(mask) = mask {
        mask.fields.mpls_lse[1..n].fill(U32::new(u32::MAX));
    }
    flow.mpls_lse[..n].rotate_left(1);
    flow.mpls_lse[n - 1].set(0);
    flow.dl_type = U16::new(ethertype);
    true
}

impl<T: Tracer> Context<'_, T> {
    /// `push_mpls`.
    pub(super) fn push_mpls(&mut self, ethertype: u16) {
        let n = count(&self.flow, Some(&mut self.mask));
        if n == 0 {
            self.commit();
        } else if n >= MAX_MPLS {
            self.too_many_labels("push");
            return;
        }
        push(&mut self.flow, n, ethertype, Some(&mut self.mask), true);
    }

    /// `pop_mpls`.
    pub(super) fn pop_mpls(&mut self, ethertype: u16) {
        let n = count(&self.flow, Some(&mut self.mask));
        if pop(&mut self.flow, n, ethertype, Some(&mut self.mask)) {
            self.was_mpls |= !is_mpls(ethertype);
        } else if n >= MAX_MPLS {
            self.too_many_labels("pop");
        }
    }

    fn too_many_labels(&mut self, what: &str) {
        if self.packet.is_some() {
            let text = || {
                let more = if what == "push" { "would have more" } else { "has more" };
                format!(
                    "dropping packet on which an MPLS {what} action can't be performed as it {more} MPLS LSEs \
                     than the {MAX_MPLS} supported."
                )
            };
            self.fail(TranslateError::TooManyLabels, text);
        } else {
            self.error.get_or_insert(TranslateError::TooManyLabels);
        }
    }

    fn set_entry(&mut self, bits: u32, value: u32) {
        if is_mpls(self.flow.dl_type.get()) {
            let looked_at = &mut self.mask.fields.mpls_lse[0];
            looked_at.set(looked_at.get() | bits);
            let entry = &mut self.flow.mpls_lse[0];
            entry.set(entry.get() & !bits | value & bits);
        }
    }

    /// `set_mpls_label`.
    pub(super) fn set_mpls_label(&mut self, label: u32) {
        self.set_entry(LABEL, label << 12);
    }

    /// `set_mpls_tc`.
    pub(super) fn set_mpls_tc(&mut self, tc: u8) {
        self.set_entry(TC, u32::from(tc) << 9);
    }

    /// `set_mpls_ttl`.
    pub(super) fn set_mpls_ttl(&mut self, ttl: u8) {
        self.set_entry(TTL, u32::from(ttl));
    }

    /// `dec_mpls_ttl`: `false` if the time to live has run out; a controller gets the packet then.
    pub(super) fn dec_mpls_ttl(&mut self) -> bool {
        if !is_mpls(self.flow.dl_type.get()) {
            // The original stops here too, without a packet for the controller.
            self.warn(|| "MPLS decrement TTL exception".into());
            return false;
        }
        let ttl = self.flow.mpls_lse[0].get() & TTL;
        self.set_entry(TTL, ttl.wrapping_sub(u32::from(ttl > 1)));
        if ttl > 1 {
            return true;
        }
        self.punt_invalid_ttl(0);
        self.warn(|| "MPLS decrement TTL exception".into());
        false
    }

    /// After its labels are gone, a packet's headers are known only to who looks again: actions that do need them make it
    /// recirculate.
    pub(super) fn recirculate_for_mpls(&mut self, action: &Action) {
        if self.exit || !self.was_mpls {
            return;
        }
        let needs = match action {
            Action::Output { .. }
            | Action::OutputTruncated { .. }
            | Action::Enqueue { .. }
            | Action::OutputReg { .. }
            | Action::SetVlanVid { .. }
            | Action::SetVlanPcp { .. }
            | Action::Mod(ovs_openflow::Mod::EthSrc(_) | ovs_openflow::Mod::EthDst(_))
            | Action::SetTunnel { .. }
            | Action::SetQueue(_)
            | Action::Group(_) => false,
            Action::SetField(set) => set.field.index() >= Field::MPLS_LABEL.index(),
            _ => true,
        };
        if needs {
            self.freeze();
        }
    }
}
