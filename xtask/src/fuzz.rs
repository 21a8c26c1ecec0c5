//! Runs the fuzz targets of a crate, or of all, for some seconds each.

use std::fs;
use std::process::{Command, Stdio};

use crate::run::{root, status};

/// `fuzz [CRATE] [SECONDS]`: CRATE is a prefix of target names (`packet`, `flow` …), SECONDS 20 unless told.
pub fn run(args: &[String]) -> Result<(), String> {
    let seconds = args.iter().find_map(|a| a.parse::<u32>().ok()).unwrap_or(20);
    let wanted =
        args.iter().find(|a| a.parse::<u32>().is_err()).map(|a| a.trim_start_matches("ovs-").to_owned());
    let targets: Vec<String> = targets()?
        .into_iter()
        .filter(|t| wanted.as_ref().is_none_or(|w| t.starts_with(w.as_str())))
        .collect();
    if targets.is_empty() {
        return Err("no such fuzz target".to_owned());
    }
    let mut build = cargo_fuzz();
    status(build.args(["build", "--release"]))?;
    for target in &targets {
        one(target, seconds)?;
    }
    Ok(())
}

fn one(target: &str, seconds: u32) -> Result<(), String> {
    let corpus = format!("corpus/{target}");
    fs::create_dir_all(root().join("fuzz").join(&corpus)).map_err(|e| e.to_string())?;
    // What a run finds goes to a folder of its own, so that the committed corpus stays small.
    let found = root().join("fuzz/target/found").join(target);
    fs::create_dir_all(&found).map_err(|e| e.to_string())?;
    let mut run = cargo_fuzz();
    run.args(["run", "--release", target]).arg(&found).arg(&corpus).arg("--");
    run.arg(format!("-max_total_time={seconds}")).args([
        "-print_final_stats=1",
        "-rss_limit_mb=4096",
        "-timeout=10",
    ]);
    let output = run.stderr(Stdio::piped()).output().map_err(|e| format!("cargo fuzz: {e}"))?;
    let text = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        return Err(format!("fuzz target {target} found something:\n{text}"));
    }
    let last = |word: &str| {
        let line = text.lines().rev().find(|l| l.contains(word)).unwrap_or_default();
        line.split(word)
            .nth(1)
            .unwrap_or_default()
            .trim_start_matches([':', ' '])
            .split_whitespace()
            .next()
            .unwrap_or("?")
            .to_owned()
    };
    println!(
        "fuzz {target}: {} executions, {} edges, {} in corpus",
        last("number_of_executed_units"),
        last("cov"),
        last("corp").split('/').next().unwrap_or("?")
    );
    Ok(())
}

fn cargo_fuzz() -> Command {
    let mut command = Command::new("cargo");
    command.current_dir(root().join("fuzz")).env("RUSTC_BOOTSTRAP", "1").args(["fuzz"]);
    command
}

/// The names of all targets, sorted.
fn targets() -> Result<Vec<String>, String> {
    let folder = root().join("fuzz/fuzz_targets");
    let entries = fs::read_dir(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let mut names: Vec<String> = entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str().and_then(|n| n.strip_suffix(".rs")).map(str::to_owned))
        .collect();
    names.sort();
    Ok(names)
}
