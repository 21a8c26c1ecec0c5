//! Controllers in Python, from the package index, in an environment of their own: os-ken and Faucet.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::run::{root, status};

/// The last release of os-ken that still had its applications in the package that is built.
const APPLICATIONS: &str = "os-ken==1.0.0";

/// What is taken of that.
const TAKEN: &[&str] = &["rest_router", "simple_switch_13", "simple_switch_14", "simple_switch_15", "wsgi"];

/// Installs them under `target/peer/venv`, unless what is there is what `ci/controllers.txt` says.
pub fn fetch(peer: &Path) -> Result<(), String> {
    let wanted = root().join("ci/controllers.txt");
    let (venv, mark) = (peer.join("venv"), peer.join("venv/complete"));
    let list = fs::read_to_string(&wanted).map_err(|e| format!("{}: {e}", wanted.display()))?;
    if fs::read_to_string(&mark).is_ok_and(|present| present == list) {
        return Ok(());
    }
    if venv.exists() {
        fs::remove_dir_all(&venv).map_err(|e| format!("{}: {e}", venv.display()))?;
    }
    status(Command::new("python3").args(["-m", "venv"]).arg(&venv))?;
    let pip = || {
        let mut command = Command::new(venv.join("bin/python"));
        command.args(["-m", "pip", "--quiet", "--disable-pip-version-check"]);
        command
    };
    status(pip().args(["install", "--requirement"]).arg(&wanted))?;
    let unpacked = peer.join("os-ken-applications");
    let unpack = ["install", "--no-deps", "--upgrade", "--only-binary=:all:", APPLICATIONS, "--target"];
    status(pip().args(unpack).arg(&unpacked))?;
    let folder = packages(&venv)?.join("os_ken/app");
    for name in TAKEN {
        let file = format!("{name}.py");
        fs::copy(unpacked.join("os_ken/app").join(&file), folder.join(&file))
            .map_err(|e| format!("{file}: {e}"))?;
    }
    fs::write(&mark, list).map_err(|e| e.to_string())
}

/// Where an environment keeps its packages.
fn packages(venv: &Path) -> Result<PathBuf, String> {
    let lib = venv.join("lib");
    let entries = fs::read_dir(&lib).map_err(|e| format!("{}: {e}", lib.display()))?;
    let python = entries.flatten().find(|entry| entry.file_name().to_string_lossy().starts_with("python3"));
    python
        .map(|entry| entry.path().join("site-packages"))
        .ok_or_else(|| "no Python in its environment".to_owned())
}
