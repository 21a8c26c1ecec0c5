//! The bars on length: nine source files in ten within 500 lines, none over 1,000.

use std::fs;

use crate::layers::is_test;
use crate::run::{root, rust_files};

const USUAL: usize = 500;
const MOST: usize = 1000;

/// Counts lines and names what is over the bars.
pub fn check() -> Result<(), String> {
    let mut lengths = Vec::new();
    for file in rust_files().into_iter().filter(|f| !is_test(f)) {
        let text = fs::read_to_string(root().join(&file)).map_err(|e| format!("{file}: {e}"))?;
        lengths.push((text.lines().count(), file));
    }
    lengths.sort();
    let total: usize = lengths.iter().map(|(lines, _)| lines).sum();
    let long = lengths.iter().filter(|(lines, _)| *lines > USUAL).count();
    let median = lengths.get(lengths.len() / 2).map_or(0, |(lines, _)| *lines);
    println!("sizes: {} files, {total} lines, median {median}, {long} over {USUAL}", lengths.len());
    let too_long: Vec<String> = lengths
        .iter()
        .filter(|(lines, _)| *lines > MOST)
        .map(|(lines, file)| format!("{file}: {lines} lines"))
        .collect();
    if !too_long.is_empty() {
        return Err(format!("over {MOST} lines:\n{}", too_long.join("\n")));
    }
    if long * 10 > lengths.len() {
        return Err(format!("{long} of {} files are over {USUAL} lines", lengths.len()));
    }
    Ok(())
}
