//! Changes of flows: add, modify, delete, each strict or loose.

use std::sync::Arc;
use std::time::Duration;

use ovs_classifier::{ClassifierError, Clause, RuleRef, Version};
use ovs_dpif::Features;
use ovs_flow::{Match, TableId};
use ovs_openflow::{Action, FlowEvent, FlowMod, FlowModCommand, FlowModFlags, FlowRemovedReason, OfError};

use super::BridgeState;
use super::select::Criteria;
use super::support::check_support;
use crate::group::Group;
use crate::revalidate::{Change, Changes};
use crate::rule::{Flow, RuleStats};
use crate::table::max_rules;

/// What changes of flows are made in: the version that they become visible in, and where they are noted.
#[derive(Debug)]
pub(crate) struct Round<'a> {
    pub version: Version,
    pub now: Duration,
    pub changes: &'a mut Changes,
    pub gone: &'a mut Vec<Gone>,
    /// Set if a table was made, so that the readers' handles must be published.
    pub new_table: bool,
    /// The most rules of a table.
    pub limit: usize,
    /// What rules may make use of in the datapath.
    pub features: Features,
    /// The version that every reader has left behind.
    pub past: Version,
    /// What has happened to rules, if anybody watches.
    pub events: Option<Vec<RuleEvent>>,
    /// Rules that are put in now are others' modifications.
    pub modifies: bool,
    /// What has been done, if it may have to be taken back.
    pub undo: Option<Vec<Undo>>,
}

/// Something that happened to a rule.
#[derive(Clone, Debug)]
pub(crate) struct RuleEvent {
    pub event: FlowEvent,
    pub rule: RuleRef<Flow>,
    /// What it was before.
    pub old: Option<RuleRef<Flow>>,
}

/// A step that can be taken back while its version has not been published.
#[derive(Debug)]
pub(crate) enum Undo {
    /// A rule was put in, perhaps in place of another.
    Inserted { rule: RuleRef<Flow>, replaced: Option<RuleRef<Flow>> },
    /// A rule was taken out.
    Removed(RuleRef<Flow>),
    /// A group was put in, in place of another, or taken out.
    Group { id: u32, old: Option<Arc<Group>> },
}

/// A rule that was removed.
#[derive(Clone, Debug)]
pub(crate) struct Gone {
    pub rule: RuleRef<Flow>,
    pub reason: FlowRemovedReason,
    pub at: Duration,
}

impl Round<'_> {
    fn report(&mut self, event: FlowEvent, rule: &RuleRef<Flow>, old: Option<&RuleRef<Flow>>) {
        let hidden = rule.priority() > i32::from(u16::MAX) || rule.value().table == TableId::INTERNAL;
        if let Some(events) = self.events.as_mut().filter(|_| !hidden) {
            events.push(RuleEvent { event, rule: Arc::clone(rule), old: old.cloned() });
        }
    }
}

impl BridgeState {
    /// Carries out a change of flows whose actions have been checked.
    pub fn flow_mod(&mut self, change: &FlowMod, round: &mut Round<'_>) -> Result<(), OfError> {
        let deletes = matches!(change.command, FlowModCommand::Delete | FlowModCommand::DeleteStrict);
        let mut placed;
        let change = if change.matching.is_packed() {
            placed = change.clone();
            self.place_options(&mut placed.matching)?;
            &placed
        } else {
            change
        };
        self.check_options(&change.actions)?;
        if !deletes {
            self.check_names(&change.actions)?;
        }
        match change.command {
            FlowModCommand::Add => self.add(change, round),
            FlowModCommand::Modify | FlowModCommand::ModifyStrict => {
                let strict = change.command == FlowModCommand::ModifyStrict;
                let found = self.select(&criteria(change, strict), round.version);
                if found.is_empty() {
                    // Only a modification that asks for no cookie and has one to give adds: that is 1.0's and 1.1's.
                    let adds = change.cookie_mask == 0 && change.new_cookie != u64::MAX;
                    return if adds { self.add(change, round) } else { Ok(()) };
                }
                found.iter().try_for_each(|rule| self.replace(rule, change, round))
            }
            FlowModCommand::Delete | FlowModCommand::DeleteStrict => {
                let strict = change.command == FlowModCommand::DeleteStrict;
                for rule in self.select(&criteria(change, strict), round.version) {
                    self.remove(&rule, FlowRemovedReason::Delete, round);
                }
                Ok(())
            }
        }
    }

