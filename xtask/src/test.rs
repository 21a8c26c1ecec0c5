//! README's second command: everything that the tests need, then every test.

use std::collections::BTreeSet;
use std::process::Command;

use crate::run::{root, status};
use crate::{clean, peer, tested};

/// Installs, fetches, cleans up after dead runs, runs `cargo test`, and tells what was skipped or unsteady.
pub fn run(args: &[String]) -> Result<(), String> {
    peer::install_tools()?;
    if let Err(why) = peer::fetch() {
        if std::env::var_os("CI").is_some() {
            return Err(why);
        }
        eprintln!("{why}; tests that compare with the distribution's programs are skipped");
    }
    clean::sweep();
    // Tests of the programs run the programs as they are built here.
    status(Command::new("cargo").current_dir(root()).args(["build", "--workspace", "--bins", "--locked"]))?;
    let again = || {
        let mut tests = Command::new("cargo");
        tests.current_dir(root()).args(["test", "--locked", "--no-fail-fast"]);
        tests
    };
    let told = tested::run(again().arg("--workspace").args(args), again)?;
    let mut skipped = told.skipped;
    skipped.extend(dpdk()?);
    clean::sweep();
    for test in &told.unsteady {
        println!("UNSTEADY {test}: failed, and passed when it was repeated");
    }
    for line in &skipped {
        println!("{line}");
    }
    println!("{} tests unsteady, {} tests skipped", told.unsteady.len(), skipped.len());
    if !skipped.is_empty() && std::env::var_os("CI").is_some() {
        return Err("in CI no test may be skipped".to_owned());
    }
    Ok(())
}

/// The tests of the feature that needs DPDK's headers. What it builds is kept apart, so that switching the feature
/// on and off does not build the workspace anew each time.
fn dpdk() -> Result<BTreeSet<String>, String> {
    if !Command::new("pkg-config").args(["--exists", "libdpdk"]).status().is_ok_and(|s| s.success()) {
        let line = "SKIPPED ovs-netdev's tests of DPDK: libdpdk-dev is not installed".to_owned();
        return Ok(BTreeSet::from([line]));
    }
    let again = || {
        let mut tests = Command::new("cargo");
        let feature = ["test", "--locked", "--features", "dpdk", "--target-dir", "target/dpdk"];
        tests.current_dir(root()).args(feature);
        tests
    };
    let told = tested::run(again().args(["-p", "ovs-netdev", "--test", "dpdk"]), again)?;
    Ok(told.skipped)
}
