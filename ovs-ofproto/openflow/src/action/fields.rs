//! Which fields actions name.

use ovs_flow::{Field, Subfield};

use super::{Action, CtZone, LearnDst, LearnSrc};

/// Calls `visit` with each field that a list of actions reads or writes, those of lists inside included, and with how many of
/// its lowest bits it must have for that; with a field as often as it is named.
pub fn for_each_field(actions: &[Action], visit: &mut dyn FnMut(Field, u16)) {
    for action in actions {
        let mut bits = |bits: &Subfield| visit(bits.field(), bits.start() + bits.width());
        match action {
            Action::OutputReg { src, .. } | Action::StackPush(src) => bits(src),
            Action::StackPop(dst) | Action::CheckPktLarger { dst, .. } => bits(dst),
            Action::Bundle(bundle) => bundle.dst.iter().for_each(bits),
            Action::Multipath(choice) => bits(&choice.dst),
            Action::Move { src, dst } => {
                bits(src);
                bits(dst);
            }
            Action::SetField(set) => visit(set.field, 0),
            Action::SetOption(set) => visit(set.field, set.needed_bits()),
            Action::DeleteField(field) => visit(*field, 0),
            Action::Learn(learn) => {
                learn.result_dst.iter().for_each(&mut bits);
                for spec in &learn.specs {
                    if let LearnSrc::Field(src) = &spec.src {
                        bits(src);
                    }
                    if let LearnDst::Match(dst) | LearnDst::Load(dst) = &spec.dst {
                        bits(dst);
                    }
                }
            }
            Action::Ct(ct) => {
                if let CtZone::Field(src) = &ct.zone {
                    bits(src);
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
        for_each_field(&actions, &mut |field, _| names.push(field.name()));
        let wanted =
            "reg0 reg1 reg2 reg3 reg4 reg5 reg6 eth_src eth_dst reg7 reg8 reg9 ct_mark reg10 tun_metadata3";
        assert_eq!(names.join(" "), wanted);
    }
}
