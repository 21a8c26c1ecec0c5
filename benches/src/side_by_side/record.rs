//! The record of comparisons: a Markdown file with a row for each workload, of the last run that measured it.

use std::path::{Path, PathBuf};

use super::Comparison;
use crate::{BenchError, machine, workspace};

/// What stands above the rows; a table of another head, or of another machine, is begun anew.
const HEAD: &str =
    "| workload (unit) | ours | peer | ratio | | rounds | commit | date |\n|---|--:|--:|--:|---|--:|---|---|";

/// A file of comparisons.
#[derive(Clone, Debug)]
pub struct Record {
    path: PathBuf,
}

impl Record {
    /// The record in the tree.
    pub fn usual() -> Self {
        Self { path: workspace().join("benches/records/side-by-side.md") }
    }

    /// Another one.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Replaces the rows of these workloads and keeps the others.
    pub fn write(&self, comparisons: &[Comparison]) -> Result<(), BenchError> {
        let old = std::fs::read_to_string(&self.path).unwrap_or_default();
        let (commit, today) = (machine::commit(), machine::today());
        let fresh: Vec<String> = comparisons.iter().map(|one| row(one, &commit, &today)).collect();
        let text = merge(&old, &machine::description(), &fresh);
        std::fs::write(&self.path, text).map_err(BenchError::system(self.path.display().to_string()))
    }
}

fn row(one: &Comparison, commit: &str, today: &str) -> String {
    format!("| {} | {} | {commit} | {today} |", one.columns().join(" | "), one.rounds)
}

/// What a row is about: its first column.
fn subject(row: &str) -> &str {
    row.split('|').nth(1).unwrap_or_default().trim()
}

fn merge(old: &str, machine: &str, fresh: &[String]) -> String {
    let same = old.contains(machine) && old.contains(HEAD);
    let table = old.split(HEAD).nth(1).filter(|_| same).unwrap_or_default();
    let mut rows: Vec<&str> = table.lines().filter(|line| line.starts_with("| ")).collect();
    for row in fresh {
        match rows.iter_mut().find(|old| subject(old) == subject(row)) {
            Some(old) => *old = row,
            None => rows.push(row),
        }
    }
    format!(
        "# Side by side\n\nWritten by `cargo run --release -p ovs-benches --bin side-by-side`; what is measured, and how, \
         is in [benches/README.md](../README.md). Figures are medians (least–most); a ratio above 1 is ours.\n\n\
         Machine: {machine}. Peer: the distribution's Open vSwitch.\n\n{HEAD}\n{}\n",
        rows.join("\n")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_replaces_its_own_rows_alone() {
        let first = merge("", "a machine", &["| tcp (x) | 1 |".into(), "| udp (y) | 2 |".into()]);
        let second = merge(&first, "a machine", &["| udp (y) | 3 |".into(), "| add (s) | 4 |".into()]);
        let rows: Vec<&str> = second.lines().filter(|l| l.starts_with("| ")).skip(1).collect();
        assert_eq!(rows, ["| tcp (x) | 1 |", "| udp (y) | 3 |", "| add (s) | 4 |"]);
        let elsewhere = merge(&second, "another machine", &["| tcp (x) | 5 |".into()]);
        assert_eq!(elsewhere.lines().filter(|l| l.starts_with("| ")).count(), 2);
    }
}
