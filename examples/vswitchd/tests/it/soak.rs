//! A slice of the soak of ovs-benches: traffic, ports, flows and readings at the same time, and what is left of them.

use std::time::Duration;

use ovs_benches::Programs;
use ovs_benches::soak::{Options, soak};

use crate::harness::{exclusive, tools};

/// A few seconds cannot tell a slow leak from a pool of packets that took one frame more; the soak itself can.
const LIVE: f64 = 0.05;

#[test]
fn a_mixed_load_leaves_nothing() {
    let _lock = exclusive();
    if tools("a_mixed_load_leaves_nothing").is_none() {
        return;
    }
    let programs = Programs::with_switch(env!("CARGO_BIN_EXE_vswitchd"));
    let options = Options::default().time(Duration::from_secs(8)).warm_up(Duration::from_secs(4)).rate("50M");
    let report = soak(&programs, &options, &|_| ()).unwrap();
    let faults = report.faults_beyond(LIVE);
    assert!(faults.is_empty(), "{faults:?}\n{report}");
}