    fn add(&mut self, change: &FlowMod, round: &mut Round<'_>) -> Result<(), OfError> {
        let table_id = if change.table == TableId::ALL { TableId(0) } else { change.table };
        if table_id == TableId::INTERNAL {
            return Err(OfError::BrcEperm);
        }
        check_support(&change.matching, &change.actions, &round.features)?;
        let priority = i32::from(change.priority);
        let limit = self.config.flow_tables.get(&table_id.0).and_then(|config| config.flow_limit);
        let limit = limit.unwrap_or(round.limit).min(round.limit);
        let (table, made) = self.tables.make(table_id);
        round.new_table |= made;
        let old = table.rules.find_exact(&change.matching, priority, round.version);
        if old.is_none()
            && change.flags.contains(FlowModFlags::CHECK_OVERLAP)
            && table.rules.find_overlap(&change.matching, priority, round.version).is_some()
        {
            return Err(OfError::FmfcOverlap);
        }
        let full = old.is_none() && table.active >= limit;
        if made {
            self.configure_eviction(table_id, round.version);
        }
        if full && !self.evict(table_id, round) {
            return Err(OfError::FmfcTableFull);
        }
        let kept = old.as_ref().filter(|_| !change.flags.contains(FlowModFlags::RESET_COUNTS));
        let stats = kept.map_or_else(Arc::<RuleStats>::default, |old| Arc::clone(&old.value().stats));
        let flow = Flow {
            table: table_id,
            cookie: change.new_cookie,
            idle_timeout: change.idle_timeout,
            hard_timeout: change.hard_timeout,
            importance: change.importance,
            flags: change.flags,
            created: round.now,
            modified: round.now,
            actions: change.actions.as_slice().into(),
            stats,
            places: None,
        };
        self.insert(&change.matching, priority, flow, round)
    }

    /// A rule with other actions in the place of one that is there.
    fn replace(
        &mut self,
        rule: &RuleRef<Flow>,
        change: &FlowMod,
        round: &mut Round<'_>,
    ) -> Result<(), OfError> {
        check_support(&rule.to_match(), &change.actions, &round.features)?;
        let old = rule.value();
        let reset = change.flags.contains(FlowModFlags::RESET_COUNTS);
        let flow = Flow {
            table: old.table,
            cookie: if change.modify_cookie { change.new_cookie } else { old.cookie },
            idle_timeout: old.idle_timeout,
            hard_timeout: old.hard_timeout,
            importance: old.importance,
            flags: old.flags,
            created: old.created,
            modified: round.now,
            actions: change.actions.as_slice().into(),
            stats: if reset { Arc::default() } else { Arc::clone(&old.stats) },
            places: None,
        };
        round.modifies = true;
        let done = self.insert(&rule.to_match(), rule.priority(), flow, round);
        round.modifies = false;
        done
    }

    /// Puts a rule in, in place of one of the same match and priority.
    pub fn insert(
        &mut self,
        matching: &Match,
        priority: i32,
        mut flow: Flow,
        round: &mut Round<'_>,
    ) -> Result<(), OfError> {
        if matching.mask.fields.tunnel.metadata_present != 0 {
            flow.places = Some(Arc::clone(&self.options));
        }
        let table_id = flow.table;
        let (table, made) = self.tables.make(table_id);
        round.new_table |= made;
        // Rules that nobody sees any more are in nobody's way.
        if table.rules.len() >= max_rules(round.limit) {
            table.rules.gc(round.past);
        }
        let inserted = table
            .rules
            .insert_clauses(matching, priority, clauses(&flow.actions), flow, round.version)
            .map_err(|error| match error {
                ClassifierError::TooManyMasks { .. } | ClassifierError::TooManyRules { .. } => {
                    OfError::FmfcTableFull
                }
                _ => OfError::FmfcUnknown,
            })?;
        if inserted.replaced.is_none() {
            table.active += 1;
        }
        self.tables.start_timer(&inserted.rule);
        self.link(&inserted.rule, true);
        if let Some(old) = &inserted.replaced {
            self.link(old, false);
        }
        round.report(
            if round.modifies { FlowEvent::Modified } else { FlowEvent::Added },
            &inserted.rule,
            inserted.replaced.as_ref(),
        );
        if let Some(undo) = &mut round.undo {
            undo.push(Undo::Inserted { rule: inserted.rule, replaced: inserted.replaced });
        }
        self.note(table_id, matching, round);
        Ok(())
    }

