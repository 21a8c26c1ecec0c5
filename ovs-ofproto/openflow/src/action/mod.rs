//! Actions and instructions, independent of the version that carried them.
//!
//! One list holds both, in the order in which they take effect: the actions to apply, then what later
//! versions call instructions ([`Action::Meter`] before them, [`Action::ClearActions`],
//! [`Action::WriteActions`], [`Action::WriteMetadata`] and [`Action::GotoTable`] after them). An empty list
//! drops. `ovs-actions(7)` describes each one.
//!
//! ```text
//!   wire 1.0 … 1.5 ── decode ──▶ Vec<Action> ── Display ──▶ "push_vlan:0x8100,resubmit(,1)"
//!                  ◀── encode ──             ◀── parse ───
//! ```

mod choose;
mod conntrack;
mod consistency;
mod encap;
mod fields;
mod instruction;
mod kinds;
mod learn;
mod legacy;
mod legacy11;
mod nat;
mod nested;
mod nicira;
mod parts;
mod sample;
mod set_field;
mod set_option;
mod vlan_compat;
mod wire;

pub use choose::{Bundle, BundleAlgorithm, HashFields, Multipath, MultipathAlgorithm};
pub use conntrack::{Ct, CtZone};
pub use consistency::check_consistency;
pub use encap::{Encap, EncapProperty, PacketType};
pub use fields::for_each_field;
pub use instruction::{decode_instructions, encode_instructions};
pub use learn::{Learn, LearnDst, LearnFlags, LearnSpec, LearnSrc};
pub use nat::{AddressRange, Nat, NatFlags};
pub use nested::check_nesting;
pub use parts::{Mod, SetField, SetForm, ToController};
pub use sample::{ObservationId, Sample, SampleDirection};
pub(crate) use set_field::segments;
pub use set_option::SetOption;
pub use wire::{decode_actions, encode_actions};

use ovs_flow::{OfPort, Subfield, TableId, VlanId};

/// The `max_len` that means "the whole packet, unbuffered" (OpenFlow 1.2, `OFPCML_NO_BUFFER`).
pub const NO_BUFFER: u16 = 0xffff;

