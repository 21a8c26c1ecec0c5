//! Running other programs, and finding the workspace.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The workspace's root folder.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new(".")).to_owned()
}

/// Runs a command to its end; an error tells what failed.
pub fn status(command: &mut Command) -> Result<(), String> {
    let shown = format!("{command:?}");
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{shown}: {status}")),
        Err(error) => Err(format!("{shown}: {error}")),
    }
}

/// Runs a command and returns what it printed; empty if it could not run.
pub fn output(command: &mut Command) -> String {
    let bytes = command.output().map(|output| output.stdout).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Whether this process may install packages and make namespaces.
pub fn is_root() -> bool {
    output(Command::new("id").arg("-u")).trim() == "0"
}

/// All tracked or new Rust source files of the workspace, relative to its root, sorted.
pub fn rust_files() -> Vec<String> {
    let mut git = Command::new("git");
    git.current_dir(root()).args(["ls-files", "--cached", "--others", "--exclude-standard", "*.rs"]);
    let mut files: Vec<String> = output(&mut git).lines().map(str::to_owned).collect();
    files.retain(|file| root().join(file).exists());
    files.sort();
    files
}
