//! Texts that are refused, and why.

use ovs_openflow::FlowModCommand;
use ovs_openflow::text::{NoNames, parse_actions, parse_flow_mod, parse_flow_mods};

fn refusal(text: &str) -> String {
    parse_flow_mod(FlowModCommand::Add, text, &NoNames).expect_err(text).to_string()
}

#[test]
fn refusals_name_what_is_wrong() {
    assert_eq!(refusal("tcp"), "must specify an action");
    assert_eq!(refusal("actions=frobnicate"), "unknown action frobnicate");
    assert_eq!(refusal("priority=65536,actions=1"), "priority: '65536' is not a number from 0 to 65535");
    assert_eq!(refusal("actions=mod_vlan_vid:4096"), "mod_vlan_vid: '4096' is not a VLAN from 0 to 4095");
    assert_eq!(refusal("actions=resubmit(1"), "resubmit: missing closing parenthesis");
    assert_eq!(
        refusal("actions=drop,1"),
        "\"drop\" must not be accompanied by any other action or instruction"
    );
    assert_eq!(refusal("actions=load:1->NXM_OF_ETH_TYPE[]"), "load: field eth_type is read-only");
    assert!(refusal("wibble=3,actions=1").contains("wibble"));
}

#[test]
fn a_file_names_its_line() {
    let error = parse_flow_mods("actions=1\n# two\nactions=wat\n", &NoNames).expect_err("line 3");
    assert_eq!(error.to_string(), "line 3: unknown action wat");
    assert_eq!(parse_flow_mods("delete\nadd actions=1\n\n", &NoNames).map(|f| f.len()), Ok(2));
}

#[test]
fn actions_print_as_the_tools_do() {
    for text in [
        "drop",
        "output:1,NORMAL,LOCAL,CONTROLLER:128",
        "mod_vlan_vid:5,mod_dl_src:00:11:22:33:44:55",
        "resubmit(,1),resubmit:3,resubmit(2,3)",
        "load:0x1->NXM_NX_REG0[],move:NXM_NX_REG0[0..15]->NXM_NX_REG1[16..31]",
        "set_field:0x5->reg0,set_field:0x10/0xf0->reg1",
        "controller(reason=no_match,max_len=100,id=7)",
        "meter:1,output:1,clear_actions,write_actions(output:2),write_metadata:0x1/0xff,goto_table:5",
    ] {
        let actions = parse_actions(text, &NoNames).expect(text);
        assert_eq!(ovs_openflow::text::ActionsDisplay::new(&actions).to_string(), text);
    }
}
