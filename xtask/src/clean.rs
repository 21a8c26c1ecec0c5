//! Removes what dead test runs left behind: namespaces and devices whose name tells the process that made them.
//!
//! Everything that a test makes on the machine is called `ovst-PID-…` (namespaces) or `otPID…` (devices, whose
//! names are short). A name whose process is alive belongs to a run that is going on and stays.

use std::path::Path;
use std::process::Command;

use crate::run::{is_root, output};

/// Sweeps, if this process may; without root there is nothing of ours to find.
pub fn sweep() {
    if !is_root() {
        return;
    }
    for line in output(Command::new("ip").args(["netns", "list"])).lines() {
        let name = line.split_whitespace().next().unwrap_or_default();
        if name.strip_prefix("ovst-").is_some_and(is_dead) {
            kill_inside(name);
            remove(&["netns", "del", name]);
        }
    }
    for line in output(Command::new("ip").args(["-o", "link", "show"])).lines() {
        let name = line.split(':').nth(1).unwrap_or_default().trim().split('@').next().unwrap_or_default();
        if name
            .strip_prefix("ot")
            .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()) && is_dead(rest))
        {
            remove(&["link", "del", name]);
        }
    }
}

/// Whether the process, whose number `rest` begins with, is no more.
fn is_dead(rest: &str) -> bool {
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    !digits.is_empty() && !Path::new("/proc").join(digits).exists()
}

/// Ends what still runs in a dead run's namespace: nobody else can be in there.
fn kill_inside(namespace: &str) {
    for pid in output(Command::new("ip").args(["netns", "pids", namespace])).split_whitespace() {
        output(Command::new("kill").args(["-9", pid]));
    }
}

fn remove(args: &[&str]) {
    println!("removing what a dead test run left: ip {}", args.join(" "));
    output(Command::new("ip").args(args));
}
