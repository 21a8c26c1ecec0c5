//! Translation: what the rules of a bridge make of a packet, as datapath actions and a mask.
//!
//! ```text
//!   key ─▶ table lookup ─▶ rule's actions ─▶ commit ─▶ datapath actions
//!            │ bits looked at    │  ▲           │
//!            ▼                   ▼  └ resubmit  ▼
//!           mask              NORMAL, ports   sets, tags
//! ```
//!
//! [`translate`] is a pure function of snapshot, key and packet: what shall happen beside the packet's forwarding
//! (statistics, learning) is returned as a list, and done by whoever called. Upcalls, revalidation,
//! packet-outs and traces are four callers of it.
//!
//! The mask has each bit of the key that was looked at: a packet that agrees on them is translated alike.

mod action_set;
mod actions;
mod bundle_vlan;
mod choose;
mod commit;
mod context;
mod controller;
mod ct;
mod encap;
mod fields;
mod fin_timeout;
mod freeze;
mod group;
mod learn;
mod list;
mod lookup;
pub(crate) mod mask;
mod meter;
mod mirror;
mod mpls;
mod nested;
mod normal;
mod output;
mod patch;
mod special;
mod tunnel_in;
mod tunnel_key;
mod tunnel_out;
mod vlan;

use std::net::IpAddr;
use std::sync::Arc;

use ovs_classifier::rcu::Reader;
use ovs_dpif::{Action as DpAction, DropReason, MeterId, PuntCookie, SlowPath, UserspaceAction};
use ovs_flow::{FlowKey, FlowMask, OfPort, TableId};
use ovs_netdev::EtherAddr;
use ovs_openflow::Action;
use ovs_openflow::action::Nat;
use ovs_packet::Packet;

use crate::recirc::{FrozenState, RecircRef};
use crate::rule::RuleStats;
use crate::snapshot::{BridgeId, BridgeSnap, Snapshot};
use crate::trace::Tracer;
use crate::tunnel::NO_OPTIONS;
pub(crate) use action_set::execution_order;
use context::Context;
pub(crate) use fin_timeout::FinTimeout;
pub(crate) use learn::{Decide, LearnedFlow};
use list::List;
pub(crate) use special::BfdFilter;

/// How deep resubmits, tables and bridges may nest.
pub const MAX_DEPTH: u32 = 64;
/// How many table lookups one translation may make.
pub const MAX_RESUBMITS: u32 = 64 * 64;

/// What became of a packet's key.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Translation {
    /// What the datapath shall do with the packet, in full.
    pub actions: Vec<DpAction>,
    /// Which bits of the key decided that.
    pub mask: FlowMask,
    /// Whether a datapath cannot do the actions by itself, and why: the megaflow then hands each packet to the
    /// switch's logic.
    pub slow: Option<SlowPath>,
    /// Why the packet is dropped although rules said otherwise.
    pub error: Option<TranslateError>,
    /// Rules would be learned that are not there, and nobody was asked whether they can be: what a packet waits for.
    pub(crate) undecided: bool,
    /// The meter of packets for the switch's logic.
    pub(crate) slow_meter: Option<MeterId>,
    /// What each packet counts for, and refreshes.
    pub(crate) push: Vec<Push>,
    /// What the answer depends on.
    pub(crate) deps: Vec<Dep>,
    /// Frozen states that the actions name.
    pub(crate) frozen: Vec<RecircRef>,
    /// With which keys the packet comes again, for traces.
    pub(crate) resumed: Vec<Resumed>,
    /// The key after all actions.
    pub(crate) last: Option<Box<FlowKey>>,
}

impl TranslateError {
    /// Whether it is what keeps translations short: then all of the packet's translation ends, and not only that of a
    /// bucket's copy.
    pub(crate) fn is_limit(self) -> bool {
        matches!(self, Self::RecursionTooDeep | Self::TooManyResubmits | Self::StackTooDeep)
    }
}

impl Translation {
    /// The actions of a megaflow: those of the packet, or its way to the switch's logic.
    pub fn megaflow_actions(&self) -> Vec<DpAction> {
        match self.slow {
            None => self.actions.clone(),
            Some(reason) => {
                let cookie = PuntCookie::SlowPath(reason);
                let punt = DpAction::Userspace(UserspaceAction { cookie, egress: None });
                vec![meter::behind(self.slow_meter, punt)]
            }
        }
    }
}

/// Why a translation ended in a drop. The texts are those of the original's trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TranslateError {
    /// [`MAX_DEPTH`]
    #[error("Recursion too deep")]
    RecursionTooDeep,
    /// [`MAX_RESUBMITS`]
    #[error("Too many resubmits")]
    TooManyResubmits,
    /// More than 64 kB on the stack.
    #[error("Stack too deep")]
    StackTooDeep,
    /// No recirculation identifier could be had.
    #[error("No recirculation context")]
    NoRecirculation,
    /// More labels than this switch looks at.
    #[error("Too many MPLS labels")]
    TooManyLabels,
    /// A header that cannot be put on or taken off a packet of this type.
    #[error("Unsupported packet type")]
    UnsupportedPacketType,
    /// An action that this switch does not do. Such rules are refused when they come, so this is not seen
    /// in practice.
    #[error("Unsupported action")]
    Unsupported,
}