/// One action or instruction.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Action {
    /// `output`: send to a port, which may be a reserved one (`NORMAL`, `IN_PORT`, `CONTROLLER` …).
    Output {
        /// Where to.
        port: OfPort,
        /// How many bytes a controller gets, if `port` is the controller; else without meaning.
        max_len: u16,
    },
    /// `output:SRC[…]`: send to the port whose number some bits of a field hold.
    OutputReg {
        /// The number's place.
        src: Subfield,
        /// As in [`Action::Output`].
        max_len: u16,
    },
    /// `output(port=…,max_len=…)`: send the first bytes of the packet to a port.
    OutputTruncated {
        /// Where to: an ordinary port, `LOCAL` or `IN_PORT`.
        port: OfPort,
        /// How many bytes.
        max_len: u32,
    },
    /// `bundle`, `bundle_load`: choose a port by a hash, and send there or write its number.
    Bundle(Box<Bundle>),
    /// `controller(…)`: send to a controller with more to say than [`Action::Output`] can.
    Controller(Box<ToController>),
    /// `enqueue`: send to a port by one of its queues.
    Enqueue {
        /// Where to.
        port: OfPort,
        /// Which queue.
        queue: u32,
    },
    /// `group`: process by a group's buckets.
    Group(u32),
    /// `set_queue`: choose the queue of the outputs that follow.
    SetQueue(u32),
    /// `pop_queue`: forget the choice.
    PopQueue,
    /// `set_field` or `load`: write a field or some bits of it.
    SetField(SetField),
    /// `set_field` or `load` of a tunnel option.
    SetOption(Box<SetOption>),
    /// `mod_*`: write a field as OpenFlow 1.0 named it.
    Mod(Mod),
    /// `move`: copy bits from field to field.
    Move {
        /// What to read.
        src: Subfield,
        /// What to write, as wide.
        dst: Subfield,
    },
    /// `mod_vlan_vid`: write the VLAN identifier; without a tag one is pushed in 1.0, in 1.1 nothing happens.
    SetVlanVid {
        /// The identifier.
        vid: VlanId,
        /// Whether a packet without a tag gets one (not in OpenFlow 1.1 and later).
        push: bool,
    },
    /// `mod_vlan_pcp`: write the priority, likewise.
    SetVlanPcp {
        /// 0 to 7.
        pcp: u8,
        /// As in [`Action::SetVlanVid`].
        push: bool,
    },
    /// `strip_vlan`, `pop_vlan`: take the outermost tag off, if there is one.
    PopVlan {
        /// Whether it was written as `strip_vlan`, 1.0's name.
        strip: bool,
    },
    /// `push_vlan`: put a tag of this Ethernet type (0x8100 or 0x88a8) on.
    PushVlan(u16),
    /// `push_mpls`: put a label of this Ethernet type (0x8847 or 0x8848) on.
    PushMpls(u16),
    /// `pop_mpls`: take the outermost label off; the Ethernet type becomes this.
    PopMpls(u16),
    /// `set_mpls_label`.
    SetMplsLabel(u32),
    /// `set_mpls_tc`.
    SetMplsTc(u8),
    /// `set_mpls_ttl`.
    SetMplsTtl(u8),
    /// `dec_mpls_ttl`: one less; at 0 or 1 the packet goes to the controller instead.
    DecMplsTtl,
    /// `dec_ttl`: one less, IPv4 or IPv6; at 0 or 1 the packet goes to these controllers instead.
    DecTtl(Vec<u16>),
    /// `set_tunnel`, `set_tunnel64`: the key of the tunnels that the packet goes out by.
    SetTunnel {
        /// The key.
        id: u64,
        /// Whether it is written in 64 bits although 32 would do.
        wide: bool,
    },
    /// `resubmit`: look up again, come back, go on.
    Resubmit {
        /// Port of entry to pretend, or [`OfPort::IN_PORT`] for the real one.
        in_port: OfPort,
        /// Table, or [`TableId::ALL`] for this one.
        table: TableId,
        /// Whether the lookup sees the connection's original direction in place of addresses and ports.
        ct: bool,
    },
    /// `ct`: pass the connection tracker.
    Ct(Box<Ct>),
    /// `ct_clear`: forget what the connection tracker said.
    CtClear,
    /// `nat`: translate addresses; only inside of [`Action::Ct`].
    Nat(Box<Nat>),
    /// `learn`: add a flow.
    Learn(Box<Learn>),
    /// `clone`: run actions on a copy of the packet.
    Clone(Vec<Action>),
    /// `conjunction`: one dimension of a conjunctive match.
    Conjunction {
        /// Which conjunctive match.
        id: u32,
        /// Which dimension, from 0.
        clause: u8,
        /// How many dimensions, 2 to 64.
        n_clauses: u8,
    },
    /// `multipath`: write a number that a hash chooses.
    Multipath(Box<Multipath>),
    /// `sample`: tell collectors about some of the packets.
    Sample(Box<Sample>),
    /// `encap`: put a header on.
    Encap(Box<Encap>),
    /// `decap`: take the outermost header off.
    Decap(PacketType),
    /// `dec_nsh_ttl`: one less in the network service header.
    DecNshTtl,
    /// `check_pkt_larger`: write 1 if the packet is longer than this, else 0.
    CheckPktLarger {
        /// Bytes, from the Ethernet header on.
        len: u16,
        /// One bit.
        dst: Subfield,
    },
    /// `delete_field`: take a tunnel option away.
    DeleteField(ovs_flow::Field),
    /// `push`: put bits on the stack.
    StackPush(Subfield),
    /// `pop`: take bits off the stack.
    StackPop(Subfield),
    /// `note`: nothing, with bytes that say why.
    Note(Vec<u8>),
    /// `exit`: stop translating.
    Exit,
    /// `fin_timeout`: shorten the rule's timeouts when a connection ends.
    FinTimeout {
        /// Idle timeout from then on, seconds; 0 leaves it.
        idle: u16,
        /// Hard timeout from then on, seconds; 0 leaves it.
        hard: u16,
    },
    /// `meter`: pass a meter first.
    Meter(u32),
    /// `clear_actions`: forget the action set.
    ClearActions,
    /// `write_actions(…)`: put actions into the action set.
    WriteActions(Vec<Action>),
    /// `write_metadata`: write bits of the metadata field.
    WriteMetadata {
        /// What to write.
        value: u64,
        /// Which bits.
        mask: u64,
    },
    /// `goto_table`: go on in a later table.
    GotoTable(TableId),
}

impl Action {
    /// Output to a port, whole packets.
    pub const fn output(port: OfPort) -> Self {
        let max_len = if port.0 == OfPort::CONTROLLER.0 { NO_BUFFER } else { 0 };
        Self::Output { port, max_len }
    }

    /// Whether this is an instruction in OpenFlow 1.1 and later.
    pub const fn is_instruction(&self) -> bool {
        matches!(
            self,
            Self::Meter(_)
                | Self::ClearActions
                | Self::WriteActions(_)
                | Self::WriteMetadata { .. }
                | Self::GotoTable(_)
        )
    }

    /// The port that this action names as its output, if it does (what `out_port` filters look at).
    pub const fn out_port(&self) -> Option<OfPort> {
        match self {
            Self::Output { port, .. } | Self::OutputTruncated { port, .. } | Self::Enqueue { port, .. } => {
                Some(*port)
            }
            Self::Controller(_) => Some(OfPort::CONTROLLER),
            _ => None,
        }
    }

    /// Whether a list outputs to `port`, in its action set included.
    pub fn list_outputs_to(list: &[Self], port: OfPort) -> bool {
        list.iter().any(|action| match action {
            Self::Bundle(bundle) => bundle.dst.is_none() && bundle.members.contains(&port),
            Self::WriteActions(set) | Self::Clone(set) => Self::list_outputs_to(set, port),
            other => other.out_port() == Some(port),
        })
    }

    /// Whether a list sends to group `group`, in its action set included.
    pub fn list_uses_group(list: &[Self], group: u32) -> bool {
        list.iter().any(|action| match action {
            Self::WriteActions(set) | Self::Clone(set) => Self::list_uses_group(set, group),
            other => *other == Self::Group(group),
        })
    }
}
