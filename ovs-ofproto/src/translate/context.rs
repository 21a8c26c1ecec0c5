//! The state of one translation.

use ovs_classifier::Rule;
use ovs_classifier::rcu::Guard;
use ovs_dpif::{Action as DpAction, DropReason, HashAlgorithm, NshMetadata, SlowPath};
use ovs_flow::{FlowKey, FlowMask, Subfield, TableId, Wide};
use ovs_openflow::action::Nat;
use ovs_openflow::{Action, MeterConfig, ToController};
use ovs_packet::Packet;

use super::{Decide, Dep, Input, Lists, Push, Resumed, Start, TranslateError, Translation, mask};
use crate::recirc::{RecircRef, Step};
use crate::rule::Flow;
use crate::snapshot::{BridgeSnap, Snapshot};
use crate::trace::{Named, NodeKind, Tracer};

/// The state of one translation; the modules beside this one add the actions' families to it.
pub(super) struct Context<'s, T> {
    pub snapshot: &'s Snapshot,
    pub guard: &'s Guard<'s>,
    /// The bridge that the packet is in now.
    pub bridge: &'s BridgeSnap,
    /// The key as the actions have made it so far.
    pub flow: FlowKey,
    /// The key as the datapath has it after the actions that are out already.
    pub base: FlowKey,
    pub mask: FlowMask,
    pub out: Vec<DpAction>,
    pub table: TableId,
    /// The cookie of the rule whose actions run, all ones if there is none.
    pub cookie: u64,
    /// That rule.
    pub rule: Option<&'s Rule<Flow>>,
    /// The clauses of the conjunction by which that rule was found, if somebody watches.
    pub clauses: Vec<&'s Rule<Flow>>,
    /// Whether that rule matches everything with priority 0.
    pub table_miss_rule: bool,
    pub depth: u32,
    pub resubmits: u32,
    pub stack: Vec<(Subfield, Wide)>,
    /// Whether nothing follows what runs now.
    pub last: bool,
    /// Whether lists end because the packet has to come again.
    pub freezing: bool,
    /// The action that asked for it is to run once more, when the packet comes again.
    pub again: bool,
    /// The hash that the packet is to come again with.
    pub hashed: Option<(HashAlgorithm, u32)>,
    /// What lists that ended had still to do.
    pub kept: Vec<Step>,
    /// The controller that decides when the packet comes again.
    pub pause: Option<&'s ToController>,
    /// Keys with which packets come again, for traces.
    pub resumed: Vec<Resumed>,
    /// Whether the last label was taken off, so that the headers behind it are not known.
    pub was_mpls: bool,
    /// Whether the connection tracker has seen the packet.
    pub conntracked: bool,
    /// The translation that the present `ct` asks for.
    pub nat: Option<&'s Nat>,
    /// Whether a header is to be put around the packet, and taken off.
    pub pending_encap: bool,
    pub pending_decap: bool,
    /// Options of the network service header that is to be put on.
    pub nsh_options: Option<NshMetadata>,
    /// Datapath actions in lists around the present one.
    pub buried: usize,
    pub action_set: Vec<&'s Action>,
    pub in_action_set: bool,
    pub in_bucket: bool,
    /// Groups that were entered.
    pub groups: u32,
    /// Lengths that were checked.
    pub checks: u32,
    /// Mirrors that have got their copy, by place.
    pub mirrored: u32,
    /// How much of a packet the mirror gets that is being served.
    pub snaplen: Option<u32>,
    pub in_packet_out: bool,
    pub dry: bool,
    /// Says whether rules can be learned.
    pub decide: Option<Decide<'s>>,
    pub undecided: bool,
    pub exit: bool,
    pub slow: Option<SlowPath>,
    pub error: Option<TranslateError>,
    /// Why a packet that went nowhere was dropped.
    pub dropped: Option<DropReason>,
    /// Bytes that go into the tunnel of the output that is being made, if it is to be cut.
    pub cut_in_tunnel: Option<u32>,
    pub push: Vec<Push>,
    pub deps: Vec<Dep>,
    pub frozen: Vec<RecircRef>,
    pub packet: Option<&'s Packet>,
    /// The key before any action, to see whether lookups are made with a changed one.
    pub original: &'s FlowKey,
    /// It may be; else it is not worth comparing.
    pub may_differ: bool,
    pub tracer: &'s mut T,
}

