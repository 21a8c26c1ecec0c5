//! Datapath syntax: any text gives a flow or an error; what a flow prints as is accepted, and prints the same again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ovs_flow::text::{DpDisplay, FlowDisplay, NoNames, parse_dp_flow, parse_dp_key};
use ovs_flow::{FlowMask, compose};

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Err(error) = parse_dp_key(text, &NoNames) {
        let _ = error.to_string();
    }
    let Ok((key, mask)) = parse_dp_flow(text, &NoNames) else { return };
    let whole = DpDisplay::key(&key, &NoNames).to_string();
    let (again, _) = parse_dp_flow(&whole, &NoNames).expect("what was printed");
    assert_eq!(DpDisplay::key(&again, &NoNames).to_string(), whole);
    for verbose in [false, true] {
        let print = |key, mask| DpDisplay::masked(key, mask, &NoNames).verbose(verbose).to_string();
        // What is not looked at and so not printed may leave what does not parse, as the original's `erspan()`.
        if let Ok((again, again_mask)) = parse_dp_flow(&print(&key, &mask), &NoNames) {
            let _ = print(&again, &again_mask);
        }
        let _ = DpDisplay::masked(&key, &mask, &NoNames).masked_values(true).verbose(verbose).to_string();
    }
    let _ = DpDisplay::masked(&key, &FlowMask::for_packet(&key), &NoNames).to_string();
    let _ = FlowDisplay { key: &key, ports: &NoNames }.to_string();
    let _ = compose(&key, 8);
});
