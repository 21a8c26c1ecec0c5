//! What a figure was measured on.

use std::fs;
use std::process::Command;

use crate::{BenchError, run, workspace};

/// The machine, in one line: processor, cores, memory, kernel.
pub fn description() -> String {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
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

/// Of the time stamp counter, as the system tells.
pub fn megahertz() -> f64 {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with("cpu MHz"));
    line.and_then(|line| line.split(':').nth(1)?.trim().parse().ok()).unwrap_or(1000.0)
}

const PAGES: &str = "/proc/sys/vm/nr_hugepages";

/// Huge pages that the system keeps ready. It keeps as many as before when the value goes.
#[derive(Debug)]
pub struct HugePages {
    before: Option<String>,
}

impl HugePages {
    /// Makes sure that there are so many, if memory allows.
    pub fn at_least(count: u64) -> Result<Self, BenchError> {
        let before = fs::read_to_string(PAGES).map_err(BenchError::system(PAGES))?;
        if before.trim().parse::<u64>().is_ok_and(|now| now >= count) {
            return Ok(Self { before: None });
        }
        fs::write(PAGES, count.to_string()).map_err(BenchError::system(PAGES))?;
        Ok(Self { before: Some(before) })
    }
}

impl Drop for HugePages {
    fn drop(&mut self) {
        if let Some(before) = &self.before {
            // Whoever measures has the right to write, having written before.
            let _ = fs::write(PAGES, before.trim());
        }
    }
}
