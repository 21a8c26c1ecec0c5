//! The connection tracker: `ct`, `ct_clear`, and lookups by a connection's original tuple.
//!
//! The datapath takes a copy of the packet through the tracker and, if a table is named, looks at that copy anew: what
//! the tracker said is known only there. The list goes on with a packet of which nothing is known.

use std::net::IpAddr;

use ovs_dpif::conntrack::{CtAction, Helper, NatAction, NatRange, NatSelect};
use ovs_dpif::{Action as DpAction, Masked};
use ovs_flow::{Field, FlowKey, TableId};
use ovs_openflow::Action;
use ovs_openflow::action::{AddressRange, Ct, CtZone, Nat, NatFlags};

use super::context::Context;
use super::freeze::clear_conntrack;
use super::list::List;
use super::{Resumed, TranslateError};
use crate::trace::Tracer;

/// Ports of the applications whose messages are read.
const FTP: u16 = 21;
const TFTP: u16 = 69;

impl<'s, T: Tracer> Context<'s, T> {
    /// `ct`.
    pub(super) fn ct(&mut self, ct: &'s Ct) {
        let zone = self.ct_zone(ct.zone);
        self.commit();
        // What is written to the connection is told by the masks of mark and label, and by them alone.
        let looked_at = (self.mask.fields.ct_mark, self.mask.fields.ct_label);
        (self.mask.fields.ct_mark, self.mask.fields.ct_label) = (0, [0; 16]);
        self.nat = None;
        self.run_list(List::Actions(&ct.actions));
        let written = (self.mask.fields.ct_mark, self.mask.fields.ct_label);
        let helper = self.ct_helper(ct.alg);
        let names_policy = ct.commit && self.snapshot.world.features.ct_timeout;
        let policy = self.snapshot.world.zone_policies.get(&zone).filter(|_| names_policy);
        let action = CtAction {
            commit: ct.commit,
            force: ct.force,
            zone,
            mark: (written.0 != 0).then(|| Masked::new(self.flow.ct_mark, written.0)),
            label: (written.1 != [0; 16]).then(|| Masked::new(self.flow.ct_label, written.1)),
            helper,
            timeout: policy.map(|number| number.to_string().into()),
            nat: self.nat.map(nat_action),
        };
        self.out.push(DpAction::Ct(Box::new(action)));
        (self.mask.fields.ct_mark, self.mask.fields.ct_label) = looked_at;
        if let Some(table) = ct.table {
            self.conntracked = true;
            self.fork_to(table, zone);
        }
        self.nat = None;
        clear_conntrack(&mut self.flow);
        self.conntracked = false;
        self.detail(|| "Sets the packet to an untracked state, and clears all the conntrack fields.".into());
    }

    /// The zone; a field that a frozen packet has from its state is the same for all packets of that state.
    fn ct_zone(&mut self, zone: CtZone) -> u16 {
        match zone {
            CtZone::Number(zone) => zone,
            CtZone::Field(src) => {
                if self.original.recirc_id == 0 || !is_frozen(src.field()) {
                    self.mask_subfield(src);
                }
                self.read(src).low() as u16
            }
        }
    }

    fn ct_helper(&mut self, alg: u16) -> Option<Helper> {
        match alg {
            0 => None,
            FTP => Some(Helper::Ftp),
            TFTP => Some(Helper::Tftp),
            other => {
                self.fail_softly(|| format!("cannot serialize ct_helper {other}"));
                None
            }
        }
    }

    /// The datapath's copy comes again in a table.
    fn fork_to(&mut self, table: TableId, zone: u16) {
        let mut state = self.frozen_state(&[]);
        state.table = table;
        state.action_set = self.action_set.iter().map(|action| (*action).clone()).collect();
        let Some(held) = self.snapshot.shared.recirculation.intern(state) else {
            self.fail(TranslateError::NoRecirculation, || "Failed to allocate recirculation id".into());
            return;
        };
        self.out.push(DpAction::Recirc(held.id));
        if T::ACTIVE {
            let mut key = self.flow;
            (key.recirc_id, key.ct_zone) = (held.id, zone);
            self.resumed.push(Resumed { key, nat: self.nat.cloned() });
            self.detail(|| {
                format!(
                    "A clone of the packet is forked to recirculate. The forked pipeline will be resumed at table \
                     {}.",
                    table.0
                )
            });
        }
        self.frozen.push(held);
    }

    /// `ct_clear`.
    pub(super) fn ct_clear(&mut self) {
        if self.conntracked {
            self.conntracked = false;
            clear_conntrack(&mut self.flow);
            if self.snapshot.world.features.ct_clear {
                self.out.push(DpAction::CtClear);
            }
        }
    }

    /// Whether a lookup by the original tuple can be made.
    pub(super) fn has_tuple(&self) -> bool {
        self.flow.ct_nw_proto != 0 && matches!(self.flow.ethertype(), IPV4 | IPV6)
    }

    /// Exchanges the packet's addresses and ports with those of its connection's first packet; in the mask, too.
    pub(super) fn swap_tuple(&mut self) {
        let v4 = self.flow.ethertype() == IPV4;
        swap_tuple(&mut self.flow, v4);
        swap_tuple(&mut self.mask.fields, v4);
    }
}

const IPV4: u16 = 0x0800;
const IPV6: u16 = 0x86dd;

fn swap_tuple(key: &mut FlowKey, v4: bool) {
    std::mem::swap(&mut key.nw_proto, &mut key.ct_nw_proto);
    std::mem::swap(&mut key.tp_src, &mut key.ct_tp_src);
    std::mem::swap(&mut key.tp_dst, &mut key.ct_tp_dst);
    if v4 {
        std::mem::swap(&mut key.nw_src, &mut key.ct_nw_src);
        std::mem::swap(&mut key.nw_dst, &mut key.ct_nw_dst);
    } else {
        std::mem::swap(&mut key.ipv6_src, &mut key.ct_ipv6_src);
        std::mem::swap(&mut key.ipv6_dst, &mut key.ct_ipv6_dst);
    }
}

/// Whether frozen states have a field: registers, metadata, tunnel, port of entry.
fn is_frozen(field: Field) -> bool {
    let name = field.name();
    name.starts_with("tun_")
        || name.starts_with("reg")
        || name.starts_with("xreg")
        || name.starts_with("xxreg")
        || matches!(name, "metadata" | "in_port" | "in_port_oxm")
}

/// What a datapath does for `nat(…)`.
fn nat_action(nat: &Nat) -> NatAction {
    let addresses = nat.addresses.map(|range| match range {
        AddressRange::V4(first, last) => (IpAddr::V4(first), IpAddr::V4(last)),
        AddressRange::V6(first, last) => (IpAddr::V6(first), IpAddr::V6(last)),
    });
    let range = NatRange {
        addresses,
        ports: nat.ports.filter(|_| addresses.is_some()),
        select: if nat.flags.contains(NatFlags::HASH) {
            NatSelect::Hash
        } else if nat.flags.contains(NatFlags::RANDOM) {
            NatSelect::Random
        } else {
            NatSelect::Default
        },
        persistent: nat.flags.contains(NatFlags::PERSISTENT),
    };
    if nat.flags.contains(NatFlags::SRC) {
        NatAction::Source(range)
    } else if nat.flags.contains(NatFlags::DST) {
        NatAction::Destination(range)
    } else {
        NatAction::Existing
    }
}

/// Whether a list takes packets through the tracker.
pub(super) fn tracks(action: &Action) -> bool {
    matches!(action, Action::Ct(_) | Action::Nat(_))
}
