//! What a figure was measured on.

use std::process::Command;

use crate::{run, workspace};

/// The machine, in one line: processor, cores, memory, kernel.
pub fn description() -> String {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let after = |text: &str, name: &str| {
        let line = text.lines().find(|line| line.starts_with(name)).unwrap_or_default();
        line.split(':').nth(1).unwrap_or_default().trim().to_owned()
    };
    let (processors, memory) = (read("/proc/cpuinfo"), read("/proc/meminfo"));
    let cores = processors.lines().filter(|line| line.starts_with("processor")).count();
    let kibibytes: u64 =
        after(&memory, "MemTotal").split_whitespace().next().and_then(|n| n.parse().ok()).unwrap_or(0);
    let virtual_machine = if processors.contains(" hypervisor") { ", virtual" } else { "" };
    format!(
        "{}, {cores} cores{virtual_machine}, {} GiB, Linux {}",
        after(&processors, "model name"),
        kibibytes.div_ceil(1 << 20),
        read("/proc/sys/kernel/osrelease").trim()
    )
}

/// The commit that is checked out, abbreviated, with `+` if files differ from it.
pub fn commit() -> String {
    let git = |args: &[&str]| run(Command::new("git").current_dir(workspace()).args(args));
    let head = git(&["rev-parse", "--short", "HEAD"]).unwrap_or_default();
    let changed = git(&["status", "--porcelain", "--untracked-files=no"]).is_ok_and(|text| !text.is_empty());
    format!("{}{}", head.trim(), if changed { "+" } else { "" })
}

/// Today, as `2026-01-31`.
pub fn today() -> String {
    run(Command::new("date").args(["-u", "+%F"])).unwrap_or_default().trim().to_owned()
}
