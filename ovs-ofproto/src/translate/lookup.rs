//! Tables: looking up, going deeper, coming back.

use std::fmt::Write as _;
use std::sync::Arc;

use ovs_classifier::Rule;
use ovs_flow::text::MatchDisplay;
use ovs_flow::{FragKind, OfPort, TableId};
use ovs_openflow::PortConfig;
use ovs_openflow::text::RuleDisplay;

use super::context::Context;
use super::list::List;
use super::{Dep, MAX_DEPTH, MAX_RESUBMITS, Push, TranslateError, mask};
use crate::rule::{Flow, told_match};
use crate::table::Miss;
use crate::trace::{Named, NodeKind, Tracer};

/// What a lookup found.
enum Found<'s> {
    Rule(&'s Rule<Flow>),
    /// No rule; the packet is dropped.
    Nothing,
    /// No rule; a controller wants to see the packet.
    ForController,
    /// A fragment, and these are dropped.
    DroppedFragment,
}

/// How a table is come to.
#[derive(Clone, Copy)]
struct Way {
    /// A miss may go to controllers.
    may_punt: bool,
    deeper: bool,
    /// The action set is executed after it.
    outermost: bool,
    /// What the rule does to the packet stays there.
    cloned: bool,
    /// The addresses and ports are those of the connection's first packet.
    by_tuple: bool,
    /// The packet has just come in, which mirrors want to know.
    mirrors: bool,
}

impl Way {
    /// Into the bridge.
    const FIRST: Self = Self {
        may_punt: true,
        deeper: false,
        outermost: true,
        cloned: false,
        by_tuple: false,
        mirrors: true,
    };
}

impl<'s, T: Tracer> Context<'s, T> {
    /// A packet enters the bridge: first table, action set.
    pub(super) fn enter_tables(&mut self) {
        self.frame_of_tunnel();
        if self.is_for_session() {
            return;
        }
        let port = self.flow.of_port();
        let refused = self.bridge.no_receive(port) || self.bridge.is_mirror_output(port);
        if refused || !self.take_congestion() {
            self.lookup_only(TableId(0));
            return;
        }
        self.look_up(TableId(0), port, Way::FIRST);
    }

    /// A packet that comes again goes on in a table.
    pub(super) fn enter_table(&mut self, table: TableId) {
        let port = self.flow.of_port();
        self.look_up(table, port, Way::FIRST);
    }

    /// A packet enters the bridge by a patch.
    pub(super) fn enter_by_patch(&mut self) {
        let port = self.flow.of_port();
        if self.bridge.no_receive(port) {
            return;
        }
        self.mirror_input();
        self.look_up(TableId(0), port, Way { cloned: true, mirrors: false, ..Way::FIRST });
    }

    /// The packet is dropped on entry; the bits that the first table looks at are in the mask all the same.
    fn lookup_only(&mut self, table: TableId) {
        self.table = table;
        let port = self.flow.of_port();
        if let Found::Rule(rule) = self.find(port, false) {
            self.push.push(Push::Rule(Arc::clone(&rule.value().stats)));
            self.open_rule(rule);
            if let Some((_, bundle)) = self.bridge.bundle_of(port).filter(|(_, bundle)| bundle.mirrors.out) {
                self.fail_softly(|| {
                    format!(
                        "dropping packet received on port {}, which is reserved exclusively for mirroring",
                        bundle.name
                    )
                });
            }
            self.close_table();
        }
    }

    /// Looks up in a table and runs what is found. `deeper` if the nesting counts (not for a later table).
    pub(super) fn go_to_table(&mut self, table: TableId, in_port: OfPort, may_punt: bool, deeper: bool) {
        self.look_up(
            table,
            in_port,
            Way { may_punt, deeper, outermost: false, cloned: false, by_tuple: false, mirrors: false },
        );
    }

    /// `resubmit(,N,ct)`: the lookup sees the addresses and ports of the connection's first packet.
    pub(super) fn go_by_tuple(&mut self, table: TableId, in_port: OfPort, deeper: bool) {
        let way =
            Way { may_punt: false, deeper, outermost: false, cloned: false, by_tuple: true, mirrors: false };
        self.look_up(table, in_port, way);
    }

