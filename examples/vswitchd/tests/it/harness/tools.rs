//! Where the distribution's programs are.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The distribution's programs.
#[derive(Clone, Debug)]
pub struct Tools {
    peer: PathBuf,
}

/// Says why a test does not run; in CI that is a failure.
pub fn skip(test: &str, why: &str) {
    // Written around the test harness, which would hide it.
    let _ = writeln!(std::io::stderr(), "SKIPPED {test}: {why}");
    assert!(std::env::var_os("CI").is_none(), "in CI no test may be skipped: {test}: {why}");
}

/// The programs, or `None` after having said that the test is skipped. Every test that uses them needs root.
pub fn tools(test: &str) -> Option<Tools> {
    let peer = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/peer");
    let tools = Tools { peer };
    if !rustix::process::geteuid().is_root() {
        skip(test, "needs root");
        return None;
    }
    for name in ["ovs-vsctl", "ovs-ofctl", "ovs-appctl", "ovsdb-server", "ovsdb-tool", "ovs-vswitchd"] {
        if tools.find(name).is_none() {
            skip(test, &format!("{name} is not here (cargo xtask peer fetches it)"));
            return None;
        }
    }
    Some(tools)
}

impl Tools {
    /// Where a program is: unpacked under `target/peer`, or installed.
    pub fn find(&self, name: &str) -> Option<PathBuf> {
        let unpacked = ["usr/bin", "usr/sbin", "usr/lib/openvswitch-switch"].map(|d| self.peer.join(d));
        let installed = std::env::var_os("PATH").map(|p| std::env::split_paths(&p).collect::<Vec<_>>());
        let folders = unpacked.into_iter().chain(installed.unwrap_or_default());
        folders.map(|f| f.join(name)).find(|f| f.exists())
    }

    /// A command that runs a program.
    pub fn command(&self, name: &str) -> Command {
        Command::new(self.find(name).unwrap_or_else(|| name.into()))
    }

    /// The distribution's schema file.
    pub fn schema(&self) -> PathBuf {
        let unpacked = self.peer.join("usr/share/openvswitch/vswitch.ovsschema");
        if unpacked.exists() { unpacked } else { "/usr/share/openvswitch/vswitch.ovsschema".into() }
    }
}
