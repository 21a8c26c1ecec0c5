//! Megaflows from files: `dpctl/add-flows`, `mod-flows`, `del-flows`.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read};

use ovs_db::unixctl::Request;

use super::super::Vswitchd;
use super::megaflow::{self, Operation};
use super::{Answer, Command, done, fail};

/// What a line asks for unless it says so itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// `add`
    Add,
    /// `modify`
    Modify,
    /// `delete`
    Delete,
}

impl Change {
    const NAMES: [(&str, Self); 3] = [("add", Self::Add), ("modify", Self::Modify), ("delete", Self::Delete)];
}

/// Lines of a file that are still to be worked on, one after the other.
#[derive(Debug, Default)]
pub struct Lines {
    rest: VecDeque<(usize, String)>,
    default: Option<Change>,
    /// What was wrong with lines so far.
    said: String,
}

/// `dpctl/add-flows`.
pub fn add(switchd: &mut Vswitchd, request: &Request<Command>) -> Answer {
    run(switchd, request, Change::Add)
}

/// `dpctl/mod-flows`.
pub fn modify(switchd: &mut Vswitchd, request: &Request<Command>) -> Answer {
    run(switchd, request, Change::Modify)
}

/// `dpctl/del-flows`: of a file, or, without one, all.
pub fn delete(switchd: &mut Vswitchd, request: &Request<Command>) -> Answer {
    let names_datapath = |arg: &String| switchd.datapaths.values().any(|dp| names(dp, arg));
    match request.args.as_slice() {
        [] => megaflow::delete_all(switchd, request),
        [one] if names_datapath(one) => megaflow::delete_all(switchd, request),
        _ => run(switchd, request, Change::Delete),
    }
}

fn names(datapath: &super::super::datapath::Datapath, name: &str) -> bool {
    super::datapath::full_name(datapath) == name || datapath.switch.dpif().name() == name
}

/// Bytes of a file at most.
const LONGEST: u64 = 256 << 20;

/// A file's text, which is held while its lines are worked on.
fn read(file: &str) -> std::io::Result<String> {
    let mut text = String::new();
    let read = std::fs::File::open(file)?.take(LONGEST + 1).read_to_string(&mut text)?;
    if read as u64 > LONGEST { Err(ErrorKind::FileTooLarge.into()) } else { Ok(text) }
}

fn run(switchd: &mut Vswitchd, request: &Request<Command>, default: Change) -> Answer {
    let (name, file) = match request.args.as_slice() {
        [file] => (None, file),
        [name, file] => (Some(name.as_str()), file),
        _ => return fail("a file is needed"),
    };
    let text = match read(file) {
        Ok(text) => text,
        Err(error) => {
            let program = &switchd.program.name;
            let why = error.to_string();
            let why = why.split(" (os error").next().unwrap_or_default();
            return done(format!("{program}: Opening file \"{file}\" failed ({why})\n"));
        }
    };
    let numbered = (1..).zip(text.lines());
    let counted = numbered.map(|(number, line)| (number, line.split('#').next().unwrap_or_default().trim()));
    let rest = counted.filter(|(_, line)| !line.is_empty()).map(|(n, line)| (n, line.to_owned())).collect();
    let lines = Lines { rest, default: Some(default), said: String::new() };
    next(switchd, request.id, name, lines)
}

/// Goes on with the next line; the answer if there is none left.
pub fn next(
    switchd: &mut Vswitchd,
    id: ovs_db::unixctl::RequestId,
    datapath: Option<&str>,
    mut lines: Lines,
) -> Answer {
    while let Some((number, line)) = lines.rest.pop_front() {
        let (word, others) = line.split_once(' ').unwrap_or((&line, ""));
        let named = Change::NAMES.iter().find(|(name, _)| *name == word);
        let change = named.map(|(_, change)| *change).or(lines.default).unwrap_or(Change::Add);
        let line = if named.is_some() { others.trim() } else { line.as_str() };
        let (flow, actions) = line.split_once(' ').unwrap_or((line, ""));
        if actions.trim().is_empty() != (change == Change::Delete) {
            let program = &switchd.program.name;
            lines.say(&format!("{program}: Failed parsing line number {number}, skipped!"));
            continue;
        }
        match megaflow::begin(switchd, datapath, change, (flow, actions.trim())) {
            Ok(begun) => {
                switchd.operations.push(Operation::of_file(begun, id, lines));
                return None;
            }
            Err(error) => lines.say(&error),
        }
    }
    done(lines.said)
}

impl Lines {
    /// What is wrong with a line is told in the answer, and the next one is worked on.
    pub(super) fn say(&mut self, error: &str) {
        self.said.push_str(error);
        self.said.push('\n');
    }
}