    /// Takes a rule out.
    pub fn remove(&mut self, rule: &RuleRef<Flow>, reason: FlowRemovedReason, round: &mut Round<'_>) {
        let table_id = rule.value().table;
        let Some(table) = self.tables.get_mut(table_id) else { return };
        if table.rules.remove_at(rule, round.version) {
            table.active -= 1;
            self.link(rule, false);
            if !round.changes.is_wide(self.id, table_id) {
                self.note(table_id, &rule.to_match(), round);
            }
            if rule.value().flags.contains(FlowModFlags::SEND_FLOW_REM) {
                round.gone.push(Gone { rule: Arc::clone(rule), reason, at: round.now });
            }
            round.report(FlowEvent::Removed(reason), rule, None);
            if let Some(undo) = &mut round.undo {
                undo.push(Undo::Removed(Arc::clone(rule)));
            }
        }
    }

    /// Takes steps back, the last one first.
    pub fn take_back(&mut self, steps: Vec<Undo>) {
        for step in steps.into_iter().rev() {
            let (back, out) = match step {
                Undo::Inserted { rule, replaced } => (replaced, Some(rule)),
                Undo::Removed(rule) => (Some(rule), None),
                Undo::Group { id, old } => {
                    self.groups.set(id, old);
                    continue;
                }
            };
            let Some(id) = back.as_ref().or(out.as_ref()).map(|rule| rule.value().table) else { continue };
            let Some(table) = self.tables.get_mut(id) else { continue };
            let out = out.filter(|rule| table.rules.discard(rule));
            let back = back.filter(|rule| table.rules.restore(rule));
            table.active -= usize::from(out.is_some());
            table.active += usize::from(back.is_some());
            if let Some(rule) = out {
                self.link(&rule, false);
            }
            if let Some(rule) = back {
                self.tables.start_timer(&rule);
                self.link(&rule, true);
            }
        }
    }

    /// Checks that what actions name is there.
    pub fn check_names(&self, actions: &[Action]) -> Result<(), OfError> {
        self.check_options(actions)?;
        if !self.groups.have_all_of(actions) {
            return Err(OfError::BacBadOutGroup);
        }
        if self.meters.have_all_of(actions) { Ok(()) } else { Err(OfError::MmfcInvalidMeter) }
    }

    /// A rule came or went.
    pub(super) fn link(&mut self, rule: &RuleRef<Flow>, there: bool) {
        self.groups.link(rule, there);
        self.meters.link(rule, there);
        self.learned.link(rule, there);
        self.order_for_eviction(rule, there);
    }

    fn note(&self, table: TableId, matching: &Match, round: &mut Round<'_>) {
        if !round.changes.is_wide(self.id, table) {
            let matching = Box::new(*matching);
            round.changes.note(Change::Rule { bridge: self.id, table, matching });
        }
    }
}

/// What a rule is to conjunctions.
fn clauses(actions: &[Action]) -> Box<[Clause]> {
    let clause = |action: &Action| match action {
        Action::Conjunction { id, clause, n_clauses } => {
            Some(Clause { id: *id, dimension: *clause, dimensions: *n_clauses })
        }
        _ => None,
    };
    actions.iter().filter_map(clause).collect()
}

fn criteria(change: &FlowMod, strict: bool) -> Criteria<'_> {
    let deletes = matches!(change.command, FlowModCommand::Delete | FlowModCommand::DeleteStrict);
    Criteria {
        table: change.table,
        matching: &change.matching,
        strict: strict.then_some(i32::from(change.priority)),
        cookie: change.cookie,
        cookie_mask: change.cookie_mask,
        out_port: if deletes { change.out_port } else { ovs_flow::OfPort::NONE },
        out_group: if deletes { change.out_group } else { FlowMod::ANY_GROUP },
        hidden: false,
    }
}
