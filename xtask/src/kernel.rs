//! A kernel of the distribution's with its modules, for the virtual machines of tests, and a shell for their beginning.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::run::{output, status};

/// Names the current kernel's package among what it depends on.
const NAMES: &str = "linux-image-cloud-amd64";

/// Downloads and unpacks them under `target/peer/kernel`, unless something is there.
pub fn fetch(peer: &Path) -> Result<(), String> {
    let folder = peer.join("kernel");
    let mark = folder.join("complete");
    if mark.exists() {
        return Ok(());
    }
    let depends = output(Command::new("apt-cache").args(["depends", NAMES]));
    let kernel = depends.lines().find_map(|line| line.trim().strip_prefix("Depends: "));
    let kernel = kernel.ok_or_else(|| format!("apt knows no {NAMES}"))?;
    let downloads = folder.join("deb");
    fs::create_dir_all(&downloads).map_err(|e| format!("{}: {e}", downloads.display()))?;
    let mut get = Command::new("apt-get");
    get.current_dir(&downloads).args([
        "-o",
        "APT::Sandbox::User=root",
        "download",
        "-qq",
        kernel,
        "busybox-static",
    ]);
    status(&mut get)?;
    for entry in fs::read_dir(&downloads).map_err(|e| e.to_string())?.flatten() {
        status(Command::new("dpkg-deb").arg("-x").arg(entry.path()).arg(&folder))?;
        fs::remove_file(entry.path()).map_err(|e| e.to_string())?;
    }
    fs::write(mark, kernel).map_err(|e| e.to_string())
}
