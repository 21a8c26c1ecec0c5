//! README's second command: everything that the tests need, then every test.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use crate::run::{root, status};
use crate::{clean, peer};

/// Installs, fetches, cleans up after dead runs, runs `cargo test`, and tells what was skipped.
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
    let mut tests = Command::new("cargo");
    tests.current_dir(root()).args(["test", "--workspace", "--locked", "--no-fail-fast"]).args(args);
    let mut skipped = run_counting(&mut tests)?;
    skipped.extend(dpdk()?);
    clean::sweep();
    for line in &skipped {
        println!("{line}");
    }
    println!("{} tests skipped", skipped.len());
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
    let mut tests = Command::new("cargo");
    tests.current_dir(root()).args(["test", "--locked", "-p", "ovs-netdev", "--features", "dpdk"]);
    run_counting(tests.args(["--test", "dpdk", "--target-dir", "target/dpdk"]))
}

/// Runs the tests, passes their standard error on, and collects the lines that begin with `SKIPPED`.
fn run_counting(tests: &mut Command) -> Result<BTreeSet<String>, String> {
    let mut child = tests.stderr(Stdio::piped()).spawn().map_err(|e| format!("cargo: {e}"))?;
    let mut skipped = BTreeSet::new();
    if let Some(stderr) = child.stderr.take() {
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            if let Some(at) = line.find("SKIPPED ") {
                skipped.insert(line[at..].to_owned());
            }
            eprintln!("{line}");
        }
    }
    match child.wait() {
        Ok(status) if status.success() => Ok(skipped),
        Ok(status) => Err(format!("tests failed ({status})")),
        Err(error) => Err(error.to_string()),
    }
}
