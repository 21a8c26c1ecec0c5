//! Namespaces of our own: what a lab does in them, nobody else sees.

use std::fs;
use std::io;

use rustix::thread::UnshareFlags;

use super::LabError;

/// Enters a network namespace of our own; without root, a user namespace first, in which we are root.
/// Must be called before the process has a second thread.
pub fn enter() -> Result<(), LabError> {
    let (uid, gid) = (rustix::process::geteuid(), rustix::process::getegid());
    if !uid.is_root() {
        unshare(UnshareFlags::NEWUSER).map_err(|source| LabError::Namespace {
            kind: "user",
            source,
            hint: "this system does not let ordinary users make one: run the lab as root",
        })?;
        let map = |file: &str, line: String| {
            fs::write(file, line).map_err(|source| LabError::Namespace {
                kind: "user",
                source,
                hint: "this system does not let ordinary users be root in one: run the lab as root",
            })
        };
        map("/proc/self/setgroups", "deny".to_owned())?;
        map("/proc/self/uid_map", format!("0 {} 1", uid.as_raw()))?;
        map("/proc/self/gid_map", format!("0 {} 1", gid.as_raw()))?;
    }
    own_network()
}

/// Leaves the network namespace for a new, empty one.
pub fn own_network() -> Result<(), LabError> {
    unshare(UnshareFlags::NEWNET).map_err(|source| LabError::Namespace {
        kind: "network",
        source,
        hint: "run the lab as root, or where namespaces are allowed",
    })
}

fn unshare(flags: UnshareFlags) -> io::Result<()> {
    // SAFETY: only user and network namespaces are left, never the file descriptor table; nothing in this
    // process relies on being in a particular one of them.
    unsafe { rustix::thread::unshare_unsafe(flags) }.map_err(io::Error::from)
}