impl<'s, T: Tracer> Context<'s, T> {
    // In the caller's frame from the start: it is several kilobytes.
    #[inline]
    pub fn new(
        snapshot: &'s Snapshot,
        guard: &'s Guard<'s>,
        bridge: &'s BridgeSnap,
        input: &'s Input<'_>,
        lists: &mut Lists,
        tracer: &'s mut T,
    ) -> Self {
        let mut mask = FlowMask::default();
        mask::begin(input.key, &mut mask);
        let mut flow = *input.key;
        flow.actset_output = u32::from(ovs_flow::OfPort::UNSET.0);
        let Lists { actions, push, deps } = std::mem::take(lists);
        Self {
            snapshot,
            guard,
            bridge,
            flow,
            base: *input.key,
            mask,
            out: actions,
            table: TableId(0),
            cookie: u64::MAX,
            rule: None,
            clauses: Vec::new(),
            table_miss_rule: false,
            depth: 0,
            resubmits: 0,
            stack: Vec::new(),
            last: true,
            freezing: false,
            again: false,
            hashed: None,
            kept: Vec::new(),
            pause: None,
            resumed: Vec::new(),
            was_mpls: false,
            conntracked: input.key.ct_state != 0,
            nat: None,
            pending_encap: false,
            pending_decap: false,
            nsh_options: None,
            buried: 0,
            action_set: Vec::new(),
            in_action_set: false,
            in_bucket: false,
            groups: 0,
            checks: 0,
            mirrored: 0,
            snaplen: None,
            in_packet_out: matches!(input.start, Start::Actions(_)),
            dry: input.dry,
            decide: input.decide,
            undecided: false,
            exit: false,
            slow: None,
            error: None,
            dropped: None,
            cut_in_tunnel: None,
            push,
            deps,
            frozen: Vec::new(),
            packet: input.packet,
            original: input.key,
            may_differ: !matches!(input.start, Start::Tables),
            tracer,
        }
    }

    /// Tells the tracer, if it listens.
    pub fn report(&mut self, kind: NodeKind, text: impl FnOnce() -> String) {
        if T::ACTIVE {
            self.tracer.report(kind, text());
        }
    }

    /// Names of the ports of the bridge that the packet is in, if the watcher wants them.
    pub fn names(&self) -> Named<'s> {
        Named { bridge: self.bridge, names: T::ACTIVE && self.tracer.names() }
    }

    pub fn warn(&mut self, text: impl FnOnce() -> String) {
        self.report(NodeKind::Warning, text);
    }

    pub fn detail(&mut self, text: impl FnOnce() -> String) {
        self.report(NodeKind::Detail, text);
    }

    pub fn open_bridge(&mut self) {
        if T::ACTIVE {
            let text = format!("bridge(\"{}\")", self.bridge.name);
            self.tracer.open(NodeKind::Bridge, text);
        }
    }

    pub fn close_bridge(&mut self) {
        if T::ACTIVE {
            self.tracer.close();
        }
    }

    /// An action that cannot be done; the others can.
    pub fn fail_softly(&mut self, text: impl FnOnce() -> String) {
        self.report(NodeKind::Error, text);
    }

    /// Ends the translation with an error: all that was done so far is dropped.
    pub fn fail(&mut self, error: TranslateError, text: impl FnOnce() -> String) {
        self.report(NodeKind::Error, text);
        self.error.get_or_insert(error);
    }

    /// Remembers why the datapath cannot do this alone.
    pub fn go_slow(&mut self, reason: SlowPath) {
        self.slow.get_or_insert(reason);
    }

    pub fn depend(&mut self, dep: Dep) {
        if !self.deps.contains(&dep) {
            self.deps.push(dep);
        }
    }

    /// With nothing behind it, a copy can as well be the packet.
    fn open_last_clone(&mut self) {
        if let Some(DpAction::Clone(list)) = self.out.pop_if(|last| matches!(last, DpAction::Clone(_))) {
            self.out.extend_from_slice(&list);
        }
    }

    /// What it has come to; the lists' memory goes back.
    pub fn finish(mut self, key: &FlowKey, lists: &mut Lists) -> Translation {
        if self.error.is_some() {
            self.out.clear();
            self.slow = None;
        } else {
            self.open_last_clone();
            mask::finish(key, &self.flow, &mut self.mask);
            let named = self.dropped.filter(|_| self.snapshot.world.features.explicit_drop);
            if let (true, Some(code)) = (self.out.is_empty(), named.and_then(DropReason::drop_code)) {
                self.out.push(DpAction::Drop(code));
            }
        }
        if !T::ACTIVE {
            mask::touch_label(&mut self.mask);
        }
        self.flow.actset_output = key.actset_output;
        let slow_meter = self.slow.and_then(|_| self.find_meter(MeterConfig::SLOWPATH));
        let (actions, pushed) = (exact(&mut self.out), exact(&mut self.push));
        let depends = exact(&mut self.deps);
        *lists = Lists { actions: self.out, push: self.push, deps: self.deps };
        Translation {
            actions,
            mask: self.mask,
            slow: self.slow,
            slow_meter,
            error: self.error,
            undecided: self.undecided,
            push: pushed,
            deps: depends,
            frozen: self.frozen,
            resumed: self.resumed,
            last: T::ACTIVE.then(|| Box::new(self.flow)),
        }
    }
}

/// What a list has, in memory of just that size; the list keeps its own, and is empty.
fn exact<T>(list: &mut Vec<T>) -> Vec<T> {
    let mut taken = Vec::with_capacity(list.len());
    taken.append(list);
    taken
}
