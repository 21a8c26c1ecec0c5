//! What README and CI run: `cargo xtask COMMAND`.
//!
//! ```text
//!   test [ARGS]   install what the tests need (as root), run every test, count what was skipped
//!   peer          fetch the distribution's switches and databases, and controllers, into target/peer
//!   layers        check that crates depend only on what the design's arrows reach, and where unsafe stands
//!   sizes         check the length of source files and of what escapes the lints
//!   fuzz [CRATE] [SECONDS]   run the fuzz targets, print executions, edges and corpus
//!   clean         remove namespaces and devices that dead test runs left behind
//! ```
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command-line program")]

mod clean;
mod controllers;
mod fuzz;
mod kernel;
mod layers;
mod peer;
mod run;
mod sizes;
mod test;
mod tested;

use std::process::ExitCode;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let rest = args.get(1..).unwrap_or_default();
    let result = match args.first().map(String::as_str) {
        Some("test") => test::run(rest),
        Some("peer") => peer::fetch(),
        Some("layers") => layers::check(),
        Some("sizes") => sizes::check(),
        Some("fuzz") => fuzz::run(rest),
        Some("clean") => {
            clean::sweep();
            Ok(())
        }
        _ => Err("usage: cargo xtask test|peer|layers|sizes|fuzz|clean".to_owned()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("xtask: {why}");
            ExitCode::FAILURE
        }
    }
}