/// A packet that comes again from the connection tracker. As in the original, traces do not follow packets that come
/// again for other reasons: what is in their headers then is not known.
#[derive(Clone, Debug)]
pub(crate) struct Resumed {
    /// With what key, as far as that is known.
    pub key: FlowKey,
    /// How the tracker may have translated its addresses.
    pub nat: Option<Nat>,
}

/// What a packet of a translated flow counts for, or refreshes.
#[derive(Clone, Debug)]
pub(crate) enum Push {
    /// A rule was hit, or a mirror used.
    Rule(Arc<RuleStats>),
    /// A table was asked.
    Table { bridge: BridgeId, table: TableId, matched: bool },
    /// A source address was seen.
    Learn { bridge: BridgeId, vlan: u16, mac: [u8; 6], port: OfPort },
    /// A rule was learned.
    LearnFlow { bridge: BridgeId, learned: Arc<LearnedFlow> },
    /// A rule ends soon if a connection does.
    FinTimeout { bridge: BridgeId, fin: Arc<FinTimeout> },
    /// A packet went by a patch, from a port to its peer.
    Patch { from: (BridgeId, OfPort), to: (BridgeId, OfPort) },
    /// A packet went by a tunnel. One that goes out has so many more bytes from here on.
    Tunnel { port: (BridgeId, OfPort), header: u16, incoming: bool },
    /// From here on it is the packet inside again.
    TunnelEnd { header: u16 },
    /// A neighbour was sent to, or has told its address.
    Neighbor { device: Arc<str>, address: IpAddr, learned: Option<EtherAddr> },
    /// A neighbour is to be asked for.
    Solicit(Arc<Solicit>),
}

/// A question for a neighbour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Solicit {
    /// The bridge from whose local port it goes out.
    pub bridge: BridgeId,
    pub mac: EtherAddr,
    pub source: IpAddr,
    pub target: IpAddr,
}

/// Something that an answer depends on, absence included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Dep {
    /// The configuration of a bridge.
    Bridge(BridgeId),
    /// The rules of a table.
    Table(BridgeId, TableId),
    /// The same, asked with a key that earlier actions had changed.
    ChangedKey(BridgeId, TableId),
    /// A group, there or not.
    Group(BridgeId, u32),
    /// A meter, there or not.
    Meter(BridgeId, u32),
    /// Where an address is, by key of the MAC table.
    Mac(BridgeId, u64),
    /// A neighbour, there or not, by its short name.
    Neighbor(u64),
}

/// Memory that translations reuse, and the right to read the tables.
#[derive(Debug)]
pub struct Scratch {
    reader: ReaderBox,
    lists: Lists,
}

/// The lists that a translation makes, which grow here and are given out as long as they have become.
#[derive(Debug, Default)]
struct Lists {
    actions: Vec<DpAction>,
    push: Vec<Push>,
    deps: Vec<Dep>,
}

struct ReaderBox(Reader);

impl std::fmt::Debug for ReaderBox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Reader")
    }
}

impl Scratch {
    /// For translations against snapshots of the same switch as this one.
    pub fn new(snapshot: &Snapshot) -> Self {
        Self { reader: ReaderBox(snapshot.shared.domain.reader()), lists: Lists::default() }
    }
}

/// Where translation begins.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Start<'a> {
    /// In the first table.
    Tables,
    /// Where it was frozen.
    Thaw(&'a FrozenState),
    /// Nowhere: nobody knows any more where it was frozen, by this number.
    Lost(u32),
    /// With a packet-out's actions.
    Actions(&'a [Action]),
}

/// What is to be translated.
#[derive(Debug)]
pub(crate) struct Input<'a> {
    pub bridge: BridgeId,
    /// `in_port` is an [`OfPort`].
    pub key: &'a FlowKey,
    pub packet: Option<&'a Packet>,
    pub start: Start<'a>,
    /// Packet-ins are not to be sent (traces).
    pub dry: bool,
    /// Who says whether rules can be learned.
    pub decide: Option<Decide<'a>>,
}

/// Translates the key of a packet in the datapath; `key.in_port` is a [`ovs_flow::DpPort`]. A packet from a port
/// that no bridge has is dropped.
pub fn translate(
    snapshot: &Snapshot,
    key: &FlowKey,
    packet: Option<&Packet>,
    scratch: &mut Scratch,
    tracer: &mut impl Tracer,
) -> Translation {
    translate_deciding(snapshot, key, packet, None, scratch, tracer)
}

