//! The distribution's own switch, database and network stack, as clients, peers and oracle.
//!
//! Packages with daemons are downloaded and unpacked under `target/peer`, never installed, so that no
//! service starts on a user's machine. Libraries and plain tools come by `apt-get install`, and for virtual machines QEMU,
//! which starts nothing by itself either.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use crate::controllers;
use crate::kernel;
use crate::run::{is_root, output, root, status};

/// Unpacked, not installed.
const UNPACKED: &[&str] = &[
    "openvswitch-common",
    "openvswitch-switch",
    "openvswitch-switch-dpdk",
    "openvswitch-testcontroller",
    "ovn-common",
    "ovn-central",
    "ovn-host",
];

/// Installed: libraries that the above need, and tools without daemons.
const INSTALLED: &[&str] = &[
    "libbpf1",
    "libdpdk-dev",
    "pkg-config",
    "libcap-ng0",
    "libnuma1",
    "libssl3",
    "libunbound8",
    "libxdp1",
    "openssl",
    "libudev1",
    "iproute2",
    "iputils-ping",
    "ethtool",
    "iperf3",
    "tcpdump",
    "tshark",
    "python3",
    "python3-venv",
    "python3-openvswitch",
    "python3-scapy",
    "procps",
    "valgrind",
    "util-linux",
    "qemu-system-x86",
];

/// Installs what tests need beside the peers; needs root.
pub fn install_tools() -> Result<(), String> {
    let listed = output(Command::new("dpkg-query").args(["-W", "-f", "${Package} ${Status}\n"]));
    let have = |name: &str| listed.lines().any(|l| l == format!("{name} install ok installed"));
    let missing: Vec<&str> = INSTALLED.iter().copied().filter(|name| !have(name)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    if !is_root() {
        eprintln!(
            "not root, so these packages are not installed and tests that need them are skipped: {missing:?}"
        );
        return Ok(());
    }
    status(Command::new("apt-get").args(["update", "-qq"]))?;
    let mut install = Command::new("apt-get");
    install.env("DEBIAN_FRONTEND", "noninteractive").args([
        "install",
        "-y",
        "-qq",
        "--no-install-recommends",
        // What is there already stays: another version of a virtual machine's tools, say.
        "--no-remove",
    ]);
    // iperf3 asks whether it may run as a daemon; the answer without a question is no.
    status(install.args(&missing).stdout(std::process::Stdio::null()))
}

/// Downloads and unpacks the peers, and installs controllers, unless they are there already.
pub fn fetch() -> Result<(), String> {
    let peer = root().join("target/peer");
    // A tree of fewer packages is made anew.
    let (mark, all) = (peer.join("complete"), UNPACKED.join("\n"));
    if !fs::read_to_string(&mark).is_ok_and(|text| text == all) {
        unpack(&peer)?;
        fs::write(mark, all).map_err(|e| e.to_string())?;
    }
    if cfg!(target_arch = "x86_64") {
        kernel::fetch(&peer)?;
    }
    controllers::fetch(&peer)
}

fn unpack(peer: &Path) -> Result<(), String> {
    let downloads = peer.join("deb");
    fs::create_dir_all(&downloads).map_err(|e| format!("{}: {e}", downloads.display()))?;
    // apt's sandbox user cannot write into a user's folder; the warning about that is of no interest here.
    let mut get = Command::new("apt-get");
    get.current_dir(&downloads).args(["-o", "APT::Sandbox::User=root", "download", "-qq"]).args(UNPACKED);
    if status(&mut get).is_err() && is_root() {
        status(Command::new("apt-get").args(["update", "-qq"]))?;
        status(&mut get)?;
    }
    let entries = fs::read_dir(&downloads).map_err(|e| e.to_string())?;
    let mut unpacked = 0;
    for entry in entries.flatten() {
        status(Command::new("dpkg-deb").arg("-x").arg(entry.path()).arg(peer))?;
        unpacked += 1;
    }
    if unpacked < UNPACKED.len() {
        return Err(format!("only {unpacked} of {} peer packages could be fetched", UNPACKED.len()));
    }
    link(peer)
}

/// Debian chooses between switches by an installed link; the unpacked tree gets its own.
fn link(peer: &Path) -> Result<(), String> {
    let link = peer.join("usr/sbin/ovs-vswitchd");
    if fs::symlink_metadata(&link).is_ok() {
        return Ok(());
    }
    symlink("../lib/openvswitch-switch/ovs-vswitchd", &link).map_err(|e| format!("{}: {e}", link.display()))
}
