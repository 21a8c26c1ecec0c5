//! The distribution's tools, as oracle.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The distribution's `ovs-ofctl`: unpacked under `target/peer`, or installed. `None`, said on standard error,
/// if there is none; that fails where the environment has `CI`.
pub fn ofctl(test: &str) -> Option<PathBuf> {
    let workspace =
        Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(|w| w.join("target/peer/usr/bin/ovs-ofctl"));
    if let Some(path) = workspace.filter(|p| p.exists()) {
        return Some(path);
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|dir| dir.join("ovs-ofctl")).find(|p| p.exists());
    if found.is_none() {
        assert!(std::env::var_os("CI").is_none(), "no ovs-ofctl");
        eprintln!("SKIPPED {test}: no ovs-ofctl");
    }
    found
}

/// What the tool prints to both outputs when `input` is its standard input.
pub fn run(program: &Path, args: &[&str], input: &str) -> String {
    let mut child = Command::new(program)
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the tool starts");
    let mut stdin = child.stdin.take().expect("piped");
    let input = input.to_owned();
    let writer = std::thread::spawn(move || {
        // A tool that stops at an error closes the pipe early.
        let _ = stdin.write_all(input.as_bytes());
    });
    let output = child.wait_with_output().expect("the tool ends");
    writer.join().expect("writer");
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}