    fn look_up(&mut self, table: TableId, in_port: OfPort, way: Way) {
        let Way { may_punt, deeper, by_tuple, .. } = way;
        if !self.may_go_on() {
            return;
        }
        let before = (self.table, self.cookie, self.table_miss_rule, self.rule);
        self.table = table;
        if by_tuple && !self.has_tuple() {
            // As in the original, what follows is said to be of that table.
            self.fail_softly(|| "resubmit(ct) with non-tracked or non-IP packet!".into());
            return;
        }
        if by_tuple {
            self.may_differ = true;
            self.swap_tuple();
        }
        let kept = self.flow.in_port;
        if kept != u32::from(in_port.0) {
            self.flow.in_port = u32::from(in_port.0);
        }
        let found = self.find(in_port, may_punt);
        self.flow.in_port = kept;
        if by_tuple {
            self.swap_tuple();
        }
        self.depth += u32::from(deeper);
        self.resubmits += 1;
        self.run_found(&found, way);
        self.depth -= u32::from(deeper);
        (self.table, self.cookie, self.table_miss_rule, self.rule) = before;
    }

    pub(super) fn may_go_on(&mut self) -> bool {
        if self.depth >= MAX_DEPTH {
            self.fail(TranslateError::RecursionTooDeep, || format!("over max translation depth {MAX_DEPTH}"));
        } else if self.resubmits >= MAX_RESUBMITS {
            self.fail(TranslateError::TooManyResubmits, || format!("over {MAX_RESUBMITS} resubmit actions"));
        } else if self.out.len() + self.buried > 4096 {
            self.fail(TranslateError::TooManyResubmits, || "resubmits yielded over 64 kB of actions".into());
        } else if self.stack.len() > 4096 {
            self.fail(TranslateError::StackTooDeep, || "resubmits yielded over 64 kB of stack".into());
        }
        self.error.is_none()
    }

    /// Whether actions have changed what lookups see.
    fn is_changed(&mut self) -> bool {
        let changed = self.flow.in_port != self.original.in_port || self.may_differ && self.differs();
        debug_assert!(changed || !self.differs(), "who changes the key says so");
        changed
    }

    fn differs(&mut self) -> bool {
        let output = self.flow.actset_output;
        if output == u32::from(OfPort::UNSET.0) {
            // So it is from the start, and in keys of packets it is nothing.
            self.flow.actset_output = self.original.actset_output;
        }
        let differs = self.flow.words() != self.original.words();
        self.flow.actset_output = output;
        differs
    }