/// The same, with somebody who says whether rules can be learned.
pub(crate) fn translate_deciding(
    snapshot: &Snapshot,
    key: &FlowKey,
    packet: Option<&Packet>,
    decide: Option<Decide<'_>>,
    scratch: &mut Scratch,
    tracer: &mut impl Tracer,
) -> Translation {
    if key.recirc_id != 0 {
        return translate_again(snapshot, key, packet, decide, scratch, tracer);
    }
    let Some((bridge, port)) = origin(snapshot, key) else {
        return nowhere(snapshot, key, key.tunnel.is_present().then_some(DropReason::TunnelUnknown));
    };
    let options = snapshot.options(bridge);
    let mut fields = *key;
    if !options.options_to_fields(&mut fields.tunnel) {
        return nowhere(snapshot, key, Some(DropReason::InvalidTunnelMetadata));
    }
    fields.in_port = u32::from(port.0);
    let input = Input { bridge, key: &fields, packet, start: Start::Tables, dry: false, decide };
    let mut translation = translate_input(snapshot, &input, scratch, tracer);
    if key.tunnel.is_present() {
        let at = Push::Tunnel { port: (bridge, port), header: 0, incoming: true };
        translation.push.insert(0, at);
        options.mask_to_options(&key.tunnel, &mut translation.mask);
    }
    translation
}

/// The bridge and port that a packet comes in by.
pub(crate) fn origin(snapshot: &Snapshot, key: &FlowKey) -> Option<(BridgeId, OfPort)> {
    if key.tunnel.is_present() {
        snapshot.world.tunnels.find(key.dp_port(), &key.tunnel, key.packet_type.get() == 0)
    } else {
        snapshot.world.ports.get(&key.dp_port()).copied()
    }
}

/// The translation of a packet that gets to no bridge. It depends on where the packet came by, and on which options it has.
fn nowhere(snapshot: &Snapshot, key: &FlowKey, reason: Option<DropReason>) -> Translation {
    let mut mask = FlowMask::default();
    mask::begin(key, &mut mask);
    mask::finish(key, key, &mut mask);
    if key.tunnel.is_present() {
        NO_OPTIONS.mask_to_options(&key.tunnel, &mut mask);
    }
    // A datapath that drops by no name gets no action.
    let reason = reason.filter(|_| snapshot.world.features.explicit_drop);
    let actions = reason.and_then(DropReason::drop_code).map(DpAction::Drop).into_iter().collect();
    Translation { actions, mask, ..Translation::default() }
}

/// Translates a packet that comes again; one that nobody waits for is dropped.
fn translate_again(
    snapshot: &Snapshot,
    key: &FlowKey,
    packet: Option<&Packet>,
    decide: Option<Decide<'_>>,
    scratch: &mut Scratch,
    tracer: &mut impl Tracer,
) -> Translation {
    let Some(state) = snapshot.shared.recirculation.find(key.recirc_id) else {
        let mut mask = FlowMask::default();
        mask::begin(key, &mut mask);
        mask::finish(key, key, &mut mask);
        return Translation { mask, error: Some(TranslateError::NoRecirculation), ..Translation::default() };
    };
    let options = snapshot.options(state.bridge);
    let mut fields = *key;
    if !options.options_to_fields(&mut fields.tunnel) {
        return nowhere(snapshot, key, Some(DropReason::InvalidTunnelMetadata));
    }
    if let Some((_, port)) = snapshot.world.ports.get(&key.dp_port()) {
        fields.in_port = u32::from(port.0);
    }
    let input =
        Input { bridge: state.bridge, key: &fields, packet, start: Start::Thaw(&state), dry: false, decide };
    let mut translation = translate_input(snapshot, &input, scratch, tracer);
    if key.tunnel.is_present() {
        options.mask_to_options(&key.tunnel, &mut translation.mask);
    }
    translation
}

/// Translates what comes in by a port of a bridge, or out of a controller.
pub(crate) fn translate_input<T: Tracer>(
    snapshot: &Snapshot,
    input: &Input<'_>,
    scratch: &mut Scratch,
    tracer: &mut T,
) -> Translation {
    let Scratch { reader, lists } = scratch;
    let guard = reader.0.enter();
    let Some(bridge) = snapshot.world.bridges.get(&input.bridge) else { return Translation::default() };
    let mut context = Context::new(snapshot, &guard, bridge, input, lists, tracer);
    context.deps.push(Dep::Bridge(bridge.id));
    context.open_bridge();
    match input.start {
        Start::Tables => context.enter_tables(),
        Start::Actions(actions) => {
            context.mirror_input();
            context.run_outermost(List::Actions(actions));
        }
        Start::Thaw(state) => context.thaw(state),
        Start::Lost(id) => {
            let text = || format!("Recirculation context not found for ID {id:x}");
            context.fail(TranslateError::NoRecirculation, text);
        }
    }
    context.close_bridge();
    context.finish(input.key, lists)
}

impl BridgeSnap {
    /// Whether a port is for copies of packets alone.
    fn is_mirror_output(&self, port: OfPort) -> bool {
        self.bundle_of(port).is_some_and(|(_, bundle)| bundle.mirrors.out)
    }

    fn no_receive(&self, port: OfPort) -> bool {
        self.ports.get(&port).is_some_and(|port| port.config.contains(ovs_openflow::PortConfig::NO_RECV))
    }
}
