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
    let skipped = run_counting(&mut tests)?;
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
