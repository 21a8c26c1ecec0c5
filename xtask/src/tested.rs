//! Running `cargo test`, and what its output tells: which tests were skipped, and which failed where.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};
use std::sync::mpsc;

/// More failures than this are no accident, and are not repeated.
const ACCIDENTS: usize = 5;

/// What a run has told.
#[derive(Debug, Default)]
pub struct Told {
    /// Lines that begin with `SKIPPED`.
    pub skipped: BTreeSet<String>,
    /// Names of tests that failed, and of those that passed.
    failed: BTreeSet<String>,
    passed: BTreeSet<String>,
    /// Where they did, as cargo's arguments: `-p NAME --test it`.
    targets: BTreeSet<String>,
    /// Tests that failed at first and passed when they were repeated.
    pub unsteady: BTreeSet<String>,
}

impl Told {
    fn line(&mut self, line: &str) {
        if let Some(at) = line.find("SKIPPED ") {
            self.skipped.insert(line[at..].to_owned());
        }
        if let Some((name, result)) = line.strip_prefix("test ").and_then(|rest| rest.rsplit_once(" ... ")) {
            match result {
                "ok" => drop(self.passed.insert(name.to_owned())),
                "FAILED" => drop(self.failed.insert(name.to_owned())),
                _ => {}
            }
        }
        let quoted = line.trim().strip_prefix("`-p ").and_then(|rest| rest.strip_suffix('`'));
        self.targets.extend(quoted.map(|target| format!("-p {target}")));
    }
}

/// Runs tests. The few that fail run once more, by themselves: what the machine did to them at first it will hardly do
/// again, and a fault will. They are told apart in what the run prints.
pub fn run(tests: &mut Command, again: impl Fn() -> Command) -> Result<Told, String> {
    let (mut told, result) = once(tests)?;
    let Err(why) = result else { return Ok(told) };
    if told.failed.is_empty() || told.failed.len() > ACCIDENTS || told.targets.is_empty() {
        return Err(why);
    }
    println!("repeating what failed: {:?}", told.failed);
    let mut passed = BTreeSet::new();
    for target in &told.targets {
        let mut repeated = again();
        repeated.args(target.split(' ')).args(["--", "--exact"]).args(&told.failed);
        let (more, result) = once(&mut repeated)?;
        told.skipped.extend(more.skipped);
        passed.extend(more.passed);
        result?;
    }
    // What was not found again has not passed.
    if !told.failed.is_subset(&passed) {
        return Err(why);
    }
    told.unsteady = std::mem::take(&mut told.failed);
    Ok(told)
}

/// Runs tests once, passing on what they print.
fn once(tests: &mut Command) -> Result<(Told, Result<(), String>), String> {
    let spawned = tests.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = spawned.map_err(|e| format!("cargo: {e}"))?;
    let (lines, received) = mpsc::channel();
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let (to_out, to_err) = (lines.clone(), lines);
    std::thread::spawn(move || pass_on(out, |line| println!("{line}"), &to_out));
    std::thread::spawn(move || pass_on(err, |line| eprintln!("{line}"), &to_err));
    let mut told = Told::default();
    for line in received {
        told.line(&line);
    }
    let result = match child.wait() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("tests failed ({status})")),
        Err(error) => Err(error.to_string()),
    };
    Ok((told, result))
}

fn pass_on(from: Option<impl Read>, show: impl Fn(&str), to: &mpsc::Sender<String>) {
    for line in from.into_iter().flat_map(|from| BufReader::new(from).lines().map_while(Result::ok)) {
        show(&line);
        if to.send(line).is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_read() {
        let mut told = Told::default();
        let text = "test a::b ... ok\ntest a::c ... FAILED\nSKIPPED d: why\nerror: 1 target failed:\n    `-p x --test it`\n";
        for line in text.lines() {
            told.line(line);
        }
        assert_eq!(told.failed, BTreeSet::from(["a::c".to_owned()]));
        assert_eq!(told.targets, BTreeSet::from(["-p x --test it".to_owned()]));
        assert_eq!(told.skipped, BTreeSet::from(["SKIPPED d: why".to_owned()]));
    }

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn what_fails_once_is_told_and_what_fails_twice_fails() {
        let fails = "echo 'test a::c ... FAILED'; echo '    `-p x --test it`' >&2; exit 1";
        let passes = "echo 'test a::c ... ok'; [ \"$0 $*\" = '-p x --test it -- --exact a::c' ]";
        let told = run(&mut shell(fails), || shell(passes));
        assert_eq!(told.unwrap().unsteady, BTreeSet::from(["a::c".to_owned()]));
        assert!(run(&mut shell(fails), || shell("echo 'test a::b ... ok'")).is_err(), "not found again");
        assert!(run(&mut shell(fails), || shell("exit 1")).is_err());
        assert!(run(&mut shell("exit 1"), || shell("true")).is_err());
        assert!(run(&mut shell("true"), || shell("exit 1")).unwrap().unsteady.is_empty());
    }
}