    fn find(&mut self, in_port: OfPort, may_punt: bool) -> Found<'s> {
        let bridge = self.bridge;
        let fragment = self.flow.nw_frag & FragKind::ANY.bits() != 0;
        if fragment && bridge.drop_fragments {
            return Found::DroppedFragment;
        }
        let table = self.table;
        let changed = self.is_changed();
        self.depend(if changed { Dep::ChangedKey(bridge.id, table) } else { Dep::Table(bridge.id, table) });
        let reader = bridge.tables.get(usize::from(table.0)).and_then(Option::as_ref);
        let rule = reader.and_then(|reader| {
            // Without reassembly, fragments have no ports to speak of.
            let ports = (self.flow.tp_src, self.flow.tp_dst);
            if fragment && !bridge.match_fragments {
                self.flow.tp_src.set(0);
                self.flow.tp_dst.set(0);
            }
            let label = mask::begin_lookup(&mut self.mask);
            let (version, mask) = (self.snapshot.version, Some(&mut self.mask));
            self.clauses.clear();
            let rule = if T::ACTIVE {
                reader.explain(version, &self.flow, mask, &mut self.clauses, self.guard)
            } else {
                reader.lookup(version, &self.flow, mask, self.guard)
            };
            mask::end_lookup(&mut self.mask, label);
            (self.flow.tp_src, self.flow.tp_dst) = ports;
            rule
        });
        self.push.push(Push::Table { bridge: bridge.id, table, matched: rule.is_some() });
        let miss = bridge.misses.get(&table).copied().unwrap_or_default();
        if rule.is_none() && may_punt && miss == Miss::Continue && table.0 + 1 < TableId::INTERNAL.0 {
            self.table = TableId(table.0 + 1);
            return self.find(in_port, may_punt);
        }
        let punts = match miss {
            Miss::Default => bridge.miss_to_controller,
            Miss::Controller => true,
            Miss::Continue | Miss::Drop => false,
        };
        let listens =
            || bridge.ports.get(&in_port).is_none_or(|port| !port.config.contains(PortConfig::NO_PACKET_IN));
        match rule {
            Some(rule) => Found::Rule(rule),
            None if may_punt && punts && listens() => Found::ForController,
            None => Found::Nothing,
        }
    }

    fn run_found(&mut self, found: &Found<'s>, way: Way) {
        let rule = match found {
            Found::Rule(rule) => rule,
            Found::Nothing | Found::ForController => {
                let (table, wanted) = (self.table, matches!(found, Found::ForController));
                let what = if wanted { "No match, and a \"packet-in\" is called for." } else { "No match." };
                self.open_table(|| format!("{:>2}. {what}", table.0));
                self.mirror_on(way);
                if wanted {
                    // The original prints this reason, which no controller is told, as nothing.
                    self.report(NodeKind::Action, || "controller(reason=)".into());
                    self.push.push(Push::Rule(Arc::clone(&self.bridge.internal.miss)));
                    self.punt_miss();
                } else {
                    self.push.push(Push::Rule(Arc::clone(&self.bridge.internal.no_packet_in)));
                    self.report(NodeKind::Action, || "drop".into());
                }
                self.close_table();
                return;
            }
            Found::DroppedFragment => {
                self.push.push(Push::Rule(Arc::clone(&self.bridge.internal.fragments)));
                self.open_table(|| {
                    "Packets are IP fragments and the fragment handling mode is \"drop\".".into()
                });
                self.mirror_on(way);
                self.report(NodeKind::Action, || "drop".into());
                self.close_table();
                return;
            }
        };
        let flow = rule.value();
        self.push.push(Push::Rule(Arc::clone(&flow.stats)));
        (self.rule, self.cookie) = (Some(*rule), flow.cookie);
        self.table_miss_rule = rule.priority() == 0 && rule.matches_everything();
        self.open_rule(rule);
        self.mirror_on(way);
        let list = List::Actions(&flow.actions);
        // What it sends to controllers is the rule's, wherever the rule was come to from.
        let in_bucket = std::mem::take(&mut self.in_bucket);
        if way.cloned {
            self.run_clone(list);
        } else {
            self.run_list(list);
            if way.outermost {
                self.end_list();
            }
        }
        self.in_bucket = in_bucket;
        self.close_table();
    }

    fn mirror_on(&mut self, way: Way) {
        if way.mirrors {
            self.mirror_input();
        }
    }

    /// A rule is about to run: tells which, and by which clauses of a conjunction it was come to.
    fn open_rule(&mut self, rule: &Rule<Flow>) {
        self.tracer.origin(|| origin(rule));
        if !T::ACTIVE {
            return;
        }
        let names = self.names();
        self.open_table(|| describe(rule, names));
        let mut clauses = std::mem::take(&mut self.clauses);
        clauses.sort_by_key(|rule| rule.clauses().first().map(|clause| (clause.id, clause.dimension)));
        for clause in clauses {
            self.detail(|| {
                let (matching, priority) = (told_match(clause), clause.priority() as u16);
                format!("conj. {}", RuleDisplay::new(&matching, priority).with_ports(&names))
            });
        }
    }

    pub(super) fn open_table(&mut self, text: impl FnOnce() -> String) {
        if T::ACTIVE {
            self.tracer.open(NodeKind::Table, text());
        }
    }

    pub(super) fn close_table(&mut self) {
        if T::ACTIVE {
            self.tracer.close();
        }
    }
}

/// A rule as the trace names it: table, match, priority, cookie.
fn describe(rule: &Rule<Flow>, names: Named<'_>) -> String {
    let mut text = format!("{:>2}. ", rule.value().table.0);
    let matched = MatchDisplay { m: &told_match(rule), ports: &names }.to_string();
    if !matched.is_empty() {
        let _ = write!(text, "{matched}, ");
    }
    let _ = write!(text, "priority {}", rule.priority());
    if rule.value().cookie != 0 {
        let _ = write!(text, ", cookie 0x{:x}", rule.value().cookie);
    }
    text
}

/// A rule as `ofproto/detrace` names it.
fn origin(rule: &Rule<Flow>) -> String {
    let flow = rule.value();
    // The priority of a hidden rule is shown cut, as everywhere.
    let (matching, priority) = (told_match(rule), rule.priority() as u16);
    let shown = RuleDisplay::new(&matching, priority).with_actions(&flow.actions);
    format!("cookie={:#x}, table={} {shown}", flow.cookie, flow.table.0)
}
