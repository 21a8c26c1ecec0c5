//! Finding and running `ovs-ofctl`.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Where it is: unpacked under the workspace's `target/peer`, else on the path. Without it the test is skipped, but
/// not in CI.
pub(crate) fn find(test: &str) -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let unpacked = root.join("target/peer/usr/bin/ovs-ofctl");
    let candidates = [unpacked, PathBuf::from("ovs-ofctl")];
    let found = candidates.into_iter().find(|p| Command::new(p).arg("--version").output().is_ok());
    if found.is_none() {
        assert!(std::env::var_os("CI").is_none(), "{test}: ovs-ofctl is needed in CI");
        eprintln!("SKIPPED {test}: no ovs-ofctl");
    }
    found
}

/// Runs it to its end.
pub(crate) fn run(ofctl: &Path, args: &[&str]) -> Output {
    Command::new(ofctl).args(args).output().expect("ovs-ofctl runs")
}

/// What it prints of messages, through a file.
pub(crate) fn parse(ofctl: &Path, bytes: &[u8]) -> String {
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    std::fs::write(file.path(), bytes).expect("written");
    let out = run(ofctl, &["ofp-parse", file.path().to_str().expect("a path in UTF-8")]);
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).expect("UTF-8")
}
