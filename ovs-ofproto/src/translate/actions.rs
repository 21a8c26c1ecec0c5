//! Which action is whose business.

use ovs_flow::{OfPort, TableId};
use ovs_openflow::Action;

use super::TranslateError;
use super::context::Context;
use crate::trace::{NodeKind, Tracer};

impl<'s, T: Tracer> Context<'s, T> {
    /// Runs a list of actions in order.
    pub(super) fn run_list(&mut self, list: &'s [Action]) {
        for action in list {
            if self.stopped() {
                return;
            }
            self.report(NodeKind::Action, || action.to_string());
            if !self.run(action) {
                return;
            }
        }
    }

    /// Runs one action; `false` if the rest of the list is not to run.
    fn run(&mut self, action: &'s Action) -> bool {
        match action {
            Action::Output { port, max_len } => self.output(*port, *max_len),
            Action::OutputReg { src, max_len } => self.output_field(*src, *max_len),
            Action::Controller(to) => self.punt_as_asked(to),
            Action::Enqueue { port, queue } => self.enqueue(*port, *queue),
            Action::Group(group) => return self.group(*group),
            Action::Meter(meter) => self.meter(*meter),
            Action::SetQueue(queue) => self.flow.skb_priority = *queue,
            Action::PopQueue => self.pop_queue(),
            Action::Resubmit { in_port, table, ct: false } => self.resubmit(*in_port, *table),
            Action::GotoTable(table) => {
                let port = self.flow.of_port();
                self.go_to_table(*table, port, true, false);
            }
            Action::WriteActions(set) => self.write_actions(set),
            Action::ClearActions => self.clear_actions(),
            Action::Exit => self.exit = true,
            Action::Note(_) => {}
            Action::DecTtl(controllers) => return self.dec_ttl(controllers),
            Action::PushVlan(tpid) => self.push_vlan(*tpid),
            Action::PopVlan { .. } => self.pop_vlan(),
            Action::SetVlanVid { vid, push } => self.set_vlan_vid(vid.get(), *push),
            Action::SetVlanPcp { pcp, push } => self.set_vlan_pcp(*pcp, *push),
            Action::SetField(set) => self.set_field(set),
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

    fn resubmit(&mut self, in_port: OfPort, table: TableId) {
        let port = if in_port == OfPort::IN_PORT { self.flow.of_port() } else { in_port };
        let table = if table == TableId::ALL { self.table } else { table };
        let deeper = table <= self.table;
        self.go_to_table(table, port, false, deeper);
    }
}
