//! `learn`: rules that rules make.

use std::fmt::Write as _;
use std::sync::Arc;

use ovs_flow::text::{MatchDisplay, NoNames};
use ovs_flow::{FlowKey, Match, OfPort, OptionPlaces, Subfield};
use ovs_openflow::action::{Learn, LearnDst, LearnFlags, LearnSpec, LearnSrc};
use ovs_openflow::text::ActionsDisplay;
use ovs_openflow::{Action, FlowMod, FlowModCommand, FlowModFlags, SetField, SetOption};

use super::context::Context;
use super::{Dep, Push};
use crate::snapshot::BridgeId;
use crate::trace::Tracer;

/// A rule that a packet makes.
#[derive(Debug)]
pub(crate) struct LearnedFlow {
    /// A strict modification: what is there is refreshed.
    pub change: FlowMod,
    /// How many rules of its table and cookie there may be, 0 for any number.
    pub limit: u32,
}

/// Says for a translation whether a rule that is not there could be learned now. Without, the answer is yes, and the
/// translation is [undecided](super::Translation::undecided).
#[derive(Clone, Copy)]
pub(crate) struct Decide<'a>(pub &'a dyn Fn(BridgeId, &LearnedFlow) -> bool);

impl std::fmt::Debug for Decide<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Decide")
    }
}

impl<T: Tracer> Context<'_, T> {
    /// `learn`: the rule is made by whoever called.
    pub(super) fn learn_flow(&mut self, learn: &Learn) {
        for spec in &learn.specs {
            if let LearnSrc::Field(src) = spec.src {
                self.mask_subfield(src);
            }
        }
        if self.dry {
            self.warn(|| "suppressing side effects, so learn action ignored".into());
            return;
        }
        let change = learned(learn, &self.flow, &self.bridge.options.places);
        let places = &self.bridge.options.places;
        self.detail(|| describe(&change, places));
        let learned = Arc::new(LearnedFlow { change, limit: learn.limit });
        let success = self.is_learned(&learned.change) || self.can_learn(&learned);
        if let Some(dst) = learn.result_dst {
            self.depend(Dep::ChangedKey(self.bridge.id, learn.table));
            self.mask_subfield(dst);
            self.write(dst, &u128::from(success).into());
            self.report_subfield(dst);
        }
        if success {
            self.push.push(Push::LearnFlow { bridge: self.bridge.id, learned });
        } else {
            self.detail(|| "Limit exceeded, learn failed".into());
        }
    }

    /// Whether a rule is there as it would be learned. One that others hide is not seen.
    fn is_learned(&self, change: &FlowMod) -> bool {
        let reader = self.bridge.tables.get(usize::from(change.table.0)).and_then(Option::as_ref);
        let found = reader
            .and_then(|reader| reader.lookup(self.snapshot.version, &change.matching.key, None, self.guard));
        found.is_some_and(|rule| {
            let flow = rule.value();
            rule.priority() == i32::from(change.priority)
                && (&*flow.actions, flow.cookie) == (&*change.actions, change.new_cookie)
                && rule.to_match() == change.matching
        })
    }

    fn can_learn(&mut self, learned: &LearnedFlow) -> bool {
        self.undecided |= self.decide.is_none();
        self.decide.is_none_or(|Decide(decide)| decide(self.bridge.id, learned))
    }
}

/// A rule as traces tell that it is learned.
fn describe(change: &FlowMod, places: &OptionPlaces) -> String {
    let mut text = format!("table={}", change.table.0);
    let matched = MatchDisplay { m: &places.packed(change.matching), ports: &NoNames }.to_string();
    // A text that grows cannot fail.
    let _ = if matched.is_empty() { Ok(()) } else { write!(text, " {matched}") };
    let _ = write!(text, " priority={}", change.priority);
    if change.new_cookie != 0 {
        let _ = write!(text, " cookie={:#x}", change.new_cookie);
    }
    for (name, seconds) in [("idle", change.idle_timeout), ("hard", change.hard_timeout)] {
        let _ = if seconds == 0 { Ok(()) } else { write!(text, " {name}={seconds}") };
    }
    if change.flags.contains(FlowModFlags::SEND_FLOW_REM) {
        text.push_str(" send_flow_rem");
    }
    let _ = write!(text, " actions={}", ActionsDisplay::new(&change.actions));
    text
}

/// What a packet of this key makes of a `learn` action. Options that it matches on lie as in the key.
fn learned(learn: &Learn, key: &FlowKey, places: &OptionPlaces) -> FlowMod {
    let mut matching = Match::default();
    let mut actions = Vec::new();
    if learn.fin_idle_timeout != 0 || learn.fin_hard_timeout != 0 {
        let (idle, hard) = (learn.fin_idle_timeout, learn.fin_hard_timeout);
        actions.push(Action::FinTimeout { idle, hard });
    }
    for spec in &learn.specs {
        apply(spec, (key, places), &mut matching, &mut actions);
    }
    let mut change = FlowMod::new(FlowModCommand::ModifyStrict, matching);
    (change.table, change.priority, change.actions) = (learn.table, learn.priority, actions);
    (change.new_cookie, change.modify_cookie) = (learn.cookie, learn.cookie != 0);
    (change.idle_timeout, change.hard_timeout) = (learn.idle_timeout, learn.hard_timeout);
    if learn.flags.contains(LearnFlags::SEND_FLOW_REM) {
        change.flags |= FlowModFlags::SEND_FLOW_REM;
    }
    change
}

fn apply(
    spec: &LearnSpec,
    (key, places): (&FlowKey, &OptionPlaces),
    matching: &mut Match,
    actions: &mut Vec<Action>,
) {
    let value = match spec.src {
        LearnSrc::Field(src) => places.get(key, src),
        LearnSrc::Value(value) => value,
    };
    match spec.dst {
        LearnDst::Match(dst) if dst.field().option().is_some() => {
            places.set(&mut matching.key, dst, &value);
            places.mask_into(dst, &mut matching.mask);
        }
        LearnDst::Match(dst) => match_bits(dst, value.low(), matching),
        LearnDst::Load(dst) if dst.field().option().is_some() => {
            actions.push(Action::SetOption(Box::new(SetOption::load(dst, &value))));
        }
        LearnDst::Load(dst) => {
            let value = value.low();
            let (field, mask) = (dst.field(), dst.bits());
            let mut set = SetField::masked(field, value << dst.start(), mask);
            set.form = ovs_openflow::SetForm::Load;
            actions.push(Action::SetField(set));
        }
        LearnDst::Output => {
            let number = value.narrow().and_then(|value| u16::try_from(value).ok());
            let port = number.map_or(OfPort::NONE, OfPort);
            let reserved = matches!(port, OfPort::IN_PORT | OfPort::FLOOD | OfPort::LOCAL | OfPort::ALL);
            if port < OfPort::MAX || reserved {
                actions.push(Action::Output { port, max_len: 0 });
            }
        }
    }
}

/// Adds bits to what is matched.
fn match_bits(dst: Subfield, value: u128, matching: &mut Match) {
    let (old, old_mask) = dst.field().get_match(matching);
    // As wide as the field is on the wire is all of it, and a port has fewer bits there than in a key.
    let whole = u32::from(dst.width()) == u32::from(dst.field().bit_width());
    let bits = if whole { dst.field().full() } else { dst.bits() };
    let value = old & !bits | value << dst.start() & bits;
    // A mask that a field cannot have stays as it was.
    let _ = dst.field().set_masked(matching, value, old_mask | bits);
}
