//! Which action is whose business.

use ovs_flow::{OfPort, TableId};
use ovs_openflow::Action;
use ovs_openflow::text::ActionsDisplay;

use super::TranslateError;
use super::context::Context;
use super::list::{Item, List};
use crate::recirc::Step;
use crate::trace::{NodeKind, Tracer};

impl<'s, T: Tracer> Context<'s, T> {
    /// Runs a list of actions in order; `false` if one of them said that the rest is not to run.
    pub(super) fn run_list(&mut self, list: List<'s>) -> bool {
        if list.is_empty() {
            self.report(NodeKind::Action, || "drop".into());
            return true;
        }
        let (last, mut whole) = (self.last, true);
        let mut rest = list;
        while self.error.is_none() {
            let Some((item, others)) = rest.split_first() else { break };
            let action = match item {
                Item::Action(action) => action,
                Item::From(step) => {
                    self.resume_as(step);
                    rest = others;
                    continue;
                }
            };
            self.recirculate_for_mpls(action);
            if self.exit {
                if self.freezing {
                    self.keep(rest);
                }
                break;
            }
            let names = self.names();
            self.report(NodeKind::Action, || {
                ActionsDisplay::with_ports(std::slice::from_ref(action), &names).to_string()
            });
            self.last = last && others.is_empty() && self.action_set.is_empty();
            if !self.run(action, others) {
                whole = false;
                break;
            }
            if std::mem::take(&mut self.again) {
                self.keep(rest);
                break;
            }
            rest = others;
        }
        self.last = last;
        whole
    }

    /// What follows is of another rule than what came before.
    fn resume_as(&mut self, step: &Step) {
        if let Step::From { table, cookie } = step {
            self.report(NodeKind::Action, || step.to_string());
            (self.table, self.cookie) = (*table, *cookie);
        }
    }

    /// Runs one action; `false` if the rest of the list is not to run.
    fn run(&mut self, action: &'s Action, rest: List<'s>) -> bool {
        self.may_differ |= !matches!(action, Action::GotoTable(_) | Action::Resubmit { .. });
        match action {
            Action::Output { port, max_len } => self.output(*port, *max_len),
            Action::OutputReg { src, max_len } => self.output_field(*src, *max_len),
            Action::Controller(to) => self.punt_as_asked(to),
            Action::Enqueue { port, queue } => self.enqueue(*port, *queue),
            Action::Group(group) => return self.group(*group),
            Action::Meter(meter) => self.meter(*meter),
            Action::SetQueue(queue) => self.set_queue(*queue),
            Action::PopQueue => self.pop_queue(),
            Action::Resubmit { in_port, table, ct } => self.resubmit(*in_port, *table, *ct),
            Action::Ct(ct) => self.ct(ct),
            Action::Nat(nat) => self.nat = Some(nat),
            Action::CtClear => self.ct_clear(),
            Action::GotoTable(table) => {
                let port = self.flow.of_port();
                self.go_to_table(*table, port, true, false);
            }
            Action::WriteActions(set) => self.write_actions(set),
            Action::ClearActions => self.clear_actions(),
            Action::Exit => self.exit = true,
            // Collectors of samples are configured in no bridge of this switch.
            Action::Note(_) | Action::Sample(_) => {}
            Action::DeleteField(field) => self.delete_field(*field),
            Action::OutputTruncated { port, max_len } => self.output_truncated(*port, *max_len),
            Action::Bundle(bundle) => self.bundle(bundle),
            Action::Multipath(choice) => self.multipath(choice),
            Action::Clone(list) => self.run_clone(List::Actions(list)),
            Action::CheckPktLarger { len, dst } if !self.snapshot.world.features.check_pkt_len => {
                self.check_this_packet(*len, *dst);
            }
            Action::CheckPktLarger { len, dst } => {
                self.check_pkt_larger(*len, *dst, rest);
                return false;
            }
            Action::Learn(learn) => self.learn_flow(learn),
            Action::Conjunction { .. } => self.fail_softly(|| "executing no-op conjunction action".into()),
            Action::FinTimeout { idle, hard } => self.fin_timeout(*idle, *hard),
            Action::PushMpls(ethertype) => self.push_mpls(*ethertype),
            Action::PopMpls(ethertype) => self.pop_mpls(*ethertype),
            Action::SetMplsLabel(label) => self.set_mpls_label(*label),
            Action::SetMplsTc(tc) => self.set_mpls_tc(*tc),
            Action::SetMplsTtl(ttl) => self.set_mpls_ttl(*ttl),
            Action::DecMplsTtl => return self.dec_mpls_ttl(),
            Action::Encap(encap) => self.encap(encap),
            Action::Decap(to) => self.decap(*to),
            Action::DecNshTtl => return self.dec_nsh_ttl(),
            Action::DecTtl(controllers) => return self.dec_ttl(controllers),
            Action::PushVlan(tpid) => self.push_vlan(*tpid),
            Action::PopVlan { .. } => self.pop_vlan(),
            Action::SetVlanVid { vid, push } => self.set_vlan_vid(vid.get(), *push),
            Action::SetVlanPcp { pcp, push } => self.set_vlan_pcp(*pcp, *push),
            Action::SetField(set) => self.set_field(set),
            Action::SetOption(set) => self.set_option(set),
            Action::Mod(change) => self.modify(*change),
            Action::Move { src, dst } => self.move_bits(*src, *dst),
            Action::StackPush(src) => self.stack_push(*src),
            Action::StackPop(dst) => self.stack_pop(*dst),
            Action::SetTunnel { id, .. } => self.flow.tunnel.id.set(*id),
            Action::WriteMetadata { value, mask } => self.write_metadata(*value, *mask),
            _ => {
                let text = || format!("action {action} is not supported");
                self.fail(TranslateError::Unsupported, text);
            }
        }
        true
    }

    fn resubmit(&mut self, in_port: OfPort, table: TableId, by_tuple: bool) {
        let port = if in_port == OfPort::IN_PORT { self.flow.of_port() } else { in_port };
        let table = if table == TableId::ALL { self.table } else { table };
        let deeper = table <= self.table;
        if by_tuple {
            self.go_by_tuple(table, port, deeper);
        } else {
            self.go_to_table(table, port, false, deeper);
        }
    }
}
