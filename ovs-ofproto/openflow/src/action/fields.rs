//! Which fields actions name.

use ovs_flow::Field;

use super::{Action, CtZone, LearnDst, LearnSrc};

/// Calls `visit` with each field that a list of actions reads or writes, those of lists inside included; with a field as
/// often as it is named.
pub fn for_each_field(actions: &[Action], visit: &mut dyn FnMut(Field)) {
    for action in actions {
        match action {
            Action::OutputReg { src, .. } | Action::StackPush(src) => visit(src.field()),
            Action::StackPop(dst) | Action::CheckPktLarger { dst, .. } => visit(dst.field()),
            Action::Bundle(bundle) => bundle.dst.iter().for_each(|dst| visit(dst.field())),
            Action::Multipath(choice) => visit(choice.dst.field()),
            Action::Move { src, dst } => {
                visit(src.field());
                visit(dst.field());
            }
            Action::SetField(set) => visit(set.field),
            Action::DeleteField(field) => visit(*field),
            Action::Learn(learn) => {
                learn.result_dst.iter().for_each(|dst| visit(dst.field()));
                for spec in &learn.specs {
                    if let LearnSrc::Field(src) = spec.src {
                        visit(src.field());
                    }
                    if let LearnDst::Match(dst) | LearnDst::Load(dst) = spec.dst {
                        visit(dst.field());
                    }
                }
            }
            Action::Ct(ct) => {
                if let CtZone::Field(src) = ct.zone {
                    visit(src.field());
                }
                for_each_field(&ct.actions, visit);
            }
            Action::Clone(list) | Action::WriteActions(list) => for_each_field(list, visit),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::{NoNames, parse_actions};

    #[test]
    fn fields_are_found_wherever_they_are_named() {
        let text = "set_field:1->reg0,move:reg1[]->reg2[],push:reg3[],pop:reg4[],output:reg5[],\
                    multipath(eth_src,50,hrw,4,0,reg6[0..1]),learn(table=1,NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[],\
                    load:NXM_NX_REG7[]->NXM_NX_REG8[]),ct(zone=NXM_NX_REG9[0..15],exec(set_field:1->ct_mark)),\
                    clone(check_pkt_larger(9)->reg10[0]),delete_field:tun_metadata3";
        let actions = parse_actions(text, &NoNames).unwrap();
        let mut names = Vec::new();
        for_each_field(&actions, &mut |field| names.push(field.name()));
        let wanted =
            "reg0 reg1 reg2 reg3 reg4 reg5 reg6 eth_src eth_dst reg7 reg8 reg9 ct_mark reg10 tun_metadata3";
        assert_eq!(names.join(" "), wanted);
    }
}
