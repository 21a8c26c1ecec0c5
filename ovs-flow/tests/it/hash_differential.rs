//! Stable hashes against the distribution's switch: `multipath`, `dp_hash` of select groups, `bond/hash`.

use std::process::{Command, Stdio};

use ovs_flow::hash::stable::{Fields, bond_hash, dp_hash, dp_hash_symmetric};
use ovs_flow::text::{DpDisplay, NoNames};
use ovs_flow::{DpPort, FlowKey};

use crate::extract::key_of;
use crate::generate::{Rng, packet};
use crate::peer;
use crate::switch::Switch;

const HASHED: [Fields; 7] = [
    Fields::EthSrc,
    Fields::SymmetricL4,
    Fields::SymmetricL3L4,
    Fields::SymmetricL3L4Udp,
    Fields::SymmetricL3,
    Fields::NwSrc,
    Fields::NwDst,
];

/// Runs `ovs-ofctl COMMAND` on the switch's bridge.
fn ofctl(switch: &Switch, program: &std::path::Path, command: &str, what: &str) {
    let target = format!("unix:{}/br0.mgmt", switch.dir().display());
    let status = Command::new(program)
        .args(["-OOpenFlow15", command, &target, what])
        .stdin(Stdio::null())
        .status()
        .expect("a tool");
    assert!(status.success(), "{command} {what}");
}

/// Keys of all kinds that a datapath takes in its own syntax, without a second tag, which the switch does not look for.
fn keys(count: usize) -> Vec<FlowKey> {
    let mut rng = Rng(0x00c0_ffee_1234_5677);
    let keys = std::iter::repeat_with(|| {
        let mut key = key_of(&packet(&mut rng));
        key.in_port = 1;
        key
    });
    keys.filter(|key| {
        key.vlans[1].tci.get() == 0 && key.dl_type.get() != 0x894f && key.dl_type.get() >= 0x600
    })
    .take(count)
    .collect()
}

#[test]
fn multipath_goes_the_same_way() {
    let Some(program) = peer::ofctl("multipath_goes_the_same_way") else { return };
    let Some(switch) = Switch::start("multipath") else { return };
    let mut compared = 0;
    for fields in HASHED {
        let name = fields.name().expect("an action's");
        let flow = format!("actions=multipath({name},50,modulo_n,65536,0,NXM_NX_REG0[0..15])");
        ofctl(&switch, &program, "add-flow", &flow);
        for key in keys(60) {
            let text = DpDisplay::key(&key, &NoNames).to_string();
            // Of connections and other metadata the trace wants to know nothing.
            let text =
                text.split_once("in_port(").map(|(_, rest)| format!("in_port({rest}")).expect("a port");
            let Ok(trace) = switch.ask("ofproto/trace", &["ovs-dummy", &text]) else { continue };
            let link = trace.split_once("NXM_NX_REG0[0..15] is now ").map_or("0", |(_, rest)| rest);
            let link = link.split('\n').next().unwrap_or_default().trim_start_matches("0x");
            let ours = fields.hash(&key, 50) & 0xffff;
            assert_eq!(format!("{ours:x}"), link, "{name} {text}");
            compared += 1;
        }
    }
    println!("{compared} links compared");
    assert!(compared > 300, "{compared}");
}

#[test]
fn dp_hash_is_the_same() {
    let Some(program) = peer::ofctl("dp_hash_is_the_same") else { return };
    let Some(switch) = Switch::start("dp_hash") else { return };
    switch.ask("revalidator/pause", &[]).expect("paused");
    let mut compared = 0;
    let buckets = "bucket=bucket_id:0,actions=2,bucket=bucket_id:1,actions=3";
    for (symmetric, basis) in [(false, 0), (false, 7), (true, 0), (true, 9)] {
        let parameter = u64::from(symmetric) << 32 | u64::from(basis);
        let group = "group_id=1,type=select,selection_method=dp_hash,selection_method_param";
        let command = if compared == 0 { "add-group" } else { "mod-group" };
        ofctl(&switch, &program, command, &format!("{group}={parameter},{buckets}"));
        ofctl(&switch, &program, "add-flow", "actions=group:1");
        for key in keys(60) {
            switch.ask("dpctl/del-flows", &["dummy@ovs-dummy"]).expect("deleted");
            let text = DpDisplay::key(&key, &NoNames).to_string();
            if switch.ask("netdev-dummy/receive", &["p1", &text]).is_err() {
                continue;
            }
            let dump = switch.ask("dpctl/dump-flows", &["-m", "dummy@ovs-dummy"]).expect("a dump");
            let hash = dump.split("dp_hash(0x").nth(1).and_then(|rest| rest.split(['/', ')']).next());
            // What the packet made of the text has is what was hashed.
            let mut sent = key_of(&ovs_flow::compose(&key, 64));
            sent.in_port = DpPort(1).0;
            let ours = if symmetric { dp_hash_symmetric(&sent, basis) } else { dp_hash(&sent, basis) };
            let Some(theirs) = hash else { continue };
            assert_eq!(format!("{ours:x}"), theirs, "{symmetric} {basis} {text}\n{dump}");
            compared += 1;
        }
    }
    println!("{compared} dp_hashes compared");
    assert!(compared > 150, "{compared}");
}

#[test]
fn bonds_hash_addresses_the_same() {
    let Some(switch) = Switch::start("bond_hash") else { return };
    let mut rng = Rng(9);
    for _ in 0..300 {
        let mac: [u8; 6] = rng.bytes(6).try_into().expect("six");
        let (vlan, basis) = (rng.below(4096) as u16, rng.next() as u32 >> 1);
        let text: Vec<_> = mac.iter().map(|b| format!("{b:02x}")).collect();
        let answer = switch.ask("bond/hash", &[&text.join(":"), &vlan.to_string(), &basis.to_string()]);
        let answer = answer.map(|text| text.trim_end().to_owned());
        assert_eq!(answer, Ok((bond_hash(mac, vlan, basis) & 0xff).to_string()));
    }
}
