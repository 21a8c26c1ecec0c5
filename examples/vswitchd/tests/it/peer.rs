//! Finding the distribution's programs, which serve as clients and peers.

use std::io::Write as _;
use std::path::{Path, PathBuf};

/// The path of `name`, unpacked under `target/peer` or installed. Without it the test `test` is skipped with a
/// line on standard error, and fails where `CI` is set.
pub fn program(test: &str, name: &str) -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/peer/usr");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = [root.join("sbin"), root.join("bin")]
        .into_iter()
        .chain(std::env::split_paths(&path))
        .chain([PathBuf::from("/usr/sbin")])
        .map(|dir| dir.join(name))
        .find(|file| file.is_file());
    if found.is_none() {
        skip(test, &format!("{name} is not installed"));
    }
    found
}

/// Says that `test` is skipped; fails where `CI` is set.
pub fn skip(test: &str, why: &str) {
    assert!(std::env::var_os("CI").is_none(), "{test}: {why}");
    // The test harness keeps what the macros print; this line must be seen.
    let _ = writeln!(std::io::stderr(), "SKIPPED {test}: {why}");
}
